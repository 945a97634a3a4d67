import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.core.clock import EARLIEST
from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint, Plant, Site
from features.core.statements import EventKind, Outcome
from features.core.tables import LIVES, MAINTENANCE_EVENTS
from features.core.units import Quantity
from pipelines import labels

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def plant_of(*slots: str, installed: dt.datetime | None = None) -> Plant:
    point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
    parts = tuple(Component(slot=slot, component_class="bearing", installed=installed) for slot in slots)
    machine = Machine(id="P1", components=parts, measuring_points=(point,))
    return Plant(component_classes=(ComponentClass(id="bearing"),), sites=(Site(id="works", machines=(machine,)),))


def event(
    day: float,
    kind: EventKind,
    outcome: Outcome | None = None,
    *,
    slot: str | None = "DE",
    number: str | None = None,
    revision: int = 0,
    known_after: float = 0.0,
    mode: str | None = None,
) -> dict[str, object]:
    occurred = BEGIN + day * DAY
    return {
        "source": "log",
        "source_event_id": number or f"{kind}-{day}-{outcome}-{slot}",
        "revision": revision,
        "machine_id": "P1",
        "slot": slot,
        "kind": kind.value,
        "outcome": None if outcome is None else outcome.value,
        "failure_mode": mode,
        "occurred_at": occurred,
        "available_at": occurred + known_after * DAY,
        "order_key": None,
        "text": "",
        "raw": "",
    }


def lives_of(
    *events: dict[str, object],
    plant: Plant | None = None,
    as_of: dt.datetime = LATER,
    begin: dt.datetime | None = BEGIN,
) -> list[tuple[float, float | None, str]]:
    """(start day, end day, ending) of each life."""
    frame = labels.lives(
        MAINTENANCE_EVENTS.frame(events),
        plant or plant_of("DE"),
        as_of=as_of,
        data_begin=None if begin is None else {"P1": begin},
    )
    LIVES.check(frame)
    days = [(pl.col(name) - BEGIN).dt.total_seconds() / 86400 for name in ("start", "end")]
    return [tuple(row) for row in frame.select(*days, "ending").rows()]


def test_component_without_events_runs_since_its_data_began_at_unknown_age() -> None:
    frame = labels.lives(MAINTENANCE_EVENTS.empty(), plant_of("DE"), as_of=LATER, data_begin={"P1": BEGIN})
    assert frame.select("start", "end", "ending", "age_known").rows() == [(BEGIN, None, "running", False)]


def test_installation_of_the_plant_file_makes_the_age_known() -> None:
    plant = plant_of("DE", installed=BEGIN - 10 * DAY)
    frame = labels.lives(MAINTENANCE_EVENTS.empty(), plant, as_of=LATER, data_begin={"P1": BEGIN})
    assert frame.select("start", "ending", "age_known").rows() == [(BEGIN - 10 * DAY, "running", True)]


def test_failure_and_its_replacement_are_one_end_and_the_next_life_starts_at_the_replacement() -> None:
    found = lives_of(event(10, EventKind.FAILURE), event(12, EventKind.REPLACEMENT))
    assert found == [(0, 10, "failure"), (12, None, "running")]


def test_failure_without_replacement_starts_the_next_life_at_once() -> None:
    assert lives_of(event(10, EventKind.FAILURE)) == [(0, 10, "failure"), (10, None, "running")]


def test_replacement_long_after_a_failure_ends_a_life_of_its_own() -> None:
    found = lives_of(event(10, EventKind.FAILURE), event(40, EventKind.REPLACEMENT))
    assert found == [(0, 10, "failure"), (10, 40, "suspension"), (40, None, "running")]


def test_incipient_fault_ends_the_life_at_its_repair() -> None:
    found = lives_of(event(10, EventKind.INSPECTION, Outcome.INCIPIENT_FAULT), event(14, EventKind.REPLACEMENT))
    assert found == [(0, 14, "incipient"), (14, None, "running")]


@pytest.mark.parametrize(("told", "detected"), [(None, 10), (8, 8), (20, 10)])
def test_incipient_fault_keeps_when_it_first_showed(told: float | None, detected: float) -> None:
    found = event(10, EventKind.INSPECTION, Outcome.INCIPIENT_FAULT)
    found |= {"detected_at": None if told is None else BEGIN + told * DAY}
    frame = labels.lives(
        MAINTENANCE_EVENTS.frame([found, event(14, EventKind.REPLACEMENT)]), plant_of("DE"), as_of=LATER
    )
    assert frame["detected_at"].to_list() == [BEGIN + detected * DAY, None]


def sensor_fault(day: float, since: float | None, **more: object) -> dict[str, object]:
    started = None if since is None else BEGIN + since * DAY
    return event(day, EventKind.INSPECTION, Outcome.SENSOR_FAULT) | {"detected_at": started} | more


def test_readings_are_wrong_from_the_first_sign_of_a_sensor_fault_to_its_repair() -> None:
    events = MAINTENANCE_EVENTS.frame([sensor_fault(10, 8), sensor_fault(20, None, slot="NDE")])
    faults = labels.sensor_faults(events, as_of=LATER)
    assert faults.rows() == [("P1", "DE", BEGIN + 8 * DAY, BEGIN + 10 * DAY)]


def test_a_sensor_fault_is_not_known_before_it_was_told_nor_after_it_was_withdrawn() -> None:
    first = sensor_fault(10, 8, source_event_id="x", available_at=BEGIN + 11 * DAY)
    other = event(10, EventKind.INSPECTION, Outcome.NO_FAULT_FOUND, number="x", revision=1, known_after=5)
    events = MAINTENANCE_EVENTS.frame([first, other])
    known = [labels.sensor_faults(events, as_of=BEGIN + day * DAY).height for day in (10.5, 12, 16)]
    assert known == [0, 1, 0]


@pytest.mark.parametrize(("slot", "kept"), [("DE", [1, 4, 2]), ("NDE", [1, 2, 3, 4]), (None, [1, 4])])
def test_rows_in_the_time_of_a_sensor_fault_are_left_out(slot: str | None, kept: list[int]) -> None:
    rows = pl.DataFrame(
        [("P1", "DE", BEGIN + day * DAY) for day in (1, 2, 3, 4)] + [("P1", "NDE", BEGIN + 2 * DAY)],
        schema=["machine_id", "slot", "time"],
        orient="row",
    ).with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))
    faults = labels.sensor_faults(MAINTENANCE_EVENTS.frame([sensor_fault(3, 2, slot=slot)]), as_of=LATER)
    left = labels.outside_sensor_faults(rows, faults)
    assert [(time - BEGIN).days for time in left["time"]] == kept


def test_preventive_replacement_is_never_counted_as_failure() -> None:
    found = lives_of(event(10, EventKind.REPLACEMENT, Outcome.PREVENTIVE_REPLACEMENT))
    assert found == [(0, 10, "suspension"), (10, None, "running")]


@pytest.mark.parametrize(
    "outcome",
    [Outcome.NO_FAULT_FOUND, Outcome.SENSOR_FAULT, Outcome.DUPLICATE, Outcome.DEFERRED, Outcome.CANCELLED],
)
@pytest.mark.parametrize("kind", [EventKind.INSPECTION, EventKind.REPLACEMENT, EventKind.FAILURE])
def test_entry_after_which_the_component_goes_on_ends_no_life(outcome: Outcome, kind: EventKind) -> None:
    assert lives_of(event(10, kind, outcome)) == [(0, None, "running")]


def test_machine_swap_without_slot_ends_the_lives_of_all_components() -> None:
    found = lives_of(event(10, EventKind.MACHINE_SWAP, slot=None), plant=plant_of("DE", "NDE"))
    assert found == [(0, 10, "suspension"), (10, None, "running")] * 2


def test_other_entries_without_slot_end_nothing() -> None:
    assert lives_of(event(10, EventKind.FAILURE, slot=None)) == [(0, None, "running")]


def test_two_systems_that_record_the_same_end_make_one() -> None:
    found = lives_of(
        event(10, EventKind.FAILURE, number="a", mode="spall"),
        event(10.25, EventKind.FAILURE, Outcome.CONFIRMED_FAILURE, number="b"),
        event(11, EventKind.REPLACEMENT, number="c"),
        event(11.25, EventKind.REPLACEMENT, Outcome.CONFIRMED_FAILURE, number="d"),
    )
    assert found == [(0, 10, "failure"), (11.25, None, "running")]


def test_life_of_hours_after_an_installation_is_kept() -> None:
    found = lives_of(event(0, EventKind.INSTALLATION), event(0.25, EventKind.FAILURE))
    assert found == [(0, 0.25, "failure"), (0.25, None, "running")]


def test_part_before_the_first_installation_is_listed_only_when_data_show_it() -> None:
    installation = event(5, EventKind.INSTALLATION)
    assert lives_of(installation) == [(0, 5, "suspension"), (5, None, "running")]
    assert lives_of(installation, begin=None) == [(5, None, "running")]


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (None, [(40, None, True)]),
        (40, [(40, None, True)]),
        (20, [(20, 40, False), (40, None, True)]),
        (0, [(0, 5, False), (5, 40, True), (40, None, True)]),
    ],
)
def test_an_end_before_the_first_installation_teaches_nothing_unless_data_show_a_part(
    begin: float | None, expected: list[tuple[float, float | None, bool]]
) -> None:
    log = MAINTENANCE_EVENTS.frame([event(5, EventKind.FAILURE), event(40, EventKind.INSTALLATION)])
    data_begin = None if begin is None else {"P1": BEGIN + begin * DAY}
    frame = labels.lives(log, plant_of("DE"), as_of=LATER, data_begin=data_begin)
    days = [(pl.col(name) - BEGIN).dt.total_days() for name in ("start", "end")]
    assert frame.select(*days, "age_known").rows() == expected


def test_failure_without_known_beginning_is_listed_from_the_earliest_time() -> None:
    frame = labels.lives(MAINTENANCE_EVENTS.frame([event(5, EventKind.FAILURE)]), plant_of("DE"), as_of=LATER)
    assert frame.select("start", "age_known").row(0) == (EARLIEST, False)


def test_newest_revision_known_at_as_of_counts() -> None:
    first = event(10, EventKind.FAILURE, number="x")
    withdrawn = event(10, EventKind.FAILURE, Outcome.CANCELLED, number="x", revision=1, known_after=20)
    assert lives_of(first, withdrawn, as_of=BEGIN + 15 * DAY)[0] == (0, 10, "failure")
    assert lives_of(first, withdrawn, as_of=BEGIN + 31 * DAY) == [(0, None, "running")]


def test_correction_that_moves_an_event_to_another_component_renews_both() -> None:
    wrong = event(10, EventKind.FAILURE, number="x", slot="DE")
    right = event(10, EventKind.FAILURE, number="x", slot="NDE", revision=1, known_after=3)
    frame = labels.lives(MAINTENANCE_EVENTS.frame([wrong, right]), plant_of("DE", "NDE"), as_of=LATER)
    assert frame["known_from"].unique().to_list() == [BEGIN + 13 * DAY]


def test_failure_mode_is_taken_from_the_entries_of_the_failure() -> None:
    rows = [event(10, EventKind.FAILURE, mode="inner_race"), event(12, EventKind.REPLACEMENT, mode="routine")]
    frame = labels.lives(MAINTENANCE_EVENTS.frame(rows), plant_of("DE"), as_of=LATER)
    assert frame["failure_mode"].to_list() == ["inner_race", None]


logs = st.lists(
    st.builds(
        event,
        st.integers(0, 600).map(lambda hours: hours / 8),
        st.sampled_from(EventKind),
        st.none() | st.sampled_from(Outcome),
        slot=st.sampled_from(["DE", "NDE", None]),
        number=st.sampled_from("abcdefgh"),
        revision=st.integers(0, 3),
        known_after=st.integers(0, 30),
    ),
    max_size=12,
    unique_by=lambda row: (row["source_event_id"], row["revision"]),
)
PLANT = plant_of("DE", "NDE", installed=BEGIN + 3 * DAY)


def run(rows: list[dict[str, object]], as_of: dt.datetime) -> pl.DataFrame:
    return labels.lives(MAINTENANCE_EVENTS.frame(rows), PLANT, as_of=as_of, data_begin={"P1": BEGIN})


@settings(max_examples=60, deadline=None)
@given(logs, st.randoms())
def test_order_of_the_log_changes_nothing(rows: list[dict[str, object]], order: object) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert run(shuffled, LATER).equals(run(rows, LATER))


@settings(max_examples=60, deadline=None)
@given(logs, logs, st.integers(0, 80))
def test_entries_known_later_than_as_of_change_nothing(
    rows: list[dict[str, object]], others: list[dict[str, object]], day: int
) -> None:
    as_of = BEGIN + day * DAY
    known = [row for row in rows if row["available_at"] <= as_of]  # type: ignore[operator]  # a datetime
    keys = {(row["source_event_id"], row["revision"]) for row in known}
    future = [
        row
        for row in others
        if row["available_at"] > as_of  # type: ignore[operator]  # a datetime
        and (row["source_event_id"], row["revision"]) not in keys
    ]
    assert run(known + future, as_of).equals(run(known, as_of))


@settings(max_examples=100, deadline=None)
@given(logs)
def test_lives_of_a_component_never_overlap_and_the_last_one_runs(rows: list[dict[str, object]]) -> None:
    for _, lives in run(rows, LATER).group_by("slot"):
        ordered = lives.sort("life_number")
        assert ordered["life_number"].to_list() == list(range(1, lives.height + 1))
        assert ordered["end"].is_null().to_list() == [False] * (lives.height - 1) + [True]
        assert (ordered["start"][1:] >= ordered["end"][:-1]).all()
        assert (ordered["end"] > ordered["start"]).drop_nulls().all()
