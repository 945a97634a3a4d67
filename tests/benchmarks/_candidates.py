"""Candidates that were made worse on purpose, kind after kind, and honest ones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipelines.dataset import TrainingSet
from pipelines.model import FitParameters
from tests.benchmarks._leaks import LEAKS
from tests.benchmarks._wear import DAY
from tests.benchmarks._world import NOW, RETRAINED, TRAINED, World, world

__all__ = ["SMALL", "Case", "cases"]

SMALL = FitParameters(
    trees=30,
    quantile_trees=16,
    folds=4,
    leaves=6,
    min_rows_in_leaf=8,
    feature_share=0.7,
    rows_per_life=24,
    max_bins=31,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate: its kind, what was done to it, how it is made, and what it is judged by."""

    kind: str
    what: str
    data: TrainingSet
    parameters: FitParameters
    world: World
    can_remake: bool = True


def shuffled(known: TrainingSet, seed: int) -> tuple[str, TrainingSet]:
    """Targets that belong to other rows: of all lives, of the same life, of another life, or upside down."""
    rng = np.random.default_rng(seed)
    failed = np.flatnonzero(np.isfinite(known.rul))
    rul = known.rul.copy()
    way = seed % 4
    if way == 0:
        rul[failed] = rng.permutation(rul[failed])
        return "among all rows", replace(known, rul=rul)
    units = np.unique(known.unit[failed])
    for unit in units if way != 3 else rng.choice(units, int(0.7 * units.size), replace=False):
        own = known.unit == unit
        longest = rul[own].max() + 1
        rul[own] = (
            rng.permutation(rul[own])
            if way == 1
            else longest - rul[own]
            if way == 2
            else rng.uniform(0, longest, own.sum())
        )
    return ("inside each life", "upside down", "in 70 % of the lives")[way - 1], replace(known, rul=rul)


def dropped(known: TrainingSet, seed: int) -> tuple[str, TrainingSet]:
    """Features that went missing: a sensor, the long memory, or any half of them."""
    rng = np.random.default_rng(seed)
    ways = (
        ("all of vibration", [n for n in known.names if n.startswith("vibration")]),
        ("the long memory", [n for n in known.names if n.endswith((".mean", ".delta", ".over_first"))]),
        ("all but age and load", [n for n in known.names if n not in ("age", "load")]),
        ("any half", list(rng.choice(known.names, len(known.names) // 2, replace=False))),
        ("all of heat", [n for n in known.names if n.startswith("heat")]),
    )
    what, gone = ways[seed % len(ways)]
    x = known.x.copy()
    x[:, [known.names.index(name) for name in gone]] = np.nan
    return what, replace(known, x=x)


def overfit(seed: int) -> tuple[str, FitParameters]:
    """Parameters with which a forest learns its rows by heart."""
    hungry = replace(SMALL, leaves=127, min_rows_in_leaf=1, l2=0.0, feature_share=1.0, max_bins=255, seed=seed)
    ways = (
        ("one row a leaf", replace(hungry, trees=120)),
        ("steps of 0.5", replace(hungry, learning_rate=0.5, trees=60)),
        ("steps of 1", replace(hungry, learning_rate=1.0, quantile_learning_rate=1.0, trees=30)),
        ("three times the trees", replace(hungry, learning_rate=0.2, trees=120, quantile_trees=48)),
        ("few rows a leaf", replace(hungry, leaves=63, min_rows_in_leaf=2, learning_rate=0.3, trees=80)),
    )
    return ways[seed % len(ways)]


def cases(fleet_: World, machines: int, seed: int, each: int, honest: int) -> Iterator[Case]:
    """The bad candidates, kind after kind, then the honest ones."""
    known = fleet_.known(RETRAINED)
    for i in range(each):
        what, data = shuffled(known, i)
        yield Case("shuffled target", what, data, replace(SMALL, seed=i), fleet_)
    for i in range(each):
        what, data = dropped(known, i)
        yield Case("dropped features", what, data, replace(SMALL, seed=i), fleet_)
    for name, (leak, is_plain) in list(LEAKS.items())[:each]:
        leaking = world(machines, seed, (name, leak))
        yield Case("leaked feature", name, leaking.known(RETRAINED), SMALL, leaking, can_remake=not is_plain)
    for i in range(each):
        what, parameters = overfit(i)
        yield Case("overfit", what, known, parameters, fleet_)
    for i in range(each):
        days = 40 + 2 * i
        yield Case(
            "stale data",
            f"{days} days old",
            fleet_.known(NOW - days * DAY),
            replace(SMALL, seed=i),
            fleet_,
        )
    for i in range(honest):
        as_of = (TRAINED, RETRAINED, NOW)[i % 3]
        yield Case(
            "honest",
            f"known {as_of:%Y-%m-%d}, seed {i}",
            fleet_.known(as_of),
            replace(SMALL, seed=100 + i),
            fleet_,
        )
