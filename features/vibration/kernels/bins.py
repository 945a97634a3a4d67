"""Passes over the bins of a batch's transform."""

import numpy as np
from numba import njit

__all__ = ["band_sums", "highest", "integrated", "power_and_log", "spectral_sums"]

# Bins of one float32 sum.
_BLOCK = 64

# Maxima that are kept side by side, because a single one would be looked for bin after bin.
_LANES = 16

_ZERO = np.float32(0.0)
_HALF, _QUARTER = np.float32(0.5), np.float32(0.25)

# Added to a power before its logarithm: below anything that float32 leaves of a signal.
_TINY = np.float32(1e-30)


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy", inline="always")
def power_and_log(parts, samples, power, floored):  # type: ignore[no-untyped-def] # compiled
    """One-sided Hann power of each bin, as `signals.power(signals.hann(...))`, and a copy fit for a logarithm.

    Args:
        parts: `rfft` of the rows as real and imaginary parts, float32 [n, 2 * bins].
        samples: m, from which the transform was made; bins = m // 2 + 1.
        power: float32 [n, bins], written.
        floored: float32 [n, bins], written: power + 1e-30; may have no columns, then it is left alone.
    """
    rows, bins = power.shape
    factor = np.float32(2.0 / (0.375 * float(samples) * float(samples)))
    for row in range(rows):
        here, before, after = parts[row, 2:-2], parts[row, :-4], parts[row, 4:]
        out = power[row, 1 : bins - 1]
        for i in range(bins - 2):
            real = _HALF * here[2 * i] - _QUARTER * (before[2 * i] + after[2 * i])
            imaginary = _HALF * here[2 * i + 1] - _QUARTER * (before[2 * i + 1] + after[2 * i + 1])
            out[i] = (real * real + imaginary * imaginary) * factor
        zero = _HALF * parts[row, 0] - _HALF * parts[row, 2]
        power[row, 0] = _HALF * factor * zero * zero
        last, beyond = 2 * (bins - 1), 2 * (bins - 2)
        if samples % 2 == 0:
            real = _HALF * parts[row, last] - _HALF * parts[row, beyond]
            power[row, bins - 1] = _HALF * factor * real * real
        else:
            real = _HALF * parts[row, last] - _QUARTER * (parts[row, beyond] + parts[row, last])
            imaginary = _HALF * parts[row, last + 1] - _QUARTER * (parts[row, beyond + 1] - parts[row, last + 1])
            power[row, bins - 1] = (real * real + imaginary * imaginary) * factor
        if floored.shape[1]:
            for i in range(bins):
                floored[row, i] = power[row, i] + _TINY


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy", inline="always")
def spectral_sums(power, logs, roll_off, out, thinned):  # type: ignore[no-untyped-def] # compiled
    """Sums over the spectrum of each row.

    Args:
        power: float32 [n, bins].
        logs: Natural logarithms of it, float32 [n, bins].
        roll_off: Share of the sum at which the roll-off lies.
        out: float64 [n, 6], written: sum, centroid in bins, variance in bins^2, sum of logarithms, sum of
            power times logarithm, roll-off in bins (linear inside its bin).
        thinned: float32 [n, bins // 4], written: means of four neighbouring logarithms.
    """
    rows, bins = power.shape
    blocks = (bins + _BLOCK - 1) // _BLOCK
    sums = np.zeros(blocks)
    for row in range(rows):
        total = first = second = logarithms = products = 0.0
        for block in range(blocks):
            start = block * _BLOCK
            part, log = power[row, start : start + _BLOCK], logs[row, start : start + _BLOCK]
            p0 = p1 = p2 = pl = pp = _ZERO
            for i in range(len(part)):
                value, at = part[i], np.float32(i)
                p0 += value
                p1 += value * at
                p2 += value * at * at
                pl += log[i]
                pp += value * log[i]
            sums[block] = p0
            total += float(p0)
            first += start * float(p0) + float(p1)
            second += start * (start * float(p0) + 2.0 * float(p1)) + float(p2)
            logarithms += float(pl)
            products += float(pp)
        centroid = first / total
        wanted = roll_off * total
        block, below = 0, 0.0
        while block < blocks - 1 and below + sums[block] < wanted:
            below += sums[block]
            block += 1
        k = block * _BLOCK
        while k < bins - 1 and below + power[row, k] < wanted:
            below += power[row, k]
            k += 1
        inside = (wanted - below) / power[row, k]
        out[row, 0], out[row, 1], out[row, 2] = total, centroid, second / total - centroid * centroid
        out[row, 3], out[row, 4], out[row, 5] = logarithms, products, k - 0.5 + inside
        log = logs[row]
        for i in range(thinned.shape[1]):
            thinned[row, i] = _QUARTER * ((log[4 * i] + log[4 * i + 1]) + (log[4 * i + 2] + log[4 * i + 3]))


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy", inline="always")
def band_sums(power, edges, weights, low, out):  # type: ignore[no-untyped-def] # compiled
    """Sums over bands of each row, and one weighted sum.

    Args:
        power: float32 [n, bins].
        edges: int64 [bands, 2]: first bin, and first bin after; a band without bins has the sum 0.
        weights: float32 [w], factors of the bins from `low` on.
        low: First bin of the weighted sum.
        out: float64 [n, bands + 1], written; the weighted sum is the last.
    """
    bands = len(edges)
    for row in range(len(power)):
        for band in range(bands):
            total = 0.0
            for start in range(edges[band, 0], edges[band, 1], _BLOCK):
                part = power[row, start : min(start + _BLOCK, edges[band, 1])]
                sub = _ZERO
                for i in range(len(part)):
                    sub += part[i]
                total += float(sub)
            out[row, band] = total
        total = 0.0
        for start in range(0, len(weights), _BLOCK):
            factor = weights[start : start + _BLOCK]
            part = power[row, low + start : low + start + len(factor)]
            sub = _ZERO
            for i in range(len(factor)):
                sub += part[i] * factor[i]
            total += float(sub)
        out[row, bands] = total


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def highest(power, first, guard, places, energies):  # type: ignore[no-untyped-def] # compiled
    """The highest peaks of each row, highest first, each taken out before the next is looked for.

    The bins are laid in rows of `width` whose columns' maxima are kept: a peak is looked for among these.

    Args:
        power: float32 [n, bins], Hann power; not changed.
        first: First bin that may be a peak.
        guard: Bins to either side that belong to a peak.
        places: float64 [n, peaks], written: centre of gravity of the lobe's five bins, in bins.
        energies: float64 [n, peaks], written: sum of the lobe's five bins.
    """
    rows, bins = power.shape
    width = max(int(np.sqrt(8.0 * (bins - first))) // _LANES, 1) * _LANES
    left, top, lanes = np.empty(bins, np.float32), np.empty(width, np.float32), np.empty(_LANES, np.float32)
    for row in range(rows):
        line = power[row]
        top[:] = _ZERO
        for start in range(first, bins, width):
            part, to = line[start : start + width], left[start : start + width]
            for i in range(len(part)):
                to[i] = part[i]
                top[i] = part[i] if part[i] > top[i] else top[i]
        for peak in range(places.shape[1]):
            most = _strongest(top, lanes)
            column = 0
            while column < width - 1 and top[column] < most:
                column += 1
            best = first + column
            for k in range(first + column, bins, width):
                if left[k] > left[best]:
                    best = k
            _lobe(line, best, peak, places[row], energies[row])
            for k in range(max(best - guard, first), min(best + guard + 1, bins)):
                left[k] = _ZERO
            for k in range(max(best - guard, first), min(best + guard + 1, bins)):
                column = (k - first) % width
                most = _ZERO
                for j in range(first + column, bins, width):
                    most = left[j] if left[j] > most else most
                top[column] = most


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _strongest(top, lanes):  # type: ignore[no-untyped-def] # compiled
    """Largest of float32 [w], a multiple of `_LANES`, at least 0; `lanes` is room for as many."""
    lanes[:] = _ZERO
    for start in range(0, len(top), _LANES):
        part = top[start : start + _LANES]
        for i in range(_LANES):
            lanes[i] = part[i] if part[i] > lanes[i] else lanes[i]
    return lanes.max()


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _lobe(line, best, peak, places, energies):  # type: ignore[no-untyped-def] # compiled
    energy = moment = 0.0
    for k in range(max(best - 2, 0), min(best + 3, len(line))):
        energy += line[k]
        moment += float(line[k]) * (k - best)
    places[peak], energies[peak] = best + moment / energy, energy


@njit(cache=True, nogil=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def integrated(parts, factors, low, out):  # type: ignore[no-untyped-def] # compiled
    """Hann spectrum of a band times a real factor a bin, e.g. -1 / (2 pi f)^2 for displacement.

    Args:
        parts: `rfft` of the rows as real and imaginary parts, float32 [n, 2 * bins].
        factors: float32 [w].
        low: Bin of the first factor, at least 1; low + w must stay below the last bin.
        out: float32 [n, >= 2 * (low + w)], written from 2 * low on.
    """
    for row in range(len(parts)):
        here, before = parts[row, 2 * low :], parts[row, 2 * low - 2 :]
        after, to = parts[row, 2 * low + 2 :], out[row, 2 * low :]
        for i in range(len(factors)):
            for part in range(2):
                j = 2 * i + part
                to[j] = factors[i] * (_HALF * here[j] - _QUARTER * (before[j] + after[j]))
