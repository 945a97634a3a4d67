"""The simulated physics against closed forms."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, hilbert, sosfiltfilt

from pipelines.historian.simulator import read_config, thermal
from pipelines.historian.simulator.draws import Draws, Floats
from pipelines.historian.simulator.machinery import SimulatedMachine, build_machines
from pipelines.historian.simulator.operation import red_noise
from pipelines.historian.simulator.vibration import Conditions, synthesize

CONFIG = read_config(Path(__file__).parents[3] / "data" / "simulator" / "tiny.yaml")
PUMP, MOTOR, FAN, GEARBOX = build_machines(CONFIG)
RATE, SAMPLES = 8192.0, 8192


def waves(
    machine: SimulatedMachine,
    mode: str = "",
    severity: float = 0.0,
    *,
    duty: float = 1.0,
    extra_2x_mm_s: float = 0.0,
    gain: float = 1.0,
) -> Floats:
    """Four snapshots of one second of one second at a share of nominal speed and full load."""
    at = Conditions(
        speed_hz=np.full(4, duty * machine.nominal_hz),
        load=np.full(4, duty),
        severity={mode: np.full(4, severity)} if mode else {},
        extra_2x_mm_s=np.full(4, extra_2x_mm_s),
        sensor_gain=np.full(4, gain),
    )
    rng = Draws(1).stream("test")
    return synthesize(machine, at, samples=SAMPLES, sample_rate_hz=RATE, rng=rng).astype(np.float64)


def line(signal: Floats, frequency: float, width_hz: float = 2.0) -> float:
    """Largest amplitude near a frequency over the median amplitude up to 500 Hz."""
    window = np.hanning(SAMPLES)
    spectrum = np.abs(np.fft.rfft((signal - signal.mean(axis=1, keepdims=True)) * window, axis=1)).mean(axis=0)
    bins = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    near = np.abs(bins - frequency) <= width_hz
    return float(spectrum[near].max() / np.median(spectrum[(bins > 5) & (bins < 500)]))


def envelope(machine: SimulatedMachine, signal: Floats) -> Floats:
    band = [0.7 * machine.resonance_hz, min(1.3 * machine.resonance_hz, 0.45 * RATE)]
    filtered = sosfiltfilt(butter(4, band, "bandpass", fs=RATE, output="sos"), signal, axis=1)
    return np.asarray(np.abs(hilbert(filtered, axis=1)))


@pytest.mark.parametrize(("mode", "order"), [("outer_race", "bpfo"), ("inner_race", "bpfi")])
def test_a_severe_race_fault_shows_a_line_at_its_frequency(mode: str, order: str) -> None:
    frequency = getattr(PUMP.orders, order) * PUMP.nominal_hz
    healthy = line(envelope(PUMP, waves(PUMP)), frequency)
    faulty = line(envelope(PUMP, waves(PUMP, mode, 1.0)), frequency)

    assert faulty > 8
    assert faulty > 3 * healthy


def test_an_inner_race_fault_is_modulated_by_the_shaft() -> None:
    inner = envelope(PUMP, waves(PUMP, "inner_race", 1.0))
    outer = envelope(PUMP, waves(PUMP, "outer_race", 1.0))
    sideband = (PUMP.orders.bpfi - 1) * PUMP.nominal_hz

    assert line(inner, sideband) > 4
    assert line(inner, sideband) > 2 * line(outer, sideband)


def test_unbalance_has_its_amplitude_at_one_times_the_speed() -> None:
    machine = replace(PUMP, unbalance_mm_s=5.0, noise_g=1e-4, nominal_hz=25.0)
    spectrum = np.abs(np.fft.rfft(waves(machine), axis=1)) * 2 / SAMPLES

    # Acceleration of a sine of 5 mm/s peak at 25 Hz, in g.
    assert spectrum[:, 25] == pytest.approx(5e-3 * 2 * np.pi * 25 / 9.80665, rel=0.02)


def test_misalignment_raises_two_times_the_speed_and_not_the_envelope() -> None:
    plain, bent = waves(PUMP), waves(PUMP, extra_2x_mm_s=3.0)
    twice = 2 * PUMP.nominal_hz

    assert line(bent, twice) > 2 * line(plain, twice)
    assert envelope(PUMP, bent).mean() == pytest.approx(envelope(PUMP, plain).mean(), rel=0.05)


def test_gear_wear_raises_mesh_and_sidebands() -> None:
    mesh = (GEARBOX.machine_class.gear_teeth or 0) * GEARBOX.nominal_hz
    new, worn = waves(GEARBOX), waves(GEARBOX, "gear_wear", 1.0)

    for frequency in (mesh, mesh - GEARBOX.nominal_hz, mesh + GEARBOX.nominal_hz):
        assert line(worn, frequency) > 2 * line(new, frequency)


def test_a_dry_bearing_is_loud_without_a_line() -> None:
    dry = waves(PUMP, "lubrication", 1.0)

    assert dry.std() > 2 * waves(PUMP).std()
    assert line(envelope(PUMP, dry), PUMP.orders.bpfo * PUMP.nominal_hz) < 4


def test_a_standing_machine_gives_sensor_noise_only() -> None:
    still = waves(PUMP, "outer_race", 1.0, duty=0.0)
    assert still.std() < 0.01


def test_a_wrong_sensor_scale_multiplies_everything() -> None:
    ratio = waves(FAN, gain=1.5) / waves(FAN)
    assert np.median(ratio) == pytest.approx(1.5, rel=1e-5)


def test_the_sensor_saturates_at_its_range() -> None:
    assert np.abs(waves(PUMP, "outer_race", 50.0)).max() == 16.0


def test_temperature_settles_to_the_closed_form() -> None:
    hours, rise = 100, 30.0
    bearing, _ = thermal.bearing_and_housing(
        ambient=np.full(hours, 20.0),
        load=np.full(hours, 0.6),
        speed_ratio=np.full(hours, 0.9),
        friction=np.full(hours, 1.5),
        sink=np.full(hours, 4.0),
        rise_k=rise,
    )
    power = 0.9 * (thermal.IDLE_SHARE + (1 - thermal.IDLE_SHARE) * 0.6) * 1.5

    assert bearing[0] == 24.0
    assert bearing[-1] == pytest.approx(24.0 + rise * power, abs=1e-6)


def test_first_order_step_follows_the_exponential() -> None:
    step = thermal.first_order(np.full(12, 50.0), time_constant_h=3.0, start=20.0)
    assert step == pytest.approx(50 - 30 * np.exp(-np.arange(12) / 3.0))


def test_winding_rise_grows_with_the_square_of_the_load() -> None:
    def settled(load: float) -> float:
        rise = thermal.winding(housing=np.full(60, 40.0), load=np.full(60, load), loss=np.ones(60), rise_k=60.0)
        return float(rise[-1]) - 40.0

    assert settled(1.0) == pytest.approx(60.0)
    assert settled(0.5) == pytest.approx(15.0)


def test_red_noise_has_unit_variance_and_its_memory() -> None:
    noise = red_noise(np.random.default_rng(1).standard_normal(200_000), memory_h=10.0)

    assert noise.std() == pytest.approx(1.0, abs=0.03)
    assert np.corrcoef(noise[:-10], noise[10:])[0, 1] == pytest.approx(np.exp(-1), abs=0.03)


def test_friction_of_a_fault_heats_the_bearing() -> None:
    load = np.full(50, 0.8)
    common = {"ambient": np.full(50, 20.0), "load": load, "speed_ratio": np.ones(50), "sink": np.zeros(50)}
    healthy, _ = thermal.bearing_and_housing(**common, friction=np.ones(50), rise_k=30.0)
    dry, _ = thermal.bearing_and_housing(**common, friction=np.full(50, 1.85), rise_k=30.0)

    assert dry[-1] - healthy[-1] > 15
