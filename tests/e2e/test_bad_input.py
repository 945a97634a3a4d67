"""Wrong input, end to end over a tiny plant of CSV files: a clear error or a quarantine row, never a number."""

import datetime as dt
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from features.__main__ import app as features_app
from features.core.errors import ConfigError, PlantError, RejectedError, UnfitError
from features.core.models import ModelRegistry, ModelVersion, model_name
from features.core.statements import Refusal, RefusalReason
from features.core.tables import FEATURE_ROWS, MEASUREMENTS, PREDICTIONS, QUARANTINE
from features.registry import feature_set
from features.rul.artefact import Artefact, Calibration, Domain, save
from pipelines.settings import PipelineSettings, SourceSettings
from pipelines.walk import Walk

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
AS_OF = START + 4 * DAY + dt.timedelta(hours=2)

PLANT = """
component_classes:
  - {id: winding, life_unit: calendar_h, memory: [1d], baseline: 1d, run_in: 0d}
sites:
  - id: s
    machines:
      - id: M1
        grid: 1h
        components: [{slot: W, component_class: winding, installed: 2026-03-01T00:00:00Z}]
        measuring_points:
          - {id: T, role: winding_temperature, quantity: temperature, unit: degC, slot: W, tags: {csv: M1.T}}
          - {id: A, role: ambient_temperature, quantity: temperature, unit: degC, tags: {csv: M1.A}}
          - {id: L, role: load, quantity: ratio, unit: "%", limits: {low: 0, high: 150}, tags: {csv: M1.L}}
"""


def _rows(hours: int = 96) -> list[tuple[str, str, str]]:
    """Sound rows: temperature, ambient temperature and load, every hour."""
    values: dict[str, Callable[[int], int]] = {
        "M1.T": lambda h: 60 + h % 5,
        "M1.A": lambda h: 20 + h % 3,
        "M1.L": lambda h: 70 + h % 7,
    }
    return [
        (tag, (START + hour * dt.timedelta(hours=1)).isoformat(), str(value(hour)))
        for hour in range(hours)
        for tag, value in values.items()
    ]


# Tag, stamp, value as they stand in the file, and the reason they must be kept under.
WRONG = [
    ("M1.T", "2026-03-02T00:10:00Z", "NaN", "not_finite"),
    ("M1.T", "2026-03-02T00:20:00Z", "inf", "not_finite"),
    ("M1.L", "2026-03-02T00:30:00Z", "-Infinity", "not_finite"),
    ("M1.L", "2026-03-02T00:35:00Z", "1e999", "not_finite"),
    ("M1.T", "1970-01-01T00:00:00Z", "61", "too_early"),
    ("M1.T", "1969-12-31T23:59:59Z", "61", "too_early"),
    ("M1.T", "2026-03-02T00:40:00Z", "n/a", "text_value"),
    ("M1.T", "2026-03-02T00:45:00Z", "-400", "out_of_range"),
    ("M1.L", "2026-03-02T00:50:00Z", "900", "out_of_range"),
    ("M1.A", "2026-03-02T01:10:00", "20", "no_time_zone"),
    ("M1.A", "yesterday", "20", "bad_time"),
]


@dataclass(frozen=True)
class _Site:
    """A folder with plant file, CSV folder and lake, and the walk over them."""

    home: Path

    def walk(self, plant: str = PLANT) -> Walk:
        (self.home / "plant.yaml").write_text(plant, encoding="utf-8")
        settings = PipelineSettings(
            plant=self.home / "plant.yaml",
            lake=str(self.home / "lake"),
            models=f"sqlite:///{self.home}/mlflow.db",
            artifacts=str(self.home / "artifacts"),
            sources={"csv": SourceSettings.model_validate({"kind": "csv", "folder": str(self.home / "csv")})},
        )
        return Walk.open(settings)

    def write(self, name: str, rows: list[tuple[str, str, str]]) -> None:
        (self.home / "csv").mkdir(exist_ok=True)
        lines = ["tag,time,value", *(",".join(row) for row in rows)]
        (self.home / "csv" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A walk over sound rows up to its features."""
    site = _Site(tmp_path_factory.mktemp("sound"))
    site.write("rows.csv", _rows())
    return _through(site.walk())


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The same rows twice, backwards, and with wrong ones among them."""
    site = _Site(tmp_path_factory.mktemp("dirty"))
    site.write("rows.csv", list(reversed([*_rows(), *_rows()])))
    site.write("wrong.csv", [(tag, stamp, value) for tag, stamp, value, _ in WRONG])
    return _through(site.walk())


def _through(walk: Walk) -> Walk:
    walk.ingest(until=AS_OF)
    walk.features(as_of=AS_OF)
    walk.lives(as_of=AS_OF)
    return walk


def _plain(walk: Walk) -> pl.DataFrame:
    return walk.lake.read(MEASUREMENTS).select("point_id", "time", "value").sort("point_id", "time").collect()


def _numbers(walk: Walk) -> list[float]:
    values: list[float] = walk.lake.read(FEATURE_ROWS).collect()["values"].explode().drop_nulls().to_list()
    return values


@pytest.mark.parametrize(("tag", "stamp", "value", "reason"), WRONG, ids=[f"{r[3]} {r[2]} {r[1]}" for r in WRONG])
def test_a_wrong_row_is_in_quarantine_with_its_reason(
    dirty: Walk, tag: str, stamp: str, value: str, reason: str
) -> None:
    kept = dirty.lake.read(QUARANTINE).filter(pl.col("tag") == tag, pl.col("reason") == reason).collect()
    # A number is kept as it was understood: 900 as 900.0, 1e999 as inf.
    said = {value} if reason == "text_value" else {value, str(float(value))}
    assert any(word in raw or stamp in raw for raw in kept["raw"] for word in said), kept["raw"].to_list()


def test_nothing_else_is_in_quarantine(dirty: Walk) -> None:
    assert dirty.lake.read(QUARANTINE).collect().height == len(WRONG)


def test_repeated_unordered_and_wrong_rows_leave_what_sound_ones_leave(sound: Walk, dirty: Walk) -> None:
    assert _plain(dirty).equals(_plain(sound))
    rows = [walk.lake.read(FEATURE_ROWS).drop("available_at").sort("time").collect() for walk in (sound, dirty)]
    assert rows[0].height > 80
    assert rows[1].equals(rows[0])


def test_no_feature_is_nan_or_infinite(dirty: Walk) -> None:
    numbers = _numbers(dirty)
    assert numbers
    assert all(map(math.isfinite, numbers))


def test_without_a_model_there_is_a_refusal(dirty: Walk) -> None:
    (statement,) = dirty.score(as_of=AS_OF)
    assert isinstance(statement, Refusal)
    assert statement.reason is RefusalReason.NO_MODEL


class _Shelf(ModelRegistry):
    """A registry of one artefact, kept in a folder."""

    def __init__(self, artefact: Artefact) -> None:
        super().__init__("memory:", "")
        self._artefact = artefact

    def champion(self, name: str) -> ModelVersion | None:
        return ModelVersion(name, "7", "run")

    def shadow(self, name: str) -> ModelVersion | None:
        return None

    def download(self, version: ModelVersion, folder: Path) -> Path:
        save(self._artefact, folder)
        return folder


def test_a_model_of_another_fingerprint_gives_a_refusal(sound: Walk) -> None:
    names = feature_set(sound.plant, "winding").names
    artefact = Artefact(
        name=model_name("winding"),
        component_class="winding",
        life_unit="calendar_h",
        rul_cap=100.0,
        fingerprint="another",
        feature_names=names,
        inputs=(names[0],),
        base={},
        forests={"mean": "tree", "p10": "tree", "p50": "tree", "p90": "tree"},
        calibration=Calibration(0, False),
        domain=Domain(),
        condition=None,
        class_prior={},
        trained_units=9,
        failed_units=9,
        as_of=START.isoformat(),
        table_versions={},
        min_rows=1,
    )
    (statement,) = replace(sound, registry=_Shelf(artefact)).score(as_of=AS_OF)
    assert isinstance(statement, Refusal)
    assert statement.reason is RefusalReason.FINGERPRINT_MISMATCH
    assert "fitted on feature set another" in statement.detail
    row = sound.lake.read(PREDICTIONS).filter(pl.col("model_version") == "7").collect().row(0, named=True)
    assert [row[name] for name in ("mean", "p10", "p50", "p90")] == [None] * 4


@pytest.mark.parametrize("files", [{}, {"rows.csv": ""}, {"rows.csv": "tag,time,value\n"}], ids=str)
def test_an_empty_historian_leads_to_refusals_and_a_clear_error(tmp_path: Path, files: dict[str, str]) -> None:
    (tmp_path / "csv").mkdir()
    for name, text in files.items():
        (tmp_path / "csv" / name).write_text(text, encoding="utf-8")
    walk = _Site(tmp_path).walk()
    (report,) = walk.ingest(until=AS_OF)
    assert (report.rows, report.missing_tags) == (0, ("M1.A", "M1.L", "M1.T"))
    assert walk.features(as_of=AS_OF) == 0
    walk.lives(as_of=AS_OF)
    with pytest.raises((ConfigError, RejectedError, UnfitError), match="winding"):
        walk.train("winding", as_of=AS_OF)
    (statement,) = walk.score(as_of=AS_OF)
    assert isinstance(statement, Refusal)
    assert statement.detail


def test_a_missing_folder_of_a_historian_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="csv"):
        _Site(tmp_path).walk().ingest(until=AS_OF)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (PLANT.replace("slot: W, component", "slott: W, component"), "components[0].slott = 'W': unknown key"),
        (PLANT.replace("quantity: temperature, unit: degC, slot", "quantity: temperature, slot"), "unit"),
        (PLANT.replace("unit: degC, slot", "unit: '', slot"), "unit"),
        (PLANT.replace("grid: 1h", "grid: .nan"), "grid"),
        (PLANT.replace("high: 150", "high: .inf"), "limits.high = inf"),
    ],
    ids=["unknown field", "no unit", "empty unit", "grid nan", "limit inf"],
)
def test_a_wrong_plant_file_is_told_by_every_door(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(PlantError) as caught:
        _Site(tmp_path).walk(wrong)
    assert said in str(caught.value)
    assert "measuring_points[0]" in str(caught.value) or "machines[0]" in str(caught.value)
    told = CliRunner().invoke(features_app, ["check", "--plant", str(tmp_path / "plant.yaml"), "--json"])
    assert told.exit_code == 2
    answer = json.loads(told.stdout)
    assert answer["ok"] is False
    assert said in answer["problem"]


def _command(*words: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WEARCAST_")} | variables
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=home, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("package", ["pipelines", "serving"])
@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("WEARCAST_{}_LAEK", "is not a setting; did you mean 'WEARCAST_{}_LAKE'?"),
        ("WEARCAST_LAKE", "is not a setting; variables start with"),
    ],
)
def test_a_mistyped_variable_ends_a_command(tmp_path: Path, package: str, variable: str, said: str) -> None:
    side = package.upper()
    ended = _command(package, "check", home=tmp_path, **{variable.format(side): "x"})
    assert ended.returncode == 2
    assert said.format(side) in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
