"""Magnitude of analytic signals."""

import numpy as np
from numba import njit

__all__ = ["magnitude", "magnitude_moments"]

_BLOCK = 256
_ZERO = np.float32(0.0)


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def magnitude(parts, factor, out, moments):  # type: ignore[no-untyped-def] # compiled
    """Magnitude of complex rows without its mean, and its moments.

    Args:
        parts: Real and imaginary parts, float32 [n, 2 * m].
        factor: What the magnitude is multiplied by.
        out: float32 [n, m], written: magnitude without its mean.
        moments: float64 [n, 3], written: mean, mean square and mean fourth power of `out`.
    """
    rows, length = out.shape
    scale = np.float32(factor)
    for row in range(rows):
        total = 0.0
        for start in range(0, length, _BLOCK):
            to, part = out[row, start : start + _BLOCK], parts[row, 2 * start : 2 * (start + _BLOCK)]
            sub = _ZERO
            for i in range(len(to)):
                value = scale * np.sqrt(part[2 * i] * part[2 * i] + part[2 * i + 1] * part[2 * i + 1])
                to[i] = value
                sub += value
            total += float(sub)
        mean = np.float32(total / length)
        second = fourth = 0.0
        for start in range(0, length, _BLOCK):
            to = out[row, start : start + _BLOCK]
            p2 = p4 = _ZERO
            for i in range(len(to)):
                value = to[i] - mean
                to[i] = value
                square = value * value
                p2 += square
                p4 += square * square
            second += float(p2)
            fourth += float(p4)
        moments[row, 0], moments[row, 1], moments[row, 2] = total / length, second / length, fourth / length


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def magnitude_moments(parts, scale, out):  # type: ignore[no-untyped-def] # compiled
    """Mean second and fourth power of the magnitude of complex rows.

    Args:
        parts: Real and imaginary parts, float32 [n, 2 * m].
        scale: float32 [n], factor of each row that keeps fourth powers inside float32.
        out: float64 [n, 2], written.
    """
    rows, length = len(parts), parts.shape[1] // 2
    for row in range(rows):
        second = fourth = 0.0
        factor = scale[row]
        for start in range(0, length, _BLOCK):
            part = parts[row, 2 * start : 2 * min(start + _BLOCK, length)]
            p2 = p4 = _ZERO
            for i in range(len(part) // 2):
                real, imaginary = part[2 * i] * factor, part[2 * i + 1] * factor
                square = real * real + imaginary * imaginary
                p2 += square
                p4 += square * square
            second += float(p2)
            fourth += float(p4)
        out[row, 0], out[row, 1] = second / length, fourth / length
