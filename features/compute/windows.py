"""Tumbling windows over sorted readings in one pass, compiled."""

import numpy as np
from numba import njit

__all__ = ["tumble"]


@njit(cache=True, nogil=True, inline="always")
def _beyond(time_us, first, limit, end):  # type: ignore[no-untyped-def] # compiled: numba infers the types
    """First reading after `first` and before `limit` that is not in the window that ends at `end`."""
    low, step = first, 1
    while low + step < limit and time_us[low + step] < end:
        low += step
        step *= 2
    high = min(low + step, limit)
    while high - low > 1:
        middle = (low + high) // 2
        if time_us[middle] < end:
            low = middle
        else:
            high = middle
    return high


@njit(cache=True, nogil=True)
def tumble(time_us, value, usable, starts, grid_us):  # type: ignore[no-untyped-def] # as above
    """Statistics of each window [t - grid, t) that holds a usable reading.

    Args:
        time_us: int64 [n], microseconds, ascending inside each run.
        value: float64 [n].
        usable: bool [n]: whether the reading counts.
        starts: int64 [runs], ascending from 0: where each run of readings, e.g. of one point, begins.
        grid_us: Length of a window; windows end at its multiples since 1970.

    Returns:
        Index of each window's first usable reading, int64 [m]; end, int64 [m]; count, int64 [m]; mean, least,
        largest, sample standard deviation (NaN of one reading) and last value, float64 [m] each. Sums are taken
        in the order of the readings, squares about a window's first value.
    """
    n, size = time_us.shape[0], 0
    for run in range(starts.shape[0]):
        i, limit = starts[run], starts[run + 1] if run + 1 < starts.shape[0] else n
        while i < limit:
            i = _beyond(time_us, i, limit, (time_us[i] // grid_us + 1) * grid_us)
            size += 1
    first, ends, counts = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    means, least, largest = np.empty(size), np.empty(size), np.empty(size)
    deviations, last = np.empty(size), np.empty(size)
    window = 0
    for run in range(starts.shape[0]):
        i, limit = starts[run], starts[run + 1] if run + 1 < starts.shape[0] else n
        while i < limit:
            end = (time_us[i] // grid_us + 1) * grid_us
            beyond = _beyond(time_us, i, limit, end)
            while i < beyond and not usable[i]:
                i += 1
            if i < beyond:
                first[window], ends[window] = i, end
                origin = value[i]
                count, total, moved, squares = 0, 0.0, 0.0, 0.0
                low, high, newest = origin, origin, origin
                for j in range(i, beyond):
                    if usable[j]:
                        x = value[j]
                        count += 1
                        total += x
                        moved += x - origin
                        squares += (x - origin) * (x - origin)
                        low = x if x < low else low
                        high = x if x > high else high
                        newest = x
                counts[window], means[window] = count, total / count
                least[window], largest[window], last[window] = low, high, newest
                spread = max(squares - moved * moved / count, 0.0)
                deviations[window] = np.sqrt(spread / (count - 1)) if count > 1 else np.nan
                window += 1
                i = beyond
    return (
        first[:window],
        ends[:window],
        counts[:window],
        means[:window],
        least[:window],
        largest[:window],
        deviations[:window],
        last[:window],
    )
