"""Waveforms: shaft orders, gear mesh, bearing impulses through a resonance, and noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from pipelines.historian.simulator.draws import Floats
from pipelines.historian.simulator.machinery import SimulatedMachine

__all__ = ["BEARING_FAULTS", "Conditions", "synthesize"]

Complexes = npt.NDArray[np.complex64]
Singles = npt.NDArray[np.float32]

BEARING_FAULTS = ("outer_race", "inner_race", "ball")
# Standard gravity, m/s^2.
_G = 9.80665
# Range of the accelerometer, g: a common 100 mV/g sensor on 24 V stays linear to about 50 g, its card to 16.
_RANGE_G = 16.0
# Peak of one impulse's response at severity 1 and full load, g.
_IMPULSE_G = 3.2
# Slip: scatter of the interval between two impulses (Randall and Antoni 2011, section 2: 1 to 2 %).
_SLIP = 0.012
# Share of the broadband noise that reaches the sensor through the resonance.
_RESONANT_NOISE = 0.6
# Scatter of ln(level) from one snapshot to the next at the same duty: flow, grease, grip of the sensor.
_FLUTTER = 0.09
# Line frequency, Hz; motors hum at twice that.
_LINE_HZ = 50.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds at each of M snapshots: arrays of length M; severities from 0 to about 1."""

    speed_hz: Floats
    load: Floats
    severity: dict[str, Floats]  # failure mode -> severity times amplitude
    extra_2x_mm_s: Floats
    sensor_gain: Floats


def synthesize(
    machine: SimulatedMachine,
    at: Conditions,
    *,
    samples: int,
    sample_rate_hz: float,
    rng: np.random.Generator,
) -> Singles:
    """Snapshots of acceleration in g, float32, shape (M, samples); noise alone where the machine stands."""
    count = len(at.speed_hz)
    turns = rng.random((count, 12))
    white = rng.standard_normal((count, samples), dtype=np.float32)
    flutter = np.exp(_FLUTTER * rng.standard_normal((2, count)))
    running = at.speed_hz > 0
    wear = np.sum([at.severity.get(mode, np.zeros(count)) for mode in BEARING_FAULTS], axis=0)
    louder = 1 + 5.0 * at.severity.get("lubrication", np.zeros(count)) + 1.2 * wear**1.5
    level = np.where(running, machine.noise_g * (0.5 + 0.5 * at.load) * louder * flutter[0], 0.002)
    excitation = (white * (_RESONANT_NOISE * level)[:, None]).astype(np.float32)
    if bool(np.any(wear > 0)):
        excitation += _impulses(machine, at, samples, sample_rate_hz, rng) * flutter[1][:, None].astype(np.float32)
    signal = _resonate(machine, excitation, sample_rate_hz)
    # White noise beside it, from the same numbers reversed in time: independent enough, and free.
    signal += white[:, ::-1] * level[:, None].astype(np.float32)
    signal += _tones(machine, at, turns, samples, sample_rate_hz)
    signal *= at.sensor_gain[:, None].astype(np.float32)
    return np.clip(signal, -_RANGE_G, _RANGE_G, out=signal)


def _resonate(machine: SimulatedMachine, excitation: Singles, sample_rate_hz: float) -> Singles:
    """Response of one structural mode, scaled to a peak of about 1 for a unit impulse."""
    omega = 2 * np.pi * machine.resonance_hz / sample_rate_hz
    decay = float(np.exp(-machine.damping * omega))
    b = np.array([0.0, decay * np.sin(omega)], dtype=np.float32)
    a = np.array([1.0, -2 * decay * np.cos(omega), decay**2], dtype=np.float32)
    return np.asarray(lfilter(b, a, excitation, axis=1), dtype=np.float32)


def _impulses(
    machine: SimulatedMachine, at: Conditions, samples: int, sample_rate_hz: float, rng: np.random.Generator
) -> Singles:
    """Impulse trains of the bearing's faults, split linearly between neighbouring samples."""
    count, seconds = len(at.speed_hz), samples / sample_rate_hz
    out = np.zeros(count * samples, dtype=np.float64)
    orders = {"outer_race": machine.orders.bpfo, "inner_race": machine.orders.bpfi, "ball": 2 * machine.orders.bsf}
    for mode, order in orders.items():
        most = int(np.ceil(order * machine.nominal_hz * seconds * 1.15)) + 4
        first = rng.random((count, 1))
        jitter = rng.standard_normal((count, most))
        size = at.severity.get(mode, np.zeros(count)) * (at.speed_hz > 0)
        if not np.any(size > 0):
            continue
        rate = order * np.maximum(at.speed_hz, 1.0)[:, None]
        intervals = np.maximum(1 + _SLIP * jitter, 0.2) / rate
        times = first / rate + np.cumsum(intervals, axis=1) - intervals[:, :1]
        strength = size[:, None] * _modulation(machine, mode, times * at.speed_hz[:, None])
        strength = strength * (_IMPULSE_G * machine.path_gain * (0.4 + 0.6 * at.load))[:, None]
        place = times * sample_rate_hz
        whole = np.floor(place).astype(np.int64)
        inside = whole < samples - 1
        flat = (whole + np.arange(count)[:, None] * samples)[inside]
        part = (place - whole)[inside]
        out += np.bincount(flat, weights=strength[inside] * (1 - part), minlength=len(out))
        out += np.bincount(flat + 1, weights=strength[inside] * part, minlength=len(out))
    return out.reshape(count, samples).astype(np.float32)


def _modulation(machine: SimulatedMachine, mode: str, turns: Floats) -> Floats:
    """Strength of an impulse after so many turns: a moving defect passes in and out of the load zone."""
    if mode == "inner_race":
        return np.asarray(np.maximum(0.55 + 0.6 * np.cos(2 * np.pi * turns), 0.0))
    if mode == "ball":
        return np.asarray(0.6 + 0.4 * np.cos(2 * np.pi * machine.orders.ftf * turns))
    return np.ones_like(turns)


def _phasor(cycles_per_sample: Floats, samples: int) -> Complexes:
    """exp(2 pi i f n), shape (M, samples), as the outer product of a coarse and a fine step."""
    fine, coarse = np.arange(64), np.arange(samples // 64) * 64
    small = np.exp(2j * np.pi * cycles_per_sample[:, None] * fine).astype(np.complex64)
    large = np.exp(2j * np.pi * cycles_per_sample[:, None] * coarse).astype(np.complex64)
    product: Complexes = large[:, :, None] * small[:, None, :]
    return product.reshape(len(cycles_per_sample), samples)


def _tones(
    machine: SimulatedMachine, at: Conditions, turns: Floats, samples: int, sample_rate_hz: float
) -> Singles:
    """Everything that is locked to the shaft or to the line, in g."""
    phase = np.exp(2j * np.pi * turns)
    ratio = (at.speed_hz / machine.nominal_hz) ** 2
    lines: dict[int, Floats | float] = {
        2: machine.unbalance_mm_s * ratio,
        4: machine.misalignment_mm_s + at.extra_2x_mm_s,
    }
    lines |= {half: machine.looseness_mm_s / half for half in (1, 3, 5, 6, 8)}
    half_turn = _phasor(0.5 * at.speed_hz / sample_rate_hz, samples)
    total = np.zeros_like(half_turn)
    for half in range(8, 0, -1):  # Horner: order = half / 2
        if half in lines:
            size = np.asarray(lines[half]) * 1e-3 * 2 * np.pi * (half / 2) * at.speed_hz / _G
            total += (size * phase[:, half]).astype(np.complex64)[:, None]
        total *= half_turn
    signal = np.ascontiguousarray(total.real)
    kind = machine.machine_class
    if kind.gear_teeth is not None:
        signal += _mesh(at, kind.gear_teeth, half_turn, phase, sample_rate_hz)
    if kind.blades is not None:
        blade = _phasor(kind.blades * at.speed_hz / sample_rate_hz, samples)
        signal += (blade * (0.02 * at.load * phase[:, 10]).astype(np.complex64)[:, None]).real
    if kind.winding_rise_k:
        hum = _phasor(np.full(len(at.speed_hz), 2 * _LINE_HZ / sample_rate_hz), samples)
        size = np.where(at.speed_hz > 0, 0.01 * (1 + 2 * at.severity.get("winding_insulation", 0.0)), 0.0)
        signal += (hum * (size * phase[:, 11]).astype(np.complex64)[:, None]).real
    return np.asarray(signal, dtype=np.float32)


def _mesh(
    at: Conditions, teeth: int, half_turn: Complexes, phase: npt.NDArray[np.complex128], sample_rate_hz: float
) -> Singles:
    """Gear mesh with sidebands at the shaft's speed; wear raises both."""
    worn = np.asarray(at.severity.get("gear_wear", np.zeros(len(at.load))))
    size = 0.08 * (0.3 + 0.7 * at.load) * (1 + 3.5 * worn) * (at.speed_hz > 0)
    depth = 0.15 + 0.7 * np.minimum(worn, 1.3)
    turn = half_turn * half_turn
    carrier = _phasor(teeth * at.speed_hz / sample_rate_hz, half_turn.shape[1])
    carrier *= (size * phase[:, 9]).astype(np.complex64)[:, None]
    swing = 1 + depth[:, None].astype(np.float32) * turn.real
    return np.asarray((carrier * swing).real, dtype=np.float32)
