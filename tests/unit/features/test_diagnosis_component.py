"""From rows of the lake to a diagnosis that a person reads."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from features.__main__ import app
from features.core.lake import Lake
from features.core.plant import Machine, Plant, read_plant
from features.core.tables import MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from features.diagnosis import Diagnosis, Fault, diagnose_component
from features.diagnosis.component import healthy_rows, with_speed
from features.registry import FeatureRefusal

RATE, SPEED = 8192.0, 24.5
BEGIN = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
PLANT = """
component_classes:
  - {id: rolling_bearing, run_in: 1d, baseline: 2d}
sites:
  - id: s
    machines:
      - id: P1
        grid: 12h
        speed: {role: speed}
        components:
          - {slot: DE, component_class: rolling_bearing, bearing: 6205-2RS}
          - {slot: winding, component_class: rolling_bearing}
        measuring_points:
          - {id: vib, role: vibration_h, quantity: acceleration, unit: g, kind: waveform, sample_rate_hz: 8192}
          - {id: rpm, role: speed, quantity: speed, unit: rpm}
"""


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    file = tmp_path / "plant.yaml"
    file.write_text(PLANT, encoding="utf-8")
    return read_plant(file)


@pytest.fixture
def machine(plant: Plant) -> Machine:
    return plant.machine("P1")


def damaged(order: float, seed: int) -> np.ndarray:
    hits = np.zeros(8192)
    hits[(np.arange(0.02, 0.98, 1 / (order * SPEED)) * RATE).astype(int)] = 8.0
    ring = np.exp(-np.arange(100) / 10.0) * np.sin(np.arange(100) * 1.9)
    return np.convolve(hits, ring)[:8192] + np.random.default_rng(seed).standard_normal(8192)


def row(day: float, samples: np.ndarray, **changes: object) -> dict[str, object]:
    time = BEGIN + dt.timedelta(days=day)
    wave = samples.astype("<f4").tobytes()
    plain: dict[str, object] = {
        "group": "area-1",
        "date": time.date(),
        "machine_id": "P1",
        "point_id": "vib",
        "source": "test",
        "time": time,
        "available_at": time,
        "revision": 0,
        "sample_rate_hz": RATE,
        "samples": len(samples),
        "speed_hz": SPEED,
        "quality": 2,
        "status": 192,
        "origin": "live",
        "wave": wave,
        "sha256": hashlib.sha256(wave).hexdigest(),
    }
    return plain | changes


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(8192)


def bpfo(machine: Machine) -> float:
    orders = machine.component("DE").fault_orders
    assert orders is not None
    return orders.bpfo


def test_the_newest_good_rows_are_diagnosed(machine: Machine) -> None:
    old = [row(day, noise(day)) for day in range(4)]
    new = [row(10 + day, damaged(bpfo(machine), day)) for day in range(3)]
    bad = [row(20, noise(9), quality=0), row(21, noise(9), machine_id="P2")]
    found = diagnose_component(machine, machine.component("DE"), WAVEFORMS.frame([*new, *bad, *old]), snapshots=3)
    assert isinstance(found, Diagnosis)
    assert found.fault is Fault.OUTER_RACE
    assert found.lines[0].point == "vib"


@pytest.mark.parametrize(
    ("of", "fault"),
    [
        (None, Fault.UNBALANCE),
        ({"group": 2, "foundation": "rigid"}, Fault.UNBALANCE),
        ({"group": 1, "foundation": "flexible"}, Fault.NORMAL),
    ],
)
def test_what_is_severe_depends_on_the_machine_s_class(
    machine: Machine, of: dict[str, object] | None, fault: Fault
) -> None:
    shaking = 4e-3 * np.sqrt(2) * 2 * np.pi * SPEED * np.sin(2 * np.pi * SPEED * np.arange(8192) / RATE)
    rows = WAVEFORMS.frame([row(day, 0.1 * noise(day) + shaking) for day in range(4)])  # 4 mm/s RMS
    on = Machine.model_validate(machine.model_dump() | {"vibration_class": of})
    found = diagnose_component(on, on.component("DE"), rows)
    assert isinstance(found, Diagnosis)
    assert found.fault is fault


def test_a_speed_from_outside_counts_where_the_row_has_none(machine: Machine) -> None:
    rows = WAVEFORMS.frame([row(1, damaged(bpfo(machine), 1), speed_hz=None)])
    component = machine.component("DE")
    assert diagnose_component(machine, component, rows) is FeatureRefusal.NO_SPEED
    found = diagnose_component(machine, component, rows, SPEED)
    assert isinstance(found, Diagnosis)
    assert found.fault is Fault.OUTER_RACE


def test_refusals_of_a_component(machine: Machine) -> None:
    rows = WAVEFORMS.frame([row(1, noise(1))])
    still = WAVEFORMS.frame([row(1, noise(1), speed_hz=0.1)])
    assert diagnose_component(machine, machine.component("winding"), rows) is FeatureRefusal.NO_GEOMETRY
    assert diagnose_component(machine, machine.component("DE"), still) is FeatureRefusal.STOPPED
    assert diagnose_component(machine, machine.component("DE"), WAVEFORMS.empty()) is FeatureRefusal.NO_INPUT


def test_healthy_time_is_the_first_stretch_of_the_present_life(plant: Plant, machine: Machine) -> None:
    component = machine.component("DE")
    installed = component.model_copy(update={"installed": BEGIN + dt.timedelta(days=5)})
    rows = WAVEFORMS.frame([row(day, noise(1)) for day in (0, 5.5, 6, 7, 7.9, 8, 20)])
    kept = healthy_rows(
        rows, MAINTENANCE_EVENTS.empty(), machine, installed, plant.component_class("rolling_bearing")
    )
    assert [(time - BEGIN).total_seconds() / 86400 for time in kept["time"]] == pytest.approx([6, 7, 7.9])
    unknown = healthy_rows(
        rows, MAINTENANCE_EVENTS.empty(), machine, component, plant.component_class("rolling_bearing")
    )
    assert unknown.is_empty()


def speeds(*values: tuple[float, float, int]) -> pl.DataFrame:
    rows = []
    for day, hz, quality in values:
        time = BEGIN + dt.timedelta(days=day)
        rows.append(
            {
                "group": "area-1",
                "date": time.date(),
                "machine_id": "P1",
                "point_id": "rpm",
                "source": "test",
                "time": time,
                "available_at": time,
                "revision": 0,
                "value": hz,
                "quality": quality,
                "status": 192,
                "origin": "live",
            }
        )
    return MEASUREMENTS.frame(rows)


def test_an_empty_speed_is_filled_from_the_newest_good_measurement() -> None:
    rows = WAVEFORMS.frame([row(1, noise(1), speed_hz=None), row(2, noise(1)), row(9, noise(1), speed_hz=None)])
    measured = speeds((0.8, 20.0, 2), (0.9, 99.0, 0), (1.1, 30.0, 2))
    filled = with_speed(rows, measured, tolerance=dt.timedelta(days=1))
    assert filled["speed_hz"].to_list() == [20.0, SPEED, None]


@pytest.fixture
def lake(tmp_path: Path, machine: Machine) -> Lake:
    lake = Lake(tmp_path / "lake")
    rows = [row(day, noise(day)) for day in range(3)]
    rows += [row(10 + day, damaged(bpfo(machine), day), speed_hz=None) for day in range(2)]
    lake.append(WAVEFORMS, WAVEFORMS.frame(rows), writer="ingest")
    lake.append(MEASUREMENTS, speeds((9.9, SPEED, 2), (10.9, SPEED, 2)), writer="ingest")
    return lake


def run(tmp_path: Path, *words: str) -> tuple[int, str, str]:
    where = ["--plant", str(tmp_path / "plant.yaml"), "--lake", str(tmp_path / "lake")]
    result = CliRunner().invoke(app, ["diagnose", *words, *where])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("lake")
def test_the_command_shows_the_fault_and_its_lines(tmp_path: Path) -> None:
    code, said, _ = run(tmp_path, "P1", "DE", "--snapshots", "2")
    assert code == 0
    assert said.startswith("P1/DE: outer_race")
    lines = said.splitlines()
    assert lines[2].split() == ["line", "point", "spectrum", "Hz", "expected", "order", "amplitude", "dB"]
    assert lines[3].split()[:3] == ["bpfo", "vib", "envelope"]
    assert lines[4].startswith("2 x bpfo")


@pytest.mark.usefixtures("lake")
def test_the_command_gives_one_json_object(tmp_path: Path, machine: Machine) -> None:
    found = json.loads(run(tmp_path, "P1", "DE", "--snapshots", "2", "--json")[1])
    assert found["fault"] == "outer_race"
    assert found["refusal"] is None
    assert found["lines"][0]["expected_hz"] == pytest.approx(bpfo(machine) * SPEED, rel=1e-6)
    refused = json.loads(run(tmp_path, "P1", "winding", "--json")[1])
    assert (refused["fault"], refused["refusal"]) == (None, "no_geometry")


@pytest.mark.usefixtures("lake")
def test_the_command_knows_only_what_could_be_known(tmp_path: Path) -> None:
    moment = (BEGIN + dt.timedelta(days=5)).isoformat()
    assert run(tmp_path, "P1", "DE", "--as-of", moment)[1].startswith("P1/DE: normal")


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("words", "said"),
    [(["P2", "DE"], "'P1'"), (["P1", "DEE"], "'DE'"), (["P1", "DE", "--as-of", "2025-03-01"], "time zone")],
)
def test_a_wrong_word_is_told_with_the_right_one(tmp_path: Path, words: list[str], said: str) -> None:
    code, _, error = run(tmp_path, *words)
    assert code == 2
    assert said in error


def test_an_empty_lake_is_told(tmp_path: Path, plant: Plant) -> None:
    assert plant.machine("P1") is not None
    code, said, _ = run(tmp_path, "P1", "DE")
    assert code == 0
    assert "no_input" in said
