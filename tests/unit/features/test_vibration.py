"""Vibration features against closed forms, published values and invariants."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features import signals
from features.core.plant import FaultOrders
from features.registry import Column, FeatureRefusal, catalogue
from features.vibration import WaveformBatch, envelope, spectrum, waveform

RATE = 8192.0
ORDERS = FaultOrders(ftf=0.4, bpfo=4.0, bpfi=6.0, bsf=2.5)
VIBRATION = [feature for feature in catalogue() if feature.family == "vibration"]


def batch(*waves: np.ndarray, rate: float = RATE, speed: float = 25.0) -> WaveformBatch:
    speeds = np.full(len(waves), speed)
    return WaveformBatch(np.stack(waves), rate, speeds, orders=ORDERS, gear_teeth=20, blades=6)


def sine(amplitude: float, hz: float, seconds: float = 0.5, rate: float = RATE, phase: float = 0.3) -> np.ndarray:
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate + phase))


def noise(seed: int, samples: int = 4096) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples)


def only(column: Column) -> float:
    assert column.reasons() == [""]
    return float(column.values[0])


@pytest.mark.parametrize("hz", [23.7, 60.0, 159.155, 987.0])
def test_sine_has_its_rms_peak_crest_and_kurtosis(hz: float) -> None:
    of = batch(5.0 + sine(3.0, hz, 2.0))
    assert only(waveform.rms_m_s2(of)) == pytest.approx(3 / np.sqrt(2), rel=0.01)
    assert only(waveform.peak_m_s2(of)) == pytest.approx(3.0, rel=0.02)
    assert only(waveform.crest(of)) == pytest.approx(np.sqrt(2), rel=0.02)
    assert only(waveform.kurtosis(of)) == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("hz", [23.7, 50.3, 159.155, 811.1])
def test_velocity_rms_of_a_sine_is_right_from_half_a_second_on(hz: float, seconds: float) -> None:
    acceleration = sine(2 * np.pi * hz * 0.004, hz, seconds)  # 4 mm/s peak
    assert only(spectrum.velocity_rms_mm_s(batch(acceleration))) == pytest.approx(4 / np.sqrt(2), rel=0.005)


def test_velocity_rms_agrees_with_a_vibration_calibrator() -> None:
    """Handheld calibrators run at 159.155 Hz (1000 rad/s), where 10 m/s^2 RMS is 10 mm/s RMS.

    Source: Bruel & Kjaer product data, Calibration Exciter Type 4294: 10 m/s^2, 10 mm/s, 10 um at 159.15 Hz.
    """
    of = batch(sine(10 * np.sqrt(2), 159.155, 1.0))
    assert only(waveform.rms_m_s2(of)) == pytest.approx(10.0, rel=0.005)
    assert only(spectrum.velocity_rms_mm_s(of)) == pytest.approx(10.0, rel=0.005)


def test_velocity_outside_the_band_does_not_count() -> None:
    both = sine(2 * np.pi * 100 * 0.003, 100.0, 1.0) + sine(500.0, 1500.0, 1.0)
    assert only(spectrum.velocity_rms_mm_s(batch(both))) == pytest.approx(3 / np.sqrt(2), rel=0.005)


@pytest.mark.parametrize(
    ("order", "feature"),
    [(1, spectrum.order_1x_mm_s), (2, spectrum.order_2x_mm_s), (3, spectrum.order_3x_mm_s)],
)
@pytest.mark.parametrize("speed", [24.0, 24.61, 25.37])
def test_order_amplitude_does_not_depend_on_where_the_line_lies_between_bins(
    order: int, feature: Callable[[WaveformBatch], Column], speed: float
) -> None:
    hz = order * speed
    of = batch(sine(2 * np.pi * hz * 0.002, hz), speed=speed)
    assert only(feature(of)) == pytest.approx(2.0, rel=0.005)


def test_gear_mesh_and_blade_pass_have_their_amplitudes() -> None:
    of = batch(sine(3.0, 20 * 25.0) + sine(2.0, 6 * 25.0))
    assert only(spectrum.gear_mesh_m_s2(of)) == pytest.approx(3.0, rel=0.005)
    assert only(spectrum.blade_pass_m_s2(of)) == pytest.approx(2.0, rel=0.005)


def test_envelope_finds_the_modulation_of_a_carrier() -> None:
    t = np.arange(8192) / RATE
    of = batch((3 + 1.5 * np.cos(2 * np.pi * 100 * t)) * np.cos(2 * np.pi * 2000.3 * t))
    assert only(envelope.envelope_bpfo_m_s2(of)) == pytest.approx(1.5, rel=0.01)
    assert only(envelope.envelope_bpfi_m_s2(of)) < 0.02


def test_impulses_at_the_outer_ring_frequency_stand_out_in_the_envelope() -> None:
    """Resonance at 2.5 kHz struck at BPFO of a 6205 at 1797 rpm.

    Source: Case Western Reserve University Bearing Data Center, "Bearing Information": 6205-2RS JEM SKF,
    defect frequencies in multiples of running speed: inner ring 5.4152, outer ring 3.5848, cage 0.39828.
    """
    speed, t = 1797 / 60, np.arange(8192) / RATE
    since_strike = np.mod(t, 1 / (3.5848 * speed))
    wave = 10 * np.exp(-600 * since_strike) * np.sin(2 * np.pi * 2500 * since_strike)
    orders = FaultOrders(ftf=0.39828, bpfo=3.5848, bpfi=5.4152, bsf=2.3567)
    of = WaveformBatch(wave[None, :], RATE, np.array([speed]), orders=orders)
    outer, inner = only(envelope.envelope_bpfo_m_s2(of)), only(envelope.envelope_bpfi_m_s2(of))
    assert outer > 20 * inner
    assert outer > 1.0


def test_wrong_speed_makes_the_match_vanish() -> None:
    t = np.arange(8192) / RATE
    wave = (2 + np.cos(2 * np.pi * 100 * t)) * np.cos(2 * np.pi * 2000 * t)
    assert only(envelope.envelope_bpfo_m_s2(batch(wave, speed=25.0))) > 0.9
    assert only(envelope.envelope_bpfo_m_s2(batch(wave, speed=29.0))) < 0.02


def test_gaussian_noise_has_kurtosis_three_and_a_flat_spectrum() -> None:
    of = batch(noise(1, 1 << 17))
    assert only(waveform.kurtosis(of)) == pytest.approx(3.0, abs=0.1)
    assert only(waveform.skewness(of)) == pytest.approx(0.0, abs=0.05)
    assert only(spectrum.centroid_hz(of)) == pytest.approx(RATE / 4, rel=0.01)
    assert only(spectrum.hf_rms_m_s2(of)) == pytest.approx(np.sqrt(0.5), rel=0.02)


@pytest.mark.parametrize("samples", [64, 65, 1000, 1001])
def test_hann_spectrum_equals_the_transform_of_the_windowed_signal(samples: int) -> None:
    x = noise(2, samples)[None, :]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)
    np.testing.assert_allclose(
        signals.hann(signals.transform(x), samples), signals.transform(x * window), atol=1e-10
    )


def refusals(of: WaveformBatch) -> dict[str, str]:
    return {feature.name: feature.compute(of).reasons()[0] for feature in VIBRATION}


@pytest.mark.parametrize(
    ("wave", "reason"),
    [
        (np.zeros(0), FeatureRefusal.EMPTY),
        (np.ones(1), FeatureRefusal.TOO_SHORT),
        (np.full(4096, 7.3), FeatureRefusal.CONSTANT),
        (np.where(np.arange(4096) == 17, np.nan, noise(3)), FeatureRefusal.NOT_FINITE),
        (np.where(np.arange(4096) == 17, np.inf, noise(3)), FeatureRefusal.NOT_FINITE),
        (np.full(4096, np.nan), FeatureRefusal.NOT_FINITE),
    ],
)
def test_useless_windows_are_refused_by_every_feature(wave: np.ndarray, reason: FeatureRefusal) -> None:
    assert set(refusals(batch(wave)).values()) == {reason.value}


def test_saturated_windows_keep_only_their_saturation_share() -> None:
    of = batch(np.clip(3 * noise(4), -1, 1))
    found = refusals(of)
    assert found.pop("saturation_share") == ""
    assert set(found.values()) == {"saturated"}


@pytest.mark.parametrize(
    ("speed", "reason"),
    [(np.nan, "no_speed"), (0.0, "speed_zero"), (-3.0, "speed_zero"), (5000.0, "band_not_covered")],
)
def test_lines_need_a_speed(speed: float, reason: str) -> None:
    of = batch(noise(5), speed=speed)
    assert spectrum.order_1x_mm_s(of).reasons() == [reason]
    assert envelope.envelope_bpfo_m_s2(of).reasons() == [reason]
    assert waveform.rms_m_s2(of).reasons() == [""]


def test_fault_lines_need_geometry() -> None:
    of = WaveformBatch(noise(6)[None, :], RATE, np.array([25.0]))
    assert envelope.envelope_ftf_m_s2(of).reasons() == ["no_geometry"]
    assert spectrum.gear_mesh_m_s2(of).reasons() == ["no_geometry"]


def test_snapshots_of_a_tenth_of_a_second_have_no_velocity_and_no_slow_lines() -> None:
    of = batch(noise(7, 2560), rate=25600.0, speed=30.0)
    found = refusals(of)
    assert found["velocity_rms_mm_s"] == found["envelope_ftf_m_s2"] == "too_short"
    assert found["envelope_bpfo_m_s2"] == found["rms_m_s2"] == ""


def test_low_sample_rates_do_not_cover_the_velocity_band() -> None:
    assert spectrum.velocity_rms_mm_s(batch(noise(8), rate=1024.0)).reasons() == ["band_not_covered"]


def test_one_bad_window_leaves_its_neighbours_alone() -> None:
    good, bad = noise(9), np.full(4096, np.nan)
    together, alone = batch(good, bad, good), batch(good)
    for feature in VIBRATION:
        column, own = feature.compute(together), feature.compute(alone)
        assert column.reasons() == [own.reasons()[0], "not_finite", own.reasons()[0]]
        np.testing.assert_allclose(column.values[[0, 2]], own.values[[0, 0]], rtol=1e-6)


HOMOGENEOUS = [f for f in VIBRATION if f.unit in ("m/s^2", "mm/s")]
INVARIANT = [f for f in VIBRATION if f.unit in ("1", "Hz")]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-4, 1e4))
@example(0, 1e-4)
def test_scaling_the_signal_scales_amplitudes_and_nothing_else(seed: int, factor: float) -> None:
    wave = noise(seed)
    one, other = batch(wave), batch(factor * wave)
    for feature in HOMOGENEOUS:
        np.testing.assert_allclose(feature.compute(other).values, factor * feature.compute(one).values, rtol=2e-5)
    for feature in INVARIANT:
        # Skewness of noise is near 0: float32 leaves an absolute error there.
        np.testing.assert_allclose(
            feature.compute(other).values, feature.compute(one).values, rtol=2e-5, atol=2e-6
        )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(-20, 20))
def test_adding_a_constant_changes_nothing(seed: int, shift: float) -> None:
    wave = noise(seed)
    one, other = batch(wave), batch(wave + shift)
    for feature in VIBRATION:
        if feature.name.startswith(("mean_m_s2", "mean_mm", "mean_um", "total_rms")):
            continue
        # float32 samples near 20 have a step of 2e-6.
        np.testing.assert_allclose(
            feature.compute(other).values, feature.compute(one).values, rtol=2e-4, atol=1e-5
        )


@pytest.mark.parametrize("size", [1, 3, 5])
def test_chunks_give_what_the_whole_batch_gives(size: int) -> None:
    waves = [noise(seed) for seed in range(9)]
    whole = batch(*waves)
    for feature in VIBRATION:
        parts = [feature.compute(batch(*waves[i : i + size])).values for i in range(0, 9, size)]
        np.testing.assert_allclose(np.concatenate(parts), feature.compute(whole).values, rtol=1e-9)
