"""Octave bands of vibration against the best level that a life has sustained.

Every octave band of every vibration channel is a voter: how far is its recent level above the best level
this life has ever sustained? Damage of a rolling contact raises most bands; a moved resonance, a passing
load or a loose cable raises a few. The median of the voters is therefore the index, and a spike of single
snapshots never reaches it because each level is itself a median of the latest observations.

The best sustained level is a running minimum, so that run-in and warm-up (levels fall for hours or days)
need no declared skip. What is learnt from other lives, the scatter of the index while healthy, can only
raise the threshold, never lower it below a doubling (+6 dB), which is engineering practice and not the
clause of a standard. Where the class runs in several regimes each has its own best level; until a life has
sustained one there, the level of another of its regimes stands in, moved by what lies between the two in
the healthy time of the class.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.core.statements import Evidence
from features.rul.condition.medians import RECENT_OBSERVATIONS, median, robust_sigma, rolling_median
from features.rul.condition.operation import settings_of
from features.rul.condition.rows import Bools, Floats, LifeRows, Longs, column

__all__ = ["ALARM_RATIO", "SCATTER_SIGMAS", "Scatter", "Votes", "fit_levels", "fit_scatter", "voters", "votes"]

# Levels have doubled: +6 dB.
ALARM_RATIO = 2.0

# The threshold lies at least this many robust standard deviations above the healthy index.
SCATTER_SIGMAS = 6.0

# In several regimes a growth needs values in more than half of the latest observations, as a median does.
_MAJORITY = RECENT_OBSERVATIONS // 2 + 1

_OCTAVE = re.compile(r"^[^.]+\.octave_\d+hz_rms_m_s2$")
_RISE = re.compile(r"^[^.]+\.rise_over_ambient_k$")
_WINDING = re.compile(r"^winding\w*\.level_k$")


@dataclass(frozen=True, slots=True)
class Votes:
    """Of the rows that have a level (`seen` bool [n], m of them): natural logarithms.

    `index` [m] the median vote; `growth` [m, voters] the votes; `best` [m, voters] what they stand against.
    """

    seen: Bools
    index: Floats
    growth: Floats
    best: Floats

    def evidence(self, chosen: Sequence[str], at: int) -> tuple[Evidence, ...]:
        """The three bands that grew most; `share` in doublings."""
        growth, best = self.growth[at], self.best[at]
        known = [i for i in np.argsort(-np.nan_to_num(growth, nan=-np.inf)) if math.isfinite(growth[i] + best[i])]
        return tuple(
            Evidence(
                feature=chosen[i],
                value=math.exp(growth[i] + best[i]),
                reference=math.exp(best[i]),
                unit="K" if chosen[i].endswith("_k") else "m/s^2",
                share=float(growth[i] / math.log(ALARM_RATIO)),
            )
            for i in known[:3]
        )


@dataclass(frozen=True, slots=True)
class Scatter:
    """The index while healthy, natural logarithms, from `units` lives; `threshold` where alarms begin."""

    threshold: float
    middle: float
    sigma: float
    units: int


def voters(names: Sequence[str]) -> tuple[str, ...]:
    """Features that vote: octave bands of vibration, else rises of temperature over ambient.

    A winding is told by its own temperature, not by the vibration of the machine. Where load or speed is
    measured a rise alone does not vote: it follows them.
    """
    octaves = tuple(name for name in names if _OCTAVE.match(name))
    if octaves and not any(_WINDING.match(name) for name in names):
        return octaves
    return () if settings_of(names) else tuple(name for name in names if _RISE.match(name))


def votes(
    rows: LifeRows, chosen: Sequence[str], baseline_rows: int, *, usable: Bools, regime: Longs, levels: Floats
) -> Votes:
    """Growth of every voter over the best level sustained, from each row and earlier ones only.

    Args:
        rows: Of one life.
        chosen: Voters.
        baseline_rows: Length of the reference level, in observations.
        usable: Rows that count, bool [n].
        regime: Of each row, int64 [n]; those from `len(levels)` on are none of the class.
        levels: What is usual in each regime of the class, [regimes, voters]; NaN where not known.
    """
    values = _levels(rows, chosen, usable)
    seen: Bools = np.asarray(np.isfinite(values).any(axis=1), dtype=np.bool_)
    values, regime = values[seen], regime[seen]
    if len(levels) <= 1:
        recent = rolling_median(values, RECENT_OBSERVATIONS)
        best = _best(values, baseline_rows)
        return Votes(seen, median(recent - best), recent - best, best)
    best = _transferred(_best_of_each(values, regime, baseline_rows, len(levels) + 1), levels)
    growth = _recent_growth(values, regime, best)
    return Votes(seen, median(growth), growth, best[np.arange(len(regime)), regime])


def fit_levels(healthy: Sequence[tuple[LifeRows, Bools, Longs]], chosen: Sequence[str], regimes: int) -> Floats:
    """What is usual of each voter in each regime, [regimes, voters], natural logarithms; NaN without rows.

    Args:
        healthy: Of each life its healthy rows, which of them count, and their regimes.
        chosen: Voters.
        regimes: Their number.
    """
    found = np.full((regimes, len(chosen)), np.nan)
    if regimes > 1 and healthy:
        values = np.concatenate([_levels(rows, chosen, usable) for rows, usable, _ in healthy])
        regime = np.concatenate([of for _, _, of in healthy])
        for number in range(regimes):
            found[number] = median(values[regime == number].T) if (regime == number).any() else np.nan
    return found


def fit_scatter(indices: Sequence[Floats], baseline_rows: int) -> Scatter:
    """How much the index scatters while components are healthy.

    Args:
        indices: Index of each training life [m]. Healthy is the stretch from the end of the second baseline
            to the first third of a life (at least half a baseline long): long before any end that was seen.
        baseline_rows: Length of the reference level, in observations.
    """
    medians, sigmas = [], []
    for index in indices:
        healthy = index[2 * baseline_rows : max(index.size // 3, 5 * baseline_rows // 2)]
        healthy = healthy[np.isfinite(healthy)]
        if healthy.size < baseline_rows // 2:
            continue
        medians.append(float(np.median(healthy)))
        sigmas.append(robust_sigma(healthy))
    middle, sigma = (float(np.median(medians)), float(np.median(sigmas))) if medians else (0.0, 0.0)
    threshold = max(math.log(ALARM_RATIO), middle + SCATTER_SIGMAS * sigma)
    return Scatter(threshold, middle, sigma, len(medians))


def _levels(rows: LifeRows, chosen: Sequence[str], usable: Bools) -> Floats:
    """Natural logarithm of the voters' values [n, voters]; NaN where not usable, absent or not positive."""
    values = np.stack([column(rows.values, rows.names, name) for name in chosen], axis=1)
    positive = np.isfinite(values) & (values > 0) & usable[:, None]
    return np.log(np.where(positive, values, 1.0)) + np.where(positive, 0.0, np.nan)


def _best(values: Floats, baseline_rows: int) -> Floats:
    """Best level sustained so far, [m, voters]; NaN until there are enough observations."""
    sustained = rolling_median(values, baseline_rows)
    return np.fmin.accumulate(sustained, axis=0) if sustained.size else sustained


def _best_of_each(values: Floats, regime: Longs, baseline_rows: int, regimes: int) -> Floats:
    """Best level sustained in each regime as known at each row, [m, regimes, voters]."""
    found = np.full((len(values), regimes, values.shape[1]), np.nan)
    for number in range(regimes):
        own = np.flatnonzero(regime == number)
        found[own, number] = _best(values[own], baseline_rows)
    return np.fmin.accumulate(found, axis=0) if found.size else found


def _transferred(best: Floats, levels: Floats) -> Floats:
    """Regimes without a level of their own get the lowest of the others, moved by the usual difference."""
    known = best.copy()
    usual = np.concatenate([levels, np.full((1, levels.shape[1]), np.nan)])
    stands_in = np.fmin.reduce(best - usual, axis=1)[:, None, :] + usual
    known[np.isnan(best)] = stands_in[np.isnan(best)]
    return known


def _recent_growth(values: Floats, regime: Longs, best: Floats) -> Floats:
    """Median growth of the latest observations, each against the best level of its own regime, [m, voters]."""
    m = len(values)
    latest = np.full((m, values.shape[1], RECENT_OBSERVATIONS), np.nan)
    for back in range(min(RECENT_OBSERVATIONS, m)):
        now, then = np.arange(back, m), np.arange(m - back)
        latest[now, :, back] = values[then] - best[now, regime[then]]
    enough = np.count_nonzero(np.isfinite(latest), axis=2) >= _MAJORITY
    return np.where(enough, median(latest), np.nan)
