import datetime as dt
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.core.plant import Machine
from serving.commands import assets as commands
from serving.erp.port import Asset
from serving.planning.mapping import AssetMap, MappedAsset, read_asset_map, write_asset_map
from serving.planning.matching import propose_assets, validate_map

NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
ASSETS = [
    Asset("W1-PU-2204", "210100094", "Feed water pump 2204 A"),
    Asset("W1-PU-2205", "210100095", "Feed water pump 2205 A"),
    Asset("W1-FA-0007", "210100111", "Exhaust fan 7"),
]


def machine(machine_id: str, **fields: str) -> Machine:
    point = {"id": "v", "role": "vibration", "quantity": "temperature", "unit": "K"}
    parts = {"components": [{"slot": "DE", "component_class": "bearing"}], "measuring_points": [point]}
    return Machine.model_validate({"id": machine_id} | parts | fields)


def test_id_of_the_erp_itself_is_certain() -> None:
    (found,) = propose_assets([machine("P1", equipment_number="210100111")], ASSETS)
    assert (found.asset, found.confidence) == (ASSETS[2], 1.0)


def test_rare_words_and_numbers_decide() -> None:
    found = propose_assets([machine("PUMP_2204", name="Feed pump"), machine("FAN-07", name="Exhaust fan")], ASSETS)
    assert [one.asset for one in found] == [ASSETS[0], ASSETS[2]]
    assert all(0.2 < one.confidence < 1 for one in found)


def test_two_that_fit_alike_are_told_and_less_certain() -> None:
    (vague,) = propose_assets([machine("X", name="Feed water pump")], ASSETS)
    (clear,) = propose_assets([machine("X", name="Feed water pump 2204")], ASSETS)
    assert vague.other is not None
    assert vague.confidence < clear.confidence


def test_nothing_like_it_is_no_proposal() -> None:
    (found,) = propose_assets([machine("Z9", name="Press")], ASSETS)
    assert found.asset is None
    assert propose_assets([machine("Z9")], [])[0].asset is None


def mapped(equipment: str) -> MappedAsset:
    return MappedAsset(equipment_number=equipment, confirmed_by="planner", confirmed_at=NOW)


def test_validation_names_every_machine_that_does_not_fit() -> None:
    machines = [machine("A"), machine("B"), machine("C"), machine("D", functional_location="W1-PU-2205")]
    mapping = AssetMap(machines={"A": mapped("210100094"), "B": mapped("210100094"), "E": mapped("1")})
    told = {one.machine_id: one.message for one in validate_map(machines, mapping, ASSETS)}
    assert set(told) == {"B", "C", "E"}
    assert "same asset as A" in told["B"]
    assert "not mapped" in told["C"]
    assert validate_map([machine("A")], AssetMap(machines={"A": mapped("99")}), ASSETS)[0].message.endswith("99")


def test_map_is_read_as_it_was_written(tmp_path: Path) -> None:
    file, held = tmp_path / "a" / "assets.yaml", AssetMap(machines={"A": mapped("00210100094")})
    write_asset_map(file, held)
    assert read_asset_map(file) == held


PLANT = """
component_classes: [{id: bearing}]
sites:
  - id: works
    machines:
      - id: PUMP-2204
        components: [{slot: DE, component_class: bearing}]
        measuring_points: [{id: v, role: vibration, quantity: temperature, unit: K}]
"""


def test_a_person_confirms_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plant.yaml").write_text(PLANT)
    toml = f'plant = "plant.yaml"\nstore = "sqlite:///{tmp_path}/s.db"\n[erp]\nassets = "assets.yaml"\n'
    (tmp_path / "serving.toml").write_text(toml)
    run = CliRunner()
    assert "assets sync" in run.invoke(commands.app, ["match"]).stderr
    (tmp_path / "assets.seen.json").write_bytes(commands._ASSETS.dump_json(ASSETS))
    assert run.invoke(commands.app, ["validate"]).exit_code == 1
    assert run.invoke(commands.app, ["match", "--confirm", "PUMP-2204=nothing"]).exit_code == 2
    assert run.invoke(commands.app, ["match", "--confirm", "PUMP-2204=210100094"]).exit_code == 0
    assert read_asset_map(tmp_path / "assets.yaml").machines["PUMP-2204"].description == "Feed water pump 2204 A"
    assert run.invoke(commands.app, ["validate"]).exit_code == 0
