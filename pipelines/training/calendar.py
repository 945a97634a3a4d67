"""Out-of-fold rows on the calendar: when they were known, how fast the part aged, where it stood."""

from collections.abc import Mapping

import numpy as np

from features.core.plant import Plant
from features.policy import Context
from pipelines.dataset import TrainingSet
from pipelines.evaluation.decisions import CalendarRows
from pipelines.evaluation.last_row import levels
from pipelines.evaluation.scored import Folded

__all__ = ["calendar_rows"]

_HOUR_US = 3_600_000_000.0

# Span of the utilisation, as for a live prediction.
_USAGE_US = 28 * 24 * _HOUR_US

Ints = np.typing.NDArray[np.int64]
Floats = np.typing.NDArray[np.float64]


def calendar_rows(data: TrainingSet, answers: Folded, plant: Plant) -> CalendarRows:
    """What decisions need of the rows that were answered.

    Raises:
        ValueError: An answered row is not one of the training set.
    """
    place = _places(data, answers)
    start, end, utilisation = _clock(data)
    columns = levels(data.names)
    return CalendarRows(
        unit=answers.unit,
        fold=answers.fold,
        time_us=data.time_us[place],
        start_us=start[place],
        end_us=end[place],
        utilisation=utilisation[place],
        levels=data.x[np.ix_(place, columns)],
        level_names=tuple(data.names[column] for column in columns),
        contexts=_contexts(data, plant),
    )


def _places(data: TrainingSet, answers: Folded) -> Ints:
    """Row of the training set of each answer; a life's RUL falls with each running step, so it names the row."""
    known = {
        (unit, rul): number
        for number, (unit, rul) in enumerate(zip(data.unit.tolist(), data.rul.tolist(), strict=True))
    }
    try:
        found = [known[pair] for pair in zip(answers.unit.tolist(), answers.rul.tolist(), strict=True)]
    except KeyError as err:
        raise ValueError(f"answered row {err} is not in the training set") from None
    return np.array(found, dtype=np.int64)


def _clock(data: TrainingSet) -> tuple[Ints, Ints, Floats]:
    """Start and end of each row's life, and the utilisation over the 28 days before the row, NaN unknown.

    The end lies as far after the life's last row as what was left there, at the utilisation found there.
    """
    start, end = np.zeros(data.unit.size, np.int64), np.zeros(data.unit.size, np.int64)
    utilisation = np.full(data.unit.size, np.nan)
    for unit in data.failed_units:
        rows = np.flatnonzero(data.unit == unit)
        time, rul = data.time_us[rows].astype(np.float64), data.rul[rows]
        before = np.searchsorted(time, time - _USAGE_US)
        hours = (time - time[before]) / _HOUR_US
        used = rul[before] - rul
        utilisation[rows] = np.where(hours > 0, used / np.where(hours > 0, hours, 1.0), np.nan)
        last = utilisation[rows[-1]]
        rest = rul[-1] / last if np.isfinite(last) and last > 0 else 0.0
        start[rows], end[rows] = int(time[0]), int(time[-1] + rest * _HOUR_US)
    return start, end, utilisation


def _contexts(data: TrainingSet, plant: Plant) -> Mapping[str, Context]:
    component_class = plant.component_class(data.component_class)
    found = {}
    for life in data.lives:
        machine = plant.machine(life.machine_id)
        site = plant.site_of(life.machine_id)
        found[life.unit] = Context(site, machine, machine.component(life.slot), component_class, None)
    return found
