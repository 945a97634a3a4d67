"""One machine's whole simulated existence up to a horizon: what is true, before anybody records it."""

import functools

import numpy as np
import numpy.typing as npt

from pipelines.historian.simulator import thermal
from pipelines.historian.simulator.config import SimulatorConfig
from pipelines.historian.simulator.delivery import Delivered, deliver, machine_gaps
from pipelines.historian.simulator.draws import Draws, Floats
from pipelines.historian.simulator.lives import History, Life, live
from pipelines.historian.simulator.machinery import SimulatedMachine
from pipelines.historian.simulator.operation import Operation, ambient, drive, planned_running
from pipelines.historian.simulator.symptoms import draw_symptoms, profile
from pipelines.historian.simulator.vibration import BEARING_FAULTS, Conditions

__all__ = ["Station"]

# Friction over healthy friction at severity 1: a spall rolls a little worse, a dry bearing much worse.
_SPALL_FRICTION = 0.3
_DRY_FRICTION = 0.85
# Winding loss over healthy loss at severity 1 (shorted turns).
_SHORT_LOSS = 0.45
# Scatter of the snapshot's speed around the hour's.
_SPEED_SCATTER = 0.002


class Station:
    """A machine with its history; everything is a function of (config, machine, hours)."""

    def __init__(self, config: SimulatorConfig, machine: SimulatedMachine, hours: int) -> None:
        self.config, self.machine, self.hours = config, machine, hours
        self.symptoms = draw_symptoms(config, machine.id, hours)
        self.planned = planned_running(config, machine, hours)
        self.history: History = live(config, machine, self.planned)
        self.gaps = machine_gaps(config, machine, hours)
        self._clock = np.arange(hours, dtype=np.float64)
        self._delivered: dict[str, Delivered] = {}

    @functools.cached_property
    def operation(self) -> Operation:
        """Load and speed, stops after failures included."""
        running = self.planned & ~self._stopped(self._clock)
        return drive(self.config, self.machine, self.symptoms, running)

    def delivered(self, role: str) -> Delivered:
        """The rows of one scalar, as the historian keeps them."""
        if role not in self._delivered:
            true = self._truth[role] + self._sensor_noise(role)
            self._delivered[role] = deliver(self.config, self.machine, role, true, self.gaps)
        return self._delivered[role]

    def conditions(self, times_h: Floats, rng: np.random.Generator) -> Conditions:
        """What holds at these moments."""
        hour = times_h.astype(np.int64)
        up = self.operation.running[hour] & ~self._stopped(times_h)
        scatter = 1 + _SPEED_SCATTER * rng.standard_normal(len(times_h))
        severity: dict[str, Floats] = {}
        for slot, _ in self.machine.machine_class.slots:
            severity |= self.severity(slot, times_h)
        return Conditions(
            speed_hz=np.where(up, self.operation.speed_hz[hour] * scatter, 0.0),
            load=np.where(up, self.operation.load[hour], 0.0),
            severity=severity,
            extra_2x_mm_s=profile(self.symptoms, "misalignment", times_h, ramp_h=72.0),
            sensor_gain=1.0 + profile(self.symptoms, "sensor_scale", times_h, ramp_h=0.01),
        )

    def severity(self, slot: str, times_h: Floats) -> dict[str, Floats]:
        """Severity times amplitude by failure mode, of the part that is installed at each moment."""
        found: dict[str, Floats] = {}
        spent = self._age(times_h)
        for life in self.history.lives:
            if life.slot != slot or not life.damage.precursor:
                continue
            begin = max(life.installed_h, 0.0)
            alive = (times_h >= begin) & (times_h < life.end_h)
            if np.any(alive):
                age = life.age_at_begin_h + spent[alive] - self._age(np.array([begin]))[0]
                total = found.setdefault(life.damage.mode, np.zeros(len(times_h)))
                total[alive] = life.damage.severity(age) * life.damage.amplitude
        return found

    def onset_h(self, life: Life) -> float | None:
        """When the damage of a life began; the simulation's start for one that began before."""
        if life.damage.onset_h is None:
            return None
        begin = max(life.installed_h, 0.0)
        target = self._age(np.array([begin]))[0] + life.damage.onset_h - life.age_at_begin_h
        hour = int(np.searchsorted(self._running_total, target, side="left"))
        return float(max(hour, begin)) if hour < self.hours else float("inf")

    @functools.cached_property
    def _running_total(self) -> Floats:
        """Running hours before each full hour, stops after failures taken out."""
        share = self.planned.astype(np.float64)
        for begin, end in self.history.stops:
            first, last = int(begin), min(int(np.ceil(end)), self.hours)
            hours = np.arange(first, last)
            covered = np.minimum(hours + 1, end) - np.maximum(hours, begin)
            share[first:last] *= 1 - np.clip(covered, 0.0, 1.0)
        return np.concatenate([[0.0], np.cumsum(share)])

    def _age(self, times_h: Floats) -> Floats:
        return np.interp(times_h, np.arange(self.hours + 1), self._running_total)

    def _stopped(self, times_h: Floats) -> npt.NDArray[np.bool_]:
        stopped = np.zeros(len(times_h), dtype=np.bool_)
        for begin, end in self.history.stops:
            stopped |= (times_h >= begin) & (times_h < end)
        return stopped

    @functools.cached_property
    def _truth(self) -> dict[str, Floats]:
        """True hourly values of every scalar, in the tag's unit."""
        operation, machine = self.operation, self.machine
        air = ambient(self.config, machine, self.hours)
        worn = self.severity("DE-bearing", self._clock)
        none = np.zeros(self.hours)
        spalls = np.sum([worn.get(mode, none) for mode in BEARING_FAULTS], axis=0)
        bearing, housing = thermal.bearing_and_housing(
            ambient=air,
            load=operation.load,
            speed_ratio=operation.speed_hz / machine.nominal_hz,
            friction=1 + _SPALL_FRICTION * spalls + _DRY_FRICTION * worn.get("lubrication", none),
            sink=profile(self.symptoms, "cooling_water", self._clock, ramp_h=12.0),
            rise_k=machine.machine_class.bearing_rise_k,
        )
        truth = {
            "bearing_temperature": bearing,
            "ambient_temperature": air,
            "load": 100 * operation.load,
            "speed": 60 * operation.speed_hz,
        }
        if machine.machine_class.winding_rise_k:
            loss = 1 + _SHORT_LOSS * self.severity("winding", self._clock).get("winding_insulation", none)
            truth["winding_temperature"] = thermal.winding(
                housing=housing, load=operation.load, loss=loss, rise_k=machine.machine_class.winding_rise_k
            )
        return truth

    def _sensor_noise(self, role: str) -> Floats:
        size = {"load": 0.4, "speed": 0.6}.get(role, 0.25)
        noise = size * Draws(self.config.seed).normal(self.hours, self.machine.id, role, "noise")
        return np.where(self.operation.running, noise, 0.0) if role in ("load", "speed") else noise
