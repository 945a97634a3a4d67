"""The fused passes against plain NumPy in float64, and what the catalogue promises beyond single features."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from features.core.plant import FaultOrders
from features.core.units import Quantity
from features.registry import catalogue
from features.vibration import WaveformBatch, readings
from features.vibration.columns import COLUMNS
from features.vibration.measure import measure
from features.vibration.mounting import SensorFinding, sensor_findings
from features.vibration.plain import plain
from features.vibration.plan import Plan, Stage
from features.vibration.severity import zone

ORDERS = FaultOrders(ftf=0.4, bpfo=3.58, bpfi=5.42, bsf=2.36)
SPEED = 29.7
# float32 has 6e-8; sums and transforms leave about 20 of these. Displacement divides by (2 pi f)^2.
RELATIVE, DISPLACEMENT = 5e-6, 5e-4
# Values that are near 0 by nature are held to an absolute error.
FLOORS = {"skewness": 0.1, "mean": 0.1, "kurtogram_kurtosis": 0.1, "rahmonic": 0.05}


def signal(windows: int, samples: int, rate: float) -> np.ndarray:
    t = np.arange(samples) / rate
    wave = 3 * np.sin(2 * np.pi * SPEED * t) + np.sin(2 * np.pi * 20 * SPEED * t) + 0.2
    since = np.mod(t, 1 / (ORDERS.bpfo * SPEED))
    wave += 5 * np.exp(-300 * since) * np.sin(2 * np.pi * 0.3 * rate * since)
    return np.asarray(wave + np.random.default_rng(5).standard_normal((windows, samples)), dtype=np.float32)


def plan(windows: int, samples: int, rate: float, quantity: Quantity = Quantity.ACCELERATION) -> Plan:
    return Plan(samples, rate, np.full(windows, SPEED), ORDERS, gear_teeth=20, blades=6, quantity=quantity)


@pytest.mark.parametrize(
    ("samples", "rate", "quantity"),
    [
        (2560, 5120.0, Quantity.ACCELERATION),
        (2560, 25600.0, Quantity.ACCELERATION),
        (8191, 8192.0, Quantity.ACCELERATION),
        (4097, 8192.0, Quantity.VELOCITY),
        (4096, 8192.0, Quantity.DISPLACEMENT),
        (100, 8192.0, Quantity.ACCELERATION),
    ],
)
def test_fused_passes_equal_plain_numpy(samples: int, rate: float, quantity: Quantity) -> None:
    x, of = signal(3, samples, rate), plan(3, samples, rate, quantity)
    truth, found = plain(x, of), measure(x, of, tuple(Stage))
    for stage, names in COLUMNS.items():
        for number, name in enumerate(names):
            value, expected = found.columns[stage][:, number], truth[name]
            np.testing.assert_array_equal(np.isnan(value), np.isnan(expected), err_msg=name)
            allowed = DISPLACEMENT if name == "displacement_um" else RELATIVE
            scale = np.maximum(np.abs(expected), FLOORS.get(name, 1e-12))
            assert np.all(np.isnan(value) | (np.abs(value - expected) <= allowed * scale)), name


def test_threads_and_blocks_do_not_change_a_number() -> None:
    x, of = signal(40, 2560, 25600.0), plan(40, 2560, 25600.0)
    alone, together = measure(x, of, tuple(Stage)), measure(x, of, tuple(Stage), workers=2)
    for stage in Stage:
        np.testing.assert_array_equal(alone.columns[stage], together.columns[stage])


def test_clipped_samples_are_counted_in_runs_of_three() -> None:
    x = np.random.default_rng(6).standard_normal((1, 256)).astype(np.float32)
    x[0, 10:14], x[0, 50:52], x[0, 100:103] = 9.0, 9.0, -9.0
    found = measure(x, plan(1, 256, 8192.0), (Stage.TIME,))
    assert found.columns[Stage.TIME][0, COLUMNS[Stage.TIME].index("saturation_share")] == 3 / 256


def test_a_window_that_is_not_finite_leaves_its_neighbours_alone() -> None:
    x = signal(3, 2560, 25600.0)
    expected = measure(x, plan(3, 2560, 25600.0), tuple(Stage))
    x[1, 7] = np.nan
    with np.errstate(invalid="ignore"):
        found = measure(x, plan(3, 2560, 25600.0), tuple(Stage))
    assert found.finite.tolist() == [True, False, True]
    for stage in Stage:
        np.testing.assert_array_equal(found.columns[stage][[0, 2]], expected.columns[stage][[0, 2]])


def read(name: str, of: WaveformBatch) -> float:
    column = next(f for f in catalogue() if f.name == name).compute(of)
    assert column.reasons() == [""]
    return float(column.values[0])


def batch(wave: np.ndarray, rate: float = 8192.0, quantity: Quantity = Quantity.ACCELERATION) -> WaveformBatch:
    return WaveformBatch(
        wave[None, :], rate, np.array([25.0]), orders=ORDERS, gear_teeth=20, blades=6, quantity=quantity
    )


def sine(amplitude: float, hz: float, samples: int = 8192, rate: float = 8192.0) -> np.ndarray:
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * np.arange(samples) / rate + 0.3))


def test_a_sine_has_its_shape_factors_and_its_line() -> None:
    of = batch(sine(2.0, 200.3) + 0.5)
    closed_form = {
        "mean_m_s2": 0.5,
        "total_rms_m_s2": np.sqrt(2 + 0.25),
        "peak_to_peak_m_s2": 4.0,
        "mean_magnitude_m_s2": 4 / np.pi,
        "shape": np.pi / (2 * np.sqrt(2)),
        "impulse": np.pi / 2,
        # Mean of sqrt|sin| over a turn is 2 / sqrt(pi) * Gamma(3/4) / Gamma(1/4) = 0.762760.
        "margin": 1 / 0.762760**2,
        "zero_crossing_rate_hz": 400.6,
        "peak_1_hz": 200.3,
        "peak_1_m_s2": 2.0,
        "roll_off_hz": 200.3,
    }
    for name, value in closed_form.items():
        assert read(name, of) == pytest.approx(value, rel=0.01), name
    assert read("entropy", of) < 0.2
    assert read("flatness", of) < 1e-3
    assert read("quarter_1_share", of) == pytest.approx(1.0, abs=1e-6)


def test_white_noise_is_flat() -> None:
    of = batch(np.random.default_rng(7).standard_normal(1 << 16))
    assert read("entropy", of) > 0.95
    assert read("roll_off_hz", of) == pytest.approx(0.95 * 4096, rel=0.01)
    assert read("spread_hz", of) == pytest.approx(4096 / np.sqrt(12), rel=0.01)
    for quarter in (1, 2, 3, 4):
        assert read(f"quarter_{quarter}_share", of) == pytest.approx(0.25, abs=0.01)
    # Complex Gaussian noise has a kurtosis of 0 here, and the best of 14 bands little more.
    assert abs(read("kurtogram_kurtosis", of)) < 0.2


@pytest.mark.parametrize(
    ("quantity", "amplitude"),
    [
        (Quantity.ACCELERATION, (2 * np.pi * 50) ** 2 * 40e-6),
        (Quantity.VELOCITY, 2 * np.pi * 50 * 40e-6),
    ],
)
def test_displacement_of_a_sine_is_twice_its_amplitude(quantity: Quantity, amplitude: float) -> None:
    assert read("displacement_um", batch(sine(amplitude, 50.2), quantity=quantity)) == pytest.approx(
        80.0, rel=0.02
    )


@pytest.mark.parametrize(
    ("quantity", "amplitude", "names"),
    [
        (Quantity.VELOCITY, 5e-3, {"rms_mm_s": 5 / np.sqrt(2), "peak_mm_s": 5.0}),
        (Quantity.DISPLACEMENT, 5e-3 / (2 * np.pi * 50), {"peak_to_peak_um": 2 * 5e3 / (2 * np.pi * 50)}),
    ],
)
def test_velocity_and_displacement_sensors_tell_the_same_machine(
    quantity: Quantity, amplitude: float, names: dict[str, float]
) -> None:
    of = batch(sine(amplitude, 50.0), quantity=quantity)
    assert read("velocity_rms_mm_s", of) == pytest.approx(5 / np.sqrt(2), rel=0.005)
    assert read("order_2x_mm_s", of) == pytest.approx(5.0, rel=0.005)
    for name, value in names.items():
        assert read(name, of) == pytest.approx(value, rel=0.005)


def test_half_orders_harmonics_and_sidebands_have_their_amplitudes() -> None:
    wave = sum((sine(2 * np.pi * 25 * order * 1e-3, 25 * order) for order in (0.5, 1.5, 4, 5)), np.zeros(8192))
    wave = wave + sine(3.0, 500) + sine(0.6, 475) + sine(0.8, 525) + sine(1.5, 1000)
    of = batch(wave)
    assert read("order_half_x_mm_s", of) == pytest.approx(1.0, rel=0.02)
    assert read("order_one_and_half_x_mm_s", of) == pytest.approx(1.0, rel=0.02)
    assert read("harmonics_mm_s", of) == pytest.approx(np.sqrt(2), rel=0.02)
    assert read("gear_sidebands_m_s2", of) == pytest.approx(1.0, rel=0.02)
    assert read("gear_mesh_2x_m_s2", of) == pytest.approx(1.5, rel=0.02)


def test_the_struck_ring_stands_out_of_its_surroundings() -> None:
    x = signal(1, 8192, 8192.0)
    of = WaveformBatch(x, 8192.0, np.array([SPEED]), orders=ORDERS)
    assert read("envelope_bpfo_snr", of) > 30
    assert read("envelope_bpfi_snr", of) < 5
    assert read("envelope_bpfo_harmonics_m_s2", of) > read("envelope_bpfi_harmonics_m_s2", of) * 3


def test_the_cepstrum_finds_the_spacing_of_harmonics() -> None:
    t = np.arange(8192) / 8192
    train = np.exp(-900 * np.mod(t, 1 / 64)) + 1e-3 * np.random.default_rng(8).standard_normal(8192)
    of = batch(train)
    assert read("quefrency_s", of) == pytest.approx(1 / 64, rel=0.02)
    assert read("rahmonic", of) > 0.5


def test_sensors_are_found_out() -> None:
    noise = np.random.default_rng(9).standard_normal(20480)
    drift = 400 * np.cumsum(np.cumsum(noise - noise.mean())) / 20480
    waves = [np.full(20480, 2.0), np.clip(3 * noise, -1, 1), noise + 20, np.round(noise), noise + drift, noise]
    found = sensor_findings(WaveformBatch(np.stack(waves), 8192.0, np.full(6, 25.0)))
    assert found[0] == (SensorFinding.DEAD,)
    assert found[1] == (SensorFinding.SATURATED,)
    assert found[2] == (SensorFinding.ONE_SIDED,)
    assert found[3] == (SensorFinding.NOT_RESOLVED,)
    assert SensorFinding.SKI_SLOPE in found[4]
    assert found[5] == ()


@pytest.mark.parametrize(
    ("value", "group", "foundation", "expected"),
    [
        (1.4, 2, "rigid", "A"),
        (1.41, 2, "rigid", "B"),
        (7.2, 1, "rigid", "D"),
        (7.2, 1, "flexible", "C"),
        (0, 1, "rigid", "A"),
    ],
)
def test_zones_of_severity(
    value: float, group: int, foundation: Literal["rigid", "flexible"], expected: str
) -> None:
    found = zone(value, group, foundation)
    assert found.zone.value == expected
    assert found.clause == f"ISO 20816-3:2022, table A.{group}"
    assert foundation in found.machine_class


@pytest.mark.parametrize(("value", "group"), [(np.nan, 1), (-1.0, 1), (1.0, 3)])
def test_no_zone_for_what_is_no_velocity_or_no_group(value: float, group: int) -> None:
    with pytest.raises(ValueError, match=r"velocity RMS|machine group"):
        zone(value, group, "rigid")


def test_the_whole_catalogue_is_outside_the_standard_sets() -> None:
    apart = {feature.name for feature in catalogue() if not feature.standard}
    assert len(apart) > 45
    assert apart <= set(readings.__all__)


def test_the_benchmark_runs() -> None:
    script = Path(__file__).parents[3] / "tests" / "benchmarks" / "features.py"
    done = subprocess.run(
        [sys.executable, str(script), "--json", "--quick", "--only-vibration"], capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout)
    assert found["benchmark"] == "features"
    assert found["figures"]["features_in_full_set"] >= 60
    assert found["figures"]["max_relative_error"] < RELATIVE
    assert found["figures"]["velocity_rms_error_0_5s"] < 0.005
    assert set(found["machine"]) == {"cpu", "cores", "memory_gb", "versions"}
