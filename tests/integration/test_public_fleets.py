"""Two public fleets as plants: what is a measurement, what is an event, and which lives come of it."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import read_plant
from features.core.tables import MAINTENANCE_EVENTS, MEASUREMENTS
from pipelines import labels
from pipelines.imports.azure_pdm import import_azure_pdm
from pipelines.imports.production_plant import RUNS, import_production_plant

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def at(day: int, hour: int) -> dt.datetime:
    """A stamp of January 2015 without a zone, as the files have them."""
    return dt.datetime(2015, 1, day, hour, tzinfo=dt.UTC).replace(tzinfo=None)


def write_fleet(folder: Path) -> None:
    """One machine: a replacement in 2014, a failure with its repair, a replacement by schedule; an error."""
    signals = {"volt": 170.0, "rotate": 450.0, "pressure": 100.0, "vibration": 40.0}
    first = [{"datetime": at(1, hour), "machineID": 7, **signals} for hour in range(6, 12)]
    second = [{"datetime": at(1, hour), "machineID": 7, **signals} for hour in range(10, 15)]
    tables = {
        "telemetry": pl.DataFrame(first),
        "telemetry_windows": pl.DataFrame(second),
        "errors": pl.DataFrame({"datetime": [at(1, 8)], "machineID": [7], "errorID": ["error3"]}),
        "failures": pl.DataFrame({"datetime": [at(5, 6)], "machineID": [7], "failure": ["comp2"]}),
        "maint": pl.DataFrame(
            {
                "datetime": [at(1, 6) - dt.timedelta(days=60), at(5, 6), at(25, 6)],
                "machineID": [7, 7, 7],
                "comp": ["comp2", "comp2", "comp2"],
            }
        ),
        "machines": pl.DataFrame({"machineID": [7], "model": ["model3"], "age": [18]}),
    }
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")


def test_hours_in_both_files_come_once_with_errors_as_readings(tmp_path: Path) -> None:
    write_fleet(tmp_path)
    lake = Lake(tmp_path / "lake")
    report = import_azure_pdm(tmp_path, lake, tmp_path / "plant.yaml")
    assert (report.machines, report.rows, report.duplicates, report.quarantined) == (1, 9 * 9, 0, 0)
    rows = lake.read(MEASUREMENTS).collect()
    errors = rows.filter(pl.col("point_id").str.starts_with("error"), pl.col("value") > 0)
    assert errors.select("point_id", "time").rows() == [("error3", at(1, 8).replace(tzinfo=dt.UTC))]
    again = import_azure_pdm(tmp_path, lake, tmp_path / "plant.yaml")
    assert (again.rows, again.events) == (0, 0)


def test_the_repair_of_a_failure_is_not_a_second_event(tmp_path: Path) -> None:
    write_fleet(tmp_path)
    lake = Lake(tmp_path / "lake")
    import_azure_pdm(tmp_path, lake, tmp_path / "plant.yaml")
    events = lake.read(MAINTENANCE_EVENTS).collect()
    lives = labels.lives(events, read_plant(tmp_path / "plant.yaml"), as_of=NOW, data_begin=None)
    own = lives.filter(pl.col("slot") == "comp2", pl.col("age_known")).sort("start")
    assert own["ending"].to_list() == ["failure", "suspension", "running"]
    assert own["end"].to_list()[:2] == [at(5, 6).replace(tzinfo=dt.UTC), at(25, 6).replace(tzinfo=dt.UTC)]


def test_a_fleet_without_its_log_is_refused(tmp_path: Path) -> None:
    write_fleet(tmp_path)
    (tmp_path / "maint.parquet").unlink()
    with pytest.raises(ConfigError, match=r"maint\.parquet"):
        import_azure_pdm(tmp_path, Lake(tmp_path / "lake"), tmp_path / "plant.yaml")


def write_runs(folder: Path) -> None:
    for files, _ in RUNS.values():
        for part, name in enumerate(files):
            run = pl.DataFrame({"Timestamp": range(90), "L_1": [float(part)] * 90, "A_1": [-100.0] * 90})
            run.write_parquet(folder / f"{name}.parquet")


def test_parts_of_a_run_follow_each_other_and_a_run_without_its_end_is_suspended(tmp_path: Path) -> None:
    write_runs(tmp_path)
    lake = Lake(tmp_path / "lake")
    report = import_production_plant(tmp_path, lake, tmp_path / "plant.yaml")
    assert (report.machines, report.rows) == (5, 6 * 90 * 2)
    plant = read_plant(tmp_path / "plant.yaml")
    lives = labels.lives(lake.read(MAINTENANCE_EVENTS).collect(), plant, as_of=NOW, data_begin=None)
    ended = {row["machine_id"]: row for row in lives.filter(pl.col("ending") != "running").iter_rows(named=True)}
    assert {machine for machine, row in ended.items() if row["ending"] == "suspension"} == {"plant-c7"}
    assert ended["plant-c13"]["end"] - ended["plant-c13"]["start"] == dt.timedelta(minutes=180)
    second = lake.read(MEASUREMENTS, machine_ids=["plant-c13"]).filter(pl.col("value") == 1.0).collect()
    assert second["time"].min() == dt.datetime(2018, 1, 1, 1, 30, 30, tzinfo=dt.UTC)
    # The last reading lies before the end, or it would belong to what was installed next.
    assert second["time"].max() < ended["plant-c13"]["end"]


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    write_runs(tmp_path)
    (tmp_path / "c13_2.parquet").unlink()
    with pytest.raises(ConfigError, match=r"c13_2\.parquet"):
        import_production_plant(tmp_path, Lake(tmp_path / "lake"), tmp_path / "plant.yaml")


def test_the_benchmark_says_which_folder_is_none(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "plants.py"
    command = [sys.executable, str(script), "--production", str(tmp_path), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr
