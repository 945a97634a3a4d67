"""When a grid step closes: from then on its row is what it is, and nothing that comes later alters it.

A step ends at t. Its row is made as soon as every measuring point of the component has delivered
something of time t or later, at the earliest at t. Points that have been silent are not waited for;
others are waited for two grid steps after the first of them passed t or, when none ever does (the
last step of a series), two steps after the step's own first reading. A step also closes when a later
one does, so that rows are made in order.

All this is told from `time` and `available_at` of rows alone: whoever asks as of a moment after the
closing finds the same closing, so one batch, a run a day and a request agree.
"""

from collections.abc import Sequence

import numpy as np

from features.compute.readings import FOREVER, Readings

__all__ = ["PATIENCE_STEPS", "SILENT_STEPS", "closings", "steps_of"]

# How long a step waits for late points, in grid steps.
PATIENCE_STEPS = 2

# A point without a reading for that many grid steps is not waited for.
SILENT_STEPS = 3


def steps_of(scalars: Sequence[Readings], waveforms: Sequence[Readings], grid_us: int) -> np.ndarray:
    """Ends of the grid steps that hold any reading, sorted.

    Scalars fall into [t - grid, t), waveforms (whose time is their end) into (t - grid, t].
    """
    ends = [(point.time_us // grid_us + 1) * grid_us for point in scalars]
    ends += [-(-point.time_us // grid_us) * grid_us for point in waveforms]
    return np.unique(np.concatenate(ends)) if ends else np.zeros(0, np.int64)


def closings(
    steps: np.ndarray, scalars: Sequence[Readings], waveforms: Sequence[Readings], grid_us: int
) -> np.ndarray:
    """When each step closes, microseconds since 1970; `FOREVER` where that is not known yet."""
    points = [*scalars, *waveforms]
    patience = PATIENCE_STEPS * grid_us
    passed = np.array([_passed(point, steps) for point in points]).reshape(len(points), len(steps))
    first = passed.min(axis=0, initial=FOREVER)
    silent = np.array([_newest_known(point, first) for point in points]).reshape(passed.shape)
    silent = silent < steps - SILENT_STEPS * grid_us
    complete = np.where(silent, 0, passed).max(axis=0, initial=0)
    complete = np.maximum(complete, first)
    begun = np.full(len(steps), FOREVER)
    for point, ends in [(p, (p.time_us // grid_us + 1) * grid_us) for p in scalars] + [
        (p, -(-p.time_us // grid_us) * grid_us) for p in waveforms
    ]:
        np.minimum.at(begun, np.searchsorted(steps, ends), point.available_us)
    closing = np.minimum.reduce([complete, first + patience, np.maximum(begun, steps) + patience])
    closing = np.maximum(closing, steps)
    return np.asarray(np.minimum.accumulate(closing[::-1])[::-1])


def _passed(point: Readings, steps: np.ndarray) -> np.ndarray:
    """When the point's first reading of the step's end or later became known."""
    earliest = np.append(np.minimum.accumulate(point.available_us[::-1])[::-1], FOREVER)
    return np.asarray(earliest[np.searchsorted(point.time_us, steps, side="left")])


def _newest_known(point: Readings, known_us: np.ndarray) -> np.ndarray:
    """Time of the point's newest reading known at each moment, 0 without one."""
    order = np.argsort(point.available_us, kind="stable")
    newest = np.concatenate([[0], np.maximum.accumulate(point.time_us[order])])
    return np.asarray(newest[np.searchsorted(point.available_us[order], known_us, side="right")])
