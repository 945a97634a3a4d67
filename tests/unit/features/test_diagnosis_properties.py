"""What holds for every diagnosis: refusals, false alarms, invariances."""

import numpy as np
import pytest

from features.core.plant import BearingGeometry, fault_orders
from features.diagnosis import Diagnosis, Fault, Geometry, Recording, diagnose
from features.diagnosis.bearing import highest_bearing_order
from features.diagnosis.envelope import envelope_spectra
from features.registry import FeatureRefusal

RATE, SPEED = 8192.0, 24.7
ORDERS = fault_orders(BearingGeometry(balls=9, ball_diameter_mm=7.94, pitch_diameter_mm=39.04))
BEARING = Geometry(orders=ORDERS, gear_teeth=23)
WAVE = np.random.default_rng(0).standard_normal(8192)


def recording(samples: np.ndarray, speed_hz: float | None = SPEED, rate: float = RATE) -> Recording:
    return Recording("DE", samples, rate, speed_hz)


REFUSED = [
    (recording(np.array([])), FeatureRefusal.EMPTY),
    (recording(np.ones(8192)), FeatureRefusal.CONSTANT),
    (recording(np.array([1.0])), FeatureRefusal.TOO_SHORT),
    (recording(WAVE[:1000]), FeatureRefusal.TOO_SHORT),
    (recording(np.clip(WAVE, -0.5, 0.5)), FeatureRefusal.SATURATED),
    (recording(np.where(np.arange(8192) == 7, np.nan, WAVE)), FeatureRefusal.NOT_FINITE),
    (recording(WAVE, None), FeatureRefusal.NO_SPEED),
    (recording(WAVE, float("nan")), FeatureRefusal.NO_SPEED),
    (recording(WAVE, 0.0), FeatureRefusal.SPEED_ZERO),
    (recording(WAVE, -1.0), FeatureRefusal.SPEED_ZERO),
    (recording(WAVE, 24.7, 800.0), FeatureRefusal.BAND_NOT_COVERED),
]


@pytest.mark.parametrize(("one", "reason"), REFUSED, ids=lambda value: getattr(value, "value", ""))
def test_unusable_input_is_refused_with_its_reason(one: Recording, reason: FeatureRefusal) -> None:
    assert diagnose([one], BEARING) is reason


def test_nothing_to_look_at_and_nothing_to_look_for_are_refused() -> None:
    assert diagnose([], BEARING) is FeatureRefusal.NO_INPUT
    assert diagnose([recording(WAVE)], Geometry()) is FeatureRefusal.NO_GEOMETRY


def test_one_bad_recording_does_not_spoil_the_others() -> None:
    assert diagnose([recording(np.ones(8192)), recording(WAVE)], BEARING) == diagnose([recording(WAVE)], BEARING)


@pytest.mark.parametrize(("samples", "seeds"), [(4096, range(200)), (16384, range(200, 300))])
def test_noise_is_normal(samples: int, seeds: range) -> None:
    """At most 1 % of 300 records may even be unknown by chance, and none may be called a fault."""
    said = []
    for seed in seeds:
        wave = np.random.default_rng(seed).standard_normal(samples)
        found = diagnose([recording(wave)], BEARING)
        assert isinstance(found, Diagnosis)
        said.append(found.fault)
    assert set(said) <= {Fault.NORMAL, Fault.UNKNOWN}
    assert said.count(Fault.UNKNOWN) <= 0.01 * len(said)


def test_coloured_noise_with_tones_of_the_shaft_is_no_bearing_fault() -> None:
    time = np.arange(16384) / RATE
    for seed in range(20):
        white = np.fft.rfft(np.random.default_rng(seed).standard_normal(16384))
        hz = np.fft.rfftfreq(16384, 1 / RATE)
        white *= 1.0 / (1.0 + (hz / 300.0)) + 5.0 * np.exp(-(((hz - 1800.0) / 60.0) ** 2))
        tones = sum(0.02 * np.cos(2 * np.pi * k * SPEED * time + k) for k in range(1, 12))
        found = diagnose([recording(np.fft.irfft(white, n=16384) + tones)], BEARING)
        assert isinstance(found, Diagnosis)
        assert found.findings == ()


def train(seed: int = 1) -> np.ndarray:
    at = (np.arange(0.05, 1.95, 1 / (ORDERS.bpfo * SPEED)) * RATE).astype(int)
    hits = np.zeros(16384)
    hits[at] = 6.0
    ring = np.exp(-np.arange(100) / 10.0) * np.sin(np.arange(100) * 1.9)
    return np.convolve(hits, ring)[:16384] + np.random.default_rng(seed).standard_normal(16384)


@pytest.mark.parametrize("factor", [1e-3, 1e-6, -1e-2])
def test_a_bearing_fault_does_not_depend_on_the_scale(factor: float) -> None:
    plain, scaled = (diagnose([recording(k * 1e-2 * train())], BEARING) for k in (1.0, factor))
    assert isinstance(plain, Diagnosis)
    assert isinstance(scaled, Diagnosis)
    assert plain.fault is scaled.fault is Fault.OUTER_RACE
    for one, other in zip(plain.lines, scaled.lines, strict=True):
        assert other.order == one.order
        assert other.snr_db == pytest.approx(one.snr_db, abs=1e-6)
        assert other.amplitude == pytest.approx(one.amplitude, rel=1e-9)


def test_an_offset_changes_nothing() -> None:
    plain, shifted = (diagnose([recording(train() + offset)], BEARING) for offset in (0.0, 50.0))
    assert isinstance(plain, Diagnosis)
    assert isinstance(shifted, Diagnosis)
    assert shifted.fault is plain.fault
    assert shifted.margin_db == pytest.approx(plain.margin_db, abs=1e-6)


def test_the_order_of_recordings_does_not_matter() -> None:
    several = [recording(train(seed)) for seed in (1, 2, 3)]
    forward, backward = diagnose(several, BEARING), diagnose(several[::-1], BEARING)
    assert isinstance(forward, Diagnosis)
    assert isinstance(backward, Diagnosis)
    assert backward.fault is forward.fault
    assert backward.margin_db == pytest.approx(forward.margin_db, abs=1e-9)


def test_time_and_speed_scale_together() -> None:
    """Twice the sample rate and twice the speed is the same signal, played faster."""
    slow, fast = (diagnose([recording(train(), k * SPEED, k * RATE)], BEARING) for k in (1.0, 2.0))
    assert isinstance(slow, Diagnosis)
    assert isinstance(fast, Diagnosis)
    assert [line.order for line in slow.lines] == pytest.approx([line.order for line in fast.lines])
    assert fast.lines[0].frequency_hz == pytest.approx(2 * slow.lines[0].frequency_hz)


def test_a_modulated_carrier_has_the_depth_of_its_modulation() -> None:
    """|1 + m cos|^2 = 1 + m^2/2 + 2 m cos + m^2/2 cos 2: the line over the mean is 2 m / (1 + m^2/2)."""
    rate, speed, depth = 8000.0, 20.0, 0.2
    time = np.arange(32000) / rate
    noise = np.random.default_rng(3).standard_normal(len(time))
    wave = (1 + depth * np.cos(2 * np.pi * 3.5 * speed * time)) * noise
    (whole, *_) = envelope_spectra([recording(wave, speed, rate)], highest_bearing_order(ORDERS))
    peak = whole.peak(3.5, 3.45, 3.55)
    assert peak is not None
    assert peak[0] == pytest.approx(3.5, abs=0.013)
    assert peak[2] == pytest.approx(2 * depth / (1 + depth**2 / 2), rel=0.15)


def test_significance_of_one_periodogram_is_that_of_an_exponential_over_its_estimated_mean() -> None:
    """Exponential over gamma of shape b: P(ratio > x) = (1 + x / b)^-b; the median is ln 2 of the mean."""
    one = envelope_spectra([recording(WAVE[:4096])], highest_bearing_order(ORDERS))[0]
    assert one.averages == 1.0
    floor = one.floor_bins / 1.5 * np.log(2.0) ** 2
    passed = floor * (1e-3 ** (-1.0 / floor) - 1.0)
    assert one.significant_db(1e-3) == pytest.approx(10 * np.log10(passed / np.log(2.0)), abs=0.01)
