"""Condition of a component from healthy time alone: no failure needs to have been seen.

Every octave band of every vibration channel is a voter: how far is its recent level above the best level
this life has ever sustained? Damage of a rolling contact raises most bands; a moved resonance, a passing
load or a loose cable raises a few. The median of the voters is therefore the index, and a spike of single
snapshots never reaches it because each level is itself a median of the latest observations.

The best sustained level is a running minimum, so that run-in and warm-up (levels fall for hours or days)
need no declared skip. What is learnt from other lives, the scatter of the index while healthy, can only
raise the threshold, never lower it below a doubling (+6 dB), which is engineering practice and not the
clause of a standard.
"""

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from features.core.statements import Evidence, HealthState
from features.rul.thermal_baseline import ThermalBaseline, fit_thermal_baselines

__all__ = ["Assessment", "ConditionModel", "LifeRows", "fit_condition", "voters"]

Floats = npt.NDArray[np.float64]

# A level is the median of this many latest observations: one or two spikes of five never move it.
RECENT_OBSERVATIONS = 5

# Levels have doubled: +6 dB.
ALARM_RATIO = 2.0

# The state is left again when the index has fallen to this share of the threshold's ratio.
REARM_RATIO = 1.25

# The threshold lies at least this many robust standard deviations above the healthy index.
SCATTER_SIGMAS = 6.0

# Scale of the median absolute deviation to the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.4826

_OCTAVE = re.compile(r"^[^.]+\.octave_\d+hz_rms_m_s2$")
_RISE = re.compile(r"^[^.]+\.rise_over_ambient_k$")


@dataclass(frozen=True, slots=True)
class LifeRows:
    """Feature rows of one life in order of time.

    `time_us` int64 [n], microseconds since 1970 UTC; `age` float64 [n], life units, NaN unknown;
    `running` bool [n]; `values` float64 [n, features], NaN where refused; `names` [features].
    """

    time_us: npt.NDArray[np.int64]
    age: Floats
    running: npt.NDArray[np.bool_]
    values: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Condition at each row: `index` float64 [n], NaN while there is no reference yet; 1 = doubled."""

    index: Floats
    states: list[HealthState | None]
    evidence: list[tuple[Evidence, ...]]


@dataclass(frozen=True, slots=True)
class ConditionModel:
    """What was learnt from healthy time; travels in the model artefact.

    `threshold` and the healthy index are natural logarithms of a ratio; `units` is the number of lives whose
    healthy time was long enough to learn from (0: the threshold is the doubling alone). `thermal` is what was
    learnt of temperatures; it adds evidence.
    """

    voters: tuple[str, ...]
    baseline_rows: int
    threshold: float
    healthy_median: float
    healthy_sigma: float
    units: int
    thermal: tuple[ThermalBaseline, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for the artefact's document."""
        document: dict[str, Any] = {
            "voters": list(self.voters),
            "baseline_rows": self.baseline_rows,
            "threshold": self.threshold,
            "healthy_median": self.healthy_median,
            "healthy_sigma": self.healthy_sigma,
            "units": self.units,
        }
        if self.thermal:
            document["thermal"] = [baseline.to_json() for baseline in self.thermal]
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ConditionModel":
        """The model that `to_json` wrote."""
        thermal = tuple(ThermalBaseline.from_json(baseline) for baseline in document.get("thermal", ()))
        return cls(**{**document, "voters": tuple(document["voters"]), "thermal": thermal})

    def assess(self, rows: LifeRows) -> Assessment:
        """Index, state and reasons at each row, from that row and earlier ones only.

        Rows in which the machine stood still or no voter has a value repeat the latest known index.
        """
        n = rows.time_us.size
        levels = _levels(rows, self.voters)
        seen: npt.NDArray[np.bool_] = np.asarray(np.isfinite(levels).any(axis=1), dtype=np.bool_)
        recent, best = _recent_and_best(levels[seen], self.baseline_rows)
        index = np.full(n, np.nan)
        index[seen] = _median(recent - best)
        index = _hold(index, seen)
        states = _states(index, self.threshold)
        evidence: list[tuple[Evidence, ...]] = [()] * n
        for position, row in enumerate(np.flatnonzero(seen)):
            evidence[row] = _reasons(self.voters, recent[position], best[position])
        for earlier, later in pairwise(range(n)):
            if not seen[later]:
                evidence[later] = evidence[earlier]
        for baseline in self.thermal:
            for at, told in enumerate(baseline.evidence(rows.values, rows.names, rows.running)):
                evidence[at] += () if told is None else (told,)
        return Assessment(index / math.log(2.0), states, evidence)


def voters(names: Sequence[str]) -> tuple[str, ...]:
    """Features that vote: octave bands of vibration, else rises of temperature over ambient."""
    octaves = tuple(name for name in names if _OCTAVE.match(name))
    return octaves or tuple(name for name in names if _RISE.match(name))


def fit_condition(lives: Sequence[LifeRows], names: Sequence[str], *, baseline_rows: int) -> ConditionModel | None:
    """Learns how much the index scatters while components are healthy.

    Args:
        lives: Training lives, failed or not. Healthy is the stretch from the end of the second baseline to
            the first third of a life (at least half a baseline long): long before any end that was seen.
        names: Names of the feature set.
        baseline_rows: Length of the reference level, in observations.

    Returns:
        The model, or None when no feature of the set can vote.
    """
    chosen = voters(names)
    if not chosen:
        return None
    baseline_rows = max(baseline_rows, RECENT_OBSERVATIONS)
    medians, sigmas = [], []
    for life in lives:
        levels = _levels(life, chosen)
        levels = levels[np.isfinite(levels).any(axis=1)]
        recent, best = _recent_and_best(levels, baseline_rows)
        index = _median(recent - best)
        healthy = index[2 * baseline_rows : max(levels.shape[0] // 3, 5 * baseline_rows // 2)]
        healthy = healthy[np.isfinite(healthy)]
        if healthy.size < baseline_rows // 2:
            continue
        middle = float(np.median(healthy))
        medians.append(middle)
        sigmas.append(MAD_TO_SIGMA * float(np.median(np.abs(healthy - middle))))
    middle, sigma = (float(np.median(medians)), float(np.median(sigmas))) if medians else (0.0, 0.0)
    threshold = max(math.log(ALARM_RATIO), middle + SCATTER_SIGMAS * sigma)
    healthy_rows = [
        (life.values[: len(life.values) // 3], life.running[: len(life.values) // 3]) for life in lives
    ]
    thermal = fit_thermal_baselines(healthy_rows, names)
    return ConditionModel(chosen, baseline_rows, threshold, middle, sigma, len(medians), thermal)


def _levels(rows: LifeRows, chosen: tuple[str, ...]) -> Floats:
    """Natural logarithm of the voters' values [n, voters]; NaN where not running, absent or not positive."""
    place = {name: i for i, name in enumerate(rows.names)}
    absent = [name for name in chosen if name not in place]
    if absent:
        raise KeyError(absent[0])
    values = rows.values[:, [place[name] for name in chosen]]
    usable = np.isfinite(values) & (values > 0) & rows.running[:, None]
    return np.log(np.where(usable, values, 1.0)) + np.where(usable, 0.0, np.nan)


def _recent_and_best(levels: Floats, baseline_rows: int) -> tuple[Floats, Floats]:
    """Recent level and best sustained level so far, [n, voters]; NaN until there are enough observations."""
    recent = _rolling_median(levels, RECENT_OBSERVATIONS)
    sustained = _rolling_median(levels, baseline_rows)
    return recent, np.fmin.accumulate(sustained, axis=0) if sustained.size else sustained


def _rolling_median(levels: Floats, width: int) -> Floats:
    result = np.full(levels.shape, np.nan)
    if levels.shape[0] >= width:
        windows = np.lib.stride_tricks.sliding_window_view(levels, width, axis=0)
        result[width - 1 :] = _median(windows)
    return result


def _median(values: Floats) -> Floats:
    """Median over the last axis without NaN; NaN where nothing is left."""
    if np.isfinite(values).all():
        return np.asarray(np.median(values, axis=-1), dtype=np.float64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        return np.asarray(np.nanmedian(values, axis=-1), dtype=np.float64)


def _hold(index: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
    latest = np.maximum.accumulate(np.where(seen, np.arange(index.size), -1))
    return np.where(latest >= 0, index[np.maximum(latest, 0)], np.nan)


def _states(index: Floats, threshold: float) -> list[HealthState | None]:
    states: list[HealthState | None] = []
    raised = False
    for value in index:
        if math.isnan(value):
            states.append(None)
            continue
        raised = value > (threshold - math.log(REARM_RATIO) if raised else threshold)
        states.append(HealthState.MAINTENANCE_REQUIRED if raised else HealthState.NORMAL)
    return states


def _reasons(chosen: tuple[str, ...], recent: Floats, best: Floats) -> tuple[Evidence, ...]:
    growth = recent - best
    known = [i for i in np.argsort(-np.nan_to_num(growth, nan=-np.inf)) if math.isfinite(growth[i])]
    return tuple(
        Evidence(
            feature=chosen[i],
            value=math.exp(recent[i]),
            reference=math.exp(best[i]),
            unit="K" if chosen[i].endswith("_k") else "m/s^2",
            share=float(growth[i] / math.log(2.0)),
        )
        for i in known[:3]
    )
