"""The walk through a forest, compiled by numba; owner of that import. Layout: `scorer.forest.Forest`.

Eight trees are walked at once: each step waits for memory, so eight waits overlap. Two stopped walkers cost
less than one branch that the processor cannot foresee. Indices are unsigned, else numba adds a test for
negative ones to every access.
"""

import numpy as np
from numba import njit

__all__ = ["contributions", "walk", "walk_sets"]

# kZeroThreshold of LightGBM (`include/LightGBM/meta.h`): float32 1e-35; smaller magnitudes are zero.
_TINY = float(np.float32(1e-35))
_LOWER = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uintp(1)
_TWO = np.uintp(2)


@njit(cache=True, nogil=True)
def _fill(row, sources, kinds, columns):  # type: ignore[no-untyped-def] # compiled: numba infers the types
    """Columns of one row; as LightGBM's row reader does, magnitudes below its zero are zero."""
    for j in range(sources.shape[0]):
        value = row[sources[j]]
        if abs(value) <= _TINY:
            value = 0.0
        missing = np.isnan(value) or (value == 0.0 and kinds[j] & 2)
        if kinds[j] & 8:
            value = 1.0 if missing else 0.0
        elif missing:
            value = -np.inf if kinds[j] & 1 else np.inf
        columns[j] = value
    columns[sources.shape[0]] = -np.inf


@njit(cache=True, nogil=True, inline="always")
def _step(columns, at, words, thresholds):  # type: ignore[no-untyped-def]
    word = words[_TWO * at + _ONE]
    return (word >> _HALF) + np.uint64(columns[word & _LOWER] > thresholds[_TWO * at])


@njit(cache=True, nogil=True)
def walk(rows, words, roots, sources, kinds, divisor):  # type: ignore[no-untyped-def]
    """Scores [n] of a forest without categories: a row's leaves summed in tree order, as LightGBM does."""
    thresholds = words.view(np.float64)
    sums = np.zeros(rows.shape[0])
    columns = np.empty(sources.shape[0] + 1)
    trees = np.uintp(roots.shape[0])
    for i in range(rows.shape[0]):
        _fill(rows[i], sources, kinds, columns)
        total = 0.0
        t = np.uintp(0)
        while t + np.uintp(8) <= trees:
            a, b, c, d = roots[t], roots[t + _ONE], roots[t + _TWO], roots[t + np.uintp(3)]
            e, f, g, h = (
                roots[t + np.uintp(4)],
                roots[t + np.uintp(5)],
                roots[t + np.uintp(6)],
                roots[t + np.uintp(7)],
            )
            moved = np.uint64(1)
            while moved:
                a2, b2 = _step(columns, a, words, thresholds), _step(columns, b, words, thresholds)
                c2, d2 = _step(columns, c, words, thresholds), _step(columns, d, words, thresholds)
                e2, f2 = _step(columns, e, words, thresholds), _step(columns, f, words, thresholds)
                g2, h2 = _step(columns, g, words, thresholds), _step(columns, h, words, thresholds)
                moved = (a ^ a2) | (b ^ b2) | (c ^ c2) | (d ^ d2) | (e ^ e2) | (f ^ f2) | (g ^ g2) | (h ^ h2)
                a, b, c, d, e, f, g, h = a2, b2, c2, d2, e2, f2, g2, h2
            for leaf in (a, b, c, d, e, f, g, h):
                total += thresholds[_TWO * leaf]
            t += np.uintp(8)
        while t < trees:
            at = roots[t]
            after = _step(columns, at, words, thresholds)
            while at != after:
                at = after
                after = _step(columns, at, words, thresholds)
            total += thresholds[_TWO * at]
            t += _ONE
        sums[i] = total / divisor
    return sums


@njit(cache=True, nogil=True)
def _step_sets(columns, at, words, thresholds, sets, starts, bits):  # type: ignore[no-untyped-def]
    which = sets[at] if sets.shape[0] else -1
    if which < 0:
        return _step(columns, at, words, thresholds)
    word = words[_TWO * at + _ONE]
    value = columns[word & _LOWER]
    left = word >> _HALF
    # LightGBM casts to a 32-bit integer; what does not fit goes right, as on x86.
    if not (-1.0 < value < 2147483648.0):
        return left + np.uint64(1)
    category = np.int64(value)
    place = starts[which] + (category >> 5)
    if place < starts[which + 1] and (bits[place] >> (category & 31)) & 1:
        return left
    return left + np.uint64(1)


@njit(cache=True, nogil=True)
def walk_sets(rows, words, roots, sources, kinds, divisor, sets, starts, bits):  # type: ignore[no-untyped-def]
    """Scores [n] of any forest, tree by tree."""
    thresholds = words.view(np.float64)
    sums = np.zeros(rows.shape[0])
    columns = np.empty(sources.shape[0] + 1)
    for i in range(rows.shape[0]):
        _fill(rows[i], sources, kinds, columns)
        for root in roots:
            at = root
            after = _step_sets(columns, at, words, thresholds, sets, starts, bits)
            while at != after:
                at = after
                after = _step_sets(columns, at, words, thresholds, sets, starts, bits)
            sums[i] += thresholds[_TWO * at]
    return sums / divisor


@njit(cache=True, nogil=True)
def contributions(rows, words, roots, sources, kinds, divisor, sets, starts, bits, expected):  # type: ignore[no-untyped-def]
    """Change of the expected value along each row's paths, summed per input [n, features]."""
    thresholds = words.view(np.float64)
    parts = np.zeros(rows.shape)
    columns = np.empty(sources.shape[0] + 1)
    for i in range(rows.shape[0]):
        _fill(rows[i], sources, kinds, columns)
        for root in roots:
            at = root
            after = _step_sets(columns, at, words, thresholds, sets, starts, bits)
            while at != after:
                parts[i, sources[words[_TWO * at + _ONE] & _LOWER]] += expected[after] - expected[at]
                at = after
                after = _step_sets(columns, at, words, thresholds, sets, starts, bits)
    return parts / divisor
