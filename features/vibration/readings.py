"""The rest of the catalogue: readings of measured columns, one line of the tables below each.

They belong to the catalogue and not to every component's feature set (`standard=False`): a diagnosis, a
discovery or a plant that asks for them computes them.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from features.registry import Column, FeatureRefusal, Placement, feature
from features.vibration.batch import WaveformBatch
from features.vibration.kurtogram import LEVELS, tree
from features.vibration.places import (
    INPUTS,
    WINDOW,
    WITH_SPEED,
    column,
    has_bearing,
    has_gear,
    is_acceleration,
    is_displacement,
    is_not_displacement,
    is_velocity,
    is_vibration,
    line,
)
from features.vibration.plan import VELOCITY_BAND_HZ, VELOCITY_LEAST_S

__all__: list[str] = []

Reading = Callable[[WaveformBatch], Column]
Applies = Callable[[Placement], bool]

_EXAMPLE = """
    Example:
        >>> from features.vibration.places import column
        >>> wave = np.sin(2 * np.pi * 10 * (np.arange(1000) + 0.5) / 1000)
        >>> batch = WaveformBatch(wave[None, :], 1000.0, np.array([np.nan]))
        >>> column(batch, "{column}").reasons()
        ['']
"""

# Suffix of the unit in names, and the factor from the sensor's canonical unit, by quantity.
_SIGNAL: dict[str, tuple[str, str, float, Applies]] = {
    "_m_s2": ("m/s^2", "acceleration", 1.0, is_acceleration),
    "_mm_s": ("mm/s", "velocity", 1e3, is_velocity),
    "_um": ("um", "displacement", 1e6, is_displacement),
}

_RANDALL = "R. B. Randall, Vibration-based Condition Monitoring (2011), {}"
_LEI = "Y. Lei, Intelligent Fault Diagnosis and Remaining Useful Life Prediction of Rotating Machinery (2017), 2.2"
_PEETERS = "G. Peeters, A large set of audio features for sound description (IRCAM, 2004), {}"

# Name without unit -> summary and source. In the unit of the signal, for each kind of sensor.
_AMPLITUDES = {
    "mean": ("Mean of the window: offset of the sensor.", "arithmetic mean"),
    "total_rms": ("Root mean square of the window with its mean.", "ISO 20816-1:2016, 3 (RMS)"),
    "peak_to_peak": ("Largest less smallest sample.", "ISO 20816-1:2016, 3 (peak-to-peak value)"),
    "mean_magnitude": ("Mean magnitude of the window without its mean.", _LEI),
    "peak_1": ("Amplitude of the highest line of the spectrum.", "energy of the five bins of a Hann line"),
    "peak_2": ("Amplitude of the second highest line of the spectrum.", "energy of the five bins of a Hann line"),
    "peak_3": ("Amplitude of the third highest line of the spectrum.", "energy of the five bins of a Hann line"),
}

# For velocity and displacement, what `features.vibration.waveform` has for acceleration.
_PLAIN = {
    "rms": ("Root mean square of the window without its mean.", "root of the second central moment"),
    "peak": ("Largest magnitude of the window without its mean.", "largest magnitude without the mean"),
}

# Name -> unit, summary, source. For every kind of sensor.
_SHAPES = {
    "shape": ("1", "Shape factor: RMS over mean magnitude, 1.111 for a sine.", _LEI),
    "impulse": ("1", "Impulse factor: peak over mean magnitude, 1.571 for a sine.", _LEI),
    "margin": ("1", "Margin factor: peak over the squared mean root of the magnitude.", _LEI),
    "zero_crossing_rate_hz": (
        "Hz",
        "Sign changes a second, twice the frequency of a sine.",
        _PEETERS.format("4.2"),
    ),
    "spread_hz": ("Hz", "Standard deviation of the power spectrum around its centroid.", _PEETERS.format("6.1.2")),
    "entropy": ("1", "Entropy of the power spectrum over that of a flat one.", "C. E. Shannon (1948), normalised"),
    "flatness": ("1", "Geometric over arithmetic mean of the power spectrum.", _PEETERS.format("9.1")),
    "roll_off_hz": ("Hz", "Frequency below which 95 % of the power lies.", _PEETERS.format("6.1.6")),
    "quarter_1_share": ("1", "Share of the power in the lowest quarter of the spectrum.", "Parseval's theorem"),
    "quarter_2_share": ("1", "Share of the power in the second quarter of the spectrum.", "Parseval's theorem"),
    "quarter_3_share": ("1", "Share of the power in the third quarter of the spectrum.", "Parseval's theorem"),
    "quarter_4_share": ("1", "Share of the power in the highest quarter of the spectrum.", "Parseval's theorem"),
    "peak_1_hz": ("Hz", "Frequency of the highest line of the spectrum.", "centre of gravity of a Hann line"),
    "peak_2_hz": (
        "Hz",
        "Frequency of the second highest line of the spectrum.",
        "centre of gravity of a Hann line",
    ),
    "peak_3_hz": (
        "Hz",
        "Frequency of the third highest line of the spectrum.",
        "centre of gravity of a Hann line",
    ),
    "quefrency_s": (
        "s",
        "Quefrency of the highest rahmonic between 2.5 ms and an eighth of the window: one over the spacing "
        "of sidebands or harmonics.",
        _RANDALL.format("3.6 (cepstrum), by a DCT-II of the logarithmic Hann power spectrum"),
    ),
    "rahmonic": (
        "1",
        "Height of that rahmonic: amplitude of the ripple of the logarithmic power spectrum, neper.",
        _RANDALL.format("3.6 (cepstrum), by a DCT-II of the logarithmic Hann power spectrum"),
    ),
}

# Name -> unit and summary: the band that an envelope is best taken of. Costs more than all others together.
_KURTOGRAM = {
    "kurtogram_low_hz": ("Hz", "Lower edge of the band whose envelope is the most impulsive of 2, 4 and 8 bands."),
    "kurtogram_high_hz": ("Hz", "Upper edge of that band."),
    "kurtogram_kurtosis": ("1", "Kurtosis of the complex envelope of that band, 0 for Gaussian noise."),
}

# Name -> order and summary. Velocity, for every kind of sensor.
_ORDERS = {
    "order_half_x_mm_s": (0.5, "Peak amplitude of velocity at half the shaft speed (looseness, rub)."),
    "order_one_and_half_x_mm_s": (1.5, "Peak amplitude of velocity at 1.5 times the shaft speed (looseness)."),
    "harmonics_mm_s": (4.0, "Root sum of squares of the velocity amplitudes at 4 to 10 times the shaft speed."),
}

# Name without unit -> multiple of (bpfo, bpfi, bsf, ftf), what is added in (shaft, ftf), and summary.
_FAULTS = {
    "bpfo": "ball pass frequency of the outer ring",
    "bpfi": "ball pass frequency of the inner ring",
    "bsf": "spin frequency of the rolling elements",
    "ftf": "frequency of the cage",
    "2bsf": "twice the spin frequency of the rolling elements (one defect strikes both rings)",
}
_ENVELOPE_SOURCE = "R. B. Randall, J. Antoni, MSSP 25 (2011), section 6.1 and eqs. 1 to 4"


def _register(
    name: str,
    read: Reading,
    summary: str,
    *,
    measured: str,
    unit: str,
    source: str,
    applies: Applies,
    inputs: tuple[str, ...] = INPUTS,
    **flags: Any,  # Any: trend and positive, as in `feature`
) -> None:
    read.__name__ = read.__qualname__ = name
    read.__module__ = __name__
    read.__doc__ = (
        f"{summary}\n\n    Refused as `rms_m_s2`, and where its line or band cannot be told.\n"
        + _EXAMPLE.format(column=measured)
    )
    flags = {"standard": False, **flags}
    feature(unit=unit, inputs=inputs, window=WINDOW, source=source, version=1, applies=applies, **flags)(read)
    globals()[name] = read
    __all__.append(name)


def _plain(name: str, factor: float = 1.0) -> Reading:
    return lambda batch: column(batch, name, factor=factor)


def _amplitudes() -> None:
    for suffix, (unit, _, factor, applies) in _SIGNAL.items():
        for name, (summary, source) in (_AMPLITUDES if suffix == "_m_s2" else _AMPLITUDES | _PLAIN).items():
            plain = name in _PLAIN
            _register(
                name + suffix,
                _plain(name, factor),
                summary,
                measured=name,
                unit=unit,
                source=source,
                applies=applies,
                standard=plain,
                trend=name == "rms",
                positive=name == "rms",
            )


def _shapes() -> None:
    for name, (unit, summary, source) in _SHAPES.items():
        _register(name, _plain(name), summary, measured=name, unit=unit, source=source, applies=is_vibration)


def _kurtogram() -> None:
    source = (
        "J. Antoni, Mechanical Systems and Signal Processing 21 (2007) 108-124 (levels 1, 2 and 3, ideal filters)"
    )
    for name, (unit, summary) in _KURTOGRAM.items():
        _register(name, _band_of(name), summary, measured=name, unit=unit, source=source, applies=is_vibration)


def _band_of(name: str) -> Reading:
    return lambda batch: column(
        batch, name, (FeatureRefusal.TOO_SHORT, not tree(batch.samples, LEVELS, thirds=False))
    )


def _swing(batch: WaveformBatch) -> Column:
    return column(
        batch,
        "displacement_um",
        (FeatureRefusal.TOO_SHORT, batch.duration_s < VELOCITY_LEAST_S),
        (FeatureRefusal.BAND_NOT_COVERED, batch.sample_rate_hz / 2 < VELOCITY_BAND_HZ[1]),
    )


def _at(name: str, order: Callable[[WaveformBatch], float | None], *, envelope: bool = False) -> Reading:
    def read(batch: WaveformBatch) -> Column:
        reach = batch.plan.envelope_reach_hz if envelope else None
        silent = np.isnan(batch.column(name)) if (batch.codes == 0).any() else np.zeros(batch.windows, np.bool_)
        more = ((FeatureRefusal.BAND_NOT_COVERED, silent),)
        return line(batch, name, order(batch), reach_hz=reach, more=more)

    return read


def _constant(order: float) -> Callable[[WaveformBatch], float | None]:
    return lambda _: order


def _teeth(times: int) -> Callable[[WaveformBatch], float | None]:
    return lambda batch: None if batch.gear_teeth is None else times * batch.gear_teeth


def _orders() -> None:
    for name, (order, summary) in _ORDERS.items():
        _register(
            name,
            _at(name, _constant(order)),
            summary,
            measured="rms",
            unit="mm/s",
            source=_RANDALL.format("2.2 (shaft harmonics)"),
            applies=is_vibration,
            inputs=WITH_SPEED,
        )
    for name, times, summary in (
        ("gear_mesh_2x", 2, "Peak amplitude of acceleration at twice the gear-mesh frequency."),
        ("gear_sidebands", 1, "Amplitude of the sidebands at 1x and 2x to both sides of the gear mesh together."),
    ):
        _register(
            f"{name}_m_s2",
            _at(name, _teeth(times)),
            summary,
            measured="rms",
            unit="m/s^2",
            source=_RANDALL.format("2.2.2 (gear mesh and sidebands)"),
            applies=has_gear,
            inputs=(*WITH_SPEED, "teeth"),
        )


def _fault_order(fault: str, batch: WaveformBatch) -> float | None:
    orders = batch.orders
    if orders is None:
        return None
    known = {
        "bpfo": orders.bpfo,
        "bpfi": orders.bpfi,
        "bsf": orders.bsf,
        "ftf": orders.ftf,
        "2bsf": 2 * orders.bsf,
    }
    return known[fault]


def _envelope() -> None:
    for name, unit, summary in (
        ("envelope_rms", "m/s^2", "RMS of the envelope without its mean."),
        ("envelope_kurtosis", "1", "Kurtosis of the envelope: above 3 where it is struck now and then."),
    ):
        suffix = "_m_s2" if unit == "m/s^2" else ""
        _register(
            name + suffix,
            _plain(name),
            summary,
            measured=name,
            unit=unit,
            source=_ENVELOPE_SOURCE,
            applies=is_acceleration,
        )
    made = [
        (
            f"envelope_{fault}_snr",
            "1",
            fault,
            f"Energy of the envelope at the {words} over that of the bins beside.",
        )
        for fault, words in _FAULTS.items()
    ]
    made += [
        (
            f"envelope_{fault}_harmonics",
            "m/s^2",
            fault,
            f"Amplitude of the envelope at the {words} and twice and three times it.",
        )
        for fault, words in _FAULTS.items()
        if fault != "2bsf"
    ]
    made.append(("envelope_2bsf", "m/s^2", "2bsf", f"Amplitude of the envelope at {_FAULTS['2bsf']}."))
    made.append(
        ("envelope_bpfi_sidebands", "m/s^2", "bpfi", "Amplitude of the sidebands at 1x to both sides of BPFI.")
    )
    made.append(
        ("envelope_2bsf_sidebands", "m/s^2", "2bsf", "Amplitude of the sidebands at FTF to both sides of 2 x BSF.")
    )
    for name, unit, fault, summary in made:
        _register(
            name + ("_m_s2" if unit == "m/s^2" else ""),
            _at(name, functools.partial(_fault_order, fault), envelope=True),
            summary,
            measured="envelope_rms",
            unit=unit,
            source=_ENVELOPE_SOURCE,
            applies=has_bearing,
            inputs=(*WITH_SPEED, "bearing geometry"),
        )
    _register(
        "envelope_1x_m_s2",
        _at("envelope_1x", _constant(1.0), envelope=True),
        "Amplitude of the envelope at shaft speed.",
        measured="envelope_rms",
        unit="m/s^2",
        source=_ENVELOPE_SOURCE,
        applies=is_acceleration,
        inputs=WITH_SPEED,
    )


_amplitudes()
_shapes()
_register(
    "displacement_um",
    _swing,
    "Peak-to-peak displacement around the middle of the window, 10 to 500 Hz, um.",
    measured="rms",
    unit="um",
    source="ISO 20816-1:2016, 3 (peak-to-peak displacement); Hann-weighted integration in the frequency domain",
    applies=is_not_displacement,
)
_orders()
_envelope()
_kurtogram()
