"""Each fault from a signal of known physics: named with its lines, and by nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from features.core.plant import BearingGeometry, fault_orders
from features.diagnosis import Diagnosis, Fault, Geometry, Recording, diagnose

RATE, SPEED, SECONDS = 12_000.0, 29.5, 2.0
TIME = np.arange(int(RATE * SECONDS)) / RATE
# 6205 of the CWRU rig: orders 3.585, 5.415, 2.357, 0.398.
GEOMETRY = BearingGeometry(balls=9, ball_diameter_mm=7.94, pitch_diameter_mm=39.04)
ORDERS = fault_orders(GEOMETRY)
BEARING = Geometry(orders=ORDERS)


def noise(seed: int, level: float = 1.0) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal(len(TIME))


def impulses(
    order: float, seed: int, *, modulation: float = 0.0, depth: float = 0.0, slip: float = 0.01
) -> np.ndarray:
    """A train of impulses through a resonance at 3 kHz; intervals scatter by `slip` (random walk)."""
    rng = np.random.default_rng(seed)
    count = int(order * SPEED * SECONDS) + 5
    at = np.cumsum(1.0 + slip * rng.standard_normal(count)) / (order * SPEED)
    at = at[at < SECONDS - 0.01]
    strength = 1.0 + depth * np.cos(2 * np.pi * modulation * SPEED * at)
    train = np.zeros(len(TIME))
    np.add.at(train, (at * RATE).astype(int), strength)
    ring = np.exp(-800.0 * TIME[:240]) * np.sin(2 * np.pi * 3000.0 * TIME[:240])
    return np.convolve(train, ring)[: len(TIME)]


def harmonics(amplitudes_mm_s: dict[float, float]) -> np.ndarray:
    """Acceleration in m/s^2 of lines of known velocity amplitude at multiples of the shaft speed."""
    signal = np.zeros(len(TIME))
    for number, (order, velocity) in enumerate(amplitudes_mm_s.items()):
        hz = order * SPEED
        signal += velocity / 1000.0 * 2 * np.pi * hz * np.cos(2 * np.pi * hz * TIME + number)
    return signal


def said(signal: np.ndarray, geometry: Geometry = BEARING, **changes: object) -> Diagnosis:
    recording = replace(Recording("DE", signal, RATE, SPEED), **changes)  # type: ignore[arg-type]  # field values
    found = diagnose([recording], geometry)
    assert isinstance(found, Diagnosis)
    return found


BEARING_FAULTS = [
    (Fault.OUTER_RACE, ORDERS.bpfo, 0.0, 0.0),
    (Fault.INNER_RACE, ORDERS.bpfi, 1.0, 0.8),
    (Fault.BALL, 2 * ORDERS.bsf, ORDERS.ftf, 0.8),
]


@pytest.mark.parametrize(("fault", "order", "modulation", "depth"), BEARING_FAULTS)
def test_impulses_at_a_fault_order_name_the_fault(
    fault: Fault, order: float, modulation: float, depth: float
) -> None:
    signal = 8.0 * impulses(order, 1, modulation=modulation, depth=depth) + noise(2)
    found = said(signal)
    assert found.fault is fault
    assert found.margin_db > 0
    first = found.lines[0]
    assert first.harmonic == 1
    assert first.order == pytest.approx(order, rel=0.015)
    assert first.frequency_hz == pytest.approx(first.order * SPEED)
    assert first.snr_db >= 15


def test_a_cage_is_named_by_its_whole_series() -> None:
    signal = 8.0 * impulses(ORDERS.ftf, 3, slip=0.001) + noise(4, 0.3)
    found = said(signal)
    assert found.fault is Fault.CAGE
    assert {line.harmonic for line in found.lines} == {1, 2, 3}


def test_an_inner_race_shows_sidebands_of_the_shaft() -> None:
    signal = 8.0 * impulses(ORDERS.bpfi, 1, modulation=1.0, depth=0.8) + noise(2)
    sidebands = {line.sideband: line.snr_db for line in said(signal).lines if line.sideband != 0}
    assert min(sidebands[-1], sidebands[1]) > 10


def test_sidebands_of_an_inner_race_are_no_ball() -> None:
    """In a 6203 the lower sideband (4.947 - 1) lies within slip of the ball's line (3.988)."""
    geometry = BearingGeometry(balls=8, ball_diameter_mm=6.746, pitch_diameter_mm=28.5)
    orders = fault_orders(geometry)
    assert 2 * orders.bsf == pytest.approx(orders.bpfi - 1, rel=0.015)
    found = said(8.0 * impulses(orders.bpfi, 1, modulation=1.0, depth=2.0, slip=0.0) + noise(2), Geometry(orders))
    assert found.fault is Fault.INNER_RACE
    assert Fault.BALL not in {finding.fault for finding in found.findings}


@pytest.mark.parametrize(("fault", "order", "modulation", "depth"), BEARING_FAULTS)
def test_another_geometry_makes_the_match_vanish(
    fault: Fault, order: float, modulation: float, depth: float
) -> None:
    signal = 8.0 * impulses(order, 1, modulation=modulation, depth=depth) + noise(2)
    other = Geometry(fault_orders(BearingGeometry(balls=16, ball_diameter_mm=8.4, pitch_diameter_mm=71.5)))
    assert said(signal, other).fault in (Fault.UNKNOWN, Fault.NORMAL)


@pytest.mark.parametrize(("fault", "order", "modulation", "depth"), BEARING_FAULTS)
@pytest.mark.parametrize("share", [0.96, 1.05])
def test_another_speed_makes_the_match_vanish(
    fault: Fault, order: float, modulation: float, depth: float, share: float
) -> None:
    signal = 8.0 * impulses(order, 1, modulation=modulation, depth=depth) + noise(2)
    assert said(signal, speed_hz=SPEED * share).fault in (Fault.UNKNOWN, Fault.NORMAL)


@pytest.mark.parametrize("share", [1 / 1.018, 0.955, 1.045])
def test_a_speed_given_wrongly_is_read_from_the_shafts_harmonics(share: float) -> None:
    """The lines lie 2 to 5 % off their place: slip would not explain it, the harmonics of the shaft do."""
    turning = harmonics(dict.fromkeys(range(1, 9), 0.4))
    found = said(10.0 * impulses(ORDERS.bpfo, 6) + turning + noise(5), speed_hz=SPEED * share)
    assert found.fault is Fault.OUTER_RACE
    assert found.speed_hz == pytest.approx(SPEED, rel=0.001)


def test_two_races_alike_are_unknown() -> None:
    both = 8.0 * (impulses(ORDERS.bpfo, 1) + impulses(ORDERS.bpfi, 2)) + noise(3)
    found = said(both)
    assert {finding.fault for finding in found.findings} == {Fault.OUTER_RACE, Fault.INNER_RACE}
    heights = [finding.lines[0].snr_db for finding in found.findings]
    assert (found.fault is Fault.UNKNOWN) == (abs(heights[0] - heights[1]) < 3.0)


def test_weak_impulses_are_unknown_with_their_lines() -> None:
    found = said(1.6 * impulses(ORDERS.bpfo, 1) + noise(2))
    assert found.fault is Fault.UNKNOWN
    assert "not enough" in found.reason
    assert found.lines[0].name == "bpfo"


SHAFT_FAULTS = [
    (Fault.UNBALANCE, {1: 8.0, 2: 0.8, 3: 0.3}),
    (Fault.MISALIGNMENT, {1: 5.0, 2: 6.0, 3: 1.5}),
    (Fault.LOOSENESS, {1: 5.0, 2: 3.5, 3: 3.0, 4: 2.5, 5: 2.2, 6: 2.0, 7: 1.6}),
    (Fault.LOOSENESS, {0.5: 1.5, 1: 5.0, 1.5: 1.8, 2: 2.0, 2.5: 1.5, 3: 1.0}),
]


@pytest.mark.parametrize(("fault", "lines"), SHAFT_FAULTS)
def test_the_pattern_of_harmonics_names_the_shafts_fault(fault: Fault, lines: dict[float, float]) -> None:
    found = said(harmonics(lines) + noise(1, 0.05))
    assert found.fault is fault
    one = next(line for line in found.lines if line.name == "1x")
    assert one.amplitude == pytest.approx(lines[1], rel=0.02)
    assert one.unit == "mm/s"


@pytest.mark.parametrize(("fault", "lines"), SHAFT_FAULTS)
def test_the_same_pattern_at_normal_severity_is_no_fault(fault: Fault, lines: dict[float, float]) -> None:
    quiet = {order: 0.2 * value for order, value in lines.items()}
    assert said(harmonics(quiet) + noise(1, 0.05)).findings == ()


def test_severe_harmonics_without_a_pattern_are_unknown() -> None:
    found = said(harmonics({1: 4.0, 2: 1.5, 3: 3.0}) + noise(1, 0.05))
    assert found.fault is Fault.UNKNOWN
    assert "severe" in found.reason


TEETH = 31


def mesh(depth: float) -> np.ndarray:
    turn = 2 * np.pi * SPEED * TIME
    return 3.0 * (1.0 + depth * np.cos(turn) + 0.4 * depth * np.cos(2 * turn)) * np.cos(TEETH * turn)


def test_a_modulated_tooth_mesh_names_the_gear() -> None:
    found = said(mesh(0.8) + noise(1, 0.3), Geometry(gear_teeth=TEETH))
    assert found.fault is Fault.GEAR
    assert found.lines[0].amplitude == pytest.approx(3.0, rel=0.05)
    sideband = next(line for line in found.lines if line.sideband == 1)
    assert sideband.amplitude == pytest.approx(3.0 * 0.8 / 2, rel=0.1)
    assert sideband.order == pytest.approx(TEETH + 1, abs=0.05)


def test_a_smooth_tooth_mesh_is_no_fault() -> None:
    assert said(mesh(0.1) + noise(1, 0.3), Geometry(gear_teeth=TEETH)).findings == ()


def test_another_number_of_teeth_makes_the_gear_vanish() -> None:
    assert said(mesh(0.8) + noise(1, 0.3), Geometry(gear_teeth=TEETH + 7)).findings == ()


def dry(rise: float, seed: int) -> np.ndarray:
    """Noise whose upper half is `rise` times as strong as that of healthy time."""
    spectrum = np.fft.rfft(noise(seed))
    spectrum[int(0.45 * len(spectrum)) :] *= rise
    return np.fft.irfft(spectrum, n=len(TIME))


def test_a_rise_of_high_frequency_noise_without_lines_is_lubrication() -> None:
    healthy = [Recording("DE", noise(seed), RATE, SPEED) for seed in (1, 2, 3)]
    found = diagnose([Recording("DE", dry(4.0, 7), RATE, SPEED)], BEARING, reference=healthy)
    assert isinstance(found, Diagnosis)
    assert found.fault is Fault.LUBRICATION
    assert found.lines[0].snr_db == pytest.approx(20 * np.log10(4.0), abs=1.0)


def test_without_healthy_time_nothing_is_said_of_lubrication() -> None:
    assert said(dry(4.0, 7)).fault is Fault.NORMAL


def test_a_bearing_that_also_rises_the_noise_is_no_lubrication() -> None:
    healthy = [Recording("DE", noise(seed, 0.2), RATE, SPEED) for seed in (1, 2, 3)]
    worn = Recording("DE", 8.0 * impulses(ORDERS.bpfo, 1) + noise(2), RATE, SPEED)
    found = diagnose([worn], BEARING, reference=healthy)
    assert isinstance(found, Diagnosis)
    assert [finding.fault for finding in found.findings] == [Fault.OUTER_RACE]


def test_of_several_points_the_one_with_the_lines_tells() -> None:
    quiet = Recording("NDE", noise(9), RATE, SPEED)
    loud = Recording("DE", 8.0 * impulses(ORDERS.bpfo, 1) + noise(2), RATE, SPEED)
    found = diagnose([quiet, loud], BEARING)
    assert isinstance(found, Diagnosis)
    assert found.fault is Fault.OUTER_RACE
    assert {line.point for line in found.lines} == {"DE"}


def test_snapshots_of_one_point_are_averaged() -> None:
    """The lines that noise hides in one short record stand out of the average of twelve."""
    short = slice(0, int(0.5 * RATE))
    several = [
        Recording("DE", (1.9 * impulses(ORDERS.bpfo, s) + noise(s))[short], RATE, SPEED) for s in range(40, 52)
    ]
    single, many = diagnose(several[1:2], BEARING), diagnose(several, BEARING)
    assert isinstance(single, Diagnosis)
    assert isinstance(many, Diagnosis)
    assert single.fault is Fault.NORMAL
    assert many.fault is Fault.UNKNOWN
    assert {line.name for line in many.lines} == {"bpfo"}
