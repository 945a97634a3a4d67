"""Answers of the transfer rung: the rows of one life, read as stages and told as remaining life."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from features.core.statements import Evidence
from features.rul.life import KnownRows
from features.rul.outputs import Answers
from features.rul.transfer import TransferModel

__all__ = ["stage_answers", "stage_reasons"]

Floats = npt.NDArray[np.float64]


def stage_answers(
    model: TransferModel, rows: KnownRows, index: Floats, which: Sequence[int], *, rated_life: float | None
) -> Answers:
    """Mean and quantiles at the newest running row of each of `which`; NaN where the age is not known.

    Args:
        model: What the class's failed lives pass on.
        rows: Rows [n] of one life.
        index: Condition index [n], doublings; NaN: not known.
        which: Places of the rows asked for.
        rated_life: Of the part, life units; None: not said. A class told in rated lives then gives NaN.
    """
    anchors = _anchors(rows, which)
    left = model.remaining(rows.known_age, index, anchors, rated_life=rated_life)
    p10, p50, p90 = (left.quantile(share) for share in (0.1, 0.5, 0.9))
    return Answers(left.mean(model.longest * model.unit(rated_life)), p10, p50, p90)


def stage_reasons(
    model: TransferModel, rows: KnownRows, which: Sequence[int], unit: str, *, rated_life: float | None
) -> list[tuple[Evidence, ...]]:
    """The age beside the typical whole life, for each row of `which`; the condition tells its own reasons."""
    typical = math.exp(model.stages[0].centre) * model.unit(rated_life)
    return [(Evidence("age", float(age), typical, unit),) for age in rows.age[_anchors(rows, which)]]


def _anchors(rows: KnownRows, which: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.maximum(rows.anchor[np.asarray(which, dtype=np.int64)], 0)
