"""Features of the waveform itself: RMS, peak, shape of the distribution, saturation."""

import numpy as np

from features.registry import Column, FeatureRefusal, codes_of, feature
from features.vibration.batch import WaveformBatch
from features.vibration.places import INPUTS, WINDOW, column, is_acceleration, is_vibration

__all__ = ["crest", "kurtosis", "peak_m_s2", "rms_m_s2", "saturation_share", "skewness"]


@feature(
    unit="m/s^2",
    inputs=INPUTS,
    window=WINDOW,
    source="root of the second central moment; ISO 20816-1:2016, 3 (RMS)",
    version=1,
    applies=is_acceleration,
    trend=True,
    positive=True,
)
def rms_m_s2(batch: WaveformBatch) -> Column:
    """Root mean square of the window without its mean, m/s^2.

    Refused for empty, constant, saturated and not finite windows and for less than 16 samples.

    Example:
        >>> wave = 2 * np.sin(2 * np.pi * 10 * np.arange(1000) / 1000)
        >>> round(float(rms_m_s2(WaveformBatch(wave[None, :], 1000.0, np.array([np.nan]))).values[0]), 4)
        1.4142
    """
    return column(batch, "rms")


@feature(
    unit="m/s^2",
    inputs=INPUTS,
    window=WINDOW,
    source="largest magnitude after the mean is taken away",
    version=1,
    applies=is_acceleration,
)
def peak_m_s2(batch: WaveformBatch) -> Column:
    """Largest magnitude of the window without its mean, m/s^2; refused as `rms_m_s2`.

    Example:
        >>> wave = np.tile([1.0, -1.0, 3.0, -3.0], 10)
        >>> peak_m_s2(WaveformBatch(wave[None, :], 100.0, np.array([np.nan]))).values
        array([3.])
    """
    return column(batch, "peak")


@feature(
    unit="1",
    inputs=INPUTS,
    window=WINDOW,
    source="R. B. Randall, Vibration-based Condition Monitoring (2011), 2.2: peak over RMS",
    version=1,
    applies=is_vibration,
)
def crest(batch: WaveformBatch) -> Column:
    """Crest factor: peak over RMS, 1.414 for a sine; refused as `rms_m_s2`.

    Example:
        >>> wave = np.sin(2 * np.pi * 10 * (np.arange(1000) + 0.5) / 1000)
        >>> round(float(crest(WaveformBatch(wave[None, :], 1000.0, np.array([np.nan]))).values[0]), 3)
        1.414
    """
    return column(batch, "crest")


@feature(
    unit="1",
    inputs=INPUTS,
    window=WINDOW,
    source="D. Dyer, R. M. Stewart, Journal of Mechanical Design 100 (1978) 229: normalised fourth moment",
    version=1,
    applies=is_vibration,
    trend=True,
    positive=True,
)
def kurtosis(batch: WaveformBatch) -> Column:
    """Fourth central moment over the squared second one: 3 for Gaussian noise, 1.5 for a sine.

    Refused as `rms_m_s2`.

    Example:
        >>> wave = np.sin(2 * np.pi * 10 * np.arange(1000) / 1000)
        >>> round(float(kurtosis(WaveformBatch(wave[None, :], 1000.0, np.array([np.nan]))).values[0]), 4)
        1.5
    """
    return column(batch, "kurtosis")


@feature(
    unit="1",
    inputs=INPUTS,
    window=WINDOW,
    source="third central moment over the second to the power of 3/2",
    version=1,
    applies=is_vibration,
)
def skewness(batch: WaveformBatch) -> Column:
    """Third central moment over the second to the power of 3/2, 0 if symmetric; refused as `rms_m_s2`.

    Example:
        >>> wave = np.tile([1.0, 1.0, 4.0], 10)
        >>> round(float(skewness(WaveformBatch(wave[None, :], 100.0, np.array([np.nan]))).values[0]), 4)
        0.7071
    """
    return column(batch, "skewness")


@feature(
    unit="1",
    inputs=INPUTS,
    window=WINDOW,
    source="share of samples in runs of three or more at the window's largest or smallest value",
    version=1,
    applies=is_vibration,
)
def saturation_share(batch: WaveformBatch) -> Column:
    """Share of clipped samples, 0 to 1; the only feature that a saturated window still has.

    Refused for empty, constant and not finite windows and for less than 16 samples.

    Example:
        >>> wave = np.clip(np.sin(2 * np.pi * np.arange(100) / 50), -0.5, 0.5)
        >>> bool(saturation_share(WaveformBatch(wave[None, :], 100.0, np.array([np.nan]))).values[0] > 0.5)
        True
    """
    codes = np.where(batch.codes == codes_of(FeatureRefusal.SATURATED), 0, batch.codes)
    shares = np.zeros(batch.windows) if (codes != 0).all() else batch.saturation
    return Column.of(shares).refuse(codes)
