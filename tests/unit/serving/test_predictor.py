"""Champions in memory, the order of risk, readiness."""

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from features.core.clock import DemoClock
from features.core.lake import Lake, Watermark
from features.core.plant import Plant
from features.core.statements import HealthState, Prediction, Refusal, RefusalReason, Rung
from features.core.tables import MEASUREMENTS, PREDICTIONS
from features.rul.artefact import Artefact, Calibration, Domain, save
from features.rul.rows import to_row
from serving.predictor.champions import Champions
from serving.predictor.context import Context
from serving.predictor.fleet import Fleet, Told
from serving.predictor.readiness import check_all
from serving.store import Store

NOW = dt.datetime(2026, 1, 10, tzinfo=dt.UTC)
NAME = "wearcast-rul-bearing"


def _artefact(name: str = NAME, component_class: str = "bearing") -> Artefact:
    return Artefact(
        name=name,
        component_class=component_class,
        life_unit="running_h",
        rul_cap=1000.0,
        fingerprint="f",
        feature_names=("a",),
        inputs=("a",),
        base={},
        forests={},
        calibration=Calibration(units=0, calibrated=False),
        domain=Domain(),
        condition=None,
        class_prior={},
        trained_units=0,
        failed_units=0,
        as_of="2026-01-01T00:00:00Z",
        table_versions={},
        min_rows=1,
    )


def _lay(folder: Path, version: str, artefact: Artefact | None = None, stated: str | None = None) -> Path:
    artefact = artefact or _artefact()
    own = folder / artefact.name
    save(artefact, own)
    text = json.dumps({"name": stated or artefact.name, "version": version})
    (own / "version.json").write_text(text, encoding="utf-8")
    return own


def test_without_a_folder_there_is_no_champion_and_no_problem(tmp_path: Path) -> None:
    champions = Champions(tmp_path / "champion")
    assert not champions.refresh()
    assert (champions.of("bearing"), dict(champions.problems)) == (None, {})


def test_a_champion_is_found_by_its_class(tmp_path: Path) -> None:
    _lay(tmp_path, "3")
    champions = Champions(tmp_path)
    assert champions.refresh()
    champion = champions.of("bearing")
    assert champion is not None
    assert (champion.name, champion.version) == (NAME, "3")


def test_an_unchanged_champion_is_not_read_again(tmp_path: Path) -> None:
    own = _lay(tmp_path, "3")
    champions = Champions(tmp_path)
    champions.refresh()
    (own / "artefact.json").write_text("damaged", encoding="utf-8")
    assert not champions.refresh()
    assert dict(champions.problems) == {}


def test_a_new_version_is_swapped_in_and_requests_keep_what_they_hold(tmp_path: Path) -> None:
    _lay(tmp_path, "3")
    champions = Champions(tmp_path)
    champions.refresh()
    in_flight = champions.held
    _lay(tmp_path, "4", dataclasses.replace(_artefact(), rul_cap=500.0))
    assert champions.refresh()
    assert (in_flight["bearing"].version, champions.held["bearing"].version) == ("3", "4")
    assert champions.held["bearing"].artefact.rul_cap == 500.0


def _cut(own: Path) -> None:
    file = own / "artefact.json"
    file.write_bytes(file.read_bytes()[:-5])


def _without_digests(own: Path) -> None:
    (own / "digests.json").unlink()


def _torn_version(own: Path) -> None:
    (own / "version.json").write_text('{"name": "wear', encoding="utf-8")


def _vanished(own: Path) -> None:
    (own / "version.json").unlink()


def _other_name(own: Path) -> None:
    (own / "version.json").write_text(json.dumps({"name": "other", "version": "4"}), encoding="utf-8")


@pytest.mark.parametrize("damage", [_cut, _without_digests, _torn_version, _vanished, _other_name])
def test_a_damaged_champion_is_refused_and_the_one_before_stays(tmp_path: Path, damage: Any) -> None:
    _lay(tmp_path, "3")
    champions = Champions(tmp_path)
    champions.refresh()
    damage(_lay(tmp_path, "4"))
    assert not champions.refresh()
    assert champions.held["bearing"].version == "3"
    assert "version 3 stays in use" in champions.problems[NAME]


def test_a_damaged_first_champion_is_no_champion(tmp_path: Path) -> None:
    _cut(_lay(tmp_path, "1"))
    champions = Champions(tmp_path)
    champions.refresh()
    assert champions.of("bearing") is None
    assert "no version is in use" in champions.problems[NAME]


def test_a_repaired_champion_is_taken_at_the_next_look(tmp_path: Path) -> None:
    _lay(tmp_path, "3")
    champions = Champions(tmp_path)
    champions.refresh()
    _cut(_lay(tmp_path, "4"))
    champions.refresh()
    _lay(tmp_path, "4")
    assert champions.refresh()
    assert (champions.held["bearing"].version, dict(champions.problems)) == ("4", {})


def test_one_damaged_champion_does_not_hide_another(tmp_path: Path) -> None:
    _cut(_lay(tmp_path, "1"))
    _lay(tmp_path, "7", _artefact("wearcast-rul-gear", "gear"))
    champions = Champions(tmp_path)
    champions.refresh()
    assert {name: champion.version for name, champion in champions.held.items()} == {"gear": "7"}


def _plant() -> Plant:
    machines = [
        {
            "id": machine_id,
            "grid": "1h",
            "criticality": criticality,
            "components": [{"slot": "DE", "component_class": "bearing"}],
            "measuring_points": [
                {"id": "t", "role": "temperature", "quantity": "temperature", "unit": "K", "tags": {"memory": "x"}}
            ],
        }
        for machine_id, criticality in (("A1", "B"), ("A2", "B"), ("A3", "A"), ("A4", "B"))
    ]
    return Plant.model_validate(
        {"component_classes": [{"id": "bearing"}], "sites": [{"id": "north", "machines": machines}]}
    )


def _prediction(machine_id: str, p10: float | None, state: HealthState, **changes: Any) -> Prediction:
    base = Prediction(
        component_id=f"{machine_id}/DE",
        as_of=NOW,
        data_time=NOW,
        life_number=1,
        life_unit="running_h",
        rung=Rung.UNCALIBRATED_RUL if p10 is None else Rung.CALIBRATED_RUL,
        mean=500.0,
        p10=p10,
        p50=500.0,
        p90=None if p10 is None else 900.0,
        calibrated=p10 is not None,
        calibration_units=25,
        health_state=state,
        condition_index=None,
        model_name=NAME,
        model_version="1",
        fingerprint="f",
    )
    return dataclasses.replace(base, **changes)


def _context(folder: Path, statements: Sequence[Prediction | Refusal], utilisation: float | None = 0.5) -> Context:
    plant, lake = _plant(), Lake(folder / "lake")
    rows = [
        to_row(
            one,
            machine=plant.machine(one.component_id.split("/")[0]),
            component=plant.machines[0].components[0],
            life_number=1,
            model_name=NAME,
            model_version="1",
            fingerprint="f",
            utilisation=utilisation,
            available_at=one.as_of,
        )
        for one in statements
    ]
    lake.append(PREDICTIONS, PREDICTIONS.frame(rows), writer="scoring")
    store = Store(f"sqlite:///{folder}/store.db")
    store.migrate()
    champions = Champions(folder / "champion")
    return Context(plant, lake, store, champions, Fleet(lake, plant), DemoClock(NOW))


def test_the_worst_state_comes_first_then_the_earliest_p10(tmp_path: Path) -> None:
    context = _context(
        tmp_path,
        [
            _prediction("A1", 300.0, HealthState.NORMAL),
            _prediction("A2", 100.0, HealthState.NORMAL),
            _prediction("A3", 800.0, HealthState.FAILURE),
        ],
    )
    assert [status.machine.id for status in context.fleet.status(NOW)] == ["A3", "A4", "A2", "A1"]


def test_equal_risk_is_ordered_by_criticality(tmp_path: Path) -> None:
    same = [_prediction(machine, 300.0, HealthState.NORMAL) for machine in ("A1", "A2", "A3", "A4")]
    assert [status.machine.id for status in _context(tmp_path, same).fleet.status(NOW)] == ["A3", "A1", "A2", "A4"]


def test_the_newest_statement_counts_and_a_change_of_the_table_is_seen(tmp_path: Path) -> None:
    earlier = NOW - dt.timedelta(hours=1)
    old = _prediction("A1", 300.0, HealthState.FAILURE, as_of=earlier, data_time=earlier)
    context = _context(tmp_path, [_prediction("A1", 300.0, HealthState.NORMAL), old])
    assert context.fleet.machine("A1", NOW).worst.health_state is HealthState.NORMAL
    _context(tmp_path, [Refusal("A1/DE", NOW + dt.timedelta(hours=1), RefusalReason.STALE_DATA, "old")])
    assert context.fleet.machine("A1", NOW).worst.health_state is None


@pytest.mark.parametrize(
    ("life_unit", "utilisation", "hours"),
    [("running_h", 0.5, 600.0), ("calendar_h", None, 300.0), ("cycle", 2.0, 150.0), ("running_h", None, None)],
)
def test_a_date_needs_the_utilisation(life_unit: str, utilisation: float | None, hours: float | None) -> None:
    told = Told("A1", "DE", _prediction("A1", 300.0, HealthState.NORMAL, life_unit=life_unit), utilisation)
    assert told.date_of(300.0) == (None if hours is None else NOW + dt.timedelta(hours=hours))


@pytest.mark.parametrize("utilisation", [0.0, 1e-12])
def test_a_machine_that_hardly_runs_has_no_date(utilisation: float) -> None:
    assert Told("A1", "DE", _prediction("A1", 300.0, HealthState.NORMAL), utilisation).date_of(300.0) is None


def test_data_older_than_three_steps_are_stale(tmp_path: Path) -> None:
    context = _context(tmp_path, [_prediction("A1", 300.0, HealthState.NORMAL)])
    fresh, old = NOW + dt.timedelta(hours=3), NOW + dt.timedelta(hours=3, seconds=1)
    assert not context.fleet.machine("A1", fresh).worst.stale
    assert context.fleet.machine("A1", old).worst.stale


def _checks(context: Context) -> dict[str, tuple[bool, str]]:
    return {check.name: (check.ok, check.reason) for check in check_all(context, NOW)}


def test_ready_when_everything_holds(tmp_path: Path) -> None:
    context = _context(tmp_path, [_prediction("A1", 300.0, HealthState.NORMAL)])
    _lay(tmp_path / "champion", "1")
    context.champions.refresh()
    mark = Watermark("memory", "area-1", NOW)
    context.lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=mark)
    assert [name for name, (ok, _) in _checks(context).items() if not ok] == []


def test_each_thing_that_is_missing_is_named(tmp_path: Path) -> None:
    plant, lake = _plant(), Lake(tmp_path / "lake")
    store = Store(f"sqlite:///{tmp_path}/store.db")
    context = Context(plant, lake, store, Champions(tmp_path / "c"), Fleet(lake, plant), DemoClock(NOW))
    checks = _checks(context)
    assert [name for name, (ok, _) in checks.items() if ok] == []
    assert "no feature rows" in checks["lake"][1]
    assert "no tables yet" in checks["store"][1]
    assert "no champion" in checks["champions"][1]
    assert checks["data"][1] == "memory/area-1 was never read"


def test_old_data_are_not_ready(tmp_path: Path) -> None:
    context = _context(tmp_path, [_prediction("A1", 300.0, HealthState.NORMAL)])
    mark = Watermark("memory", "area-1", NOW - dt.timedelta(hours=4))
    context.lake.append(MEASUREMENTS, MEASUREMENTS.empty(), writer="ingest", watermark=mark)
    ok, reason = _checks(context)["data"]
    assert (ok, "2026-01-09 20:00 UTC" in reason) == (False, True)
