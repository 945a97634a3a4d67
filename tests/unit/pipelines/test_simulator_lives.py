"""Lives, the maintenance log, and the truth file of the simulated plants."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.core.clock import DemoClock
from features.core.errors import ConfigError
from features.core.statements import EventKind, Outcome
from pipelines.historian.simulator import Simulator, read_config, truth, write_truth
from pipelines.historian.simulator.damage import draw_damage
from pipelines.historian.simulator.draws import BLOCK_H
from pipelines.historian.simulator.machinery import build_machines
from pipelines.historian.simulator.station import Station
from pipelines.historian.truth import TRUTH, read_truth

FOLDER = Path(__file__).parents[3] / "data" / "simulator"
CONFIG = read_config(FOLDER / "tiny.yaml")
LATER = CONFIG.end + dt.timedelta(days=40)


@pytest.fixture(scope="module")
def known() -> pl.DataFrame:
    return truth(CONFIG, CONFIG.end)


def test_every_true_ending_is_in_the_log_once(known: pl.DataFrame) -> None:
    events = Simulator("simulator", CONFIG, DemoClock(LATER)).events(CONFIG.start, LATER)
    logs = {
        "failure": [e for e in events if e.kind is EventKind.FAILURE and e.revision == 1],
        "preventive": [e for e in events if e.outcome is Outcome.PREVENTIVE_REPLACEMENT],
    }
    for ending, log in logs.items():
        logged = [(e.machine_id, e.slot, e.occurred_at) for e in log if e.occurred_at < CONFIG.end]
        true = known.filter(pl.col("ending") == ending).select("machine_id", "slot", "ended_at").rows()
        assert sorted(logged) == sorted(true)
        assert len(true) >= 1


def test_a_failure_is_followed_by_the_new_part_at_its_repair(known: pl.DataFrame) -> None:
    events = Simulator("simulator", CONFIG, DemoClock(LATER)).events(CONFIG.start, LATER)
    repaired = {(e.machine_id, e.slot, e.occurred_at) for e in events if e.source_event_id.endswith("-R")}
    begun = known.filter(pl.col("life_number") > 1).select("machine_id", "slot", "installed_at").rows()
    after_failure = {
        (f["machine_id"], f["slot"], f["life_number"] + 1)
        for f in known.filter(pl.col("ending") == "failure").iter_rows(named=True)
    }
    numbers = known.filter(pl.col("life_number") > 1).select("machine_id", "slot", "life_number").rows()
    for life, number in zip(begun, numbers, strict=True):
        assert (life in repaired) == (number in after_failure)


def test_log_entries_come_up_to_a_week_late_and_never_early() -> None:
    events = Simulator("simulator", CONFIG, DemoClock(LATER)).events(CONFIG.start, LATER)
    failures = [e for e in events if e.kind is EventKind.FAILURE and e.revision == 1]
    delays = [e.available_at - e.occurred_at for e in failures]

    assert min(delays) > dt.timedelta(0)
    assert dt.timedelta(days=1) < max(delays) <= dt.timedelta(days=7)
    assert {e.failure_mode for e in failures} & {None, "other"}


def test_the_log_grows_with_the_clock_only() -> None:
    middle = CONFIG.start + dt.timedelta(days=30)
    early = Simulator("simulator", CONFIG, DemoClock(middle)).events(CONFIG.start, LATER)
    late = Simulator("simulator", CONFIG, DemoClock(LATER)).events(CONFIG.start, LATER)

    assert early == [e for e in late if e.available_at <= middle]
    assert 0 < len(early) < len(late)


def test_a_sudden_failure_has_no_precursor(known: pl.DataFrame) -> None:
    sudden = known.filter(pl.col("failure_mode") == "sudden")
    announced = known.filter(pl.col("ending") == "failure", pl.col("failure_mode") != "sudden")

    assert sudden.height >= 1
    assert not sudden.get_column("precursor").any()
    assert sudden.get_column("onset_at").null_count() == sudden.height
    assert announced.get_column("precursor").all()
    assert announced.get_column("onset_at").null_count() == 0


def test_a_sudden_life_shows_no_severity_to_its_end() -> None:
    for machine in build_machines(CONFIG):
        station = Station(CONFIG, machine, 9 * BLOCK_H)
        for life in station.history.lives:
            if life.damage.mode == "sudden" and life.ending == "failure":
                times = np.linspace(max(life.installed_h, 0.0), life.end_h - 0.01, 200)
                assert all(not np.any(values) for values in station.severity(life.slot, times).values())


def test_severity_grows_from_onset_to_failure_and_never_heals() -> None:
    lives = [draw_damage(CONFIG, "X", "DE-bearing", "rolling_bearing", number) for number in range(1, 40)]
    for damage in lives:
        if damage.onset_h is None:
            continue
        severity = damage.severity(np.linspace(0.0, damage.life_h, 300))
        assert severity[0] == 0.0
        assert severity[-1] == pytest.approx(1.0)
        assert np.all(np.diff(severity) >= 0)


def test_onset_lies_inside_the_life(known: pl.DataFrame) -> None:
    begun = known.filter(pl.col("onset_at").is_not_null(), pl.col("ended_at").is_not_null())
    assert begun.filter(pl.col("onset_at") >= pl.col("ended_at")).is_empty()
    assert begun.filter(pl.col("life_number") > 1, pl.col("onset_at") < pl.col("installed_at")).is_empty()


def test_the_machine_stands_from_failure_to_repair() -> None:
    for machine in build_machines(CONFIG):
        station = Station(CONFIG, machine, 9 * BLOCK_H)
        for begin, end in station.history.stops:
            hours = slice(int(np.ceil(begin)), int(np.ceil(end)))
            assert not station.operation.speed_hz[hours].any()
            assert not station.operation.load[hours].any()


def test_a_repair_takes_its_hours_and_a_planned_change_the_window() -> None:
    for machine in build_machines(CONFIG):
        for life in Station(CONFIG, machine, 9 * BLOCK_H).history.lives:
            if life.ending == "failure":
                assert 4 <= life.repaired_h - life.end_h <= 48
            elif life.ending == "preventive":
                assert life.repaired_h - life.end_h == 8


def test_lives_are_spent_in_running_hours_only() -> None:
    checked = 0
    for machine in build_machines(CONFIG):
        station = Station(CONFIG, machine, 20 * BLOCK_H)
        for life in station.history.lives:
            if life.ending == "failure":
                hours = slice(int(np.ceil(max(life.installed_h, 0.0))), int(np.ceil(life.end_h)))
                spent = life.age_at_begin_h + int(station.operation.running[hours].sum())
                # Each stop of the machine in between rounds by up to one hour at both ends.
                assert spent == pytest.approx(life.damage.life_h, abs=4)
                checked += 1
    assert checked >= 10


def test_truth_as_of_an_earlier_day_knows_no_later_ending(known: pl.DataFrame) -> None:
    middle = CONFIG.start + dt.timedelta(days=25)
    early = truth(CONFIG, middle)

    assert early.get_column("ended_at").drop_nulls().max() < middle  # type: ignore[operator]  # polars types max loosely
    both = early.filter(pl.col("ending") != "running").join(known, on=["machine_id", "slot", "life_number"])
    assert both.height >= 3
    assert (both["ended_at"] == both["ended_at_right"]).all()


def test_the_truth_file_reads_back(tmp_path: Path, known: pl.DataFrame) -> None:
    write_truth(CONFIG, CONFIG.end, tmp_path / "hidden" / "truth.parquet")

    assert read_truth(tmp_path / "hidden" / "truth.parquet").equals(known)
    assert known.schema == TRUTH
    with pytest.raises(ConfigError, match="truth file"):
        read_truth(tmp_path / "none.parquet")
    known.drop("onset_at").write_parquet(tmp_path / "other.parquet")
    with pytest.raises(ConfigError, match="not those of a truth file"):
        read_truth(tmp_path / "other.parquet")


@pytest.mark.parametrize("name", ["demo", "benchmark"])
def test_failures_without_precursor_and_suspensions_have_their_share(name: str) -> None:
    config = read_config(FOLDER / f"{name}.yaml")
    bearings = truth(config, config.end).filter(pl.col("slot") == "DE-bearing")
    ended = bearings.filter(pl.col("ending") != "running")
    failed = ended.filter(pl.col("ending") == "failure")

    assert bearings.height >= 60
    assert (~failed.get_column("precursor")).mean() >= 0.2  # type: ignore[operator]  # polars types mean loosely
    assert 0.2 <= 1 - failed.height / ended.height <= 0.35


def test_lives_and_growth_scatter_widely_in_the_benchmark() -> None:
    config = read_config(FOLDER / "benchmark.yaml")
    failed = truth(config, config.end).filter(pl.col("ending") == "failure", pl.col("onset_at").is_not_null())
    growth = (failed["ended_at"] - failed["onset_at"]).dt.total_hours() / 24

    low, high = growth.quantile(0.1), growth.quantile(0.9)
    assert low is not None
    assert high is not None
    assert low < 14 < 42 < high
