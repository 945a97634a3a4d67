"""From a closed order to what is learnt: the outcome table, row by row, through ERP, sync, labels and data set."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.plant import Component, ComponentClass, LifeUnit, Machine, MeasuringPoint, Plant, Site
from features.core.statements import (
    Action,
    EventKind,
    MaintenanceEvent,
    Outcome,
    Recommendation,
    Rung,
    order_key,
)
from features.core.tables import FEATURE_ROWS, FEATURE_SETS, LIVES, MAINTENANCE_EVENTS
from features.core.units import Quantity
from pipelines import labels
from pipelines.dataset import TrainingSet, training_set
from pipelines.model.prior import class_prior
from serving.erp.memory import MemoryErp
from serving.orders import MaintenanceRequest, OrderState
from serving.outbox import deliver
from serving.store import Store
from serving.sync import OutcomeMaps, sync
from serving.sync.outcomes import read_outcome_map

BEGIN = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
# Installed at 0; first sign at 40, order closed at 60, and asked about at 100.
SHOWN, BROKE, CLOSED, NOW = 40, 55, 60, 100
NUMBER = "4000000001"
RULES = """
rules:
  - when: {activity: BRKD}
    outcome: confirmed_failure
  - when: {activity: REPL, damage: [WEAR, CRCK]}
    outcome: incipient_fault
  - when: {activity: REPL, damage: NONE}
    outcome: preventive_replacement
  - when: {activity: NFF}
    outcome: no_fault_found
  - when: {activity: SENS}
    outcome: sensor_fault
  - when: {activity: LATR}
    outcome: deferred
  - when: {cause: LUBE}
    failure_mode: lubrication
"""


class Loop:
    """One bearing, its order in an ERP, and the lake between both sides."""

    def __init__(self, folder: Path) -> None:
        point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
        bearing = Component(slot="DE", component_class="bearing", installed=BEGIN)
        machine = Machine(id="P101", grid=HOUR, components=(bearing,), measuring_points=(point,))
        self.plant = Plant(
            component_classes=(ComponentClass(id="bearing", life_unit=LifeUnit.CALENDAR_H),),
            sites=(Site(id="works", machines=(machine,)),),
        )
        self.lake, self.clock = Lake(folder / "lake"), DemoClock(at(SHOWN))
        self.store = Store(f"sqlite:///{folder}/store.db")
        self.store.migrate()
        (folder / "outcomes.yaml").write_text(RULES, encoding="utf-8")
        self.outcomes = OutcomeMaps(read_outcome_map(folder / "outcomes.yaml"))
        self.erp = MemoryErp(self.clock)
        self._rows()
        self._order()

    def _rows(self) -> None:
        rows = [
            {
                "group": "area",
                "date": at(hour).date(),
                "machine_id": "P101",
                "slot": "DE",
                "component_class": "bearing",
                "fingerprint": "f",
                "time": at(hour),
                "available_at": at(hour),
                "running": True,
                "age": float(hour),
                "age_known": True,
                "values": [1.0],
                "refusals": [],
            }
            for hour in range(1, NOW + 1)
        ]
        named = {"fingerprint": "f", "component_class": "bearing", "names": ["a"], "units": ["1"]}
        self.lake.upsert(FEATURE_SETS, FEATURE_SETS.frame([named | {"available_at": BEGIN}]), writer="scoring")
        self.lake.upsert(FEATURE_ROWS, FEATURE_ROWS.frame(rows), writer="scoring")

    def _order(self) -> None:
        key, as_of = order_key("works", "P101", "DE", "bearing", 1), at(SHOWN)
        said = (Action.REPLACE, "bearing", 2, "why", as_of, at(90), None, None, None, None, "EUR", Rung.NONE)
        request = MaintenanceRequest(
            key, "works", "P101", "DE", "L", "", Action.REPLACE, "bearing", 2, "t", "x", at(90)
        )
        stored = self.store.propose(Recommendation("P101", "DE", *said), request, episode=1, now=as_of)
        assert stored is not None
        self.store.approve(stored.id, "planner", as_of)
        deliver(self.store, self.erp, now=as_of, wall=self.clock)

    def close(
        self, activity: str, *, broke: int | None = None, state: OrderState = OrderState.COMPLETED, **codes: str
    ) -> None:
        """The workshop closes the order, and the change is read back."""
        closed_at = max(self.clock.now(), at(CLOSED))
        self.clock.move_to(closed_at)
        self.erp.set_status(
            NUMBER,
            state,
            completed_at=at(CLOSED),
            malfunction_at=None if broke is None else at(broke),
            codes={"activity": activity, **codes} if activity else {},
        )
        sync(self.store, self.erp, self.lake, now=at(CLOSED + 1), outcomes=self.outcomes)

    def learnt(self) -> TrainingSet:
        """What may be learnt from at the end."""
        events = self.lake.read(MAINTENANCE_EVENTS).collect()
        self.lake.upsert(LIVES, labels.lives(events, self.plant, as_of=at(NOW)), writer="labels")
        return training_set(self.lake, self.plant, "bearing", as_of=at(NOW))

    @property
    def lives(self) -> list[tuple[int, int | None, str, str | None, int | None]]:
        """Start, end, ending, failure mode and first sign of each life; hours since the beginning."""
        names = ("start", "end", "ending", "failure_mode", "detected_at")
        told = self.lake.read(LIVES).sort("life_number").select(names).collect()
        hours = [(pl.col(name) - BEGIN).dt.total_hours() for name in ("start", "end", "detected_at")]
        return list(told.with_columns(hours).iter_rows())


def at(hour: int) -> dt.datetime:
    return BEGIN + hour * HOUR


def hours_of(data: TrainingSet) -> list[int]:
    first = int(BEGIN.timestamp()) * 1_000_000
    return [int((time - first) // 3_600_000_000) for time in data.time_us]


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    made = Loop(tmp_path)
    yield made
    made.store.close()


def test_a_confirmed_failure_is_an_event_when_it_broke_not_when_the_order_was_closed(loop: Loop) -> None:
    loop.close("BRKD", broke=BROKE)
    data = loop.learnt()
    assert loop.lives == [(0, BROKE, "failure", "bearing", SHOWN), (CLOSED, None, "running", None, None)]
    assert data.rul[:BROKE].tolist() == [float(BROKE - hour) for hour in range(1, BROKE + 1)]
    assert [life.failed for life in data.lives] == [True, False]


def test_a_breakdown_that_was_none_after_all_takes_its_new_part_along(loop: Loop) -> None:
    loop.close("BRKD", broke=BROKE)
    loop.close("NFF", broke=BROKE)
    loop.learnt()
    newest = loop.lake.read(LIVES).filter(pl.col("known_from") == pl.col("known_from").max()).collect()
    assert newest.select("start", "end").rows() == [(BEGIN, None)]


def test_a_second_breakdown_soon_after_a_repair_is_an_end_of_its_own(loop: Loop) -> None:
    loop.close("BRKD", broke=BROKE)
    again = MaintenanceEvent(
        *(
            "log",
            "7",
            0,
            "P101",
            "DE",
            EventKind.FAILURE,
            Outcome.CONFIRMED_FAILURE,
            None,
            at(NOW - 5),
            at(NOW - 5),
        )
    )
    loop.lake.append_events([again], writer="events")
    loop.learnt()
    assert [life[:2] for life in loop.lives] == [(0, BROKE), (CLOSED, NOW - 5), (NOW - 5, None)]


def test_a_beginning_fault_is_an_event_at_its_repair_that_keeps_when_it_first_showed(loop: Loop) -> None:
    loop.close("REPL", damage="WEAR")
    data = loop.learnt()
    assert loop.lives == [(0, CLOSED, "incipient", "bearing", SHOWN), (CLOSED, None, "running", None, None)]
    assert data.rul[0] == CLOSED - 1


def test_the_replacement_of_a_good_part_is_no_failure_and_begins_a_new_life(loop: Loop) -> None:
    loop.close("REPL", damage="NONE")
    data = loop.learnt()
    assert loop.lives == [(0, CLOSED, "suspension", None, None), (CLOSED, None, "running", None, None)]
    assert data.failed_units == ()
    assert data.survived[0] == CLOSED - 1
    assert [life.duration for life in data.lives] == [CLOSED, NOW - CLOSED]


def test_where_nothing_was_found_the_part_is_still_at_risk_at_its_old_age(loop: Loop) -> None:
    loop.close("NFF")
    data = loop.learnt()
    assert loop.lives == [(0, None, "running", None, None)]
    assert data.survived[0] == NOW - 1
    assert data.lives[0].duration == NOW
    assert loop.store.precision()["works", "bearing"].wrong == 1


def test_nothing_is_learnt_from_the_time_in_which_the_sensor_was_wrong(loop: Loop) -> None:
    loop.close("SENS")
    data = loop.learnt()
    assert hours_of(data) == [*range(1, SHOWN), *range(CLOSED + 1, NOW + 1)]
    assert data.survived[0] == NOW - 1


def test_a_wrong_reading_may_have_begun_before_it_was_noticed(loop: Loop) -> None:
    loop.close("SENS", broke=30)
    assert hours_of(loop.learnt()) == [*range(1, 30), *range(CLOSED + 1, NOW + 1)]


@pytest.mark.parametrize(
    ("activity", "state"),
    [("", OrderState.CANCELLED), ("LATR", OrderState.COMPLETED)],
    ids=["cancelled", "deferred"],
)
def test_what_was_not_done_leaves_the_part_at_risk(loop: Loop, activity: str, state: OrderState) -> None:
    loop.close(activity, state=state)
    data = loop.learnt()
    assert loop.lives == [(0, None, "running", None, None)]
    assert len(hours_of(data)) == NOW
    assert data.failed_units == ()


def test_another_failure_mode_is_an_event_of_its_own_and_a_suspension_to_this_one(loop: Loop) -> None:
    loop.close("BRKD", broke=BROKE, cause="LUBE")
    data = loop.learnt()
    assert loop.lives[0] == (0, BROKE, "failure", "lubrication", SHOWN)
    # Five alike, so that a mode has a life of its own: the mode of the order has none.
    prior = class_prior([data.lives[0]] * 5)
    assert prior["failures.lubrication"] == 5.0
    assert "failures.bearing" not in prior


def test_an_unmapped_code_changes_no_life_and_waits_for_a_person(loop: Loop) -> None:
    loop.close("ZX99")
    data = loop.learnt()
    assert loop.lives == [(0, None, "running", None, None)]
    assert [waiting["number"] for waiting in loop.store.changes.to_review()] == [NUMBER]
    assert len(hours_of(data)) == NOW
