"""Rainflow counting at every row at once, compiled; `features.thermal.cycles.rainflow` is the plain form."""

import numpy as np
from numba import njit

__all__ = ["cycles_so_far"]


@njit(cache=True, nogil=True)
def _settle(stack, depth, smallest):  # type: ignore[no-untyped-def] # compiled: numba infers the types
    """Depth of the stack, and cycles of at least `smallest` closed, after its newest point."""
    closed = 0.0
    while depth >= 3 and abs(stack[depth - 1] - stack[depth - 2]) >= abs(stack[depth - 2] - stack[depth - 3]):
        counts = abs(stack[depth - 2] - stack[depth - 3]) >= smallest
        if depth == 3:
            closed += 0.5 * counts
            stack[0], stack[1], depth = stack[1], stack[2], 2
        else:
            closed += 1.0 * counts
            stack[depth - 3] = stack[depth - 1]
            depth -= 2
    return depth, closed


@njit(cache=True, nogil=True)
def _with_extreme(stack, depth, extreme, smallest):  # type: ignore[no-untyped-def] # as above
    """Closed and half cycles of at least `smallest` if the series ended at `extreme`."""
    total, first = 0.0, 0
    while depth - first >= 2 and abs(extreme - stack[depth - 1]) >= abs(stack[depth - 1] - stack[depth - 2]):
        counts = abs(stack[depth - 1] - stack[depth - 2]) >= smallest
        if depth - first == 2:
            total += 0.5 * counts
            first += 1
        else:
            total += 1.0 * counts
            depth -= 2
    for at in range(first, depth - 1):
        total += 0.5 * (abs(stack[at + 1] - stack[at]) >= smallest)
    return total + 0.5 * (abs(extreme - stack[depth - 1]) >= smallest)


@njit(cache=True, nogil=True)
def cycles_so_far(values, deadband, smallest):  # type: ignore[no-untyped-def] # as above
    """Cycles of at least `smallest` in the values up to each row.

    Args:
        values: float64 [n], K; NaN entries are left out.
        deadband: A turn back by less is none, K; above 0.
        smallest: Smaller cycles do not count, K.

    Returns:
        float64 [n]: rainflow count of the values up to and with each row, NaN before the first value.
    """
    n = values.shape[0]
    counts = np.full(n, np.nan)
    stack = np.empty(n + 1)
    depth, closed, extreme, direction = 0, 0.0, 0.0, 0
    for row in range(n):
        value = values[row]
        if np.isnan(value):
            if row > 0:
                counts[row] = counts[row - 1]
            continue
        if depth == 0:
            stack[0], depth, extreme = value, 1, value
        elif direction == 0:
            if abs(value - stack[0]) >= deadband:
                direction = 1 if value > stack[0] else -1
                extreme = value
        elif (value - extreme) * direction > 0:
            extreme = value
        elif (extreme - value) * direction >= deadband:
            stack[depth] = extreme
            depth, more = _settle(stack, depth + 1, smallest)
            closed += more
            direction, extreme = -direction, value
        counts[row] = closed + (_with_extreme(stack, depth, extreme, smallest) if direction != 0 else 0.0)
    return counts
