import datetime as dt

import pytest

from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint, Plant, Site
from features.core.statements import EventKind, Outcome
from features.core.tables import MAINTENANCE_EVENTS
from features.core.units import Quantity
from pipelines import labels
from pipelines.labels import Doubt

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
POINT = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
MACHINE = Machine(
    id="P1", components=(Component(slot="DE", component_class="bearing"),), measuring_points=(POINT,)
)
PLANT = Plant(component_classes=(ComponentClass(id="bearing"),), sites=(Site(id="works", machines=(MACHINE,)),))


def event(day: float, kind: EventKind, outcome: Outcome | None = None, **other: object) -> dict[str, object]:
    occurred = BEGIN + day * DAY
    said: dict[str, object] = {
        "source": "log",
        "source_event_id": f"{day}-{kind}",
        "revision": 0,
        "machine_id": "P1",
        "slot": "DE",
        "kind": kind.value,
        "outcome": None if outcome is None else outcome.value,
        "failure_mode": None,
        "occurred_at": occurred,
        "available_at": occurred,
        "order_key": None,
        "text": "",
        "raw": "",
    }
    return said | other


def doubts(
    *events: dict[str, object], begin: float | None = None, as_of: float = 1000.0
) -> list[tuple[str, Doubt]]:
    found = labels.review(
        MAINTENANCE_EVENTS.frame(events),
        PLANT,
        as_of=BEGIN + as_of * DAY,
        data_begin=None if begin is None else {"P1": BEGIN + begin * DAY},
    )
    assert all(one.what_to_do for one in found)
    return [(one.source_event_id, one.doubt) for one in found]


@pytest.mark.parametrize(
    ("wrong", "doubt"),
    [
        (event(5, EventKind.FAILURE, machine_id="P9"), Doubt.UNKNOWN_MACHINE),
        (event(5, EventKind.FAILURE, slot="NDE"), Doubt.UNKNOWN_SLOT),
        (event(5, EventKind.FAILURE, slot=None), Doubt.NO_SLOT),
        (event(5, EventKind.FAILURE, Outcome.CONFIRMED_FAILURE, slot=None), Doubt.NO_SLOT),
        (event(5, EventKind.INSPECTION), Doubt.NO_OUTCOME),
    ],
)
def test_entry_that_is_wrong_by_itself_is_named_and_ends_no_life(wrong: dict[str, object], doubt: Doubt) -> None:
    assert doubts(wrong) == [(wrong["source_event_id"], doubt)]
    lives = labels.lives(MAINTENANCE_EVENTS.frame([wrong]), PLANT, as_of=BEGIN + 1000 * DAY)
    assert lives["ending"].to_list() == ["running"]


def test_good_log_raises_no_doubt() -> None:
    log = (
        event(0, EventKind.INSTALLATION),
        event(30, EventKind.INSPECTION, Outcome.NO_FAULT_FOUND),
        event(40, EventKind.INSPECTION, Outcome.SENSOR_FAULT, slot=None),
        event(50, EventKind.FAILURE),
        event(51, EventKind.REPLACEMENT),
        event(80, EventKind.MACHINE_SWAP, slot=None),
    )
    assert doubts(*log) == []


def test_failure_before_the_first_part_was_installed_is_doubted_unless_data_show_a_part() -> None:
    failure, installation = event(5, EventKind.FAILURE), event(40, EventKind.INSTALLATION)
    assert doubts(failure, installation) == [("5-failure", Doubt.BEFORE_INSTALLATION)]
    assert doubts(failure, installation, begin=0) == []


def test_end_that_two_sources_tell_is_taken_once_and_named() -> None:
    first, second = event(50, EventKind.FAILURE), event(50.5, EventKind.FAILURE, source="cmms")
    assert doubts(first, second) == [("50.5-failure", Doubt.TWICE)]
    assert doubts(first, event(90, EventKind.FAILURE, source="cmms")) == []


def test_correction_takes_the_doubt_away_once_it_is_known() -> None:
    wrong = event(5, EventKind.FAILURE, slot="NDE")
    right = wrong | {"slot": "DE", "revision": 1, "available_at": BEGIN + 20 * DAY}
    assert doubts(wrong, right, as_of=10) == [("5-failure", Doubt.UNKNOWN_SLOT)]
    assert doubts(wrong, right) == []
