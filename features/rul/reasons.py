"""Evidence of a number: what moved the RUL."""

import numpy as np
import numpy.typing as npt

from features.core.statements import Evidence
from features.rul.outputs import Engine, Told

__all__ = ["rul_reasons"]

Floats = npt.NDArray[np.float64]

# How many quantities are named.
_NAMED = 3


def rul_reasons(engine: Engine, told: Told, values: Floats, units: dict[str, str]) -> list[tuple[Evidence, ...]]:
    """What moved the mean RUL of each row most; missing inputs are not named.

    Inputs that tell of the same quantity (a level, its trends, its memory) count together, with what the quantity
    moved through an index of wear (`features.rul.tracing`); the one of them that moved most is named, the
    quantity's own level where it spoke mostly through an index. `share` is their part of the whole movement,
    signed: negative ones shorten the remaining life. Approximate, see `Scorer.contributions`.

    Args:
        engine: The model.
        told: What the forests were told of the rows [n].
        values: Features [n, features] of the rows, NaN where missing.
        units: Feature -> unit.
    """
    parts = engine.scorers["mean"].contributions(told.inputs)
    if parts is None:
        return [()] * len(told.inputs)
    whole = np.abs(parts).sum(axis=1, keepdims=True)
    shares = np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)
    shares = np.where(np.isfinite(told.inputs), shares, 0.0)
    inner, added = engine.index_parts(told), engine.added(values)
    found = []
    for row in range(len(shares)):
        if inner is None or added is None:
            own, through = engine.tracer.summed(shares[row]), np.zeros(len(engine.tracer.subjects))
        else:
            own, through = engine.tracer.credits(shares[row], inner[row], added[row])
            through[~_has_level(engine, values[row])] = 0.0
        found.append(_named(engine, told.inputs[row], values[row], shares[row], own, through, units))
    return found


def _has_level(engine: Engine, values: Floats) -> npt.NDArray[np.bool_]:
    """Quantities whose own level is known at the row."""
    level = np.array(engine.levels, dtype=np.int64)
    return (level >= 0) & np.isfinite(values[level])


def _named(
    engine: Engine,
    inputs: Floats,
    values: Floats,
    shares: Floats,
    own: Floats,
    through: Floats,
    units: dict[str, str],
) -> tuple[Evidence, ...]:
    together, tracer = own + through, engine.tracer
    named: list[Evidence] = []
    for subject in np.argsort(-np.abs(together), kind="stable")[:_NAMED]:
        if together[subject] == 0:
            break
        share = float(together[subject])
        if abs(through[subject]) > abs(own[subject]):
            name, value = tracer.subjects[subject], values[engine.levels[subject]]
        else:
            mine = np.flatnonzero(tracer.of_input == subject)
            # The one that moved most in the direction of all of them together.
            best = mine[np.argmax(shares[mine] * np.sign(own[subject]))]
            name, value = engine.artefact.inputs[best], inputs[best]
        named.append(Evidence(name, float(value), None, units.get(name, ""), share))
    return tuple(named)
