"""The historian's vices, one by one."""

from pathlib import Path

import numpy as np

from pipelines.historian.simulator import read_config
from pipelines.historian.simulator.config import SimulatorConfig, Vices
from pipelines.historian.simulator.delivery import Delivered, deliver, machine_gaps
from pipelines.historian.simulator.draws import BLOCK_H, Floats
from pipelines.historian.simulator.machinery import build_machines

HOURS = 8 * BLOCK_H
PERFECT = {
    "gaps_per_year": 0,
    "bad_episodes_per_year": 0,
    "flat_lines_per_year": 0,
    "impossible_share": 0,
    "text_share": 0,
    "late_share": 0,
    "compressed_share": 0,
    "skewed_share": 0,
    "dead_waveform_share": 0,
}
TRUE: Floats = 20.0 + np.sin(np.arange(HOURS)) + np.arange(HOURS) / 100


def plant(**vices: float) -> SimulatorConfig:
    config = read_config(Path(__file__).parents[3] / "data" / "simulator" / "tiny.yaml")
    return config.model_copy(update={"vices": Vices.model_validate(PERFECT | vices)})


def rows(config: SimulatorConfig, true: Floats = TRUE) -> Delivered:
    machine = build_machines(config)[0]
    return deliver(config, machine, "bearing_temperature", true, machine_gaps(config, machine, HOURS))


def test_without_vices_every_hour_is_delivered_at_once_and_rounded() -> None:
    found = rows(plant())

    assert np.array_equal(found.value, np.round(TRUE, 1))
    assert np.array_equal(found.stamp_us, np.arange(HOURS) * 3_600_000_000)
    assert np.array_equal(found.arrival_us, found.stamp_us)
    assert set(found.quality) == {2}


def test_gaps_lose_the_hours_they_cover() -> None:
    config = plant(gaps_per_year=50)
    gaps = machine_gaps(config, build_machines(config)[0], HOURS)

    assert 0 < gaps.sum() < HOURS / 2
    assert len(rows(config).value) == HOURS - gaps.sum()


def test_compression_keeps_changes_and_breaks_the_silence() -> None:
    config = plant(compressed_share=1, longest_silence_hours=6)
    flat = rows(config, np.full(HOURS, 20.0))
    stepped = rows(config, np.where(np.arange(HOURS) < 100, 20.0, 30.0))

    assert set(np.diff(flat.stamp_us) // 3_600_000_000) == {6}
    assert 100 * 3_600_000_000 in stepped.stamp_us


def test_a_flat_line_repeats_one_value_with_good_quality() -> None:
    found = rows(plant(flat_lines_per_year=50))
    unchanged = np.diff(found.value) == 0
    longest = max(len(run) for run in "".join("1" if same else " " for same in unchanged).split())

    assert longest >= 11
    assert set(found.quality) == {2}


def test_bad_episodes_carry_their_codes() -> None:
    found = rows(plant(bad_episodes_per_year=50))

    assert set(found.status[found.quality == 0]) <= {0, 24}
    assert set(found.status[found.quality == 1]) <= {64}
    assert (found.quality < 2).any()
    assert set(found.text[found.status == 24]) <= {2}


def test_late_rows_arrive_within_the_lag() -> None:
    found = rows(plant(late_share=0.2, lag_hours=3))
    wait = found.arrival_us - found.stamp_us

    assert 0.1 < (wait > 0).mean() < 0.3
    assert wait.max() <= 3 * 3_600_000_000


def test_a_skewed_clock_is_slow_and_never_fast() -> None:
    found = rows(plant(skewed_share=1))
    offset = found.stamp_us - np.arange(HOURS) * 3_600_000_000

    assert len(set(offset)) == 1
    assert -300_000_000 <= offset[0] <= -20_000_000


def test_impossible_values_and_text_come_at_their_share() -> None:
    found = rows(plant(impossible_share=0.05, text_share=0.05))

    assert 0.02 < (np.abs(found.value) == 9999).mean() < 0.1
    assert 0.02 < (found.text == 1).mean() < 0.1
