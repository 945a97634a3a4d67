"""Harmless changes that look like faults: load, cooling water, sensor scale, misalignment."""

from dataclasses import dataclass

import numpy as np

from pipelines.historian.simulator.config import SimulatorConfig
from pipelines.historian.simulator.draws import Draws, Floats

__all__ = ["KINDS", "Symptom", "draw_symptoms", "profile"]

# Kind -> (shortest, longest) duration in hours and (smallest, largest) size.
KINDS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "load_change": ((120.0, 960.0), (0.12, 0.3)),  # share of full load, up or down
    "cooling_water": ((72.0, 720.0), (5.0, 11.0)),  # K
    "sensor_scale": ((240.0, 1800.0), (0.25, 0.7)),  # share that the sensor reads too much
    "misalignment": ((480.0, 1800.0), (1.0, 2.5)),  # mm/s of 2x
}


@dataclass(frozen=True, slots=True)
class Symptom:
    """One harmless episode; hours from the simulation's start, size in the kind's unit."""

    kind: str
    number: int
    start_h: float
    end_h: float
    size: float


def draw_symptoms(config: SimulatorConfig, machine_id: str, hours: int) -> list[Symptom]:
    """Episodes of one machine that begin before `hours`, by kind and start."""
    draws, found = Draws(config.seed), []
    for kind, (lengths, sizes) in KINDS.items():
        per_year: float = getattr(config.symptoms, kind)
        moment, number = 0.0, 0
        while per_year > 0:
            rng = draws.stream(machine_id, "symptom", kind, number)
            moment += float(rng.exponential(8760.0 / per_year))
            if moment >= hours:
                break
            length = float(rng.uniform(*lengths))
            sign = -1.0 if kind == "load_change" and rng.random() < 0.5 else 1.0
            found.append(Symptom(kind, number, moment, moment + length, sign * float(rng.uniform(*sizes))))
            moment, number = moment + length, number + 1
    return found


def profile(symptoms: list[Symptom], kind: str, times_h: Floats, *, ramp_h: float) -> Floats:
    """Size of the symptom at each time, rising over `ramp_h` hours; 0 where there is none."""
    total = np.zeros_like(times_h)
    for symptom in symptoms:
        if symptom.kind == kind:
            inside = (times_h >= symptom.start_h) & (times_h < symptom.end_h)
            total += np.where(inside, symptom.size * np.clip((times_h - symptom.start_h) / ramp_h, 0.0, 1.0), 0.0)
    return total
