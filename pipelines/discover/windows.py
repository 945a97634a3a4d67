"""Which windows of training lives are looked at: one of each life in a draw, never two in one test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.dataset import TrainingSet
from pipelines.model.examples import cap_of

__all__ = ["Draws", "capped_target", "draw", "windows"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Steps of that share of a whole cover a range evenly, however many are taken (golden section).
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Draws:
    """Rows of the training set at which windows end: int64 [draws, lives], and their lives' names."""

    rows: Ints
    lives: tuple[str, ...]


def capped_target(data: TrainingSet) -> Floats:
    """What a window should tell, float64 [n]: remaining life up to the cap, NaN where that is not known.

    A suspended life counts as long as it is known to have lasted the cap from there.
    """
    cap = cap_of(data.lives, data.declared_cap)
    target = np.minimum(data.rul, cap)
    if np.isfinite(cap):
        duration = {life.unit: life.duration for life in data.lives if not life.failed}
        lasted = np.array([duration.get(unit, np.nan) for unit in data.unit.tolist()]) - data.age
        target = np.where(np.isnan(target) & (lasted >= cap), cap, target)
    return target


def windows(values: Floats, ends: Ints, m: int) -> Floats:
    """The last m values up to each end, float64 [k, m]."""
    return np.lib.stride_tricks.sliding_window_view(values, m)[ends - (m - 1)]


def draw(
    data: TrainingSet,
    column: int,
    *,
    target: Floats,
    steps: int,
    grid_us: Mapping[str, int],
    draws: int,
) -> Draws:
    """Rows at which the windows of a level-1 feature end: in every draw one of each life.

    A row is fit when the `steps` grid steps up to it belong to one life, none is missing and all have values,
    and its target is known. In each draw the lives are asked at evenly spread shares of their fit rows, in the
    next draw at others; nothing is random.

    Args:
        data: Rows of lives, in order of unit and time.
        column: Of the level-1 feature in `data.x`.
        target: As `capped_target` gives it.
        steps: Length of the longest window.
        grid_us: Machine -> grid step.
        draws: How many.
    """
    chosen: list[Sequence[int]] = []
    lives: list[str] = []
    for number, unit in enumerate(np.unique(data.unit).tolist()):
        rows = np.flatnonzero(data.unit == unit)
        fit = _fit_rows(data, rows, column, target, steps, grid_us[str(data.machine[rows[0]])])
        if fit.size:
            shares = ((number + 1) * _GOLDEN + np.arange(draws) / draws) % 1.0
            chosen.append(fit[(shares * fit.size).astype(np.int64)].tolist())
            lives.append(str(unit))
    return Draws(np.array(chosen, dtype=np.int64).reshape(len(lives), draws).T, tuple(lives))


def _fit_rows(data: TrainingSet, rows: Ints, column: int, target: Floats, steps: int, grid_us: int) -> Ints:
    if rows.size < steps:
        return rows[:0]
    time, values = data.time_us[rows], data.x[rows, column]
    end = np.arange(steps - 1, rows.size)
    dense = time[end] - time[end - (steps - 1)] == (steps - 1) * grid_us
    whole = np.isfinite(np.lib.stride_tricks.sliding_window_view(values, steps)).all(axis=1)
    return np.asarray(rows[end[dense & whole & np.isfinite(target[rows[end]])]], dtype=np.int64)
