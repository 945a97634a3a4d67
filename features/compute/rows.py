"""The only way feature rows are made: grid, registry and plant file -> rows."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.compute.closing import PATIENCE_STEPS, SILENT_STEPS, closings, steps_of
from features.compute.frame import feature_rows, matrix
from features.compute.levels import HOLD_US, Inputs, tolerance_us
from features.compute.readings import Readings, microseconds, readings_of
from features.compute.steps import Steps
from features.core.clock import require_utc
from features.core.plant import Component, ComponentClass, LifeUnit, Machine, Plant
from features.core.tables import FEATURE_ROWS
from features.process import LOAD, starts_and_hours
from features.registry import Column, ComponentSteps, Entry, LifeSeries, entries, feature_set

__all__ = ["compute", "lookback"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HOUR_US = 3_600_000_000

# An age counts from the installation when rows begin at most that long after it, microseconds: one day.
_UNSEEN_US = 86_400_000_000


def lookback(machine: Machine) -> dt.timedelta:
    """How far before `since` measurements and waveforms must reach for the rows from `since` on."""
    steps = (PATIENCE_STEPS + SILENT_STEPS + 1) * machine.grid
    oldest = dt.timedelta(microseconds=max(tolerance_us(machine) + 2 * microseconds(machine.grid), HOLD_US))
    return max(steps, oldest)


def compute(
    plant: Plant,
    machine: Machine,
    component: Component,
    *,
    measurements: pl.DataFrame,
    waveforms: pl.DataFrame,
    installations: pl.DataFrame,
    history: pl.DataFrame | None = None,
    since: dt.datetime | None = None,
    as_of: dt.datetime,
) -> pl.DataFrame:
    """Feature rows of one component.

    One batch over everything, a run a day with the history so far, and a request give the same rows:
    see `features.compute.closing` for when a row is made and what it may use.

    Args:
        plant: The whole plant, for the class's feature set.
        machine: The machine.
        component: One of its components.
        measurements: Rows of `measurements` of this machine, from `since - lookback(machine)` on.
        waveforms: Rows of `waveforms`, likewise.
        installations: As `installations_of` gives them.
        history: Earlier rows of this component with the same fingerprint, at least all of the present
            life; None: there are none.
        since: Only rows with `time >= since` are made: one microsecond after the newest row of the
            history, or earlier. None: all.
        as_of: Nothing that became available later is used, and no row that closes later is made.

    Returns:
        Rows of `feature_rows` in order of time, `available_at` being when the row's step closed.
    """
    names = feature_set(plant, component.component_class)
    planned = entries(plant, component.component_class)
    as_of_us, since_us = _us(as_of), None if since is None else _us(since)
    inputs = Inputs(
        machine,
        component,
        readings_of(measurements.filter(pl.col("machine_id") == machine.id), "value", as_of_us),
        *_waves(waveforms.filter(pl.col("machine_id") == machine.id), as_of_us),
    )
    steps = _steps(inputs, installations, microseconds(machine.grid), as_of_us)
    if since_us is not None:
        steps = steps.at(steps.end_us >= since_us)
    steps = steps.at(inputs.exist(steps))
    past = _Past.of(history, names.fingerprint, len(names.names), _first(steps, since_us))
    rows = _Rows(plant.component_class(component.component_class), planned, steps, past, inputs.running(steps))
    starts, since_start_h = rows.starts()
    own = ComponentSteps(
        *rows.ages(),
        inputs.running_share(steps),
        running=rows.running,
        starts=starts,
        since_start_h=since_start_h,
        speed=inputs.pair(inputs.speed_role, steps),
        load=inputs.pair(LOAD, steps),
        grid_h=steps.grid_us / _HOUR_US,
    )
    columns = rows.columns(inputs, own)
    about = {
        "time": steps.end_us,
        "available_at": steps.closing_us,
        "running": rows.running,
        "age": own.age,
        "age_known": own.age_known,
    }
    if not len(steps.end_us):
        return FEATURE_ROWS.empty()
    values = np.stack([column.values for column in columns], axis=1)
    codes = np.stack([column.codes for column in columns], axis=1)
    return feature_rows(machine, component, names, about, values, codes)


def _us(moment: dt.datetime) -> int:
    return (require_utc(moment) - _EPOCH) // dt.timedelta(microseconds=1)


def _waves(waveforms: pl.DataFrame, as_of_us: int) -> tuple[dict[str, Readings], pl.DataFrame]:
    return readings_of(waveforms, "samples", as_of_us), waveforms


def _steps(inputs: Inputs, installations: pl.DataFrame, grid_us: int, as_of_us: int) -> Steps:
    scalars, waves = list(inputs.scalars.values()), list(inputs.waves.values())
    ends = steps_of(scalars, waves, grid_us)
    closing = closings(ends, scalars, waves, grid_us)
    # Only looked at where the neighbour is the step before: a step without readings has no mean anyway.
    before = np.concatenate([closing[:1], closing[:-1]])
    made = closing <= as_of_us
    ends, closing, before = ends[made], closing[made], before[made]
    return Steps(ends, closing, before, _life_starts(installations, ends, closing), grid_us)


def _life_starts(installations: pl.DataFrame, ends: np.ndarray, closing: np.ndarray) -> np.ndarray:
    """Newest installation before each step's end that was known at its closing, -1 without one.

    A step that ends with the installation was the part's before: a failure's own row stays in its life.
    """
    start = np.full(len(ends), -1, dtype=np.int64)
    if installations.is_empty():
        return start
    if "withdrawn_at" not in installations.columns:
        installations = installations.with_columns(withdrawn_at=None)
    for row in installations.iter_rows(named=True):
        installed, known = _us(row["installed_at"]), _us(row["available_at"])
        holds = (ends > installed) & (closing >= known)
        if row["withdrawn_at"] is not None:
            holds &= closing < _us(row["withdrawn_at"])
        start = np.where(holds, np.maximum(start, installed), start)
    return start


def _first(steps: Steps, since_us: int | None) -> int:
    if len(steps.end_us):
        return int(steps.end_us[0])
    return 0 if since_us is None else since_us


@dataclass(frozen=True, slots=True)
class _Past:
    """What earlier rows contribute: times, running (1, 0, -1) and all their values [features, n]."""

    time_us: np.ndarray
    running: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, history: pl.DataFrame | None, fingerprint: str, features: int, before_us: int) -> "_Past":
        """Rows of that fingerprint before the first row to be made."""
        if history is not None and not history.is_empty():
            time = pl.col("time").dt.epoch("us")
            rows = history.filter((pl.col("fingerprint") == fingerprint) & (time < before_us)).sort("time")
            if not rows.is_empty():
                running = rows["running"].cast(pl.Int8).fill_null(-1).to_numpy()
                return cls(rows["time"].dt.epoch("us").to_numpy(), running, matrix(rows).T)
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros((features, 0)))


def _because(trend: Column, level: Column) -> Column:
    """The trend, refused for the level's reason where both have no value."""
    return Column(trend.values, np.where((trend.codes != 0) & (level.codes != 0), level.codes, trend.codes))


class _Rows:
    """New rows after their past, split by the life each new row belongs to."""

    def __init__(
        self, of: ComponentClass, planned: Sequence[Entry], steps: Steps, past: _Past, running: np.ndarray
    ) -> None:
        self._class, self._planned, self._steps, self._past = of, planned, steps, past
        self.running = running
        self._time = np.concatenate([past.time_us, steps.end_us])
        self._running = np.concatenate([past.running, running])

    def _lives(self) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Start (-1: not known), rows of that life so far, and which of the new rows belong to it."""
        found = []
        for start in np.unique(self._steps.life_start_us).tolist():
            new = np.flatnonzero(self._steps.life_start_us == start)
            last = self._steps.end_us[new[-1]]
            found.append((start, np.flatnonzero((self._time > start) & (self._time <= last)), new))
        return found

    def _begin(self, start: int, rows: np.ndarray) -> int:
        return start if start >= 0 else int(self._time[rows[0]]) - self._steps.grid_us

    def ages(self) -> tuple[np.ndarray, np.ndarray]:
        """Age of each new row in life units, and whether it counts from the installation."""
        n, grid_us = len(self._steps.end_us), self._steps.grid_us
        age, known = np.zeros(n), np.zeros(n, dtype=bool)
        for start, rows, new in self._lives():
            begin, time = self._begin(start, rows), self._time[rows]
            seen_from_start = time[0] - begin <= max(_UNSEEN_US, 2 * grid_us)
            if self._class.life_unit is LifeUnit.CALENDAR_H:
                ages, seen_from_start = (time - begin) / _HOUR_US, True
            elif self._class.life_unit is LifeUnit.CYCLE:
                ages = np.arange(1.0, len(rows) + 1)
            else:
                ran = np.where(self._running[rows] == 1, np.minimum(grid_us, time - begin), 0)
                ages = np.cumsum(ran) / _HOUR_US
            place = np.searchsorted(time, self._steps.end_us[new])
            age[new], known[new] = ages[place], start >= 0 and seen_from_start
        return age, known

    def starts(self) -> tuple[np.ndarray, np.ndarray]:
        """Starts seen in the life up to each new row, and hours since the end of the latest stop."""
        n = len(self._steps.end_us)
        starts, hours = np.zeros(n), np.full(n, np.nan)
        for _, rows, new in self._lives():
            counted, since = starts_and_hours(self._time[rows], self._running[rows])
            place = np.searchsorted(self._time[rows], self._steps.end_us[new])
            starts[new], hours[new] = counted[place], since[place]
        return starts, hours

    def columns(self, inputs: Inputs, own: ComponentSteps) -> list[Column]:
        """One column for each planned entry."""
        at = {entry.name: number for number, entry in enumerate(self._planned)}
        levels = [entry for entry in self._planned if entry.trend is None]
        found = dict(zip((e.name for e in levels), inputs.level(levels, self._steps, own), strict=True))
        named = {entry.level for entry in self._planned if entry.trend is not None}
        followed = [entry for entry in levels if entry.name in named]
        values = np.concatenate(
            [
                self._past.values[[at[entry.name] for entry in followed]],
                np.array([found[entry.name].values for entry in followed]).reshape(
                    len(followed), len(self._steps.end_us)
                ),
            ],
            axis=1,
        )
        trends = self._trends(followed, values)
        for entry in self._planned:
            if entry.trend is not None:
                level = found[entry.level]
                found[entry.name] = _because(trends[entry.name], level)
        return [found[entry.name] for entry in self._planned]

    def _trends(self, followed: list[Entry], values: np.ndarray) -> dict[str, Column]:
        n = len(self._steps.end_us)
        place = {entry.name: number for number, entry in enumerate(followed)}
        wanted = [entry for entry in self._planned if entry.trend is not None]
        found = {entry.name: Column(np.full(n, np.nan), np.zeros(n, np.int8)) for entry in wanted}
        ran = np.where(self._running == 0, np.nan, values)
        for start, rows, new in self._lives():
            lives = {stopped: self._series(start, rows, values if stopped else ran) for stopped in (False, True)}
            at = np.searchsorted(lives[False].time_us, self._steps.end_us[new])
            made: dict[tuple[str, int, int], Column] = {}
            for entry in wanted:
                if entry.trend is None:
                    continue
                span_us = 0 if entry.span is None else microseconds(entry.span)
                which, series = place[entry.level], lives[entry.trend.stopped]
                key = entry.trend.name, span_us, which if entry.trend.alone else -1
                if entry.trend.alone:
                    series, which = series.only(which), 0
                if key not in made:
                    made[key] = entry.trend.compute(series, span_us)
                found[entry.name].values[new] = made[key].values[which, at]
                found[entry.name].codes[new] = made[key].codes[which, at]
        return found

    def _series(self, start: int, rows: np.ndarray, values: np.ndarray) -> LifeSeries:
        begin, time = self._begin(start, rows), self._time[rows]
        whole = time - self._steps.grid_us >= begin
        return LifeSeries(
            time,
            np.where(whole, values[:, rows], np.nan),
            begin,
            microseconds(self._class.run_in),
            microseconds(self._class.baseline),
            min((microseconds(span) for span in self._class.memory), default=self._steps.grid_us),
            self._steps.grid_us,
            self._running[rows],
        )
