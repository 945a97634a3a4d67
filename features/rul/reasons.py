"""Evidence of a number: what moved the RUL."""

import math

import numpy as np
import numpy.typing as npt

from features.core.statements import Evidence
from features.rul.outputs import Engine

__all__ = ["rul_reasons"]

Floats = npt.NDArray[np.float64]

# How many inputs are named.
_NAMED = 3


def rul_reasons(engine: Engine, inputs: Floats, units: dict[str, str]) -> list[tuple[Evidence, ...]]:
    """The inputs that moved the mean RUL of each row most; missing inputs are not named.

    `share` is the part of the whole movement, signed: negative inputs shorten the remaining life. Approximate,
    see `Scorer.contributions`.

    Args:
        engine: The model.
        inputs: [n, inputs], NaN where missing.
        units: Feature -> unit.
    """
    parts = engine.scorers["mean"].contributions(inputs)
    if parts is None:
        return [()] * len(inputs)
    whole = np.abs(parts).sum(axis=1, keepdims=True)
    shares = np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)
    order = np.argsort(-np.abs(shares), axis=1, kind="stable")
    return [_named(engine.artefact.inputs, *row, units) for row in zip(inputs, shares, order, strict=True)]


def _named(
    names: tuple[str, ...],
    values: Floats,
    shares: Floats,
    order: npt.NDArray[np.int64],
    units: dict[str, str],
) -> tuple[Evidence, ...]:
    named: list[Evidence] = []
    for j in order:
        if len(named) == _NAMED or shares[j] == 0:
            break
        if math.isfinite(values[j]):
            name = names[j]
            named.append(Evidence(name, float(values[j]), None, units.get(name, ""), float(shares[j])))
    return tuple(named)
