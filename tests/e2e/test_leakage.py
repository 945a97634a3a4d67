"""What became known after `as_of` changes no feature row, life, training set or prediction as of it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.models import ModelRegistry, ModelVersion, model_name
from features.core.statements import Prediction
from features.core.tables import (
    FEATURE_ROWS,
    LIVES,
    MAINTENANCE_EVENTS,
    MEASUREMENTS,
    PREDICTIONS,
    WAVEFORMS,
    Table,
)
from features.rul.artefact import Artefact, save
from pipelines.dataset import grouped_folds, split_groups, training_set
from pipelines.historian.simulator import plant_document, read_config
from pipelines.model import FitParameters, fit
from pipelines.settings import PipelineSettings, SourceSettings
from pipelines.walk import Walk

TINY = Path(__file__).parents[2] / "data" / "simulator" / "tiny.yaml"
CLASS = "rolling_bearing"
AS_OF = dt.datetime(2025, 2, 5, tzinfo=dt.UTC)
END = dt.datetime(2025, 2, 15, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
FIT = FitParameters(forests_from=3, trees=20, quantile_trees=10, min_rows_in_leaf=5, min_rows=3)
SOURCES = (MEASUREMENTS, WAVEFORMS, MAINTENANCE_EVENTS)

Change = Callable[[pl.DataFrame], pl.DataFrame]


class _Shelf(ModelRegistry):
    """A registry of one artefact, kept in memory."""

    def __init__(self, artefact: Artefact) -> None:
        super().__init__("memory:", "")
        self._artefact = artefact

    def champion(self, name: str) -> ModelVersion | None:
        return ModelVersion(name, "1", "run") if name == self._artefact.name else None

    def shadow(self, name: str) -> ModelVersion | None:
        return None

    def download(self, version: ModelVersion, folder: Path) -> Path:
        save(self._artefact, folder)
        return folder


@dataclass(frozen=True)
class _World:
    """A walk whose sources were read, and all that was read, later rows included."""

    walk: Walk
    tables: dict[str, pl.DataFrame]

    def told(self, lake: Lake) -> dict[str, Any]:  # Any: frames, arrays and statements
        """Everything that is said as of `AS_OF` from what lies in that lake."""
        walk = replace(self.walk, lake=lake)
        walk.features(as_of=AS_OF)
        lives = walk.lives(as_of=AS_OF)
        learnt = training_set(lake, walk.plant, CLASS, as_of=AS_OF)
        said = walk.score(as_of=AS_OF)
        return {
            "feature rows": lake.read(FEATURE_ROWS).sort(FEATURE_ROWS.key).collect(),
            "lives": lives.sort(LIVES.key),
            "training set": {n: getattr(learnt, n) for n in ("x", "rul", "survived", "age", "unit", "lives")},
            "statements": said,
            "predictions": lake.read(PREDICTIONS).sort(PREDICTIONS.key).collect(),
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> _World:
    """Two pumps over 45 days, and a model of what was known of them."""
    home = tmp_path_factory.mktemp("world")
    few = {"machines": {"pump": 2, "motor": 0, "fan": 0, "gearbox": 0}, "history_days": 45}
    config = home / "simulator.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(TINY.read_text(encoding="utf-8")) | few), encoding="utf-8")
    (home / "plant.yaml").write_text(yaml.safe_dump(plant_document(read_config(config))), encoding="utf-8")
    source = SourceSettings.model_validate({"kind": "simulator", "config": str(config)})
    settings = PipelineSettings(
        plant=home / "plant.yaml", lake=str(home / "lake"), models="memory:", sources={"simulator": source}
    )
    walk = replace(Walk.open(settings), clock=DemoClock(END))
    walk.ingest(until=END)
    walk.features(as_of=AS_OF)
    walk.lives(as_of=AS_OF)
    tables = {table.name: walk.lake.read(table, all_revisions=True).collect() for table in SOURCES}
    learnt = training_set(walk.lake, walk.plant, CLASS, as_of=AS_OF)
    folds = grouped_folds(split_groups(learnt, FIT.folds), FIT.folds)
    facts = {"name": model_name(CLASS), "baseline_rows": 6, "as_of": AS_OF, "table_versions": {}}
    fitted = fit(learnt, FIT, fold=folds, **facts)  # type: ignore[arg-type]  # facts of several types
    return _World(replace(walk, registry=_Shelf(fitted.artefact)), tables)


def _lake(world: _World, folder: Path, changes: dict[str, Change]) -> Lake:
    lake = Lake(folder)
    for table in SOURCES:
        frame = world.tables[table.name]
        changed = changes[table.name](frame) if table.name in changes else frame
        lake.append(table, changed.select(list(table.columns)), writer="ingest")
    return lake


@pytest.fixture(scope="module")
def truth(world: _World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said from the rows as they are."""
    return world.told(_lake(world, tmp_path_factory.mktemp("truth"), {}))


def _is_later() -> pl.Expr:
    return pl.col("available_at") > AS_OF


def _altered(frame: pl.DataFrame) -> pl.DataFrame:
    """Later rows say something else."""
    later = pl.when(_is_later())
    if "value" in frame.columns:
        return frame.with_columns(value=later.then(pl.col("value") * 3 + 50).otherwise("value"))
    if "wave" in frame.columns:
        loud = (np.frombuffer(frame["wave"][0], "<f4") * 9).astype("<f4").tobytes()
        return frame.with_columns(wave=later.then(pl.lit(loud)).otherwise("wave"))
    return frame.with_columns(
        kind=later.then(pl.lit("failure")).otherwise("kind"),
        outcome=later.then(pl.lit("confirmed_failure")).otherwise("outcome"),
    )


def _deleted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(~_is_later())


def _corrected(frame: pl.DataFrame) -> pl.DataFrame:
    """Every row that was known got a correction afterwards."""
    known = frame.filter(~_is_later()).with_columns(
        revision=pl.col("revision") + 1, available_at=pl.lit(AS_OF + DAY).dt.cast_time_unit("us")
    )
    return pl.concat([frame, _said_otherwise(known)])


def _said_otherwise(frame: pl.DataFrame) -> pl.DataFrame:
    return _altered(frame.with_columns(available_at=pl.lit(AS_OF + DAY).dt.cast_time_unit("us")))


def _brought_late(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows from before and between all others came in afterwards."""
    column = "time" if "time" in frame.columns else "occurred_at"
    known, parts = frame.filter(~_is_later()), [frame]
    for shift in (-400 * DAY, -dt.timedelta(minutes=7)):
        late = known.with_columns(
            pl.col(column) + shift, available_at=pl.lit(AS_OF + dt.timedelta(hours=1)).dt.cast_time_unit("us")
        )
        if "date" in late.columns:
            late = late.with_columns(date=pl.col(column).dt.date())
        if "source_event_id" in late.columns:
            late = late.with_columns(source_event_id=pl.format(f"{shift} {{}}", "source_event_id"))
        parts.append(late)
    return pl.concat(parts)


CHANGES: dict[str, Change] = {
    "altered": _altered,
    "deleted": _deleted,
    "corrected": _corrected,
    "brought late": _brought_late,
}


@pytest.mark.parametrize("table", SOURCES, ids=lambda table: table.name)
@pytest.mark.parametrize("change", CHANGES)
def test_what_became_known_later_changes_nothing(
    world: _World, truth: dict[str, Any], tmp_path: Path, change: str, table: Table
) -> None:
    assert not CHANGES[change](world.tables[table.name]).equals(world.tables[table.name])
    told = world.told(_lake(world, tmp_path, {table.name: CHANGES[change]}))
    assert [what for what in truth if not _same(told[what], truth[what])] == []


def _same(one: Any, other: Any) -> bool:  # Any: what `_World.told` gives
    if isinstance(one, pl.DataFrame):
        return one.equals(other)
    if isinstance(one, dict):
        return all(_same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return repr(one) == repr(other)  # NaN is NaN


def test_there_is_something_to_change(world: _World, truth: dict[str, Any]) -> None:
    assert truth["feature rows"].height > 100
    assert truth["training set"]["x"].shape[0] > 100
    assert any(isinstance(statement, Prediction) for statement in truth["statements"]), truth["statements"]
    assert [frame.filter(_is_later()).height > 2 for frame in world.tables.values()] == [True] * 3


@pytest.mark.parametrize("table", SOURCES, ids=lambda table: table.name)
def test_what_was_known_changes_what_is_said(
    world: _World, truth: dict[str, Any], tmp_path: Path, table: Table
) -> None:
    def fewer(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("available_at") > AS_OF - 20 * DAY)

    told = world.told(_lake(world, tmp_path, {table.name: fewer}))
    assert not _same(told["training set"], truth["training set"])
