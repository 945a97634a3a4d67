"""Public data sets as plants, through the same ingestion as a site's own."""

import datetime as dt
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import read_plant
from features.core.tables import GAPS, MAINTENANCE_EVENTS, MEASUREMENTS, SENSOR_STATES, WAVEFORMS
from pipelines import labels
from pipelines.imports.cmapss import import_cmapss, read_engines
from pipelines.imports.femto import import_femto
from pipelines.imports.plantfile import ImportReport

DATA = Path(os.environ.get("PUBLIC_DATA", "../shared/data"))
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

needs_data = [
    pytest.mark.public_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no public data at {DATA.absolute()}; set PUBLIC_DATA"),
]


@pytest.fixture(scope="module")
def femto(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportReport]:
    """The smallest bearing with a temperature record, imported."""
    folder = tmp_path_factory.mktemp("femto")
    (folder / "source").mkdir()
    for what in ("vibration", "temperature"):
        shutil.copy(DATA / "femto" / f"bearing3_1_{what}.parquet", folder / "source")
    report = import_femto(folder / "source", Lake(folder / "lake"), folder / "plant" / "femto.yaml")
    return folder, report


@pytest.fixture(scope="module")
def cmapss(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportReport]:
    """The first three engines of FD001, imported."""
    folder = tmp_path_factory.mktemp("cmapss")
    lines = (DATA / "cmapss" / "train_FD001.txt").read_text().splitlines(keepends=True)
    (folder / "train_FD001.txt").write_text("".join(line for line in lines if int(line.split()[0]) <= 3))
    report = import_cmapss(folder, "fd001", Lake(folder / "lake"), folder / "cmapss.yaml")
    return folder, report


class TestFemto:
    pytestmark = needs_data

    def test_every_snapshot_is_two_waveforms(self, femto: tuple[Path, ImportReport]) -> None:
        folder, report = femto
        assert (report.machines, report.waveforms, report.events, report.quarantined) == (1, 2 * 515, 2, 0)
        waves = Lake(folder / "lake").read(WAVEFORMS).sort("time", "point_id").collect()
        begin = dt.datetime(2011, 4, 7, tzinfo=dt.UTC)
        assert waves.get_column("time")[0] == begin + dt.timedelta(seconds=0.1)
        assert waves.get_column("time")[-1] == begin + dt.timedelta(seconds=10 * 514 + 0.1)
        assert set(waves.get_column("samples")) == {2560}

    def test_counts_become_metres_per_second_squared(self, femto: tuple[Path, ImportReport]) -> None:
        waves = Lake(femto[0] / "lake").read(WAVEFORMS).sort("time", "point_id").collect()
        counts = pl.read_parquet(femto[0] / "source" / "bearing3_1_vibration.parquet").row(0, named=True)
        for wave, column in zip(waves.get_column("wave")[:2], ("acc_h_mg", "acc_v_mg"), strict=True):
            expected = np.asarray(counts[column]) * 9.80665e-3
            np.testing.assert_allclose(np.frombuffer(wave, "<f4"), expected, rtol=1e-6)  # float32

    def test_temperature_is_one_value_a_second_aligned_by_the_clock(
        self, femto: tuple[Path, ImportReport]
    ) -> None:
        rows = Lake(femto[0] / "lake").read(MEASUREMENTS).sort("time").collect()
        # The record begins at clock 33097.6 s, 58.48 s after the vibration: six readings end at 59 s.
        first = pl.read_parquet(femto[0] / "source" / "bearing3_1_temperature.parquet").get_column("temperature_c")
        expected = sum(first[:6]) / 6 + 273.15
        assert rows.get_column("time")[0] == dt.datetime(2011, 4, 7, 0, 0, 59, tzinfo=dt.UTC)
        assert rows.get_column("value")[0] == pytest.approx(expected, rel=1e-12)
        assert rows.get_column("time").diff().drop_nulls().min() == dt.timedelta(seconds=1)

    def test_the_run_is_one_failed_life(self, femto: tuple[Path, ImportReport]) -> None:
        plant = read_plant(femto[0] / "plant" / "femto.yaml")
        events = Lake(femto[0] / "lake").read(MAINTENANCE_EVENTS).collect()
        lives = labels.lives(events, plant, as_of=NOW, data_begin=None).filter(pl.col("ending") != "running")
        begin = dt.datetime(2011, 4, 7, tzinfo=dt.UTC)
        assert lives.select("start", "end", "ending").rows() == [
            (begin, begin + dt.timedelta(seconds=10 * 514 + 0.1), "failure")
        ]

    def test_the_plant_file_says_what_the_challenge_says(self, femto: tuple[Path, ImportReport]) -> None:
        machine = read_plant(femto[0] / "plant" / "femto.yaml").machine("femto-3_1")
        assert machine.speed is not None
        assert machine.speed.hz == 25.0
        orders = machine.components[0].fault_orders
        assert orders is not None
        assert orders.bpfo * 25.0 == pytest.approx(140.28, abs=0.01)

    def test_sensors_of_the_run_are_normal(self, femto: tuple[Path, ImportReport]) -> None:
        lake = Lake(femto[0] / "lake")
        assert set(lake.read(SENSOR_STATES).collect().get_column("state")) == {"normal"}
        assert lake.read(GAPS).collect().filter(reason="no_rows").is_empty()

    def test_importing_again_changes_nothing(self, femto: tuple[Path, ImportReport]) -> None:
        folder, _ = femto
        again = import_femto(folder / "source", Lake(folder / "lake"), folder / "plant" / "femto.yaml")
        assert (again.rows, again.waveforms, again.events) == (0, 0, 0)


class TestCmapss:
    pytestmark = needs_data

    def test_every_number_of_the_file_is_a_measurement(self, cmapss: tuple[Path, ImportReport]) -> None:
        folder, report = cmapss
        text = (folder / "train_FD001.txt").read_text().split()
        assert report.rows == len(text) // 26 * 24
        rows = Lake(folder / "lake").read(MEASUREMENTS).sort("machine_id", "time", "point_id").collect()
        assert sum(rows.get_column("value")) == pytest.approx(
            sum(float(n) for i, n in enumerate(text) if i % 26 > 1), rel=1e-12
        )

    def test_a_row_closes_the_hour_of_its_cycle(self, cmapss: tuple[Path, ImportReport]) -> None:
        rows = Lake(cmapss[0] / "lake").read(MEASUREMENTS, machine_ids=["fd001-001"]).collect()
        hours = rows.select(pl.col("time").dt.offset_by("1s").unique().sort()).to_series()
        start = dt.datetime(2008, 10, 6, tzinfo=dt.UTC)
        assert hours.to_list() == [start + dt.timedelta(hours=cycle) for cycle in range(1, 193)]

    def test_every_engine_fails_at_its_last_cycle(self, cmapss: tuple[Path, ImportReport]) -> None:
        plant = read_plant(cmapss[0] / "cmapss.yaml")
        events = Lake(cmapss[0] / "lake").read(MAINTENANCE_EVENTS).collect()
        lives = labels.lives(events, plant, as_of=NOW, data_begin=None).filter(pl.col("ending") == "failure")
        cycles = ((lives.get_column("end") - lives.get_column("start")) / dt.timedelta(hours=1)).to_list()
        assert dict(zip(lives.get_column("machine_id"), cycles, strict=True)) == {
            "fd001-001": 192,
            "fd001-002": 287,
            "fd001-003": 179,
        }

    def test_the_class_has_the_published_cap(self, cmapss: tuple[Path, ImportReport]) -> None:
        turbofan = read_plant(cmapss[0] / "cmapss.yaml").component_class("turbofan")
        assert (turbofan.rul_cap, turbofan.life_unit.value) == (125.0, "cycle")

    def test_test_engines_still_run_and_are_other_machines(self, tmp_path: Path) -> None:
        lines = (DATA / "cmapss" / "test_FD001.txt").read_text().splitlines(keepends=True)
        (tmp_path / "test_FD001.txt").write_text("".join(line for line in lines if int(line.split()[0]) <= 2))
        report = import_cmapss(tmp_path, "FD001", Lake(tmp_path / "lake"), tmp_path / "cmapss.yaml", part="test")
        events = Lake(tmp_path / "lake").read(MAINTENANCE_EVENTS).collect()
        assert (report.machines, events["kind"].unique().to_list()) == (2, ["installation"])
        assert sorted(events["machine_id"]) == ["fd001-test-001", "fd001-test-002"]
        with pytest.raises(ConfigError, match="train"):
            import_cmapss(tmp_path, "FD001", Lake(tmp_path / "lake"), tmp_path / "cmapss.yaml", part="trian")


def test_a_folder_without_the_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bearing1_1_vibration\.parquet"):
        import_femto(tmp_path, Lake(tmp_path / "lake"), tmp_path / "plant.yaml")
    with pytest.raises(ConfigError, match=r"train_FD003\.txt"):
        import_cmapss(tmp_path, "FD003", Lake(tmp_path / "lake"), tmp_path / "plant.yaml")
    assert not (tmp_path / "plant.yaml").exists()


def test_an_unknown_subset_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="FD001"):
        import_cmapss(tmp_path, "FD01", Lake(tmp_path / "lake"), tmp_path / "plant.yaml")


NUMBERS = " ".join(["1", "1", *["0.5"] * 24])


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3\n",
        "a b c\n",
        "1 1 " + "x " * 24 + "\n",
        "",
        f"{NUMBERS}\n1 2 0.5\n",
        f"{NUMBERS} 0.5\n",
        NUMBERS.replace("0.5", "nan", 1),
        NUMBERS.replace("1", "1.5", 1),
    ],
)
def test_a_file_that_is_not_cmapss_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "train_FD001.txt").write_text(text)
    with pytest.raises(ConfigError, match=r"train_FD001\.txt"):
        import_cmapss(tmp_path, "FD001", Lake(tmp_path / "lake"), tmp_path / "plant.yaml")


@pytest.mark.parametrize(
    "written",
    [
        "{}\n{}",
        "{}  \r\n{}  \r\n",
        "{}\n{}  \n",
        "  {}\n\n{}\n  \n",
        "\ufeff{}\n{}\n",
    ],
)
def test_line_ends_and_blanks_of_a_cmapss_file_do_not_matter(tmp_path: Path, written: str) -> None:
    first, second = NUMBERS, NUMBERS.replace("1 1", "1 2").replace(" ", "\t")
    (tmp_path / "train_FD001.txt").write_bytes(written.format(first, second).encode())
    engines = read_engines(tmp_path / "train_FD001.txt")
    assert engines.rows() == [(1, 1, *[0.5] * 24), (1, 2, *[0.5] * 24)]


def test_a_file_that_is_not_femto_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "bearing1_1_vibration.parquet")
    with pytest.raises(ConfigError, match=r"bearing1_1_vibration\.parquet.*clock_s"):
        import_femto(tmp_path, Lake(tmp_path / "lake"), tmp_path / "plant.yaml")


def test_a_plant_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train_FD001.txt").write_text(f"{NUMBERS}  \n")
    plant = tmp_path / "plant.yaml"
    import_cmapss(tmp_path, "FD001", Lake(tmp_path / "lake"), plant)
    (tmp_path / "train_FD002.txt").write_text(f"{NUMBERS}  \n")
    before = plant.read_text()
    with pytest.raises(ConfigError, match="fd002-001"):
        import_cmapss(tmp_path, "FD002", Lake(tmp_path / "lake"), plant)
    assert plant.read_text() == before
