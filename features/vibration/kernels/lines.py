"""Energies of spectral lines."""

import numpy as np
from numba import njit

__all__ = ["line_energies"]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def line_energies(power, centres, shares, limit, energy, beside):  # type: ignore[no-untyped-def] # compiled
    """Energy of the main lobe of each line, and what as many bins beside it hold.

    A lobe reaches 2.5 bins to either side, or the given share of the line's frequency if that is more; the
    bins beside it are as many again, at least 8, to either side after a gap of two.

    Args:
        power: float32 [n, bins], Hann power.
        centres: float64 [n, lines], positions in bins.
        shares: float64 [lines].
        limit: Highest bin of a line; higher ones, and those below 3 cycles, are NaN, as is NaN itself.
        energy: float64 [n, lines], written.
        beside: float64 [n, lines], written: mean energy of a bin beside, times the bins of the lobe; may
            have no columns, then it is left alone.
    """
    rows, bins = power.shape
    for row in range(rows):
        for line in range(centres.shape[1]):
            centre = centres[row, line]
            if not (centre >= 3.0 - 1e-6 and centre <= limit):
                energy[row, line] = np.nan
                if beside.shape[1]:
                    beside[row, line] = np.nan
                continue
            half = max(2.5, shares[line] * centre)
            low = min(max(int(np.ceil(centre - half)), 1), bins - 1)
            high = min(max(int(np.floor(centre + half)), 1), bins - 1)
            inside = 0.0
            for k in range(low, high + 1):
                inside += power[row, k]
            energy[row, line] = inside
            if not beside.shape[1]:
                continue
            beside[row, line] = 0.0
            reach = max(8, high + 1 - low)
            outside, count = 0.0, 0
            for k in range(max(low - 2 - reach, 1), low - 2):
                outside += power[row, k]
                count += 1
            for k in range(high + 3, min(high + 3 + reach, bins)):
                outside += power[row, k]
                count += 1
            if count > 0:
                beside[row, line] = outside / count * (high + 1 - low)
