"""Promotion, refusal, roll back, history and shadow in a local MLflow database, over a lake with real features."""

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from features.core.clock import DemoClock
from features.core.errors import ConfigError, DamagedArtefactError
from features.core.models import ModelRegistry, model_name
from features.core.tables import FEATURE_ROWS, PREDICTIONS, SHADOW_PREDICTIONS
from pipelines import champion, training
from pipelines.commands.model import app
from pipelines.historian.simulator import plant_document, read_config
from pipelines.leakage import changed_features, remake_from_lake
from pipelines.model import FitParameters
from pipelines.settings import PipelineSettings, SourceSettings
from pipelines.walk import Walk

pytestmark = pytest.mark.xdist_group("mlflow")

TINY = Path(__file__).parents[2] / "data" / "simulator" / "tiny.yaml"
CLASS = "rolling_bearing"
NAME = model_name(CLASS)
NOW = dt.datetime(2025, 2, 20, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SMALL = FitParameters(forests_from=3, folds=3, trees=12, quantile_trees=6, min_rows_in_leaf=5, min_rows=3)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Three pumps over fifty days, features made, a database for models."""
    home = tmp_path_factory.mktemp("home")
    few = {"machines": {"pump": 3, "motor": 0, "fan": 0, "gearbox": 0}, "history_days": 50}
    config = home / "simulator.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(TINY.read_text(encoding="utf-8")) | few), encoding="utf-8")
    (home / "plant.yaml").write_text(yaml.safe_dump(plant_document(read_config(config))), encoding="utf-8")
    settings = PipelineSettings(
        plant=home / "plant.yaml",
        lake=str(home / "lake"),
        models=f"sqlite:///{home}/mlflow.db",
        artifacts=str(home / "artifacts"),
        sources={"simulator": SourceSettings.model_validate({"kind": "simulator", "config": str(config)})},
    )
    opened = dataclasses.replace(Walk.open(settings), clock=DemoClock(NOW))
    opened.ingest(until=NOW)
    opened.features(as_of=NOW)
    opened.lives(as_of=NOW)
    return opened


def trained(walk: Walk, as_of: dt.datetime, **changes: Any) -> training.TrainedModel:  # Any: fit parameters
    before = champion.standing(walk.registry, CLASS)
    return training.train(
        walk.lake,
        walk.plant,
        CLASS,
        as_of=as_of,
        registry=walk.registry,
        parameters=dataclasses.replace(SMALL, **changes),
        kept_folds=None if before is None or before.held_out is None else before.held_out.folds,
    )


def judged(walk: Walk) -> champion.Judged:
    return champion.judged_from_lake(walk.lake, walk.plant, CLASS, as_of=NOW)


@pytest.fixture(scope="module")
def versions(walk: Walk) -> list[champion.Promotion]:
    """Version 1 is the first, 2 an equal one, 3 one that hardly learns."""
    made = []
    ways: tuple[dict[str, Any], ...] = ({}, {"seed": 7}, {"trees": 1, "quantile_trees": 1, "learning_rate": 0.01})
    for number, changes in enumerate(ways):
        model = trained(walk, NOW, **changes)
        made.append(champion.promote(walk.registry, model, judged=judged(walk), now=NOW + number * DAY))
    return made


def test_first_and_equal_versions_are_promoted_and_a_worse_one_is_not(
    walk: Walk, versions: list[champion.Promotion]
) -> None:
    assert [one.promoted for one in versions] == [True, True, False], [one.reason for one in versions]
    assert versions[0].reason == "first version"
    assert "larger" in versions[2].reason
    assert (versions[2].champion, champion.champion_of(walk.registry, CLASS).version) == ("2", "2")


def test_both_were_asked_on_the_same_folds(versions: list[champion.Promotion]) -> None:
    verdict = versions[1].verdict
    assert verdict is not None
    assert verdict.comparisons[0].same_folds is True
    assert verdict.comparisons[0].lives >= 3


def test_what_was_decided_and_why_is_noted_with_the_version(
    walk: Walk, versions: list[champion.Promotion]
) -> None:
    tags = {one.version: tags for one, tags in walk.registry.versions(NAME)}
    assert [tags[version]["verdict"] for version in "123"] == ["passed", "passed", "refused"]
    assert tags["3"]["verdict_reason"] == versions[2].reason
    assert (tags["1"]["compared_with"], tags["3"]["compared_with"]) == ("nothing", "2")


def test_roll_back_goes_to_the_former_champion_and_is_noted(
    walk: Walk, versions: list[champion.Promotion]
) -> None:
    move = champion.rollback(walk.registry, CLASS, why="odd bands", now=NOW + 9 * DAY)
    assert (move.version, champion.champion_of(walk.registry, CLASS).version) == ("1", "1")
    assert [(one.version, one.how) for one in champion.history(walk.registry, CLASS)] == [
        ("1", "promoted"),
        ("2", "promoted"),
        ("1", "rolled back"),
    ]
    assert walk.registry.tags(NAME, "2")["verdict"] == "rolled back"
    with pytest.raises(ConfigError, match="no champion but version 1"):
        champion.rollback(walk.registry, CLASS)
    with pytest.raises(ConfigError, match="no version '9'; there are: 3, 2, 1"):
        champion.rollback(walk.registry, CLASS, to="9")
    assert champion.rollback(walk.registry, CLASS, to="2").version == "2"


def test_a_damaged_version_is_not_rolled_back_to(walk: Walk, versions: list[champion.Promotion]) -> None:
    present = champion.champion_of(walk.registry, CLASS).version
    run_id = next(one.run_id for one, _ in walk.registry.versions(NAME) if one.version == "3")
    (file,) = Path(str(walk.settings.artifacts)).glob(f"**/{run_id}/**/artefact.json")
    content = file.read_bytes()
    file.write_bytes(content + b" ")
    with pytest.raises(DamagedArtefactError):
        champion.rollback(walk.registry, CLASS, to="3")
    file.write_bytes(content)
    assert champion.champion_of(walk.registry, CLASS).version == present


def test_a_shadow_is_asked_and_never_acted_on(walk: Walk, versions: list[champion.Promotion]) -> None:
    champion.set_shadow(walk.registry, CLASS, "3")
    acted = walk.score(as_of=NOW)
    beside = walk.lake.read(SHADOW_PREDICTIONS).collect()
    assert set(beside["model_version"]) == {"3"}
    assert set(beside["component_class"]) == {CLASS}
    said = walk.lake.read(PREDICTIONS).collect()
    assert len(acted) == said.height
    assert "3" not in said["model_version"]
    report = walk.shadow_report(CLASS)
    assert report.statements == beside.height > 0
    assert (report.shadow, report.champion) == ("3", (champion.champion_of(walk.registry, CLASS).version,))
    json.dumps(report.as_json(), default=str, allow_nan=False)
    champion.set_shadow(walk.registry, CLASS, None)
    with pytest.raises(ConfigError, match="runs in shadow"):
        walk.shadow_report(CLASS)


def test_the_champion_is_not_its_own_shadow(walk: Walk, versions: list[champion.Promotion]) -> None:
    with pytest.raises(ConfigError, match="is the champion"):
        champion.set_shadow(walk.registry, CLASS, champion.champion_of(walk.registry, CLASS).version)


def test_rows_made_again_with_the_future_withheld_are_the_stored_ones(walk: Walk) -> None:
    rows, names, remake = _some_rows(walk)
    assert changed_features(rows, names, remake) == []


def test_a_value_from_the_future_is_named(walk: Walk) -> None:
    rows, names, remake = _some_rows(walk)
    place = names.index("vibration_h.rms_m_s2")
    ahead = rows.with_columns(
        values=pl.Series(
            [[*v[:place], (v[place] or 0.0) + 1.0, *v[place + 1 :]] for v in rows["values"].to_list()]
        )
    )
    assert [one.feature for one in changed_features(ahead, names, remake)] == ["vibration_h.rms_m_s2"]


def _some_rows(walk: Walk) -> tuple[pl.DataFrame, tuple[str, ...], Any]:  # Any: a function that makes rows again
    data = judged(walk).data
    rows = walk.lake.read(FEATURE_ROWS).filter(pl.col("component_class") == CLASS).sort("time").collect()
    remake = remake_from_lake(walk.lake, walk.plant, data.fingerprint)
    assert remake is not None
    return rows[np.linspace(10, rows.height - 1, 5).astype(int).tolist()], data.names, remake


def test_the_commands_speak_to_people_and_to_programs(
    walk: Walk, versions: list[champion.Promotion], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = walk.settings
    for name, value in {
        "PLANT": settings.plant,
        "LAKE": settings.lake,
        "MODELS": settings.models,
        "ARTIFACTS": settings.artifacts,
    }.items():
        monkeypatch.setenv(f"WEARCAST_PIPELINES_{name}", str(value))
    ask = CliRunner()

    listed = json.loads(ask.invoke(app, ["list", "--json"]).stdout)
    assert [row["version"] for row in listed] == ["3", "2", "1"]
    assert {row["role"] for row in listed} == {"champion", ""}
    moves = json.loads(ask.invoke(app, ["history", CLASS, "--json"]).stdout)
    assert moves[0] | {"at": ""} == {"version": "1", "at": "", "how": "promoted", "why": "first version"}
    present = champion.champion_of(walk.registry, CLASS).version
    told = ask.invoke(app, ["compare", CLASS, "3", "--json"])
    assert told.exit_code == 1
    verdict = json.loads(told.stdout)
    assert (verdict["candidate"], verdict["champion"], verdict["passed"]) == ("3", present, False)
    refused = ask.invoke(app, ["promote", CLASS, "3", "--json"])
    assert (refused.exit_code, json.loads(refused.stdout)["champion"]) == (1, present)
    by_hand = ["promote", CLASS, "3", "--despite", "a trial", "--trust", "age", "--json"]
    forced = json.loads(ask.invoke(app, by_hand).stdout)
    assert (forced["promoted"], forced["champion"]) == (True, "3")
    newest = json.loads(ask.invoke(app, ["history", CLASS, "--json"]).stdout)[-1]
    assert "a trial" in newest["why"]
    assert "vouched for by hand: age" in newest["why"]
    back = json.loads(ask.invoke(app, ["rollback", CLASS, "--json"]).stdout)
    assert (back["champion"], back["before"]) == (present, "3")
    assert ask.invoke(app, ["rollback", "nothing"]).exit_code == 2
    assert "rolled" in ask.invoke(app, ["list"]).stdout
    assert "by hand" in ask.invoke(app, ["history", CLASS]).stdout


def test_asking_an_unmade_registry_makes_no_database(tmp_path: Path) -> None:
    registry = ModelRegistry(f"sqlite:///{tmp_path}/mlflow.db", tmp_path)
    assert (registry.versions(NAME), registry.shadow(NAME), champion.history(registry, CLASS)) == ([], None, [])
    assert not list(tmp_path.iterdir())
