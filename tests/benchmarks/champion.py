"""Candidates made worse on purpose against a champion: none may be promoted; honest ones mostly should be.

A synthetic fleet wears out, lives follow each other on its machines, and a champion learns from what is known at a
moment. Ten candidates each have their target shuffled, lose features, get a feature that leaks, learn by heart, or
learn from stale data; honest ones learn from more lives, or with other seeds. Everything goes through
`pipelines.model.fit` and `pipelines.champion.judge`, as a plant's own candidates do.
"""

import sys
from pathlib import Path

# A neighbour has the name of a package: started as a script, this folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint, Plant, Site
from features.core.tables import FEATURE_ROWS
from features.core.telemetry import configure_logs
from features.core.units import Quantity
from pipelines.champion import Contender, Judged, Verdict, judge
from pipelines.dataset import Life, TrainingSet
from pipelines.model import FitParameters, fit
from pipelines.splits import grouped_folds
from pipelines.training.held_out import held_out

Floats = npt.NDArray[np.float64]
Series = dict[str, Floats]

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
STEP = dt.timedelta(hours=6)
DAY = dt.timedelta(days=1)
MEMORY = dt.timedelta(days=3)
SPAN = 12  # steps in MEMORY
FINGERPRINT = "0123456789abcdef"
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
# Moments of the champion's training, of the honest retraining, and of the judgement.
TRAINED, RETRAINED, NOW = BEGIN + 62 * DAY, BEGIN + 80 * DAY, BEGIN + 96 * DAY


@dataclass(frozen=True, slots=True)
class Lived:
    """One life of the fleet: place, number, first step, what its sensors read at each step, how it ended."""

    machine: str
    number: int
    first: int
    raw: Floats
    failed: bool

    @property
    def unit(self) -> str:
        return f"{self.machine}/DE#{self.number}"

    def steps(self, as_of: dt.datetime) -> int:
        """Steps that were over at a moment."""
        return max(0, min(len(self.raw), (as_of - BEGIN) // STEP - self.first))


def fleet(machines: int, seed: int) -> list[Lived]:
    """Lives that follow each other on each machine; wear starts late and grows at a speed of its own."""
    rng = np.random.default_rng(seed)
    lives = []
    for machine in range(machines):
        first, number = int(rng.integers(0, 60)), 1
        while first < 400:
            n = int(np.clip(rng.weibull(3.0) * 110, 40, 200))
            onset, speed = n * rng.uniform(0.3, 0.7), rng.uniform(1.5, 4.0)
            age = np.arange(1, n + 1)
            wear = np.clip((age - onset) / (n - onset), 0.0, None) ** speed
            shape = rng.normal(0.0, 0.15, (3, 1)) + rng.normal(0.0, [[0.14], [0.2], [1.0]], (3, n))
            raw = np.stack([0.4 + wear, 0.2 + 0.7 * wear, 0.0 * wear]) + shape
            failed = rng.random() > 0.15
            lives.append(
                Lived(f"M{machine:02d}", number, first, raw[:, : n if failed else int(n * 0.8)].T, failed)
            )
            first, number = first + len(lives[-1].raw) + 4, number + 1
    return lives


def causal(raw: Floats) -> Series:
    """Features of each step from the steps up to it."""
    vibration, heat, load = raw.T
    named = {"vibration": vibration, "heat": heat, "load": load}
    found = dict(named)
    for name in ("vibration", "heat"):
        smooth = _trailing(named[name], SPAN // 2)
        before = np.concatenate([np.full(SPAN, np.nan), smooth[:-SPAN]])[: len(smooth)]
        found |= {
            f"{name}.mean": smooth,
            f"{name}.delta": smooth - before,
            f"{name}.over_first": smooth - smooth[0],
        }
    return found | {"age": np.arange(1.0, len(raw) + 1)}


def _trailing(x: Floats, steps: int) -> Floats:
    total = np.cumsum(np.concatenate([[0.0], x]))
    low = np.maximum(np.arange(len(x)) + 1 - steps, 0)
    return np.asarray((total[1:] - total[low]) / (np.arange(len(x)) + 1 - low))


# A feature that leaks: from what was read and the (whole) length of the life, as a feature must never be made.
Leak = Callable[[Floats, np.random.Generator], Floats]


def _noisy_rul(noise: float) -> Leak:
    def leak(raw: Floats, rng: np.random.Generator) -> Floats:
        left = np.arange(len(raw))[::-1].astype(np.float64)
        return left + noise * 40.0 * rng.normal(size=len(raw))

    return leak


def _ahead(raw: Floats, rng: np.random.Generator) -> Floats:
    smooth = _trailing(raw[:, 0], SPAN // 2)
    return np.concatenate([smooth[SPAN:], np.full(SPAN, smooth[-1])])[: len(raw)]


def _centred(raw: Floats, rng: np.random.Generator) -> Floats:
    return np.convolve(raw[:, 1], np.ones(SPAN) / SPAN, mode="same")[: len(raw)]


# Name -> leak, and whether it can be seen without making rows again.
LEAKS: dict[str, tuple[Leak, bool]] = {
    "hours_to_end": (_noisy_rul(0.0), True),
    "hours_to_end_10": (_noisy_rul(0.1), True),
    "hours_to_end_40": (_noisy_rul(0.4), True),
    "hours_to_end_70": (_noisy_rul(0.7), True),
    "life_length": (lambda raw, rng: np.full(len(raw), float(len(raw))), True),
    "share_of_life": (lambda raw, rng: np.arange(1, len(raw) + 1) / len(raw), True),
    "ends_soon": (lambda raw, rng: (np.arange(len(raw))[::-1] < 8).astype(np.float64), True),
    "log_hours_left": (lambda raw, rng: np.log1p(np.arange(len(raw))[::-1]), True),
    "vibration.ahead": (_ahead, False),
    "heat.centred": (_centred, False),
}


@dataclass(frozen=True, slots=True)
class World:
    """A fleet, and the features of each of its lives, a leaking one among them where there is one."""

    lives: tuple[Lived, ...]
    features: dict[str, Series]
    leak: tuple[str, Leak] | None = None
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(next(iter(self.features.values())))

    def known(self, as_of: dt.datetime) -> TrainingSet:
        """What could be learnt from at a moment."""
        parts: dict[str, list[npt.NDArray[np.generic]]] = {}
        summary = []
        for life in self.lives:
            n = life.steps(as_of)
            if n == 0:
                continue
            over = n == len(life.raw)
            failed = over and life.failed
            left = np.arange(n)[::-1].astype(np.float64)
            nothing = np.full(n, np.nan)
            table = np.stack([self.features[life.unit][name][:n] for name in self.names], axis=1)
            row = {
                "x": table,
                "rul": left if failed else nothing,
                "survived": nothing if failed else left,
                "age": np.arange(1.0, n + 1),
                "unit": np.full(n, life.unit),
                "machine": np.full(n, life.machine),
                "time_us": _times(life, n),
            }
            for name, values in row.items():
                parts.setdefault(name, []).append(values)
            ending = "failure" if failed else "suspension" if over else "running"
            summary.append(Life(life.unit, life.machine, "DE", ending, 1.0, float(n)))
        columns = {name: np.concatenate(arrays) for name, arrays in parts.items()}
        return TrainingSet(  # columns are of the types that their names have
            component_class="bearing",
            life_unit="cycle",
            fingerprint=FINGERPRINT,
            names=self.names,
            declared_cap=90.0,
            lives=tuple(summary),
            as_of=as_of,
            table_versions={},
            **columns,
        )

    def rows(self, units: Collection[str], fingerprint: str) -> pl.DataFrame:
        """Feature rows of some lives as a frame of table `feature_rows`, with their life."""
        frames = [self._frame(life) for life in self.lives if life.unit in set(units)]
        return pl.concat(frames) if frames else FEATURE_ROWS.empty().with_columns(unit=pl.lit("", pl.String))

    def _frame(self, life: Lived) -> pl.DataFrame:
        if life.unit not in self.frames:
            self.frames[life.unit] = self._made(life)
        return self.frames[life.unit]

    def _made(self, life: Lived) -> pl.DataFrame:
        n = life.steps(NOW)
        time_ = pl.Series(_times(life, n)).cast(pl.Datetime("us", "UTC"))
        table = np.stack([self.features[life.unit][name][:n] for name in self.names], axis=1)
        frame = pl.DataFrame(
            {
                "group": ["area"] * n,
                "date": time_.dt.date(),
                "machine_id": [life.machine] * n,
                "slot": ["DE"] * n,
                "component_class": ["bearing"] * n,
                "fingerprint": [FINGERPRINT] * n,
                "time": time_,
                "available_at": time_,
                "running": [True] * n,
                "age": np.arange(1.0, n + 1),
                "age_known": [True] * n,
                "values": table,
                "refusals": pl.Series([[]] * n, dtype=pl.List(pl.String)),
            }
        ).with_columns(pl.col("values").cast(pl.List(pl.Float64)).list.eval(pl.element().fill_nan(None)))
        return FEATURE_ROWS.check(frame).with_columns(unit=pl.lit(life.unit))

    def remake(self, row: Mapping[str, object]) -> Mapping[str, float | None]:
        """Features of one row from what had been read by then."""
        life = next(
            one
            for one in self.lives
            if one.machine == row["machine_id"] and 0 < _step(row["time"]) - one.first <= len(one.raw)
        )
        read = life.raw[: _step(row["time"]) - life.first]
        made = causal(read)
        if self.leak is not None:
            made[self.leak[0]] = self.leak[1](read, np.random.default_rng(len(life.unit)))
        return {name: _or_none(values[-1]) for name, values in made.items()}


def _times(life: Lived, n: int) -> npt.NDArray[np.int64]:
    first = (BEGIN - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    return first + (life.first + np.arange(1, n + 1)) * (STEP // dt.timedelta(microseconds=1))


def _step(moment: object) -> int:
    assert isinstance(moment, dt.datetime)
    return (moment - BEGIN) // STEP


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def world(machines: int, seed: int, leak: tuple[str, Leak] | None = None) -> World:
    """A fleet with its features, and a leaking one where asked for."""
    lives = tuple(fleet(machines, seed))
    features = {life.unit: causal(life.raw) for life in lives}
    if leak is not None:
        for life in lives:
            features[life.unit][leak[0]] = leak[1](life.raw, np.random.default_rng(len(life.unit)))
    return World(lives, features, leak)


def contender(
    data: TrainingSet, parameters: FitParameters, version: str, champion: Contender | None = None
) -> Contender:
    """A candidate as a training makes it; machines stay in the champion's folds."""
    kept: dict[str, int] = {}
    if champion is not None and champion.held_out is not None:
        kept = {unit.split("/")[0]: fold for unit, fold in champion.held_out.folds.items()}
    fold = grouped_folds(data.machine, parameters.folds, kept)
    fitted = fit(data, parameters, fold=fold, name="m", baseline_rows=10, as_of=data.as_of, table_versions={})
    return Contender("m", version, fitted.artefact, held_out(data, fitted))


def plant_of(machines: int) -> Plant:
    point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
    made = tuple(
        Machine(
            id=f"M{i:02d}",
            grid=STEP,
            components=(Component(slot="DE", component_class="bearing"),),
            measuring_points=(point,),
        )
        for i in range(machines)
    )
    bearing = ComponentClass(id="bearing", life_unit="cycle", rul_cap=90.0)
    return Plant(component_classes=(bearing,), sites=(Site(id="works", machines=made),))


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


def run(
    machines: int, seed: int, each: int, honest: int, say: Callable[[Case, Verdict], None]
) -> list[tuple[Case, Verdict]]:
    """The verdict on every candidate."""
    fleet_ = world(machines, seed)
    champion_data = fleet_.known(TRAINED)
    champion = contender(champion_data, SMALL, "1")
    usual = _judged(Case("", "", champion_data, SMALL, fleet_), machines)
    told = []
    for number, case in enumerate(cases(fleet_, machines, seed, each, honest), start=2):
        judged = usual if case.world is fleet_ else _judged(case, machines)
        verdict = judge(contender(case.data, case.parameters, str(number), champion), champion, judged)
        say(case, verdict)
        told.append((case, verdict))
    return told


def _judged(case: Case, machines: int) -> Judged:
    return Judged(
        plant=plant_of(machines),
        data=case.world.known(NOW),
        rows=case.world.rows,
        memory=MEMORY,
        remake=case.world.remake if case.can_remake else None,
    )


def figures(told: list[tuple[Case, Verdict]]) -> dict[str, float]:
    """Counts of candidates and promotions."""
    bad = [(case, verdict) for case, verdict in told if case.kind != "honest"]
    honest = [verdict for case, verdict in told if case.kind == "honest"]
    leaked = [(case, verdict) for case, verdict in told if case.kind == "leaked feature"]
    return {
        "bad_challengers": len(bad),
        "bad_challengers_promoted": sum(verdict.passed for _, verdict in bad),
        "leaks": len(leaked),
        "leaks_named": sum([one.feature for one in v.suspects] == [case.what] for case, v in leaked),
        "honest_challengers": len(honest),
        "honest_challengers_promoted": sum(verdict.passed for verdict in honest),
    }


def main() -> None:
    """Runs all candidates and prints the figures."""
    parser = argparse.ArgumentParser(prog="wearcast benchmark champion", description=__doc__)
    parser.add_argument("--machines", type=int, default=22)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=10, help="bad candidates of each of the five kinds")
    parser.add_argument("--honest", type=int, default=12)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, nothing else")
    options = parser.parse_args()
    configure_logs()
    begin = time.perf_counter()

    def say(case: Case, verdict: Verdict) -> None:
        if not options.json:
            print(f"{'promoted' if verdict.passed else 'refused '} {case.kind}, {case.what}: {verdict.reason}")

    told = run(options.machines, options.seed, options.each, options.honest, say)
    found = figures(told) | {"seconds": round(time.perf_counter() - begin, 1)}
    if not options.json:
        print(json.dumps(found, indent=1))
        return
    document = {
        "benchmark": "champion",
        "machine": {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "versions": {
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in ("lightgbm", "numpy", "polars")},
            },
        },
        "settings": {
            **{n: getattr(options, n) for n in ("machines", "seed", "each", "honest")},
            "fit": asdict(SMALL),
        },
        "figures": found,
        "tables": {
            "candidates": [
                {
                    "kind": case.kind,
                    "what": case.what,
                    "promoted": verdict.passed,
                    "reason": verdict.reason,
                    "suspects": [one.feature for one in verdict.suspects],
                }
                for case, verdict in told
            ]
        },
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
