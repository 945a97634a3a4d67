"""Day one: no model, no failure, a few waveforms. What limits and physics say, in batch, online and in a plan."""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import Evidence, HealthState, Prediction, Refusal, RefusalReason, Rung, named_fault
from features.core.tables import PREDICTIONS, WAVEFORMS
from features.diagnosis import Diagnosis
from features.diagnosis.report import report
from features.rul.physics import told_by
from features.rul.rows import from_row
from pipelines import labels
from pipelines.scoring import compute_features, score
from pipelines.scoring.diagnosing import evidence_of
from serving.planning import plan
from serving.predictor.champions import Champions
from serving.predictor.context import Context
from serving.predictor.fleet import Fleet
from serving.predictor.online import answer, history_from_lake
from serving.store import Store
from serving.web.views import list_views

RATE, SPEED, GRID = 8192.0, 24.5, dt.timedelta(hours=12)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NOW = START + 4 * GRID + dt.timedelta(hours=1)
PLANT: dict[str, Any] = {
    "component_classes": [{"id": "rolling_bearing", "memory": ["2d"], "baseline": "14d"}],
    "sites": [
        {
            "id": "works",
            "machines": [
                {
                    "id": name,
                    "criticality": "A",
                    "grid": "12h",
                    "speed": {"hz": SPEED},
                    "vibration_class": {"group": 2, "foundation": "rigid"},
                    "components": [
                        {
                            "slot": "DE",
                            "component_class": "rolling_bearing",
                            "bearing": "6205-2RS",
                            "installed": "2026-01-01T00:00:00Z",
                        }
                    ],
                    "measuring_points": [
                        {
                            "id": "vib",
                            "role": "vibration_h",
                            "quantity": "acceleration",
                            "unit": "g",
                            "kind": "waveform",
                            "sample_rate_hz": RATE,
                        }
                    ],
                }
                for name in ("calm", "shaking", "struck")
            ],
        }
    ],
}


def _wave(name: str, order: float, seed: int) -> np.ndarray:
    """Noise; for `shaking` 8 mm/s RMS at shaft speed, for `struck` a ring at each pass of the outer race."""
    rng, seconds = np.random.default_rng(seed), np.arange(8192) / RATE
    wave = 0.3 * rng.standard_normal(8192)
    if name == "shaking":
        wave = wave + 8e-3 * np.sqrt(2) * 2 * np.pi * SPEED * np.sin(2 * np.pi * SPEED * seconds)
    if name == "struck":
        hits = np.zeros(8192)
        hits[(np.arange(0.02, 0.98, 1 / (order * SPEED)) * RATE).astype(int)] = 4.0
        wave = wave + np.convolve(hits, np.exp(-np.arange(100) / 10.0) * np.sin(np.arange(100) * 1.9))[:8192]
    return wave


def _row(name: str, time: dt.datetime, wave: np.ndarray) -> dict[str, object]:
    raw = wave.astype("<f4").tobytes()
    return {
        "group": "area-1",
        "date": time.date(),
        "machine_id": name,
        "point_id": "vib",
        "source": "test",
        "time": time,
        "available_at": time,
        "revision": 0,
        "sample_rate_hz": RATE,
        "samples": len(wave),
        "speed_hz": SPEED,
        "quality": 2,
        "status": 192,
        "origin": "live",
        "wave": raw,
        "sha256": hashlib.sha256(raw).hexdigest(),
    }


@pytest.fixture(scope="module")
def plant() -> Plant:
    return Plant.model_validate(PLANT)


@pytest.fixture(scope="module")
def lake(plant: Plant, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Few snapshots of each machine, scored; tomorrow's, and the former part's, would name other faults."""
    lake, rows = Lake(tmp_path_factory.mktemp("day-one") / "lake"), []
    orders = plant.machines[0].components[0].fault_orders
    assert orders is not None
    for machine in plant.machines:
        for step in (2, 4) if machine.id == "calm" else (1, 2, 3, 4):
            rows.append(_row(machine.id, START + step * GRID, _wave(machine.id, orders.bpfo, step)))
    late = [_row("struck", NOW + i * GRID, _wave("struck", orders.bpfi, 9 + i)) for i in range(1, 5)]
    before = [_row("calm", START - i * GRID, _wave("struck", orders.bpfo, 20 + i)) for i in range(1, 5)]
    lake.append(WAVEFORMS, WAVEFORMS.frame(rows + late + before), writer="ingest")
    compute_features(lake, plant, as_of=NOW)
    score(lake, plant, {}, lives=_lives(plant), as_of=NOW)
    return lake


def _lives(plant: Plant) -> Any:
    from features.core.tables import MAINTENANCE_EVENTS

    return labels.lives(MAINTENANCE_EVENTS.empty(), plant, as_of=NOW)


@pytest.fixture(scope="module")
def said(lake: Lake) -> dict[str, Prediction | Refusal]:
    return {row["machine_id"]: from_row(row) for row in lake.read(PREDICTIONS).collect().iter_rows(named=True)}


def _zone(statement: Prediction | Refusal) -> Evidence:
    return next(item for item in statement.evidence if item.verdict.startswith("zone"))


def test_a_machine_in_zone_d_is_told_without_any_model(said: dict[str, Prediction | Refusal]) -> None:
    told = said["shaking"]
    assert isinstance(told, Refusal)
    assert (told.reason, told.rung, told.health_state) == (
        RefusalReason.NO_MODEL,
        Rung.LIMITS,
        HealthState.FAILURE,
    )
    zone = _zone(told)
    assert (zone.verdict, zone.reference, zone.unit, zone.rung) == ("zone D", 4.5, "mm/s", Rung.LIMITS)
    assert zone.value == pytest.approx(8.0, rel=0.01)
    assert "group 2" in zone.note
    assert "ISO 20816-3:2022, table A.2" in zone.note


def test_a_struck_bearing_is_named_with_its_lines(said: dict[str, Prediction | Refusal], plant: Plant) -> None:
    told = said["struck"]
    assert isinstance(told, Refusal)
    assert (told.rung, told.health_state) == (Rung.PHYSICS, HealthState.MAINTENANCE_REQUIRED)
    fault = named_fault(told.evidence)
    assert fault is told.evidence[0]
    assert fault.verdict == "outer_race"
    line, orders = told.evidence[1], plant.machine("struck").components[0].fault_orders
    assert orders is not None
    assert line.order == pytest.approx(orders.bpfo, rel=0.015)
    assert line.frequency_hz == pytest.approx(orders.bpfo * SPEED, rel=0.015)
    assert (line.unit, line.value > 15.0) == ("dB", True)


def test_scoring_and_the_command_make_the_same_diagnosis(lake: Lake, plant: Plant, said: Any) -> None:
    for machine in plant.machines:
        found = report(plant, lake, machine, machine.components[0], as_of=NOW, since=START)
        assert isinstance(found.said, Diagnosis)
        assert found.time is not None
        assert evidence_of(found.said, found.time) == told_by(said[machine.id])


def test_a_calm_machine_is_normal_and_its_former_bearing_is_not_held_against_it(
    said: dict[str, Prediction | Refusal],
) -> None:
    told = said["calm"]
    assert told.health_state is HealthState.NORMAL
    assert told.rung is Rung.LIMITS
    assert {item.verdict for item in told.evidence} == {"zone A", "normal"}


def test_a_declared_life_gives_a_number_beside_zone_and_fault(lake: Lake, tmp_path: Path) -> None:
    bearing = PLANT["component_classes"][0] | {"prior": {"shape": 2.0, "median_life": 30000.0}}
    plant = Plant.model_validate(PLANT | {"component_classes": [bearing]})
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    context = Context(plant, lake, store, Champions(tmp_path / "champion"), Fleet(lake, plant), DemoClock(NOW))
    states = {}
    for machine in plant.machines:
        component = machine.components[0]
        history = history_from_lake(context, machine, component, NOW)
        told = answer(context, machine, component, history, NOW).statement
        assert isinstance(told, Prediction)
        assert (told.rung, told.p10, told.p90, told.calibrated) == (Rung.CLASS_PRIOR, None, None, False)
        assert 29_900 < told.p50 < 30_000
        states[machine.id] = told.health_state
    assert states == {
        "calm": HealthState.NORMAL,
        "shaking": HealthState.FAILURE,
        "struck": HealthState.MAINTENANCE_REQUIRED,
    }
    store.close()


def test_online_says_what_batch_said(lake: Lake, plant: Plant, said: Any, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    clock = DemoClock(NOW)
    context = Context(plant, lake, store, Champions(tmp_path / "champion"), Fleet(lake, plant), clock)
    for machine in plant.machines:
        component = machine.components[0]
        online = answer(context, machine, component, history_from_lake(context, machine, component, NOW), NOW)
        assert online.statement == said[machine.id]
    earlier = NOW - dt.timedelta(hours=2)  # before batch spoke
    machine = plant.machine("struck")
    history = history_from_lake(context, machine, machine.components[0], earlier)
    assert answer(context, machine, machine.components[0], history, earlier).statement.rung is Rung.LIMITS
    store.close()


def test_a_plan_asks_for_inspections_that_name_zone_and_fault(lake: Lake, plant: Plant, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    plan(lake, plant, store, now=NOW + 3 * GRID)  # past the burn-in
    found = {one.recommendation.machine_id: one for one in store.recommendations()}
    assert found.keys() == {"shaking", "struck"}
    shaking, struck = found["shaking"].recommendation, found["struck"].recommendation
    assert "8 mm/s, zone D" in shaking.reason
    assert shaking.priority == 1
    assert (struck.fault, struck.failure_mode) == ("outer_race", "rolling_bearing")
    assert "outer race fault (" in struck.reason
    assert "dB over its floor" in struck.reason
    assert (found["struck"].request.failure_mode, found["struck"].request.title) == (
        "outer_race",
        "Inspect struck DE: outer race",
    )
    plan(lake, plant, store, now=NOW + 3 * GRID)
    assert len(store.recommendations()) == 2
    store.close()


def test_the_list_says_why_in_one_line(lake: Lake, plant: Plant) -> None:
    rows = {row.machine_id: row for row in list_views(Fleet(lake, plant).status(NOW), [], NOW)}
    assert list(rows) == ["shaking", "struck", "calm"]
    assert rows["shaking"].reason == "Spectrum: unbalance; Vibration, horizontal: velocity RMS 7.99 mm/s, zone D"
    assert rows["struck"].reason == "Spectrum: outer race fault"
    physics = rows["struck"].physics
    assert physics is not None
    assert [line.name for line in physics.lines[:2]] == ["BPFO", "2 x BPFO"]
    assert rows["calm"].limits[0].verdict == "Zone A"
