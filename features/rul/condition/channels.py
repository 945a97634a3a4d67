"""Process readings and temperatures against what their operation accounts for.

A channel is one reading. What is expected of it is learnt on healthy time: in each regime a value that may
follow the settings, or, for temperatures with load or speed beside them, `thermal`. A life's own first
stretch then says how far this very machine lies from the expectation. What is left, the departure, is in
the reading's own unit. The score of a row is the root mean square of its departures, each in standard
deviations of its healthy scatter.

References:
    H. Hotelling, "Multivariate quality control", in: Techniques of Statistical Analysis (1947): the squared
    distance of many readings from their healthy mean; here with a diagonal covariance, robustly estimated.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.core.statements import Evidence
from features.rul.condition.medians import RECENT_OBSERVATIONS, median, robust_sigma, rolling_median
from features.rul.condition.rows import Bools, Floats, LifeRows, Longs, column
from features.rul.condition.thermal import ThermalBaseline

__all__ = ["Channel", "Departures", "Expectation", "departures", "expectation"]

# A coefficient needs that many rows of its regime.
_ROWS_EACH = 20

# Rows farther than that many robust standard deviations from a first fit take no part in the second.
_OUTLYING = 5.0

# A setting explains nothing in a regime where it moves by less than that share of its size.
_STILL = 1e-3

# A reading that scatters by less than that share of its size, or is the same in most rows, stands still.
_RESOLUTION = 1e-6

# One channel counts for at most that many standard deviations: a broken sensor does not hide the others.
_CLIP = 30.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of a reading in one regime.

    `middle` and `half` [settings] scale the settings to -1..1, beyond which they are cut off;
    `coefficients` [1 + 2 settings], the reading's unit: constant, linear and square terms; `scale` the robust
    standard deviation of single rows about them, the reading's unit.
    """

    middle: tuple[float, ...]
    half: tuple[float, ...]
    coefficients: tuple[float, ...]
    scale: float

    def of(self, settings: Floats) -> Floats:
        """Expected reading at each row of settings [n, settings]; NaN where one is NaN."""
        return np.asarray(_design(settings, self.middle, self.half) @ np.array(self.coefficients))


@dataclass(frozen=True, slots=True)
class Channel:
    """One reading, what is expected of it, and its scatter.

    `expected` one a regime, None where too little was seen of it; `thermal` instead, for a temperature. What is
    left is told in scales of the regime, so that regimes of different scatter are comparable; the scale of
    `thermal` is 1 K. `sigma` of the departures while healthy, in scales; `usual` and `spread` say where the lives
    of the class begin: middle and robust standard deviation of their own first stretches (0 and infinity: not
    known).
    `rising`: only a reading above its expectation counts.
    """

    feature: str
    unit: str
    expected: tuple[Expectation | None, ...]
    thermal: ThermalBaseline | None = None
    sigma: float = math.nan
    usual: float = 0.0
    spread: float = math.inf
    rising: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain values for the artefact's document."""
        return {
            **{name: getattr(self, name) for name in ("feature", "unit", "sigma", "usual", "spread", "rising")},
            "expected": [None if one is None else asdict(one) for one in self.expected],
            "thermal": None if self.thermal is None else self.thermal.to_json(),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Channel":
        """The channel that `to_json` wrote."""
        thermal = document["thermal"]
        expected = tuple(None if one is None else _expectation_of(one) for one in document["expected"])
        thermal = None if thermal is None else ThermalBaseline.from_json(thermal)
        return cls(**{**document, "expected": expected, "thermal": thermal})

    def residual(self, rows: LifeRows, settings: Floats, *, usable: Bools, regime: Longs) -> Floats:
        """Measured less expected [n], in scales; NaN where not usable or unlike what was learnt."""
        if self.thermal is not None:
            return np.where(usable, self.thermal.residual_k(rows.values, rows.names), np.nan)
        found, measured = np.full(len(usable), np.nan), column(rows.values, rows.names, self.feature)
        for number, one in enumerate(self.expected):
            here = usable & (regime == number)
            if one is not None and here.any():
                found[here] = (measured[here] - one.of(settings[here])) / one.scale
        return found

    def scale(self, regime: Longs) -> Floats:
        """One scale in `unit` at each row [n]; NaN in a regime that was not learnt."""
        if self.thermal is not None:
            return np.ones(regime.size)
        known = [math.nan if one is None else one.scale for one in self.expected]
        return np.array([*known, math.nan])[np.minimum(regime, len(known))]


@dataclass(frozen=True, slots=True)
class Departures:
    """Departures of one life.

    Of the rows with a residual (`seen` bool [n], m of them): `values` [m, channels] in scales, the median of the
    latest observations less the life's own first stretch `begin` [channels]; `told` the same in the channels'
    units; `score` [m]; `shares` [m, channels] of its square. NaN before there is a reference.
    """

    seen: Bools
    values: Floats
    told: Floats
    score: Floats
    shares: Floats
    begin: Floats

    def evidence(self, rows: LifeRows, channels: Sequence[Channel], at: int) -> tuple[Evidence, ...]:
        """The three readings that account for most of the score at row `at` of the seen ones, in their units."""
        row = int(np.flatnonzero(self.seen)[at])
        found = []
        for i in np.argsort(-np.nan_to_num(self.shares[at], nan=-1.0))[:3]:
            value = float(column(rows.values[[row]], rows.names, channels[i].feature)[0])
            share, reference = float(self.shares[at, i]), value - float(self.told[at, i])
            if share > 0 and math.isfinite(reference):
                found.append(Evidence(channels[i].feature, value, reference, channels[i].unit, share))
        return tuple(found)


def departures(channels: Sequence[Channel], residuals: Floats, scales: Floats, baseline_rows: int) -> Departures:
    """Departures of one life from its own first stretch, each row from itself and earlier ones.

    Args:
        channels: What is looked at; their `sigma` may still be NaN.
        residuals: Measured less expected, in scales, [n, channels].
        scales: One scale at each row in the channels' units, [n, channels].
        baseline_rows: Length of the first stretch, in observations.
    """
    seen: Bools = np.asarray(np.isfinite(residuals).any(axis=1), dtype=np.bool_)
    values = residuals[seen]
    begin = median(values[:baseline_rows].T) if len(values) >= baseline_rows else np.full(len(channels), np.nan)
    # A part that begins outside of what is usual for its class is not taken for its own reference.
    usual = np.array([channel.usual for channel in channels])
    reach = np.array([3.0 * channel.spread for channel in channels])
    begin = np.clip(begin, usual - reach, usual + reach)
    moved = rolling_median(values, RECENT_OBSERVATIONS) - begin
    told = rolling_median((values - begin) * scales[seen], RECENT_OBSERVATIONS)
    moved[: baseline_rows - 1] = np.nan
    rising = np.array([channel.rising for channel in channels], dtype=np.bool_)
    counted = np.where(rising, np.maximum(moved, 0.0), moved)
    squares = np.clip(counted / np.array([channel.sigma for channel in channels]), -_CLIP, _CLIP) ** 2
    known = np.count_nonzero(np.isfinite(squares), axis=1)
    total = np.nansum(squares, axis=1)
    enough = known > len(channels) / 2
    score = np.where(enough, np.sqrt(total / np.maximum(known, 1)), np.nan)
    shares = np.divide(squares, total[:, None], out=np.zeros_like(squares), where=total[:, None] > 0)
    return Departures(seen, moved, told, score, shares, begin)


def expectation(measured: Floats, settings: Floats) -> Expectation | None:
    """Learn what is expected of a reading in one regime.

    Args:
        measured: [n].
        settings: [n, settings].

    Returns:
        Least squares on the settings that move, without outlying rows; None when there are fewer than 20
        whole rows, or the reading does not scatter.
    """
    whole = np.isfinite(measured) & np.isfinite(settings).all(axis=1)
    measured, settings = measured[whole], settings[whole]
    if len(measured) < _ROWS_EACH:
        return None
    low, high = settings.min(axis=0), settings.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    moves = half > _STILL * np.maximum(np.abs(low), np.abs(high))
    if len(measured) < _ROWS_EACH * (1 + 2 * int(np.count_nonzero(moves))):
        moves = np.zeros_like(moves)
    half = np.where(moves, half, np.inf)
    design = _design(settings, tuple(middle), tuple(half))
    kept = np.ones(len(measured), dtype=np.bool_)
    for _ in range(2):
        coefficients = np.linalg.lstsq(design[kept], measured[kept], rcond=1e-10)[0]
        left = measured - design @ coefficients
        left = left - float(np.median(left))
        near = np.abs(left) <= _OUTLYING * robust_sigma(left)
        kept = near if np.count_nonzero(near) > len(near) / 2 else np.ones_like(near)
    scale = robust_sigma(measured - design @ coefficients)
    if min(scale, robust_sigma(measured)) <= _RESOLUTION * float(np.abs(measured).max()):
        return None
    return Expectation(tuple(middle.tolist()), tuple(half.tolist()), tuple(coefficients.tolist()), scale)


def _expectation_of(document: dict[str, Any]) -> Expectation:
    listed = {name: tuple(document[name]) for name in ("middle", "half", "coefficients")}
    return Expectation(**listed, scale=document["scale"])


def _design(settings: Floats, middle: Sequence[float], half: Sequence[float]) -> Floats:
    scaled = np.clip((settings - np.array(middle)) / np.array(half), -1.0, 1.0)
    return np.concatenate([np.ones((len(settings), 1)), scaled, scaled**2], axis=1)
