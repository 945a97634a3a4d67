"""Level-1 features of grid steps: inputs picked as of each step's closing, then one call a feature."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from features.compute.readings import Readings, microseconds
from features.compute.steps import Steps
from features.compute.windows import tumble
from features.core.plant import Component, Machine, MeasuringPoint, PointKind
from features.core.units import Quantity, canonical_unit, to_canonical
from features.registry import (
    AMBIENT,
    Column,
    ComponentSteps,
    Entry,
    FeatureRefusal,
    Placement,
    ScalarSteps,
    codes_of,
    placements,
    points_by_role,
    sisters,
)
from features.vibration import WaveformBatch

__all__ = ["HOLD_US", "Inputs", "tolerance_us"]

# A stepped value (set point, state) holds that long without a new one, microseconds: one day.
HOLD_US = 86_400_000_000

# Samples in one batch of waveforms, so that its spectra stay in the cache.
_BATCH_SAMPLES = 1 << 20

_HOUR_US = 3_600_000_000

# What waveforms are measured of.
_VIBRATION = (Quantity.ACCELERATION, Quantity.VELOCITY, Quantity.DISPLACEMENT)


class Inputs:
    """Everything that can be looked up for a component's grid steps.

    Args:
        machine: The machine.
        component: One of its components.
        scalars: Readings of measurements by point id.
        waves: Readings of waveforms by point id.
        waveforms: The frame that `waves` point into.
    """

    def __init__(
        self,
        machine: Machine,
        component: Component,
        scalars: dict[str, Readings],
        waves: dict[str, Readings],
        waveforms: pl.DataFrame,
    ) -> None:
        self._machine, self._component, self._waveforms = machine, component, waveforms
        self._points = points_by_role(machine, component)
        self._placements = {placement.role: placement for placement in placements(machine, component)}
        self.scalars = {role: scalars[p.id] for role, p in self._of(PointKind.SCALAR) if p.id in scalars}
        self._sisters = {
            role: [scalars[p.id] for p in sisters(machine, point) if p.id in scalars]
            for role, point in self._of(PointKind.SCALAR)
        }
        self.waves = {role: waves[p.id] for role, p in self._of(PointKind.WAVEFORM) if p.id in waves}

    def _of(self, kind: PointKind) -> Iterator[tuple[str, MeasuringPoint]]:
        return ((role, point) for role, point in self._points.items() if point.kind is kind)

    @property
    def speed_role(self) -> str | None:
        """Role of the point that measures the shaft speed."""
        return None if self._machine.speed is None else self._machine.speed.role

    def exist(self, steps: Steps) -> np.ndarray:
        """Whether each step holds a usable reading."""
        found = np.zeros(len(steps.end_us), dtype=bool)
        for point in self.scalars.values():
            found |= ~np.isnan(_mean(point, steps))
        for point in self.waves.values():
            found |= point.newest(steps.end_us, steps.closing_us, steps.end_us - steps.grid_us) >= 0
        return found

    def running(self, steps: Steps) -> np.ndarray:
        """1 running, 0 stopped, -1 not known, for each step."""
        if self.speed_role is not None:
            speed = self._scalar(self.speed_role, steps)
            return np.where(np.isnan(speed), -1, speed > self._machine.running_above_hz).astype(np.int8)
        recorded = np.full(len(steps.end_us), np.nan)
        for role in self.waves:
            _, speed = self._wave_index(role, steps)
            recorded = np.where(np.isnan(recorded), speed, recorded)
        return np.where(recorded <= self._machine.running_above_hz, 0, 1).astype(np.int8)

    def running_share(self, steps: Steps) -> np.ndarray:
        """Share of good speed values above the machine's limit, NaN without any."""
        point = self.scalars.get(self.speed_role or "")
        if point is None:
            return np.full(len(steps.end_us), np.nan)
        above = (point.value > self._machine.running_above_hz).astype(np.float64)
        return _mean(point, steps, above)

    def level(self, entries: Sequence[Entry], steps: Steps, own: ComponentSteps) -> list[Column]:
        """One column for each level-1 entry."""
        found: dict[str, Column] = {}
        for role in dict.fromkeys(entry.role for entry in entries):
            wanted = [entry for entry in entries if entry.role == role]
            for entry, column in zip(wanted, self._role(role, wanted, steps, own), strict=True):
                found[entry.name] = column
        return [found[entry.name] for entry in entries]

    def _role(self, role: str, wanted: list[Entry], steps: Steps, own: ComponentSteps) -> list[Column]:
        if role in self.waves and self._points[role].quantity in _VIBRATION:
            # Geometry that is not there refuses by itself; a feature of another kind of sensor is not for it.
            at = replace(self._placements[role], has_bearing=True, has_gear=True, has_blades=True)
            vibration = [e for e in wanted if e.feature.family == "vibration" and e.feature.applies(at)]
            columns = dict(zip((e.name for e in vibration), self._vibration(role, vibration, steps), strict=True))
            return [columns.get(entry.name) or _refused(steps) for entry in wanted]
        if role == "":
            return [entry.feature.compute(own) for entry in wanted]
        if role not in self.scalars:
            return [_refused(steps) for _ in wanted]
        context = self._context(role, steps)
        placement, unit = self._placements[role], canonical_unit(self._points[role].quantity)
        return [
            entry.feature.compute(context) if _fits(entry, placement, unit) else _refused(steps)
            for entry in wanted
        ]

    def _context(self, role: str, steps: Steps) -> ScalarSteps:
        point, placement = self.scalars[role], self._placements[role]

        def mean_of(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
            with np.errstate(all="ignore"):
                return _mean(point, steps, function(point.value))

        return ScalarSteps(
            self._scalar(role, steps),
            _mean(point, steps.before),
            self._scalar(AMBIENT, steps),
            steps.grid_us / _HOUR_US,
            sisters=_together([_mean(sister, steps) for sister in self._sisters[role]], len(steps.end_us)),
            warning=_warning(self._points[role]),
            insulation=placement.insulation,
            mean_of=mean_of,
        )

    def pair(self, role: str | None, steps: Steps) -> np.ndarray:
        """Mean of that role in each step and in the step before, [2, n]; NaN without such a point."""
        return np.stack([self._scalar(role or "", steps), self._scalar(role or "", steps.before)])

    def _scalar(self, role: str, steps: Steps) -> np.ndarray:
        if role not in self.scalars:
            return np.full(len(steps.end_us), np.nan)
        point = self.scalars[role]
        mean = _mean(point, steps)
        if self._points[role].stepped:
            held = point.newest(steps.end_us - 1, steps.closing_us, steps.end_us - HOLD_US)
            mean = np.where(np.isnan(mean) & (held >= 0), point.value[np.maximum(held, 0)], mean)
        return mean

    def _wave_index(self, role: str, steps: Steps) -> tuple[np.ndarray, np.ndarray]:
        """Waveform of each step (-1 without one) and the shaft speed recorded with it (else NaN)."""
        oldest = np.maximum(steps.end_us - tolerance_us(self._machine), steps.life_start_us)
        index = self.waves[role].newest(steps.end_us, steps.closing_us, oldest)
        recorded = self._waveforms["speed_hz"].fill_null(float("nan")).to_numpy()
        row = self.waves[role].row[np.maximum(index, 0)]
        return index, np.where(index >= 0, recorded[row], np.nan)

    def _speed(self, role: str, index: np.ndarray, recorded: np.ndarray, steps: Steps) -> np.ndarray:
        """Speed of each step's waveform: recorded with it, else as of it, else the machine's constant."""
        speed = recorded
        point = self.scalars.get(self.speed_role or "")
        if point is not None:
            at = self.waves[role].time_us[np.maximum(index, 0)]
            newest = point.newest(at, steps.closing_us, at - 2 * steps.grid_us)
            measured = np.where(newest >= 0, point.value[np.maximum(newest, 0)], np.nan)
            speed = np.where(np.isnan(speed), measured, speed)
        constant = None if self._machine.speed is None else self._machine.speed.hz
        return speed if constant is None else np.where(np.isnan(speed), constant, speed)

    def _vibration(self, role: str, wanted: list[Entry], steps: Steps) -> list[Column]:
        n = len(steps.end_us)
        index, recorded = self._wave_index(role, steps)
        speed = self._speed(role, index, recorded, steps)
        values = np.full((len(wanted), n), np.nan)
        codes = np.full((len(wanted), n), codes_of(FeatureRefusal.NO_INPUT), np.int8)
        stopped = (index >= 0) & (speed <= self._machine.running_above_hz)
        codes[:, stopped] = codes_of(FeatureRefusal.STOPPED)
        places = np.flatnonzero((index >= 0) & ~stopped)
        rows = self.waves[role].row[index[places]]
        for at, batch in self._batches(places, rows, speed, self._points[role]):
            batch.prepare()
            for number, entry in enumerate(wanted):
                column = entry.feature.compute(batch)
                values[number, at], codes[number, at] = column.values, column.codes
        return [Column(values[number], codes[number]) for number in range(len(wanted))]

    def _batches(
        self, places: np.ndarray, rows: np.ndarray, speed: np.ndarray, point: MeasuringPoint
    ) -> Iterator[tuple[np.ndarray, WaveformBatch]]:
        """Waveforms of equal rate and length together, as many as stay in the cache."""
        if not len(rows):
            return
        chosen = self._waveforms[rows].select("sample_rate_hz", "wave", lengths=pl.col("wave").bin.size() // 4)
        rates, lengths = chosen["sample_rate_hz"].to_numpy(), chosen["lengths"].fill_null(0).to_numpy()
        for rate, length in sorted(set(zip(rates.tolist(), lengths.tolist(), strict=True))):
            same = np.flatnonzero((rates == rate) & (lengths == length))
            size = max(8, _BATCH_SAMPLES // max(length, 1))
            for first in range(0, len(same), size):
                part = same[first : first + size]
                waves = chosen["wave"][part].to_list()
                samples = np.frombuffer(b"".join(w[: 4 * length] for w in waves if w), dtype="<f4")
                at = places[part]
                yield (
                    at,
                    WaveformBatch(
                        samples.reshape(len(part), length),
                        float(rate),
                        speed[at],
                        orders=self._component.fault_orders,
                        gear_teeth=self._component.gear_teeth,
                        blades=self._component.blades,
                        quantity=point.quantity,
                        envelope_band_hz=point.envelope_band_hz,
                    ),
                )


def tolerance_us(machine: Machine) -> int:
    """How old a waveform may be at a row: as the plant file says, else two grid steps."""
    return microseconds(2 * machine.grid if machine.tolerance is None else machine.tolerance)


def _mean(point: Readings, steps: Steps, value: np.ndarray | None = None) -> np.ndarray:
    """Mean of the usable values in each step, NaN without any."""
    n = len(steps.end_us)
    end = (point.time_us // steps.grid_us + 1) * steps.grid_us
    place = np.searchsorted(steps.end_us, end)
    reading = np.flatnonzero((place < n) & (steps.end_us[np.minimum(place, n - 1)] == end)) if n else place[:0]
    place = place[reading]
    usable = point.usable(reading, steps.closing_us[place])
    place, reading = place[usable], reading[usable]
    found = tumble(
        point.time_us[reading],
        np.asarray(point.value if value is None else value, dtype=np.float64)[reading],
        np.ones(len(reading), dtype=np.bool_),
        np.zeros(1, dtype=np.int64),
        steps.grid_us,
    )
    mean = np.full(n, np.nan)
    mean[place[found[0]]] = found[3]
    return mean


def _together(means: list[np.ndarray], n: int) -> np.ndarray:
    """Mean over points of what each of them measured, [n]; NaN where none did."""
    values = np.array(means).reshape(len(means), n)
    measured = np.count_nonzero(~np.isnan(values), axis=0)
    return np.where(measured > 0, np.nansum(values, axis=0) / np.maximum(measured, 1), np.nan)


def _warning(point: MeasuringPoint) -> float:
    """Warning limit in the canonical unit, NaN without one."""
    if point.limits.warning is None:
        return math.nan
    return float(to_canonical(np.array(point.limits.warning), point.unit, point.quantity))


def _fits(entry: Entry, placement: Placement, unit: str) -> bool:
    return entry.feature.applies(placement) and (entry.feature.unit != "canonical" or entry.unit == unit)


def _refused(steps: Steps) -> Column:
    n = len(steps.end_us)
    return Column(np.full(n, np.nan), np.full(n, codes_of(FeatureRefusal.NO_INPUT), np.int8))
