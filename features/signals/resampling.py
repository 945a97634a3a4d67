"""Order tracking without a tachometer: resampling by the angle that a speed signal adds up to."""

import math

import numpy as np

__all__ = ["by_angle", "revolutions"]

# Oversampling before the interpolation: the error of a cubic spline at a tenth of the new Nyquist
# frequency is below 1e-4 of the amplitude.
_FINER = 4


def revolutions(time_s: np.ndarray, speed_time_s: np.ndarray, speed_hz: np.ndarray) -> np.ndarray:
    """Turns of the shaft since the first time, from a speed that is linear between its readings.

    Exact for speeds that change linearly between readings (the integral of a linear function); before
    the first and after the last reading the speed is held.

    Args:
        time_s: When the turns are wanted, ascending, [m].
        speed_time_s: Times of the speed's readings, strictly ascending, [k], k at least 1.
        speed_hz: Speed in revolutions per second, none negative, [k].

    Returns:
        float64 [m], 0 at the first time.

    Raises:
        ValueError: The readings are not finite, not ascending, negative or none.

    Example:
        >>> time = np.array([0.0, 1.0, 2.0])  # from 10 to 20 Hz in 2 s
        >>> revolutions(time, np.array([0.0, 2.0]), np.array([10.0, 20.0])).tolist()
        [0.0, 12.5, 30.0]
    """
    knots, speed = np.asarray(speed_time_s, dtype=np.float64), np.asarray(speed_hz, dtype=np.float64)
    if len(knots) == 0 or knots.shape != speed.shape:
        raise ValueError("speed needs at least one reading, and as many times as values")
    if not (np.isfinite(knots).all() and np.isfinite(speed).all()) or (speed < 0).any():
        raise ValueError("speed and its times must be finite, speed not negative")
    if (np.diff(knots) <= 0).any():
        raise ValueError("times of the speed must ascend")
    time = np.asarray(time_s, dtype=np.float64)
    turned = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(knots))])
    part = np.clip(np.searchsorted(knots, time, side="right") - 1, 0, len(knots) - 1)
    since = time - knots[part]
    slope = np.append(np.diff(speed) / np.diff(knots), 0.0)[part] if len(knots) > 1 else np.zeros(len(time))
    slope = np.where(since < 0, 0.0, slope)
    angle = turned[part] + since * (speed[part] + 0.5 * slope * since)
    return np.asarray(angle - angle[0])


def by_angle(
    samples: np.ndarray,
    sample_rate_hz: float,
    turned: np.ndarray,
    samples_per_turn: int,
    *,
    turns: int | None = None,
) -> np.ndarray:
    """One waveform at equal angles: its `rfft` over whole turns has the order as its axis.

    The waveform is made finer by a Fourier-domain low-pass first and read off by a cubic spline then.
    Content above half of `samples_per_turn` orders folds back unless the waveform is low-passed before.

    Args:
        samples: float [m].
        sample_rate_hz: Its sample rate.
        turned: Turns at each sample, not descending, [m], as `revolutions` gives them.
        samples_per_turn: Samples of one revolution afterwards.
        turns: Whole revolutions wanted; None: as many as there are.

    Returns:
        float64 [turns * samples_per_turn]; bin k of its `rfft` is order k / turns.

    Raises:
        ValueError: Less than one whole revolution, or fewer than wanted.

    References:
        K. R. Fyfe, E. D. S. Munck, "Analysis of computed order tracking", Mechanical Systems and Signal
        Processing 11 (1997) 187-205.

    Example:
        >>> time = np.arange(4096) / 4096
        >>> turned = revolutions(time, np.array([0.0, 1.0]), np.array([10.0, 30.0]))
        >>> even = by_angle(np.cos(2 * np.pi * 3 * turned), 4096.0, turned, 64)
        >>> spectrum = np.abs(np.fft.rfft(even)) * 2 / len(even)
        >>> round(float(spectrum[3 * 19]), 3)  # order 3 of 19 whole turns
        1.0
    """
    whole = math.floor(float(turned[-1]) + 1e-9) if len(turned) else 0
    wanted = whole if turns is None else turns
    if wanted < 1 or wanted > whole:
        raise ValueError(f"{whole} whole revolutions, {wanted} wanted")
    length = len(samples)
    # These two cost seconds to import, which the API, that resamples nothing, would pay at its start.
    from scipy.interpolate import CubicSpline
    from scipy.signal import resample_poly

    finer = resample_poly(np.asarray(samples, dtype=np.float64), _FINER, 1, padtype="line")
    time = np.arange(length) / sample_rate_hz
    angle = np.arange(wanted * samples_per_turn) / samples_per_turn
    rising = np.concatenate([[True], np.diff(turned) > 0])
    at = CubicSpline(turned[rising], time[rising])(angle) if rising.sum() > 2 else np.interp(angle, turned, time)
    return np.asarray(CubicSpline(np.arange(len(finer)) / (_FINER * sample_rate_hz), finer)(at))
