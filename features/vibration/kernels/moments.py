"""One pass over the samples of each window."""

import numpy as np
from numba import njit

__all__ = ["SUMS", "centre", "clipped_samples", "means", "rahmonics", "swings"]

# Columns of `centre`: sums over the window of u^2, u^3, u^4, |u| and sqrt|u| (u: sample without mean over
# the window's peak), sign changes, samples at the largest or smallest value.
SUMS = 7

# Samples of one float32 sum.
_BLOCK = 256

# Extremes that are kept side by side, because a single one would be looked for sample after sample.
_LANES = 128

_SAMPLE = np.float32(0.0)


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy", inline="always")
def means(samples, out, extremes):  # type: ignore[no-untyped-def] # compiled
    """Mean, smallest and largest sample of each row.

    Args:
        samples: float32 [n, m], m at least 1.
        out: float64 [n], written; not finite where a sample is not.
        extremes: float32 [n, 2], written: of the samples that are not NaN.
    """
    rows, length = samples.shape
    low, high = np.empty(_LANES, np.float32), np.empty(_LANES, np.float32)
    for row in range(rows):
        low[:] = high[:] = samples[row, 0]
        total = 0.0
        for start in range(0, length, _LANES):
            part = samples[row, start : start + _LANES]
            sub = _SAMPLE
            for i in range(len(part)):
                value = part[i]
                sub += value
                low[i] = value if value < low[i] else low[i]
                high[i] = value if value > high[i] else high[i]
            total += float(sub)
        out[row] = total / length
        extremes[row, 0], extremes[row, 1] = low.min(), high.max()


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy", inline="always")
def centre(samples, mean, scale, extremes, centred, sums):  # type: ignore[no-untyped-def] # compiled
    """Windows without their means, and everything that is summed over their samples.

    Args:
        samples: float32 [n, m].
        mean: float32 [n].
        scale: float32 [n], one over the window's peak.
        extremes: float32 [n, 2], smallest and largest sample.
        centred: float32 [n, m], written.
        sums: float64 [n, SUMS], written; see `SUMS`.
    """
    rows, length = samples.shape
    for row in range(rows):
        mu, factor, low, high = mean[row], scale[row], extremes[row, 0], extremes[row, 1]
        second = third = fourth = first = root = 0.0
        crossings = clipped = 0
        for start in range(0, length, _BLOCK):
            part, out = samples[row, start : start + _BLOCK], centred[row, start : start + _BLOCK]
            p1 = p2 = p3 = p4 = pr = _SAMPLE
            hits = np.int32(0)
            for i in range(len(part)):
                value = part[i] - mu
                out[i] = value
                u = value * factor
                square = u * u
                magnitude = abs(u)
                p1 += magnitude
                p2 += square
                p3 += square * u
                p4 += square * square
                pr += np.sqrt(magnitude)
                hits += np.int32(part[i] == low) + np.int32(part[i] == high)
            first += float(p1)
            second += float(p2)
            third += float(p3)
            fourth += float(p4)
            root += float(pr)
            clipped += int(hits)
        now, then = centred[row, 1:], centred[row, :-1]
        for start in range(0, length - 1, _BLOCK):
            a, b = now[start : start + _BLOCK], then[start : start + _BLOCK]
            changes = np.int32(0)
            for i in range(len(a)):
                changes += np.int32((a[i] >= 0) != (b[i] >= 0))
            crossings += int(changes)
        sums[row, 0], sums[row, 1], sums[row, 2] = second, third, fourth
        sums[row, 3], sums[row, 4] = first, root
        sums[row, 5], sums[row, 6] = crossings, clipped


@njit(cache=True, nogil=True, inline="always")
def clipped_samples(samples, value):  # type: ignore[no-untyped-def] # compiled
    """Triples of neighbouring samples that all have that value: 0 without a run of three.

    Args:
        samples: float32 [m].
        value: The largest or smallest sample.
    """
    count = run = 0
    for i in range(len(samples)):
        run = run + 1 if samples[i] == value else 0
        if run >= 3:
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def swings(samples, factor, out):  # type: ignore[no-untyped-def] # compiled
    """Largest minus smallest sample of each row times a factor, into float64 [n, 1]; samples float32 [n, m]."""
    rows, length = samples.shape
    low, high = np.empty(_LANES, np.float32), np.empty(_LANES, np.float32)
    for row in range(rows):
        low[:] = high[:] = samples[row, 0]
        for start in range(0, length, _LANES):
            part = samples[row, start : start + _LANES]
            for i in range(len(part)):
                low[i] = part[i] if part[i] < low[i] else low[i]
                high[i] = part[i] if part[i] > high[i] else high[i]
        out[row, 0] = (high.max() - low.min()) * factor


@njit(cache=True, nogil=True, error_model="numpy")
def rahmonics(cepstrum, first, after, out):  # type: ignore[no-untyped-def] # compiled
    """Index and value of the largest coefficient among [first, after) of each row, into float64 [n, 2].

    Args:
        cepstrum: float32 [n, m].
        first: First index looked at.
        after: First index not looked at; above `first`.
        out: Written; of equal coefficients the first one counts.
    """
    high = np.empty(_LANES, np.float32)
    for row in range(len(cepstrum)):
        high[:] = cepstrum[row, first]
        for start in range(first, after, _LANES):
            part = cepstrum[row, start : min(start + _LANES, after)]
            for i in range(len(part)):
                high[i] = part[i] if part[i] > high[i] else high[i]
        most, at = high.max(), first
        while at < after - 1 and cepstrum[row, at] != most:
            at += 1
        out[row, 0], out[row, 1] = at, most
