import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.core.plant import MaintenanceWindow, expand_windows
from features.core.plant.windows import Weekday

BERLIN = ZoneInfo("Europe/Berlin")
DAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

windows = st.builds(
    MaintenanceWindow,
    id=st.sampled_from(["a", "b", "c"]),
    weekday=st.sampled_from(DAYS),
    start=st.times(),
    hours=st.floats(0.5, 168),
    every_weeks=st.integers(1, 8),
)
moments = st.datetimes(dt.datetime(2023, 6, 1), dt.datetime(2026, 6, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]).map(ZoneInfo)


def _window(weekday: Weekday, start: str, every_weeks: int = 1) -> MaintenanceWindow:
    return MaintenanceWindow(
        id="w", weekday=weekday, start=dt.time.fromisoformat(start), hours=8, every_weeks=every_weeks
    )


def test_eight_hours_stay_eight_hours_when_the_clock_changes() -> None:
    """2025-03-30 and 2025-10-26 are the changes in Berlin; the night shift of the Sunday spans both."""
    found = expand_windows((_window("sunday", "00:00"),), BERLIN, BEGIN, END)

    assert {interval.end - interval.start for interval in found} == {dt.timedelta(hours=8)}
    changed = next(i for i in found if i.start.date() == dt.date(2025, 3, 29))
    assert changed.end.astimezone(BERLIN).time() == dt.time(9, 0)


def test_the_local_start_stays_when_the_clock_changes() -> None:
    found = expand_windows((_window("saturday", "06:00"),), BERLIN, BEGIN, END)

    assert len(found) == 52
    assert {interval.start.astimezone(BERLIN).time() for interval in found} == {dt.time(6, 0)}
    assert {interval.start.hour for interval in found} == {4, 5}


def test_a_start_that_does_not_exist_moves_by_the_hour_that_is_skipped() -> None:
    found = expand_windows((_window("sunday", "02:30"),), BERLIN, BEGIN, END)
    spring = next(i for i in found if i.start.date() == dt.date(2025, 3, 30))
    assert spring.start == dt.datetime(2025, 3, 30, 1, 30, tzinfo=dt.UTC)


@given(rules=st.lists(windows, max_size=4).map(tuple), zone=zones, since=moments, days=st.integers(0, 120))
def test_occurrences_are_in_order_and_inside_the_asked_time(
    rules: tuple[MaintenanceWindow, ...], zone: ZoneInfo, since: dt.datetime, days: int
) -> None:
    until = since + dt.timedelta(days=days)
    found = expand_windows(rules, zone, since, until)

    assert all(since <= interval.start < until for interval in found)
    assert all(a.start <= b.start for a, b in pairwise(found))


@given(rules=st.lists(windows, max_size=4).map(tuple), zone=zones, since=moments, cut=st.integers(0, 5000))
@example(rules=(_window("saturday", "06:00"),), zone=BERLIN, since=BEGIN, cut=77 * 60)  # the very start of one
def test_two_adjoining_stretches_find_what_the_whole_finds(
    rules: tuple[MaintenanceWindow, ...], zone: ZoneInfo, since: dt.datetime, cut: int
) -> None:
    middle, until = since + dt.timedelta(minutes=cut), since + dt.timedelta(days=30)
    parts = expand_windows(rules, zone, since, middle) + expand_windows(rules, zone, middle, until)
    assert parts == expand_windows(rules, zone, since, until)


def test_a_window_that_starts_at_the_end_is_of_the_next_stretch() -> None:
    rule = (_window("saturday", "06:00"),)
    start = dt.datetime(2025, 1, 4, 5, 0, tzinfo=dt.UTC)
    assert expand_windows(rule, BERLIN, start - dt.timedelta(days=1), start) == []
    assert [i.start for i in expand_windows(rule, BERLIN, start, start + dt.timedelta(microseconds=1))] == [start]


@given(every=st.integers(1, 12), day=st.sampled_from(DAYS))
def test_every_n_weeks_are_n_weeks_apart_over_the_turn_of_years(every: int, day: Weekday) -> None:
    found = expand_windows((_window(day, "12:00", every),), BERLIN, BEGIN - dt.timedelta(days=500), END)
    steps = {b.start.astimezone(BERLIN).date() - a.start.astimezone(BERLIN).date() for a, b in pairwise(found)}
    assert steps == {dt.timedelta(weeks=every)}


def test_a_naive_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        expand_windows((), BERLIN, dt.datetime(2025, 1, 1), END)  # noqa: DTZ001 - what is tested


@pytest.mark.parametrize("start", [600, 10.5, "06:00+01:00", "25:00"])
def test_a_start_that_is_no_local_time_is_refused(start: object) -> None:
    with pytest.raises(ValueError, match="start"):
        MaintenanceWindow.model_validate({"id": "w", "weekday": "monday", "start": start, "hours": 1})
