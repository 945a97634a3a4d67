"""Features of the spectrum: velocity RMS, high-frequency RMS, centroid, lines of shaft, gear and blades."""

from features.registry import Column, FeatureRefusal, feature
from features.vibration.batch import WaveformBatch
from features.vibration.places import (
    INPUTS,
    WINDOW,
    WITH_SPEED,
    column,
    has_blades,
    has_gear,
    is_acceleration,
    is_vibration,
    line,
)
from features.vibration.plan import VELOCITY_BAND_HZ, VELOCITY_LEAST_S

__all__ = [
    "blade_pass_m_s2",
    "centroid_hz",
    "gear_mesh_m_s2",
    "hf_rms_m_s2",
    "order_1x_mm_s",
    "order_2x_mm_s",
    "order_3x_mm_s",
    "velocity_rms_mm_s",
]


@feature(
    unit="mm/s",
    inputs=INPUTS,
    window=WINDOW,
    source="ISO 20816-1:2016, broad-band velocity 10 Hz to 1000 Hz; integration in the frequency domain",
    version=1,
    applies=is_vibration,
    trend=True,
    positive=True,
)
def velocity_rms_mm_s(batch: WaveformBatch) -> Column:
    """RMS of velocity between 10 and 1000 Hz, mm/s, from a Hann spectrum with energy correction.

    Refused as `too_short` under 0.5 s, as `band_not_covered` for sample rates below 2 kHz, else as
    `rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = 2 * np.pi * 50 * np.sin(2 * np.pi * 50 * np.arange(4096) / 4096)  # 1 m/s peak
        >>> round(float(velocity_rms_mm_s(WaveformBatch(wave[None, :], 4096.0, np.array([np.nan]))).values[0]))
        707
    """
    return column(
        batch,
        "velocity_rms_mm_s",
        (FeatureRefusal.TOO_SHORT, batch.duration_s < VELOCITY_LEAST_S),
        (FeatureRefusal.BAND_NOT_COVERED, batch.sample_rate_hz / 2 < VELOCITY_BAND_HZ[1]),
    )


@feature(
    unit="m/s^2",
    inputs=INPUTS,
    window=WINDOW,
    source="Parseval's theorem over the upper half of the spectrum",
    version=1,
    applies=is_acceleration,
    trend=True,
    positive=True,
)
def hf_rms_m_s2(batch: WaveformBatch) -> Column:
    """RMS above a quarter of the sample rate (the upper half of the spectrum), m/s^2; refused as `rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(2 * np.pi * 400 * np.arange(1000) / 1000)
        >>> round(float(hf_rms_m_s2(WaveformBatch(wave[None, :], 1000.0, np.array([np.nan]))).values[0]), 4)
        0.7071
    """
    return column(batch, "hf_rms")


@feature(
    unit="Hz",
    inputs=INPUTS,
    window=WINDOW,
    source="first moment of the power spectrum over its sum",
    version=1,
    applies=is_vibration,
)
def centroid_hz(batch: WaveformBatch) -> Column:
    """Centre of gravity of the power spectrum of acceleration, Hz; refused as `rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(2 * np.pi * 100 * np.arange(1000) / 1000)
        >>> round(float(centroid_hz(WaveformBatch(wave[None, :], 1000.0, np.array([np.nan]))).values[0]), 3)
        100.0
    """
    return column(batch, "centroid_hz")


@feature(
    unit="mm/s",
    inputs=WITH_SPEED,
    window=WINDOW,
    source="amplitude of the spectral line at shaft speed (unbalance)",
    version=1,
    applies=is_vibration,
)
def order_1x_mm_s(batch: WaveformBatch) -> Column:
    """Peak amplitude of velocity at shaft speed, mm/s.

    Refused as `no_speed` or `speed_zero`, as `too_short` when the window holds less than 3 turns, as
    `band_not_covered` above half the sample rate, else as `rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = 2 * np.pi * 25 * np.sin(2 * np.pi * 25 * np.arange(4096) / 4096)  # 1 m/s peak
        >>> round(float(order_1x_mm_s(WaveformBatch(wave[None, :], 4096.0, np.array([25.0]))).values[0]), 1)
        1000.0
    """
    return line(batch, "order_1x_mm_s", 1.0)


@feature(
    unit="mm/s",
    inputs=WITH_SPEED,
    window=WINDOW,
    source="amplitude of the spectral line at twice shaft speed (misalignment, looseness)",
    version=1,
    applies=is_vibration,
)
def order_2x_mm_s(batch: WaveformBatch) -> Column:
    """Peak amplitude of velocity at twice shaft speed, mm/s; refused as `order_1x_mm_s`.

    Example:
        >>> import numpy as np
        >>> wave = 2 * np.pi * 50 * np.sin(2 * np.pi * 50 * np.arange(4096) / 4096)  # 1 m/s peak
        >>> round(float(order_2x_mm_s(WaveformBatch(wave[None, :], 4096.0, np.array([25.0]))).values[0]), 1)
        1000.0
    """
    return line(batch, "order_2x_mm_s", 2.0)


@feature(
    unit="mm/s",
    inputs=WITH_SPEED,
    window=WINDOW,
    source="amplitude of the spectral line at three times shaft speed (looseness)",
    version=1,
    applies=is_vibration,
)
def order_3x_mm_s(batch: WaveformBatch) -> Column:
    """Peak amplitude of velocity at three times shaft speed, mm/s; refused as `order_1x_mm_s`.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(2 * np.pi * 75 * np.arange(4096) / 4096)
        >>> order_3x_mm_s(WaveformBatch(wave[None, :], 4096.0, np.array([np.nan]))).reasons()
        ['no_speed']
    """
    return line(batch, "order_3x_mm_s", 3.0)


@feature(
    unit="m/s^2",
    inputs=(*WITH_SPEED, "teeth"),
    window=WINDOW,
    source="amplitude of the spectral line at teeth times shaft speed",
    version=1,
    applies=has_gear,
    trend=True,
    positive=True,
)
def gear_mesh_m_s2(batch: WaveformBatch) -> Column:
    """Peak amplitude of acceleration at the gear-mesh frequency, m/s^2; refused as `order_1x_mm_s`.

    Example:
        >>> import numpy as np
        >>> wave = 3 * np.sin(2 * np.pi * 500 * np.arange(4096) / 4096)
        >>> batch = WaveformBatch(wave[None, :], 4096.0, np.array([25.0]), gear_teeth=20)
        >>> round(float(gear_mesh_m_s2(batch).values[0]), 3)
        3.0
    """
    return line(batch, "gear_mesh", batch.gear_teeth)


@feature(
    unit="m/s^2",
    inputs=(*WITH_SPEED, "blades"),
    window=WINDOW,
    source="amplitude of the spectral line at blades times shaft speed",
    version=1,
    applies=has_blades,
)
def blade_pass_m_s2(batch: WaveformBatch) -> Column:
    """Peak amplitude of acceleration at the blade-pass frequency, m/s^2; refused as `order_1x_mm_s`.

    Example:
        >>> import numpy as np
        >>> wave = 3 * np.sin(2 * np.pi * 150 * np.arange(4096) / 4096)
        >>> batch = WaveformBatch(wave[None, :], 4096.0, np.array([25.0]), blades=6)
        >>> round(float(blade_pass_m_s2(batch).values[0]), 3)
        3.0
    """
    return line(batch, "blade_pass", batch.blades)
