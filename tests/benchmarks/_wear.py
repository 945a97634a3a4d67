"""A synthetic fleet that wears out: lives that follow each other on its machines, and their causal features."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BEGIN", "DAY", "SPAN", "STEP", "Floats", "Lived", "Series", "causal", "fleet", "trailing"]

Floats = npt.NDArray[np.float64]
Series = dict[str, Floats]

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
STEP = dt.timedelta(hours=6)
DAY = dt.timedelta(days=1)
SPAN = 12  # steps in three days, the memory of the features


@dataclass(frozen=True, slots=True)
class Lived:
    """One life of the fleet: place, number, first step, what its sensors read at each step, how it ended."""

    machine: str
    number: int
    first: int
    raw: Floats
    failed: bool

    @property
    def unit(self) -> str:
        return f"{self.machine}/DE#{self.number}"

    def steps(self, as_of: dt.datetime) -> int:
        """Steps that were over at a moment."""
        return max(0, min(len(self.raw), (as_of - BEGIN) // STEP - self.first))


def fleet(machines: int, seed: int) -> list[Lived]:
    """Lives that follow each other on each machine; wear starts late and grows at a speed of its own."""
    rng = np.random.default_rng(seed)
    lives = []
    for machine in range(machines):
        first, number = int(rng.integers(0, 60)), 1
        while first < 400:
            n = int(np.clip(rng.weibull(3.0) * 110, 40, 200))
            onset, speed = n * rng.uniform(0.3, 0.7), rng.uniform(1.5, 4.0)
            age = np.arange(1, n + 1)
            wear = np.clip((age - onset) / (n - onset), 0.0, None) ** speed
            shape = rng.normal(0.0, 0.15, (3, 1)) + rng.normal(0.0, [[0.14], [0.2], [1.0]], (3, n))
            raw = np.stack([0.4 + wear, 0.2 + 0.7 * wear, 0.0 * wear]) + shape
            failed = rng.random() > 0.15
            lives.append(
                Lived(f"M{machine:02d}", number, first, raw[:, : n if failed else int(n * 0.8)].T, failed)
            )
            first, number = first + len(lives[-1].raw) + 4, number + 1
    return lives


def causal(raw: Floats) -> Series:
    """Features of each step from the steps up to it."""
    vibration, heat, load = raw.T
    named = {"vibration": vibration, "heat": heat, "load": load}
    found = dict(named)
    for name in ("vibration", "heat"):
        smooth = trailing(named[name], SPAN // 2)
        before = np.concatenate([np.full(SPAN, np.nan), smooth[:-SPAN]])[: len(smooth)]
        found |= {
            f"{name}.mean": smooth,
            f"{name}.delta": smooth - before,
            f"{name}.over_first": smooth - smooth[0],
        }
    return found | {"age": np.arange(1.0, len(raw) + 1)}


def trailing(x: Floats, steps: int) -> Floats:
    total = np.cumsum(np.concatenate([[0.0], x]))
    low = np.maximum(np.arange(len(x)) + 1 - steps, 0)
    return np.asarray((total[1:] - total[low]) / (np.arange(len(x)) + 1 - low))
