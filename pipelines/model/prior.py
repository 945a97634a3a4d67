"""Life of a class from failures and suspensions alone: a Weibull distribution, and one of each failure mode.

The prior that an artefact keeps is fitted by lifelines. The baseline that is fitted anew in every fold solves the
likelihood's equation itself, in a fortieth of the time; tests hold the two together.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from pipelines.model.examples import Bools, Floats, LifeSummary

__all__ = ["Weibull", "class_prior", "fit_weibull"]

# Shapes outside are not lives of machines but artefacts of a handful of numbers.
_SHAPES = (0.05, 50.0)

# Failures below which no distribution is fitted.
_FEWEST = 3

# Shape that is assumed below that: of ball bearings (G. Lundberg, A. Palmgren, "Dynamic capacity of rolling
# bearings", Acta Polytechnica 7, 1947). Other parts scatter less, so it is on the wide side.
_ASSUMED_SHAPE = 10.0 / 9.0

# Failures that have to name a mode before a life of its own is fitted.
_FEWEST_OF_MODE = 5

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
    end, entry, unit = _ages(_known(lives))
    failed = np.array([life.failed for life in _known(lives)], dtype=np.bool_)
    if np.count_nonzero(failed) < _FEWEST:
        return None
    shape = _root(end, entry, float(np.log(end[failed]).mean()))
    return Weibull(shape, _scale(end, entry, failed, shape) * unit)


def class_prior(lives: Sequence[LifeSummary]) -> dict[str, float | None]:
    """What an artefact keeps under `class_prior` (see `features.rul.prior`), by lifelines.

    From three failures of known age on shape and scale are fitted, with one or two the scale alone. A mode that at
    least five failures name has a life of its own: ends of any other kind are suspensions to it.

    References:
        W. Nelson, "Weibull analysis of reliability data with few or no failures", Journal of Quality Technology
        17(3), 1985 (a shape that is assumed). R. L. Prentice et al., "The analysis of failure times in the
        presence of competing risks", Biometrics 34, 1978 (rates of one cause, other causes censored).
    """
    known = _known(lives)
    failed = np.array([life.failed for life in known], dtype=np.bool_)
    weibull = _fitted(known, failed)
    prior: dict[str, float | None] = {
        "shape": None if weibull is None else weibull.shape,
        "scale": None if weibull is None else weibull.scale,
        "median_life": None if weibull is None else weibull.median,
        "failures": float(np.count_nonzero(failed)),
    }
    named = [_mode_of(life) for life in known]
    for mode, failures in sorted(Counter(mode for mode in named if mode).items()):
        of_mode = _fitted(known, np.array([one == mode for one in named])) if failures >= _FEWEST_OF_MODE else None
        if of_mode is not None:
            prior |= {f"shape.{mode}": of_mode.shape, f"scale.{mode}": of_mode.scale}
            prior[f"failures.{mode}"] = float(failures)
    return prior


@runtime_checkable
class _Named(Protocol):
    """A life that tells in which failure mode it ended."""

    @property
    def failure_mode(self) -> str | None: ...


def _mode_of(life: LifeSummary) -> str:
    """Empty: it did not fail, or nobody said of what."""
    return (life.failure_mode or "") if life.failed and isinstance(life, _Named) else ""


def _known(lives: Sequence[LifeSummary]) -> list[LifeSummary]:
    return [life for life in lives if life.duration > 0 and np.isfinite(life.entry)]


def _ages(known: Sequence[LifeSummary]) -> tuple[Floats, Floats, float]:
    """Ages [n] at the end and at the first row, as shares of the longest life, and that in life units."""
    end = np.array([life.duration for life in known], dtype=np.float64)
    entry = np.array([min(max(life.entry, 0.0), life.duration) for life in known], dtype=np.float64)
    unit = float(end.max(initial=0.0)) or 1.0
    return end / unit, entry / unit, unit


def _fitted(known: Sequence[LifeSummary], failed: Bools) -> Weibull | None:
    """Of lives of which `failed` [n] ended in a failure; None without one."""
    if not failed.any():
        return None
    end, entry, unit = _ages(known)
    shape = _ASSUMED_SHAPE
    if np.count_nonzero(failed) >= _FEWEST:
        # pandas and automatic differentiation, 3 s to load: only a training needs them.
        from lifelines import WeibullFitter
        from lifelines.exceptions import StatisticalWarning

        near = float(np.clip(_root(end, entry, float(np.log(end[failed]).mean())), 0.1, 20.0))
        start = np.array([_scale(end, entry, failed, near), near])
        with warnings.catch_warnings():
            # Of variances, which nobody reads here.
            warnings.simplefilter("ignore", StatisticalWarning)
            found = WeibullFitter().fit(end, failed, entry=entry if entry.any() else None, initial_point=start)
        shape = float(np.clip(found.rho_, *_SHAPES))
        if shape == found.rho_:
            return Weibull(shape, float(found.lambda_) * unit)
    return Weibull(shape, _scale(end, entry, failed, shape) * unit)


def _scale(end: Floats, entry: Floats, failed: Bools, shape: float) -> float:
    """The likeliest scale of a given shape."""
    return float((np.sum(end**shape - entry**shape) / np.count_nonzero(failed)) ** (1.0 / shape))


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
