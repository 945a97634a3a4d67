"""Octave bands of acceleration: the levels whose growth the condition of a bearing is read from."""

from features.registry import Column, FeatureRefusal, feature
from features.vibration.batch import WaveformBatch
from features.vibration.places import INPUTS, WINDOW, column, is_acceleration
from features.vibration.plan import LEAST_RATIO

__all__ = [
    "octave_500hz_rms_m_s2",
    "octave_1000hz_rms_m_s2",
    "octave_2000hz_rms_m_s2",
    "octave_4000hz_rms_m_s2",
    "octave_8000hz_rms_m_s2",
]

_SOURCE = "octave bands with edges at nominal frequency / sqrt(2) and x sqrt(2) (IEC 61260-1), Hann power spectrum"


@feature(unit="m/s^2", inputs=INPUTS, window=WINDOW, source=_SOURCE, version=1, applies=is_acceleration)
def octave_500hz_rms_m_s2(batch: WaveformBatch) -> Column:
    """RMS of acceleration in the octave at 500 Hz, m/s^2.

    The band ends at the sample rate / 2.56; refused as `band_not_covered` when little is left of it, as
    `too_short` when a window has fewer than 3 spectral lines in it, else as `rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = 2 * np.sin(2 * np.pi * 500 * np.arange(4096) / 4096)
        >>> batch = WaveformBatch(wave[None, :], 4096.0, np.array([np.nan]))
        >>> round(float(octave_500hz_rms_m_s2(batch).values[0]), 4)
        1.4142
    """
    return _band(batch, 500.0)


@feature(unit="m/s^2", inputs=INPUTS, window=WINDOW, source=_SOURCE, version=1, applies=is_acceleration)
def octave_1000hz_rms_m_s2(batch: WaveformBatch) -> Column:
    """RMS of acceleration in the octave at 1000 Hz, m/s^2; refused as `octave_500hz_rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = 2 * np.sin(2 * np.pi * 500 * np.arange(4096) / 4096)
        >>> batch = WaveformBatch(wave[None, :], 4096.0, np.array([np.nan]))
        >>> float(octave_1000hz_rms_m_s2(batch).values[0]) < 1e-3
        True
    """
    return _band(batch, 1000.0)


@feature(unit="m/s^2", inputs=INPUTS, window=WINDOW, source=_SOURCE, version=1, applies=is_acceleration)
def octave_2000hz_rms_m_s2(batch: WaveformBatch) -> Column:
    """RMS of acceleration in the octave at 2000 Hz, m/s^2; refused as `octave_500hz_rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(2 * np.pi * 500 * np.arange(4096) / 4096)
        >>> octave_2000hz_rms_m_s2(WaveformBatch(wave[None, :], 4096.0, np.array([np.nan]))).reasons()
        ['band_not_covered']
    """
    return _band(batch, 2000.0)


@feature(unit="m/s^2", inputs=INPUTS, window=WINDOW, source=_SOURCE, version=1, applies=is_acceleration)
def octave_4000hz_rms_m_s2(batch: WaveformBatch) -> Column:
    """RMS of acceleration in the octave at 4000 Hz, m/s^2; refused as `octave_500hz_rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = 2 * np.sin(2 * np.pi * 4000 * np.arange(25600) / 25600)
        >>> batch = WaveformBatch(wave[None, :], 25600.0, np.array([np.nan]))
        >>> round(float(octave_4000hz_rms_m_s2(batch).values[0]), 4)
        1.4142
    """
    return _band(batch, 4000.0)


@feature(unit="m/s^2", inputs=INPUTS, window=WINDOW, source=_SOURCE, version=1, applies=is_acceleration)
def octave_8000hz_rms_m_s2(batch: WaveformBatch) -> Column:
    """RMS of acceleration in the octave at 8000 Hz, m/s^2; refused as `octave_500hz_rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = 2 * np.sin(2 * np.pi * 9000 * np.arange(25600) / 25600)
        >>> batch = WaveformBatch(wave[None, :], 25600.0, np.array([np.nan]))
        >>> round(float(octave_8000hz_rms_m_s2(batch).values[0]), 4)
        1.4142
    """
    return _band(batch, 8000.0)


def _band(batch: WaveformBatch, nominal_hz: float) -> Column:
    first, after, ratio = batch.plan.octave(nominal_hz)
    return column(
        batch,
        f"octave_{nominal_hz:.0f}hz_rms",
        (FeatureRefusal.BAND_NOT_COVERED, ratio < LEAST_RATIO),
        (FeatureRefusal.TOO_SHORT, after - first < 3),
    )
