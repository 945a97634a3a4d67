"""Condition from process readings and temperatures: how far they left what their operation accounts for.

The score of `channels` becomes an index: 0 is the middle of healthy time, 1 asks for maintenance. It lies
where healthy lives do not come: at least six robust standard deviations above their middle, above what 95 %
of them ever reached where there are enough of them, and never nearer than twice the middle.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.core.units import Quantity, canonical_unit
from features.registry import AMBIENT
from features.rul.condition.channels import Channel, Departures, departures, expectation
from features.rul.condition.medians import hold, median, robust_sigma
from features.rul.condition.operation import Operation, settings_of
from features.rul.condition.rows import Bools, Floats, LifeRows, Longs, column
from features.rul.condition.thermal import ThermalBaseline

__all__ = ["Process", "fit_process"]

_LEVEL = re.compile(r"^[^.]+\.level(_\w+)?$")
_WINDING = re.compile(r"^winding\w*\.level_k$")
_AIR = f"{AMBIENT}.level_k"

# How canonical units end the names of levels.
_UNITS = {canonical_unit(quantity).lower(): canonical_unit(quantity) for quantity in Quantity}
_UNITS |= {"m_s2": "m/s^2", "m_s": "m/s", "m3_s": "m^3/s", "n_m": "N*m", "": "1"}

# The alarm lies that many robust standard deviations above the middle of healthy time, where a single channel
# is that many of its own away, and at that many times the middle: engineering practice, no clause of a standard.
_SIGMAS, _LEAST = 6.0, 2.0

# From that many lives on the alarm also lies above what this share of them reached while healthy.
_LIVES, _REACHED = 5, 0.95

# Healthy observations after the first stretches, of all lives together, below which nothing is learnt.
_OBSERVATIONS = 30

# A temperature's scatter is taken to be at least that, K, so that alarms begin at 3 K at the earliest.
_LEAST_SIGMA_K = 0.5

# Standard deviations between the first and the last decile of a normal distribution.
_DECILES = 2.563

# A reading that falls in at most that share of the steps is a counter.
_RESETS = 0.02

# Share of healthy rows that need to have a reading.
_COMMON = 0.5

Compared = Sequence[tuple[LifeRows, Bools, Longs]]


@dataclass(frozen=True, slots=True)
class Process:
    """What was learnt; `middle` and `alarm` are scores, `units` the lives that had enough healthy time.

    `settings` are the names that expectations follow.
    """

    settings: tuple[str, ...]
    channels: tuple[Channel, ...]
    baseline_rows: int
    middle: float
    alarm: float
    units: int

    def to_json(self) -> dict[str, Any]:
        """Plain values for the artefact's document."""
        rest = {name: getattr(self, name) for name in ("baseline_rows", "middle", "alarm", "units")}
        channels = [channel.to_json() for channel in self.channels]
        return {"settings": list(self.settings), "channels": channels, **rest}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Process":
        """What `to_json` wrote."""
        channels = tuple(Channel.from_json(channel) for channel in document["channels"])
        return cls(**{**document, "settings": tuple(document["settings"]), "channels": channels})

    def departures(self, rows: LifeRows, *, usable: Bools, regime: Longs) -> Departures:
        """Departures of one life from what was learnt."""
        residuals = _residuals(rows, self.channels, self.settings, usable, regime)
        return departures(self.channels, residuals, _scales(self.channels, regime), self.baseline_rows)

    def index(self, found: Departures) -> Floats:
        """Index of all rows of the life [n]: 0 the middle of healthy time, 1 asks for maintenance."""
        index = np.full(found.seen.size, np.nan)
        index[found.seen] = (found.score - self.middle) / (self.alarm - self.middle)
        return hold(np.maximum(index, 0.0), np.asarray(np.isfinite(index)))


def fit_process(
    compared: Compared,
    names: Sequence[str],
    operation: Operation,
    thermal: Sequence[ThermalBaseline],
    *,
    baseline_rows: int,
    whole: bool,
) -> Process | None:
    """Learn expectations, scatter and alarm from the healthy stretches of training lives.

    Args:
        compared: Of each life its healthy rows, which of them count, and their regimes.
        names: Of the feature set.
        operation: Gate and regimes.
        thermal: Expected temperatures.
        baseline_rows: Length of a life's own first stretch, in observations.
        whole: Look at every process reading; else at the temperatures of `thermal` alone.

    Returns:
        None when there is no channel, or too little healthy time to know its scatter.
    """
    settings = _settings(compared, names) if whole else ()
    channels = _thermal_channels(thermal)
    if whole:
        followed = {channel.feature for channel in channels}
        wanted = [name for name in _readings(names) if name not in followed]
        channels += _level_channels(compared, wanted, settings, operation.count)
    if not channels:
        return None
    residuals = [_residuals(rows, channels, settings, usable, regime) for rows, usable, regime in compared]
    channels, kept = _scattered(compared, channels, residuals, baseline_rows)
    if not channels:
        return None
    scores = []
    for (_, _, regime), residual in zip(compared, residuals, strict=True):
        found = departures(channels, residual[:, kept], _scales(channels, regime), baseline_rows)
        score = found.score[baseline_rows:]
        score = score[np.isfinite(score)]
        if score.size >= max(1, baseline_rows // 2):
            scores.append(score)
    if sum(score.size for score in scores) < _OBSERVATIONS:
        return None
    middle = float(np.median([np.median(score) for score in scores]))
    alarm = max(_LEAST * middle, middle + _SIGMAS * float(np.median([robust_sigma(score) for score in scores])))
    if len(scores) >= _LIVES:
        alarm = max(alarm, float(np.quantile([score.max() for score in scores], _REACHED)))
    alarm = max(alarm, _SIGMAS / math.sqrt(len(channels)))
    return Process(settings, channels, baseline_rows, middle, alarm, len(scores))


def _readings(names: Sequence[str]) -> list[str]:
    """Levels that are no setting; of a set with a winding its temperatures alone."""
    windings = [name for name in names if _WINDING.match(name)]
    others = set(settings_of(names, ambient=True))
    return windings or [name for name in names if _LEVEL.match(name) and name not in others]


def _settings(compared: Compared, names: Sequence[str]) -> tuple[str, ...]:
    """Settings, and the air around, that most healthy rows know."""
    found = []
    for name in settings_of(names, ambient=True):
        values = [column(rows.values, rows.names, name)[usable] for rows, usable, _ in compared]
        known = np.isfinite(np.concatenate(values)) if values else np.zeros(0, dtype=np.bool_)
        if np.count_nonzero(known) > _COMMON * known.size:
            found.append(name)
    return tuple(found)


def _thermal_channels(thermal: Sequence[ThermalBaseline]) -> tuple[Channel, ...]:
    windings = [baseline for baseline in thermal if _WINDING.match(baseline.temperature)]
    return tuple(
        Channel(baseline.temperature, "K", (), thermal=baseline, rising=True) for baseline in windings or thermal
    )


def _level_channels(
    compared: Compared, wanted: Sequence[str], settings: Sequence[str], regimes: int
) -> tuple[Channel, ...]:
    if not compared or not wanted:
        return ()
    rows = np.concatenate([rows.values[usable] for rows, usable, _ in compared])
    regime = np.concatenate([of[usable] for _, usable, of in compared])
    names = compared[0][0].names
    given = _stacked(rows, names, settings)
    found = []
    for name in wanted:
        measured = column(rows, names, name)
        known = int(np.count_nonzero(np.isfinite(measured)))
        if known > _COMMON * len(measured) and not _counts(measured):
            own = tuple(expectation(measured[regime == k], given[regime == k]) for k in range(regimes))
            if any(one is not None for one in own):
                found.append(Channel(name, _unit(name), own))
    return tuple(found)


def _counts(measured: Floats) -> bool:
    """Whether a reading only ever grows, but for resets: a counter tells of time and not of condition."""
    steps = np.diff(measured[np.isfinite(measured)])
    return bool(np.count_nonzero(steps < 0) <= _RESETS * steps.size and (steps > 0).any())


def _scattered(
    compared: Compared, channels: tuple[Channel, ...], residuals: Sequence[Floats], baseline_rows: int
) -> tuple[tuple[Channel, ...], list[int]]:
    """The channels that scatter while healthy, with their scatter and where lives begin; and their places."""
    found = [
        departures(channels, residual, _scales(channels, regime), baseline_rows)
        for (_, _, regime), residual in zip(compared, residuals, strict=True)
    ]
    after = [one.values[baseline_rows:] for one in found]
    moved = np.concatenate([values - median(values.T) for values in after])
    begins = np.array([one.begin for one in found])
    kept, places = [], []
    for place, channel in enumerate(channels):
        values = moved[:, place][np.isfinite(moved[:, place])]
        begin = begins[:, place][np.isfinite(begins[:, place])]
        sigma = _scatter(values) if values.size else 0.0
        if channel.thermal is not None:
            sigma = max(sigma, _LEAST_SIGMA_K)
        if sigma > 0 and values.size >= _OBSERVATIONS:
            spread = robust_sigma(begin) if begin.size >= _LIVES else np.inf
            usual = float(np.median(begin)) if begin.size >= _LIVES else 0.0
            kept.append(replace(channel, sigma=sigma, usual=usual, spread=float(max(spread, sigma))))
            places.append(place)
    return tuple(kept), places


def _scatter(values: Floats) -> float:
    """Robust standard deviation; the range of the middle four fifths where steps of the reading hide it."""
    low, high = np.quantile(values, (0.1, 0.9))
    return max(robust_sigma(values), float(high - low) / _DECILES)


def _residuals(
    rows: LifeRows, channels: Sequence[Channel], settings: Sequence[str], usable: Bools, regime: Longs
) -> Floats:
    given = _stacked(rows.values, rows.names, settings)
    found = [channel.residual(rows, given, usable=usable, regime=regime) for channel in channels]
    return np.stack(found, axis=1)


def _scales(channels: Sequence[Channel], regime: Longs) -> Floats:
    return np.stack([channel.scale(regime) for channel in channels], axis=1)


def _stacked(values: Floats, names: Sequence[str], chosen: Sequence[str]) -> Floats:
    columns = [column(values, names, name) for name in chosen]
    return np.stack(columns, axis=1) if columns else np.zeros((len(values), 0))


def _unit(name: str) -> str:
    """Unit that the name of a level ends with; 1 where it says none.

    Example:
        >>> _unit("flow.level_m3_s"), _unit("outlet_temperature.level_k"), _unit("sensor_04.level")
        ('m^3/s', 'K', '1')
    """
    unit = name.rpartition(".level")[2].removeprefix("_")
    return _UNITS.get(unit, unit)
