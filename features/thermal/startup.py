"""Start-up: how far a temperature rises after a start, and how fast.

A body that is heated evenly and cooled by its surroundings follows T(t) = T_end - A exp(-t / tau). A part
that rubs ends warmer; one whose cooling is blocked ends warmer and later.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.registry import Column, FeatureRefusal, LifeSeries, trend

__all__ = ["FirstOrder", "fit_first_order", "startup_rise_k", "startup_time_constant_h"]

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

# A start-up is looked at for that long after the end of the stop, or until the next stop, hours.
# Engineering practice: bearings and windings of machines up to some MW settle in 2 to 6 hours.
WINDOW_H = 8.0

# Fewer values than that cannot tell an exponential from a line.
_MIN_VALUES = 6

# A smaller rise drowns in the noise of plant sensors, K.
_MIN_RISE_K = 3.0

# The fit holds when its residuals' root mean square is at most that share of the rise ...
_MAX_RESIDUAL = 0.1

# ... and the window shows at least that many time constants of it (78 % of the rise).
_MIN_CONSTANTS = 1.5

# Time constants tried before refinement, over that many golden-section steps (0.618 ** 60 is below 1e-12).
_TRIED, _REFINED = 60, 60

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """A first-order transient: `rise_k` from its first value to `end_k`, in K; `time_constant_h`, hours."""

    rise_k: float
    end_k: float
    time_constant_h: float


def fit_first_order(hours: Floats, kelvin: Floats) -> FirstOrder | FeatureRefusal:
    """Least-squares fit of T(t) = T_end - A exp(-t / tau).

    For each tau the best T_end and A are linear; tau is sought on a grid and refined by golden section.

    Args:
        hours: Times [n], ascending, hours; only differences count.
        kelvin: Temperatures [n], K; NaN entries are left out.

    Returns:
        The fit; `TOO_FEW_WINDOWS` with less than six values or when they do not cover 1.5 time constants,
        `NO_START` when the temperature rises by less than 3 K or not as a first-order body does (residuals of
        more than a tenth of the rise).

    Example:
        >>> hours = np.arange(0.0, 8.0, 0.25)
        >>> fit = fit_first_order(hours, 340.0 - 40.0 * np.exp(-hours / 1.5))
        >>> round(fit.rise_k, 6), round(fit.end_k, 6), round(fit.time_constant_h, 6)
        (40.0, 340.0, 1.5)
    """
    valid = ~np.isnan(kelvin)
    t, y = hours[valid], kelvin[valid]
    if len(t) < _MIN_VALUES:
        return FeatureRefusal.TOO_FEW_WINDOWS
    t = t - t[0]
    tau = _best_tau(t, y)
    end, amplitude, squares = _linear(t, y, np.array([tau]))
    rise = float(amplitude[0])
    if rise < _MIN_RISE_K or np.sqrt(squares[0] / len(t)) > _MAX_RESIDUAL * rise:
        return FeatureRefusal.NO_START
    if t[-1] < _MIN_CONSTANTS * tau:
        return FeatureRefusal.TOO_FEW_WINDOWS
    return FirstOrder(rise, float(end[0]), tau)


def _linear(t: Floats, y: Floats, tau: Floats) -> tuple[Floats, Floats, Floats]:
    """Best T_end, A and sum of squared residuals for each tau."""
    decay = np.exp(-t[None, :] / tau[:, None])
    decay_mean, y_mean = decay.mean(axis=1), y.mean()
    centred = decay - decay_mean[:, None]
    slope = (centred @ (y - y_mean)) / np.maximum((centred**2).sum(axis=1), 1e-300)
    end = y_mean - slope * decay_mean
    squares = ((y[None, :] - end[:, None] - slope[:, None] * decay) ** 2).sum(axis=1)
    return end, -slope, squares


def _best_tau(t: Floats, y: Floats) -> float:
    tried = np.geomspace(np.diff(t).min() / 4, 4 * t[-1], _TRIED)
    best = int(_linear(t, y, tried)[2].argmin())
    low, high = np.log(tried[max(best - 1, 0)]), np.log(tried[min(best + 1, _TRIED - 1)])
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    for _ in range(_REFINED):
        inner = np.array([high - golden * (high - low), low + golden * (high - low)])
        squares = _linear(t, y, np.exp(inner))[2]
        low, high = (low, inner[1]) if squares[0] <= squares[1] else (inner[0], high)
    return float(np.exp((low + high) / 2))


@trend(
    unit="h",
    per_span=False,
    source="least-squares fit of a first-order body to the newest start-up",
    version=1,
    levels=("level_k",),
    stopped=True,
)
def startup_time_constant_h(life: LifeSeries, span_us: int) -> Column:
    """Time constant of the newest whole start-up in the life, hours.

    Fitted to the rows after the last stopped one, for eight hours or until the next stop; told from then on
    until the next one is whole. Refused as `no_start` when there was none, or none that rose as a first-order
    body does, as `too_few_windows` when the newest had too few rows for a fit.

    Example:
        >>> hour = 3_600_000_000
        >>> t, running = np.arange(1, 13), np.array([0, 0] + [1] * 10, np.int8)
        >>> warm = 340 - 40 * np.exp(-np.maximum(t - 2, 0) / 2.0)
        >>> life = LifeSeries(t * hour, warm[None], 0, 0, hour, hour, hour, running)
        >>> startup_time_constant_h(life, 0).values[0, 8:].round(6)
        array([nan,  2.,  2.,  2.])
    """
    return _newest(life, "time_constant_h")


@trend(
    unit="K",
    per_span=False,
    source="least-squares fit of a first-order body to the newest start-up",
    version=1,
    levels=("level_k",),
    stopped=True,
)
def startup_rise_k(life: LifeSeries, span_us: int) -> Column:
    """Rise from the last stopped row to the fitted end of the newest whole start-up in the life, K.

    Refused as `startup_time_constant_h`.

    Example:
        >>> hour = 3_600_000_000
        >>> life = LifeSeries(np.arange(1, 5) * hour, np.full((1, 4), 300.0), 0, 0, hour, hour, hour)
        >>> startup_rise_k(life, 0).reasons()
        ['no_start', 'no_start', 'no_start', 'no_start']
    """
    return _newest(life, "rise_k")


def _newest(life: LifeSeries, field: str) -> Column:
    n = len(life.time_us)
    values = np.full(life.values.shape, np.nan)
    few = np.zeros(values.shape, dtype=bool)
    running = np.full(n, -1) if life.running is None else life.running
    hours = life.time_us / _HOUR_US
    for stop, last, known in _windows(life.time_us, running):
        # Not the stopped row itself: the mean over it is not on the exponential that means of later steps are on.
        for row, series in enumerate(life.values):
            fit = fit_first_order(hours[stop + 1 : last] - hours[stop], series[stop + 1 : last])
            values[row, known:] = np.nan if isinstance(fit, FeatureRefusal) else _told(fit, field, series[stop])
            few[row, known:] = fit is FeatureRefusal.TOO_FEW_WINDOWS
    missing = np.isnan(values)
    return Column.of(values, (FeatureRefusal.TOO_FEW_WINDOWS, missing & few), (FeatureRefusal.NO_START, missing))


def _told(fit: FirstOrder, field: str, stopped_k: float) -> float:
    """The field of a fit; the rise is that from the last stopped row."""
    return fit.time_constant_h if field == "time_constant_h" else fit.end_k - stopped_k


def _windows(time_us: Longs, running: np.ndarray) -> list[tuple[int, int, int]]:
    """Whole start-ups: last stopped row, end of the window (exclusive), first row that knows it is over."""
    found = []
    stops = np.flatnonzero(running == 0).tolist()
    for stop, following in zip(stops, [*stops[1:], len(running)], strict=False):
        if following == stop + 1 or not (running[stop + 1 : following] == 1).any():
            continue
        over = int(np.searchsorted(time_us, time_us[stop] + int(WINDOW_H * _HOUR_US), side="right"))
        last = min(over, following)
        # The window is over at its last row when that is exactly eight hours on, else at the first later row.
        full = over - 1 if time_us[over - 1] == time_us[stop] + int(WINDOW_H * _HOUR_US) else over
        known = min(full, following)
        if known < len(time_us):
            found.append((stop, last, known))
    return found
