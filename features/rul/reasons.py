"""Evidence of a number: what moved the RUL."""

import re

import numpy as np
import numpy.typing as npt

from features.core.statements import Evidence
from features.rul.outputs import Engine

__all__ = ["rul_reasons", "subject_of"]

Floats = npt.NDArray[np.float64]

# How many quantities are named.
_NAMED = 3

# Indices of the memory, whose names have no role before them.
_INDEX = re.compile(r"rul_index|linear_index_\d+")


def rul_reasons(engine: Engine, inputs: Floats, units: dict[str, str]) -> list[tuple[Evidence, ...]]:
    """What moved the mean RUL of each row most; missing inputs are not named.

    Inputs that tell of the same quantity (a level, its trends, its memory; an index and its memory) count
    together, and the one of them that moved most is named. `share` is their part of the whole movement, signed:
    negative ones shorten the remaining life. Approximate, see `Scorer.contributions`.

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
    names = engine.artefact.inputs
    subjects, place = np.unique([subject_of(name) for name in names], return_inverse=True)
    return [_named(names, place, subjects.size, *row, units) for row in zip(inputs, shares, strict=True)]


def subject_of(name: str) -> str:
    """The quantity that an input tells of.

    Example:
        >>> subject_of("pump.level_k.slope_7d"), subject_of("rul_index.mean_5h"), subject_of("age")
        ('pump.level_k', 'rul_index', 'age')
    """
    own = name.split(".")
    return own[0] if _INDEX.fullmatch(own[0]) else ".".join(own[:2])


def _named(
    names: tuple[str, ...],
    place: npt.NDArray[np.int64],
    subjects: int,
    values: Floats,
    shares: Floats,
    units: dict[str, str],
) -> tuple[Evidence, ...]:
    known = np.where(np.isfinite(values), shares, 0.0)
    together = np.bincount(place, weights=known, minlength=subjects)
    named: list[Evidence] = []
    for subject in np.argsort(-np.abs(together), kind="stable")[:_NAMED]:
        if together[subject] == 0:
            break
        own = np.flatnonzero(place == subject)
        # The one that moved most in the direction of all of them together.
        best = own[np.argmax(known[own] * np.sign(together[subject]))]
        name = names[best]
        share = float(together[subject])
        named.append(Evidence(name, float(values[best]), None, units.get(name, ""), share))
    return tuple(named)
