"""The true speed of the shaft, read from its harmonics in the spectrum of the waveform.

The speed that comes with a waveform may be a nameplate's. An induction motor slips by up to 5 % between no
load and full load, a third of the way from a line of one fault of a bearing to that of another. The
harmonics of the shaft tell its speed to some hundredths of a percent: of all speeds near the given one the
true one has most of its harmonics stand out at once.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.fft
import scipy.ndimage

from features.diagnosis.recording import Recording

__all__ = ["at_true_speed"]

# How far the true speed may lie from the one given: full-load slip of induction motors is below 5 % (NEMA
# MG 1, designs A to C).
_SHARE = 0.05

# Harmonics that are looked at, and how many of them must stand out; half of those must be odd, because
# lines of the supply (twice its frequency and multiples) lie close to even harmonics of motors.
_HARMONICS, _LINES = 10, 6

# Of the lowest harmonics so many must be among them: higher ones may be lines of a bearing that lie close.
_LOWEST, _LOWEST_LINES = 4, 3

# Height of a line over the median of its neighbourhood, dB, and where more counts no more.
_LEAST_DB, _MOST_DB = 10.0, 30.0

# Off its place by so much a line counts nothing: bins for resolution, a share for unsteady speed.
_OFF_BINS, _OFF_SHARE = 0.5, 3e-4

# Within this share of the given speed the best fit counts as it is; farther off it must be better than the
# best of those near by this factor.
_NEAR_SHARE, _BETTER = 0.005, 1.5

# Steps of the speeds that are tried, in bins of the highest harmonic.
_STEP_BINS = 0.2

# Fewer revolutions do not part the harmonics of the shaft from lines close to them.
_LEAST_REVOLUTIONS = 25.0

# Width over which the floor is taken: orders, and at least so many bins.
_FLOOR_ORDERS, _FLOOR_BINS = 1.0, 51


def at_true_speed(recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings with their true speed in place of the given one.

    Args:
        recordings: Usable ones of one point, see `features.diagnosis.recording`.

    Returns:
        In the same order. A recording whose harmonics do not tell gets the middle correction of those
        that do; none where no recording tells.

    Example:
        >>> time = np.arange(16384) / 8192
        >>> wave = sum(np.sin(2 * np.pi * k * 24.6 * time) for k in range(1, 11))
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal(16384)
        >>> round(at_true_speed([Recording("vib", wave + noise, 8192.0, 25.0)])[0].speed_hz, 1)
        24.6
    """
    shares = [_true_share(each) for each in recordings]
    known = [share for share in shares if share is not None]
    middle = float(np.median(known)) if known else 1.0
    return [
        replace(each, speed_hz=(each.speed_hz or 0.0) * (middle if share is None else share))
        for each, share in zip(recordings, shares, strict=True)
    ]


def _true_share(recording: Recording) -> float | None:
    """True over given speed; None where the harmonics of the shaft do not tell."""
    if recording.revolutions < _LEAST_REVOLUTIONS:
        return None
    step = _STEP_BINS / (_HARMONICS * recording.revolutions)
    count = math.ceil(_SHARE / step)
    shares = 1.0 + step * np.arange(-count, count + 1)
    heights = _heights(recording, shares)
    is_line = heights > 0
    tells = (
        (is_line.sum(axis=1) >= _LINES)
        & (is_line[:, ::2].sum(axis=1) >= _LINES // 2)
        & (is_line[:, :_LOWEST].sum(axis=1) >= _LOWEST_LINES)
    )
    total = heights.sum(axis=1)
    score = np.where(tells, total, -1.0)
    is_near = np.abs(shares - 1.0) <= _NEAR_SHARE
    best = int(np.argmax(score))
    if score[best] < _BETTER * total[is_near].max():
        best = int(np.argmax(np.where(is_near, score, -2.0)))
    return float(shares[best]) if tells[best] else None


def _heights(recording: Recording, shares: np.ndarray) -> np.ndarray:
    """Height of the line at each harmonic, dB, less the farther it is off its place; [shares, harmonics]."""
    places, levels = _peaks(recording)
    heights = np.zeros((len(shares), _HARMONICS))
    for harmonic in range(1, _HARMONICS + 1) if len(places) else ():
        expected = harmonic * recording.revolutions * shares
        reach = _OFF_BINS + _OFF_SHARE * expected
        after = np.searchsorted(places, expected)
        for neighbour in (after - 1, after):
            nearest = np.clip(neighbour, 0, len(places) - 1)
            off = (places[nearest] - expected) / reach
            height = levels[nearest] * np.maximum(1.0 - off**2, 0.0)
            heights[:, harmonic - 1] = np.maximum(heights[:, harmonic - 1], height)
    return heights


def _peaks(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Places (in bins, between bins) and heights (dB over the floor) of the lines of the Hann spectrum."""
    samples = np.asarray(recording.samples, dtype=np.float64)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(samples)) / len(samples))
    bins = math.ceil((_HARMONICS + 1) * (1 + _SHARE) * recording.revolutions)
    power = np.abs(scipy.fft.rfft((samples - samples.mean()) * window)[:bins]) ** 2
    width = max(_FLOOR_BINS, round(_FLOOR_ORDERS * recording.revolutions)) | 1
    tiny = max(1e-30 * float(power.max()), np.finfo(np.float64).tiny)
    floor = scipy.ndimage.median_filter(power, width, mode="reflect")
    level = 10.0 * np.log10(np.maximum(power, tiny) / np.maximum(floor, tiny))
    middle = level[1:-1]
    at = 1 + np.flatnonzero((middle > level[:-2]) & (middle >= level[2:]) & (middle >= _LEAST_DB))
    left, top, right = level[at - 1], level[at], level[at + 1]
    # Top of the parabola through a line's three highest bins.
    between = 0.5 * (left - right) / (left - 2.0 * top + right)
    return at + between, np.minimum(top, _MOST_DB)
