"""Test bearings of the challenge: seen as far as they were given, with steps that vary; then the benchmark."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import read_plant
from features.core.tables import MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from pipelines import labels
from pipelines.imports.femto import import_femto
from pipelines.imports.femto_runs import bearings_in

ROOT = Path(__file__).parents[2]
FEMTO = Path(os.environ.get("PUBLIC_DATA", ROOT.parent / "shared" / "data")) / "femto"
# Steps of 10 s, a longer one, and a gap.
ELAPSED = (0.0, 10.0, 20.0, 33.0, 43.0, 300.0, 310.0, 320.0)
GIVEN = 6


def write_run(folder: Path, later: float = 1.0, truth: object | None = None) -> None:
    """A short run of a bearing; snapshots that were not given are scaled by `later`."""
    rng = np.random.default_rng(1)
    waves = [rng.integers(-900, 900, 2560) * (later if i >= GIVEN else 1.0) for i in range(len(ELAPSED))]
    pl.DataFrame(
        {
            "snapshot": range(1, len(ELAPSED) + 1),
            "clock_s": [30_000.0 + s for s in ELAPSED],
            "elapsed_s": ELAPSED,
            "acc_h_mg": [wave.astype(np.int32).tolist() for wave in waves],
            "acc_v_mg": [wave.astype(np.int32).tolist() for wave in waves],
        }
    ).write_parquet(folder / "bearing1_3_vibration.parquet")
    clock = np.arange(30_000.0, 30_330.0, 0.1)
    pl.DataFrame(
        {"file_index": 1, "clock_s": clock, "temperature_c": np.where(clock < 30_300.05, 70.0, 70.0 * later)}
    ).write_parquet(folder / "bearing1_3_temperature.parquet")
    told = {"bearing1_3": {"last_snapshot_given": GIVEN, "rul_s_from_full_record": 20, "rul_s_official": 20}}
    (folder / "truth.json").write_text(json.dumps(told if truth is None else truth), encoding="utf-8")


def brought_in(folder: Path, later: float = 1.0) -> Lake:
    folder.mkdir()
    write_run(folder, later)
    lake = Lake(folder / "lake")
    import_femto(folder, lake, folder / "plant.yaml")
    return lake


def test_a_run_is_seen_as_far_as_it_was_given_and_still_runs(tmp_path: Path) -> None:
    lake = brought_in(tmp_path / "test")
    waves = lake.read(WAVEFORMS).filter(pl.col("point_id") == "vibration_h").sort("time").collect()
    begin = dt.datetime.combine(bearings_in(tmp_path / "test")[0].date, dt.time(), tzinfo=dt.UTC)
    assert [(t - begin).total_seconds() for t in waves["time"]] == [s + 0.1 for s in ELAPSED[:GIVEN]]
    last = lake.read(MEASUREMENTS).select(pl.col("time").max()).collect().item()
    assert last <= begin + dt.timedelta(seconds=ELAPSED[GIVEN - 1] + 0.1)
    events = lake.read(MAINTENANCE_EVENTS).collect()
    plant = read_plant(tmp_path / "test" / "plant.yaml")
    lives = labels.lives(events, plant, as_of=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), data_begin=None)
    assert lives["ending"].to_list() == ["running"]
    assert plant.machines[0].speed is not None
    assert plant.machines[0].speed.hz == 30.0


def test_what_was_not_given_changes_nothing(tmp_path: Path) -> None:
    one, other = brought_in(tmp_path / "one"), brought_in(tmp_path / "other", later=5.0)
    for table in (WAVEFORMS, MEASUREMENTS):
        order = ("machine_id", "point_id", "time")
        columns = [name for name in table.columns if name != "available_at"]
        first, second = (lake.read(table).select(columns).sort(order).collect() for lake in (one, other))
        assert first.height > 0
        assert first.equals(second)


@pytest.mark.parametrize("truth", [[], {}, {"bearing1_3": {"rul_s_official": 20}}, {"bearing1_3": 7}])
def test_a_truth_file_that_does_not_say_how_far_is_refused(tmp_path: Path, truth: object) -> None:
    write_run(tmp_path, truth=truth)
    with pytest.raises(ConfigError, match="last_snapshot_given"):
        import_femto(tmp_path, Lake(tmp_path / "lake"), tmp_path / "plant.yaml")


def test_a_run_that_the_truth_file_does_not_name_is_not_taken_whole(tmp_path: Path) -> None:
    write_run(tmp_path)
    shutil.copy(tmp_path / "bearing1_3_vibration.parquet", tmp_path / "bearing1_4_vibration.parquet")
    with pytest.raises(ConfigError, match="how much of bearing1_4"):
        import_femto(tmp_path, Lake(tmp_path / "lake"), tmp_path / "plant.yaml")


def test_a_run_of_an_unknown_condition_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path)
    (tmp_path / "bearing1_3_vibration.parquet").rename(tmp_path / "bearing7_3_vibration.parquet")
    with pytest.raises(ConfigError, match="conditions 1 to 3"):
        import_femto(tmp_path, Lake(tmp_path / "lake"), tmp_path / "plant.yaml")


@pytest.mark.public_data
@pytest.mark.skipif(not FEMTO.is_dir(), reason=f"no FEMTO data at {FEMTO}; set PUBLIC_DATA")
def test_benchmark_answers_for_every_test_bearing_and_counts_its_looks(tmp_path: Path) -> None:
    learning, test = tmp_path / "learn", tmp_path / "test"
    learning.mkdir()
    test.mkdir()
    for name in ("1_2", "2_1", "2_2", "3_1"):
        record = pl.read_parquet(FEMTO / f"bearing{name}_vibration.parquet").filter(pl.col("snapshot") % 3 == 0)
        record.write_parquet(learning / f"bearing{name}_vibration.parquet")
    # Its temperatures make rows between the snapshots, which become known with the next one.
    shutil.copy(FEMTO / "bearing3_1_temperature.parquet", learning)
    # A learning bearing in the clothes of a test bearing: the step varies, and what was not given is nonsense.
    record = pl.read_parquet(FEMTO / "bearing3_1_vibration.parquet").filter(pl.col("snapshot") % 7 != 0)
    hidden = pl.col("snapshot") > 400
    record.with_columns(
        elapsed_s=pl.when(hidden).then(pl.col("elapsed_s") * 1000).otherwise("elapsed_s"),
        clock_s=pl.when(hidden).then(None).otherwise("clock_s"),
        acc_h_mg=pl.when(hidden).then(None).otherwise("acc_h_mg"),
    ).write_parquet(test / "bearing3_3_vibration.parquet")
    truth = {"last_snapshot_given": 400, "rul_s_from_full_record": 1150, "rul_s_official": 1250}
    (test / "truth.json").write_text(json.dumps({"bearing3_3": truth, "bearing2_7": truth}), encoding="utf-8")
    command = [sys.executable, str(ROOT / "tests" / "benchmarks" / "femto.py"), "--data", str(learning)]
    command += ["--test", str(test), "--json", "--looks", str(tmp_path / "looks")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    figures, (row,) = found["figures"], found["tables"]["challenge"]
    assert (figures["bearings"], figures["refused"], figures["test_looks"]) == (1.0, 0.0, 1.0)
    assert found["tables"]["challenge_without_record"] == ["2_7"]
    assert row["age_s"] == 3990.0
    for figure, kind, true_s in (
        ("challenge_score", "official", 1250.0),
        ("challenge_score_record", "from_full_record", 1150.0),
    ):
        error = 100.0 * (true_s - row["answer_s_model"]) / true_s
        assert figures[figure] == pytest.approx(0.5 ** (-error / 5.0 if error <= 0 else error / 20.0))
        assert row[f"rul_s_{kind}"] == true_s
    assert row["rung"] == "transfer"
    assert {len(told) for told in (found["tables"]["held_out"], found["tables"]["asked"])} == {4, 12}
    assert found["settings"]["scored_on"] == "test bearings, official truth"


def test_benchmark_says_what_is_wrong_with_a_folder_and_where(tmp_path: Path) -> None:
    write_run(tmp_path)
    shutil.copy(tmp_path / "bearing1_3_vibration.parquet", tmp_path / "bearing1_4_vibration.parquet")
    command = [sys.executable, str(ROOT / "tests" / "benchmarks" / "femto.py"), "--data", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not say how much of bearing1_4" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_truth_without_the_remaining_life_is_refused(tmp_path: Path) -> None:
    told = {"rul_s_official": 20, "rul_s_from_full_record": None}
    (tmp_path / "truth.json").write_text(json.dumps({"bearing1_3": told}), encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from tests.benchmarks.femto import true_rul_s\n"
        "for kind in ('official', 'from_full_record'):\n"
        "    try: print(true_rul_s(Path(sys.argv[1]), '1_3', kind))\n"
        "    except Exception as err: print(type(err).__name__, err)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    official, record = done.stdout.splitlines()
    assert official == "20.0"
    assert record.startswith("ConfigError")
    assert "rul_s_from_full_record of bearing1_3 is None" in record
