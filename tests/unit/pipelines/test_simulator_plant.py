"""The plant document and the config of the simulated plants."""

from pathlib import Path

import pytest
import yaml

from features.core.clock import DemoClock
from features.core.errors import ConfigError
from features.core.plant import LifeUnit, Plant, PointKind, read_plant
from pipelines.historian.simulator import Simulator, plant_document, read_config
from pipelines.historian.simulator.machinery import build_machines

FOLDER = Path(__file__).parents[3] / "data" / "simulator"


@pytest.mark.parametrize("name", ["tiny", "demo", "benchmark", "closed-loop"])
def test_the_document_is_a_valid_plant_and_survives_yaml(name: str, tmp_path: Path) -> None:
    document = plant_document(read_config(FOLDER / f"{name}.yaml"))
    (tmp_path / "plant.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    assert read_plant(tmp_path / "plant.yaml") == Plant.model_validate(document)


def test_the_plant_says_what_features_need() -> None:
    plant = Plant.model_validate(plant_document(read_config(FOLDER / "tiny.yaml")))

    for machine in plant.machines:
        bearing = machine.component("DE-bearing")
        waves = [p for p in machine.measuring_points if p.kind is PointKind.WAVEFORM]
        assert bearing.fault_orders is not None
        assert machine.speed is not None
        assert machine.speed.role == "speed"
        assert [(p.role, p.unit, p.slot) for p in waves] == [("vibration_h", "g", None)]
        assert machine.equipment_number
        assert machine.functional_location
        assert all(component.spare is not None for component in machine.components)
        assert all(p.limits.low is not None and p.limits.high is not None for p in machine.measuring_points)
    assert plant.component_class("rolling_bearing").life_unit is LifeUnit.RUNNING_H
    assert [m.component("gear").gear_teeth for m, _ in plant.components_of("gear")] == [23]


def test_the_plant_and_the_historian_know_the_same_tags() -> None:
    config = read_config(FOLDER / "tiny.yaml")
    plant = Plant.model_validate(plant_document(config))
    points = {p.tags["simulator"]: p.unit for m in plant.machines for p in m.measuring_points}

    assert points == {info.tag: info.unit for info in Simulator("x", config, DemoClock(config.end)).tags()}


def test_installation_is_known_for_a_part_of_the_machines_only() -> None:
    config = read_config(FOLDER / "demo.yaml")
    plant = Plant.model_validate(plant_document(config))
    known = [m.component("DE-bearing").installed is not None for m in plant.machines]

    assert 0.2 < sum(known) / len(known) < 0.8
    assert known == [machine.installed_known for machine in build_machines(config)]


def test_the_hash_tells_configs_apart_and_ignores_spelling() -> None:
    config = read_config(FOLDER / "tiny.yaml")
    same = type(config).model_validate(config.model_dump())

    assert config.sha256 == same.sha256
    assert config.sha256 != config.model_copy(update={"seed": config.seed + 1}).sha256


def test_the_benchmark_is_frozen() -> None:
    # Changing benchmark.yaml makes figures incomparable: add a new file and a decision record instead.
    assert read_config(FOLDER / "benchmark.yaml").sha256.startswith("1562c97f0efc1b21")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("machines: {pmp: 1}", "pmp"),
        ("sampels: 2048", "sampels"),
        ("samples: 1000", "multiple of 64"),
        ("waveform_every_hours: 5", "does not divide a week"),
        ("start: 2025-01-01T00:30:00+00:00", "full hour"),
        ("start: 2025-01-01T00:00:00", "time zone"),
    ],
)
def test_a_wrong_config_names_the_place(tmp_path: Path, line: str, message: str) -> None:
    key = line.split(":")[0]
    text = (FOLDER / "tiny.yaml").read_text(encoding="utf-8")
    kept = [row for row in text.splitlines() if not row.startswith(key + ":")]
    (tmp_path / "sim.yaml").write_text("\n".join([*kept, line]), encoding="utf-8")

    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "sim.yaml")


def test_a_missing_config_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        read_config(tmp_path / "none.yaml")
