"""How a machine is driven: planned running, load and speed, hour by hour."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from pipelines.historian.simulator.config import SimulatorConfig
from pipelines.historian.simulator.draws import Draws, Floats
from pipelines.historian.simulator.machinery import SimulatedMachine
from pipelines.historian.simulator.symptoms import Symptom, profile

__all__ = ["Operation", "ambient", "drive", "planned_running", "red_noise"]

# Load in the first hours after a start, as a share of what is asked for.
_RAMP = (0.4, 0.75)
# Slip of a loaded induction motor at full load (dimensionless): typical of 4-pole machines of some 10 kW.
_SLIP = 0.02
# Planned short stops per running week (changeovers, cleaning).
_STOPS_PER_WEEK = 0.4


@dataclass(frozen=True, slots=True)
class Operation:
    """Hourly values: load as a share of full load, speed in Hz, both 0 when stopped."""

    running: npt.NDArray[np.bool_]
    load: Floats
    speed_hz: Floats


def red_noise(white: Floats, *, memory_h: float) -> Floats:
    """Stationary first-order noise of unit variance with that correlation time."""
    keep = float(np.exp(-1.0 / memory_h))
    out, _ = lfilter([np.sqrt(1 - keep**2)], [1.0, -keep], white, zi=[keep * white[0]])
    return np.asarray(out, dtype=np.float64)


def planned_running(config: SimulatorConfig, machine: SimulatedMachine, hours: int) -> npt.NDArray[np.bool_]:
    """Whether the machine is meant to run in each hour."""
    offset = config.start.weekday() * 24 + config.start.hour
    of_week = (np.arange(hours) + offset) % 168
    running = np.ones(hours, dtype=np.bool_)
    if machine.weekdays_only:  # from Saturday 14:00 to Monday 04:00 UTC
        running &= (of_week < 5 * 24 + 14) & (of_week >= 4)
    chance, start, length = Draws(config.seed).uniform(3, hours, machine.id, "stops")
    for hour in np.flatnonzero(chance < _STOPS_PER_WEEK / 168):
        running[hour : hour + 2 + int(8 * length[hour] * start[hour])] = False
    return running


def drive(
    config: SimulatorConfig,
    machine: SimulatedMachine,
    symptoms: list[Symptom],
    running: npt.NDArray[np.bool_],
) -> Operation:
    """Load and speed of a machine that runs in these hours."""
    hours = len(running)
    clock = np.arange(hours, dtype=np.float64)
    local_hour = (clock + config.start.hour + 1) % 24
    weekend = ((clock // 24 + config.start.weekday()) % 7) >= 5
    demand = machine.base_load + 0.05 * np.sin(2 * np.pi * (local_hour - 8) / 24) - 0.08 * weekend
    demand += 0.05 * red_noise(Draws(config.seed).normal(hours, machine.id, "load"), memory_h=18.0)
    demand += profile(symptoms, "load_change", clock, ramp_h=6.0)
    load = np.clip(demand, 0.2, 1.1)
    for since, share in enumerate(_RAMP):
        load[_started(running, since)] *= share
    if machine.machine_class.variable_speed:
        speed = machine.nominal_hz * (0.7 + 0.3 * np.clip(load, 0, 1))
    else:
        speed = machine.nominal_hz * (1 - _SLIP * load)
    return Operation(running, np.where(running, load, 0.0), np.where(running, speed, 0.0))


def _started(running: npt.NDArray[np.bool_], hours_ago: int) -> npt.NDArray[np.bool_]:
    """Hours in which the machine runs and had started exactly that many hours before."""
    before = np.concatenate([[True], running[:-1]])
    first = running & ~before
    moved = np.concatenate([np.zeros(hours_ago, dtype=np.bool_), first[: len(first) - hours_ago]])
    return np.asarray(moved & running)


def ambient(config: SimulatorConfig, machine: SimulatedMachine, hours: int) -> Floats:
    """Air temperature around the machine in degC: season, day and weather."""
    clock = np.arange(hours, dtype=np.float64)
    begin = config.start - dt.datetime(config.start.year, 1, 1, tzinfo=dt.UTC)
    day = clock / 24 + begin.total_seconds() / 86400
    season = 17.0 - 7.0 * np.cos(2 * np.pi * (day - 20) / 365.25)
    daily = 2.5 * np.sin(2 * np.pi * ((clock + config.start.hour) % 24 - 9) / 24)
    weather = 2.0 * red_noise(Draws(config.seed).normal(hours, "site", "weather"), memory_h=60.0)
    own = 0.4 * red_noise(Draws(config.seed).normal(hours, machine.id, "ambient"), memory_h=5.0)
    return np.asarray(season + daily + weather + own)
