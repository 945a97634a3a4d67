"""Evidence of a statement: what the condition model saw, and what moved the RUL."""

import math

import numpy as np
import numpy.typing as npt

from features.core.statements import Evidence
from features.rul.outputs import Engine

__all__ = ["rul_reasons"]

# How many inputs are named.
_NAMED = 3


def rul_reasons(engine: Engine, inputs: npt.NDArray[np.float64], units: dict[str, str]) -> tuple[Evidence, ...]:
    """The inputs that moved the mean RUL of one row most; missing inputs are not named.

    `share` is the part of the whole movement, signed: negative inputs shorten the remaining life. Approximate,
    see `Scorer.contributions`.

    Args:
        engine: The model.
        inputs: [inputs] of the row.
        units: Feature -> unit.
    """
    parts = engine.scorers["mean"].contributions(inputs[None, :])
    if parts is None or not np.abs(parts).sum() > 0:
        return ()
    shares = parts[0] / np.abs(parts).sum()
    order = np.argsort(-np.abs(shares), kind="stable")
    named = [int(j) for j in order if math.isfinite(inputs[j]) and shares[j] != 0][:_NAMED]
    names = engine.artefact.inputs
    return tuple(
        Evidence(names[j], float(inputs[j]), None, units.get(names[j], ""), float(shares[j])) for j in named
    )
