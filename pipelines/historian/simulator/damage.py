"""Damage: when it begins, how it grows, and how loud it is at the end."""

import math
from dataclasses import dataclass

import numpy as np

from pipelines.historian.simulator.config import SimulatorConfig
from pipelines.historian.simulator.draws import Draws, Floats

__all__ = ["Damage", "draw_damage"]

# Steps of the growth path. A gamma process: increments are independent and never negative, so damage
# never heals (J. M. van Noortwijk, Reliability Engineering & System Safety 94 (2009), section 2).
_STEPS = 48
# Shape of one increment; smaller is more erratic.
_INCREMENT_SHAPE = 0.9
# A precursor takes at most this share of a life.
_LONGEST_GROWTH = 0.85


@dataclass(frozen=True, slots=True)
class Damage:
    """How one part will die; ages in running hours. `onset_h` is None when nothing announces the end."""

    mode: str
    life_h: float
    onset_h: float | None
    path: tuple[float, ...]  # share of the growth reached after each equal step of time, 0 to 1
    steepness: float  # exponent of the growth
    amplitude: float  # size of the symptoms at failure against the usual

    @property
    def precursor(self) -> bool:
        """Whether anything can be seen before the failure."""
        return self.onset_h is not None

    def severity(self, age_h: Floats) -> Floats:
        """Severity at each age: 0 before the onset, 1 at the failure, growing exponentially between."""
        if self.onset_h is None:
            return np.zeros_like(age_h)
        share = np.clip((age_h - self.onset_h) / (self.life_h - self.onset_h), 0.0, 1.0)
        grown = np.interp(share, np.linspace(0.0, 1.0, len(self.path)), self.path)
        return np.asarray(np.expm1(self.steepness * grown) / math.expm1(self.steepness))


def draw_damage(config: SimulatorConfig, machine_id: str, slot: str, component_class: str, number: int) -> Damage:
    """How the part of that life number will die."""
    wear = config.wear[component_class]
    rng = Draws(config.seed).stream(machine_id, slot, "life", number)
    scale = wear.mean_life_days / math.gamma(1 + 1 / wear.shape)
    life_h = 24 * max(scale * float(rng.weibull(wear.shape)), wear.shortest_life_days)
    names = list(wear.modes)
    weights = np.array([wear.modes[name] for name in names])
    mode = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    growth_h = 24 * wear.growth_median_days * float(rng.lognormal(0.0, wear.growth_sigma))
    growth_h = min(growth_h, _LONGEST_GROWTH * life_h)
    path = np.concatenate([[0.0], np.cumsum(rng.gamma(_INCREMENT_SHAPE, size=_STEPS))])
    return Damage(
        mode=mode,
        life_h=life_h,
        onset_h=None if mode == "sudden" else life_h - growth_h,
        path=tuple(float(value) for value in path / path[-1]),
        steepness=float(rng.uniform(1.5, 4.0)),
        amplitude=float(rng.lognormal(0.0, wear.amplitude_sigma)),
    )
