"""What the historian makes of the truth: gaps, bad codes, flat lines, compression, late rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.historian.simulator.config import SimulatorConfig
from pipelines.historian.simulator.draws import BLOCK_H, Draws, Floats
from pipelines.historian.simulator.machinery import SimulatedMachine

__all__ = ["RESOLUTION", "TEXTS", "Delivered", "deliver", "machine_gaps"]

Bools = npt.NDArray[np.bool_]

# Decimals, and the change below which a compressing historian keeps silent, in the tag's unit.
RESOLUTION: dict[str, tuple[int, float]] = {
    "bearing_temperature": (1, 0.4),
    "winding_temperature": (1, 0.8),
    "ambient_temperature": (1, 0.4),
    "load": (1, 1.0),
    "speed": (0, 3.0),
}
# What stands in place of a number; 0 is "a number".
TEXTS = ("", "No Data", "I/O Timeout")
# OPC classic codes: good, uncertain, bad, bad by communication failure.
_GOOD, _UNCERTAIN, _BAD, _TIMEOUT = 192, 64, 0, 24


@dataclass(frozen=True, slots=True)
class Delivered:
    """Rows of one tag in order of stamp: stamp and arrival in us since the simulation's start."""

    stamp_us: npt.NDArray[np.int64]
    arrival_us: npt.NDArray[np.int64]
    value: Floats
    text: npt.NDArray[np.int8]  # index into TEXTS
    quality: npt.NDArray[np.int8]
    status: npt.NDArray[np.int64]


def _episodes(
    draws: Draws, hours: int, per_year: float, length_h: tuple[float, float], *words: str
) -> list[tuple[int, int, float]]:
    """(first hour, hour after the last, a uniform number) of rare stretches, at most one begins in a week."""
    found = []
    for block in range(hours // BLOCK_H):
        chance, start, length, choice = draws.stream(*words, "episode", block).random(4)
        if chance < per_year * BLOCK_H / 8760:
            first = block * BLOCK_H + int(start * BLOCK_H)
            span = length_h[0] * (length_h[1] / length_h[0]) ** length
            found.append((first, first + max(int(span), 1), float(choice)))
    return found


def machine_gaps(config: SimulatorConfig, machine: SimulatedMachine, hours: int) -> Bools:
    """Hours in which nothing of the machine was recorded."""
    gaps = np.zeros(hours, dtype=np.bool_)
    for first, last, _ in _episodes(
        Draws(config.seed), hours, config.vices.gaps_per_year, (2, 72), machine.id, "gap"
    ):
        gaps[first:last] = True
    return gaps


def deliver(config: SimulatorConfig, machine: SimulatedMachine, role: str, true: Floats, gaps: Bools) -> Delivered:
    """The rows of one scalar tag, from its true hourly values in the tag's unit."""
    vices, hours, draws = config.vices, len(true), Draws(config.seed)
    decimals, silence = RESOLUTION[role]
    value = np.round(true, decimals)
    quality = np.full(hours, 2, dtype=np.int8)
    status = np.full(hours, _GOOD, dtype=np.int64)
    text = np.zeros(hours, dtype=np.int8)
    for first, last, _ in _episodes(draws, hours, vices.flat_lines_per_year, (12, 96), machine.id, role, "flat"):
        value[first:last] = value[first]
    odd, odd_text, late, delay = draws.uniform(4, hours, machine.id, role, "rows")
    impossible = odd < vices.impossible_share
    value[impossible] = np.where(delay[impossible] < 0.5, -9999.0, 9999.0)
    for first, last, choice in _episodes(
        draws, hours, vices.bad_episodes_per_year, (1, 24), machine.id, role, "bad"
    ):
        spoilt = slice(first, last)
        quality[spoilt] = 1 if choice < 0.3 else 0
        status[spoilt] = _UNCERTAIN if choice < 0.3 else _TIMEOUT if choice < 0.6 else _BAD
        text[spoilt] = 2 if 0.3 <= choice < 0.6 else 0
    text[odd_text < vices.text_share] = 1
    kept = ~gaps
    if machine.compressed:
        kept &= _reported(value, silence, vices.longest_silence_hours) | (quality < 2) | (text > 0)
    stamp_s = np.arange(hours) * 3600.0 + machine.skew_s
    delay_s = np.where(late < vices.late_share, delay * vices.lag_hours * 3600.0, 0.0)
    stamp = (stamp_s * 1e6).astype(np.int64)
    arrival = ((stamp_s + delay_s) * 1e6).astype(np.int64)
    return Delivered(stamp[kept], arrival[kept], value[kept], text[kept], quality[kept], status[kept])


def _reported(value: Floats, silence: float, longest_h: int) -> Bools:
    """Exception reporting: values that moved by more than `silence`, or after `longest_h` hours."""
    numbers, last, since = value.tolist(), float("inf"), 0
    kept = np.zeros(len(value), dtype=np.bool_)
    for hour, number in enumerate(numbers):
        since += 1
        if abs(number - last) > silence or since >= longest_h:
            kept[hour], last, since = True, number, 0
    return kept
