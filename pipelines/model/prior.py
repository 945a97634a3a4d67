"""Life of a class from failures and suspensions alone: a Weibull distribution."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.model.examples import Floats, LifeSummary

__all__ = ["Weibull", "fit_weibull"]

# Shapes outside are not lives of machines but artefacts of a handful of numbers.
_SHAPES = (0.05, 50.0)

# Failures below which no distribution is fitted.
_FEWEST = 3

# Points of the integral over the remaining life.
_POINTS = 256


@dataclass(frozen=True, slots=True)
class Weibull:
    """Survival exp(-(t / scale)^shape), t and scale in life units."""

    shape: float
    scale: float

    @property
    def median(self) -> float:
        """Age that half of the components reach."""
        return self.scale * float(np.log(2.0) ** (1.0 / self.shape))

    def mean_residual(self, age: Floats, cap: float) -> Floats:
        """Expected min(remaining life, cap) at each age [n], given survival so far."""
        ahead = np.linspace(0.0, cap, _POINTS)
        spent = (np.maximum(age, 0.0) / self.scale) ** self.shape
        later = ((np.maximum(age, 0.0)[:, None] + ahead) / self.scale) ** self.shape
        return np.asarray(np.trapezoid(np.exp(spent[:, None] - later), ahead, axis=1), dtype=np.float64)


def fit_weibull(lives: Sequence[LifeSummary]) -> Weibull | None:
    """Maximum likelihood with right censoring and delayed entry; None with fewer than three failures.

    Lives of unknown age are left out. Censoring is taken as not informative: a plant that replaces parts
    because they look worn makes this prior too optimistic.

    References:
        J. F. Lawless, "Statistical models and methods for lifetime data", 2nd ed. 2003, section 5.2.1
        (likelihood equations), section 2.4 (left truncation).
    """
    known = [life for life in lives if life.duration > 0 and np.isfinite(life.entry)]
    end = np.array([life.duration for life in known], dtype=np.float64)
    entry = np.array([min(max(life.entry, 0.0), life.duration) for life in known], dtype=np.float64)
    failed = np.array([life.failed for life in known], dtype=np.bool_)
    if np.count_nonzero(failed) < _FEWEST:
        return None
    unit = float(end.max())
    end, entry = end / unit, entry / unit
    target = float(np.log(end[failed]).mean())
    shape = _root(end, entry, target)
    scale = (np.sum(end**shape - entry**shape) / np.count_nonzero(failed)) ** (1.0 / shape)
    return Weibull(shape, float(scale) * unit)


def _root(end: Floats, entry: Floats, target: float) -> float:
    """Shape at which the profile likelihood's slope is zero, by bisection; the limit when it has no zero."""
    low, high = _SHAPES
    log_end = np.log(end)
    log_entry = np.log(np.where(entry > 0, entry, 1.0))
    for _ in range(60):
        shape = float(np.sqrt(low * high))
        power, before = end**shape, np.where(entry > 0, entry, 0.0) ** shape
        exposure = float(np.sum(power - before))
        slope = float(np.sum(power * log_end - before * log_entry)) / exposure - 1.0 / shape - target
        low, high = (low, shape) if slope > 0 else (shape, high)
    return float(np.sqrt(low * high))
