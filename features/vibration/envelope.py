"""Amplitudes of the envelope spectrum at the fault frequencies of a rolling bearing."""

from features.registry import Column, feature
from features.vibration.batch import WaveformBatch
from features.vibration.places import INPUTS, WINDOW, fault_line, has_bearing

__all__ = ["envelope_bpfi_m_s2", "envelope_bpfo_m_s2", "envelope_bsf_m_s2", "envelope_ftf_m_s2"]

_INPUTS = (*INPUTS, "shaft speed", "bearing geometry")
_SOURCE = "R. B. Randall, J. Antoni, MSSP 25 (2011), section 6.1 (envelope) and eqs. {} (frequency)"


@feature(
    unit="m/s^2",
    inputs=_INPUTS,
    window=WINDOW,
    source=_SOURCE.format(1),
    version=1,
    applies=has_bearing,
    trend=True,
    positive=True,
)
def envelope_bpfo_m_s2(batch: WaveformBatch) -> Column:
    """Amplitude of the envelope at the ball pass frequency of the outer ring, m/s^2.

    The envelope is of the band from 0.25 to 0.9 of the Nyquist frequency. Refused as `no_geometry`,
    `no_speed` or `speed_zero`, as `too_short` when the window holds less than 3 passes, as
    `band_not_covered` when the envelope's spectrum does not reach so far, else as `rms_m_s2`.

    Example:
        >>> import numpy as np
        >>> from features.core.plant import FaultOrders
        >>> t = np.arange(4096) / 8192
        >>> wave = (2 + np.cos(2 * np.pi * 100 * t)) * np.cos(2 * np.pi * 2000 * t)
        >>> orders = FaultOrders(ftf=0.4, bpfo=4.0, bpfi=6.0, bsf=2.5)
        >>> batch = WaveformBatch(wave[None, :], 8192.0, np.array([25.0]), orders=orders)
        >>> round(float(envelope_bpfo_m_s2(batch).values[0]), 2)
        1.0
    """
    return fault_line(batch, "envelope_bpfo", None if batch.orders is None else batch.orders.bpfo)


@feature(
    unit="m/s^2",
    inputs=_INPUTS,
    window=WINDOW,
    source=_SOURCE.format(2),
    version=1,
    applies=has_bearing,
    trend=True,
    positive=True,
)
def envelope_bpfi_m_s2(batch: WaveformBatch) -> Column:
    """Amplitude of the envelope at the ball pass frequency of the inner ring; as `envelope_bpfo_m_s2`.

    Example:
        >>> import numpy as np
        >>> from features.core.plant import FaultOrders
        >>> t = np.arange(4096) / 8192
        >>> wave = (2 + np.cos(2 * np.pi * 150 * t)) * np.cos(2 * np.pi * 2000 * t)
        >>> orders = FaultOrders(ftf=0.4, bpfo=4.0, bpfi=6.0, bsf=2.5)
        >>> batch = WaveformBatch(wave[None, :], 8192.0, np.array([25.0]), orders=orders)
        >>> round(float(envelope_bpfi_m_s2(batch).values[0]), 2)
        1.0
    """
    return fault_line(batch, "envelope_bpfi", None if batch.orders is None else batch.orders.bpfi)


@feature(unit="m/s^2", inputs=_INPUTS, window=WINDOW, source=_SOURCE.format(4), version=1, applies=has_bearing)
def envelope_bsf_m_s2(batch: WaveformBatch) -> Column:
    """Amplitude of the envelope at the spin frequency of the rolling elements; as `envelope_bpfo_m_s2`.

    Example:
        >>> import numpy as np
        >>> wave = np.sin(np.arange(64.0))
        >>> envelope_bsf_m_s2(WaveformBatch(wave[None, :], 8192.0, np.array([25.0]))).reasons()
        ['no_geometry']
    """
    return fault_line(batch, "envelope_bsf", None if batch.orders is None else batch.orders.bsf)


@feature(unit="m/s^2", inputs=_INPUTS, window=WINDOW, source=_SOURCE.format(3), version=1, applies=has_bearing)
def envelope_ftf_m_s2(batch: WaveformBatch) -> Column:
    """Amplitude of the envelope at the frequency of the cage; as `envelope_bpfo_m_s2`.

    Example:
        >>> import numpy as np
        >>> from features.core.plant import FaultOrders
        >>> wave = np.sin(np.arange(2560.0))[None, :]  # 0.1 s hold 1.2 turns of the cage
        >>> orders = FaultOrders(ftf=0.4, bpfo=4.0, bpfi=6.0, bsf=2.5)
        >>> envelope_ftf_m_s2(WaveformBatch(wave, 25600.0, np.array([30.0]), orders=orders)).reasons()
        ['too_short']
    """
    return fault_line(batch, "envelope_ftf", None if batch.orders is None else batch.orders.ftf)
