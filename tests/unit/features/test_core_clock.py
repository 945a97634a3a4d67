# ruff: noqa: DTZ001 - naive stamps are the subject
import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.core.clock import (
    DemoClock,
    ReplayClock,
    SystemClock,
    clock_from,
    localize,
    require_utc,
    zone,
)
from features.core.errors import ConfigError, RowRejectedError

# Lord Howe moves by half an hour, Apia skipped a whole day, Kathmandu has no whole-hour offset.
ZONES = ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
BERLIN = ZoneInfo("Europe/Berlin")
TWICE = dt.datetime(2025, 10, 26, 2, 30)
NEVER = dt.datetime(2025, 3, 30, 2, 30)


def back(moment: dt.datetime, source_zone: ZoneInfo) -> dt.datetime:
    return moment.astimezone(source_zone).replace(tzinfo=None)


@given(
    naive=st.datetimes(dt.datetime(2011, 12, 1), dt.datetime(2026, 1, 1)),
    name=st.sampled_from(ZONES),
    monotone=st.booleans(),
)
@example(naive=TWICE, name="Europe/Berlin", monotone=True)
@example(naive=NEVER, name="Europe/Berlin", monotone=True)
@example(naive=dt.datetime(2011, 12, 30, 12), name="Pacific/Apia", monotone=True)
@example(naive=dt.datetime(2025, 4, 6, 1, 45), name="Australia/Lord_Howe", monotone=False)
def test_a_source_stamp_maps_to_a_moment_that_maps_back_or_is_refused(
    naive: dt.datetime, name: str, monotone: bool
) -> None:
    try:
        moment = localize(naive, ZoneInfo(name), monotone=monotone)
    except RowRejectedError:
        return
    assert moment.utcoffset() == dt.timedelta(0)
    assert back(moment, ZoneInfo(name)) == naive


@pytest.mark.parametrize("name", ZONES)
def test_over_a_year_only_the_hours_of_the_clock_changes_are_refused(name: str) -> None:
    half_hours = [dt.datetime(2025, 1, 1) + dt.timedelta(minutes=30 * i) for i in range(365 * 48)]
    refused: dict[str, int] = {}
    for naive in half_hours:
        try:
            localize(naive, ZoneInfo(name), monotone=False)
        except RowRejectedError as err:
            refused[str(err.context["reason"])] = refused.get(str(err.context["reason"]), 0) + 1

    changes = {"Europe/Berlin": 2, "America/St_Johns": 2, "Australia/Lord_Howe": 1}  # half hours a change
    steps = changes.get(name)
    assert refused == ({} if steps is None else {"nonexistent_time": steps, "ambiguous_time": steps})


@given(naive=st.datetimes(dt.datetime(2025, 10, 26, 2), dt.datetime(2025, 10, 26, 2, 59, 59)))
def test_an_hour_that_happened_twice_is_refused_unless_the_source_is_monotone(naive: dt.datetime) -> None:
    with pytest.raises(RowRejectedError, match="happened twice in Europe/Berlin") as caught:
        localize(naive, BERLIN, monotone=False)
    assert caught.value.context["time"] == naive
    assert localize(naive, BERLIN, monotone=True) == naive.replace(tzinfo=dt.UTC) - dt.timedelta(hours=2)


@pytest.mark.parametrize("monotone", [True, False])
def test_an_hour_that_never_happened_is_refused(monotone: bool) -> None:
    with pytest.raises(RowRejectedError, match="does not exist"):
        localize(NEVER, BERLIN, monotone=monotone)


def test_a_stamp_with_a_zone_is_not_localized_again() -> None:
    with pytest.raises(ValueError, match="time zone already"):
        localize(dt.datetime(2025, 1, 1, tzinfo=dt.UTC), BERLIN, monotone=False)


@given(moment=st.datetimes(dt.datetime(2001, 1, 2), timezones=st.timezones()))
def test_utc_is_the_same_moment(moment: dt.datetime) -> None:
    assert require_utc(moment).timestamp() == moment.timestamp()
    assert require_utc(moment).tzinfo is dt.UTC


def test_a_naive_moment_is_not_taken_for_utc() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        require_utc(dt.datetime(2025, 1, 1))


@pytest.mark.parametrize("name", ["Europe/Berln", "", "../etc/passwd", "MESZ"])
def test_an_unknown_zone_is_a_matter_of_configuration(name: str) -> None:
    with pytest.raises(ConfigError, match="IANA name"):
        zone(name)


def test_the_system_clock_is_in_utc() -> None:
    assert SystemClock().now().tzinfo is dt.UTC


def test_a_demo_clock_moves_forward_only() -> None:
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    clock = DemoClock(start)
    clock.move_to(start + dt.timedelta(hours=1))

    with pytest.raises(ValueError, match="cannot go back"):
        clock.move_to(start)
    assert clock.now() == start + dt.timedelta(hours=1)


def test_a_replay_runs_faster_than_the_wall() -> None:
    now = dt.datetime.now(dt.UTC)
    replay = ReplayClock(now - dt.timedelta(seconds=10), now - dt.timedelta(days=100), speed=3600.0)

    passed = replay.now() - (now - dt.timedelta(days=100))

    assert dt.timedelta(hours=10) <= passed < dt.timedelta(hours=60)


def test_a_replay_never_runs_beyond_now() -> None:
    now = dt.datetime.now(dt.UTC)
    replay = ReplayClock(now - dt.timedelta(days=1), now - dt.timedelta(days=2), speed=1e6)

    assert now <= replay.now() <= dt.datetime.now(dt.UTC)


@pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf")])
def test_a_replay_does_not_run_backwards_or_without_end(speed: float) -> None:
    now = dt.datetime.now(dt.UTC)
    with pytest.raises(ValueError, match="speed"):
        ReplayClock(now, now, speed)


def test_a_replay_file_gives_the_clock(tmp_path: Path) -> None:
    file = tmp_path / "replay.json"
    start = "2025-06-01T00:00:00+00:00"
    file.write_text(
        json.dumps({"real_start": dt.datetime.now(dt.UTC).isoformat(), "replay_start": start, "speed": 1})
    )

    assert clock_from(file).now() - dt.datetime.fromisoformat(start) < dt.timedelta(minutes=5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"real_start": "2025-01-01T00:00:00", "replay_start": "2025-01-01T00:00:00+00:00", "speed": 1}',
        '{"real_start": "2025-01-01T00:00:00+00:00", "replay_start": "2025-01-01T00:00:00+00:00", "speed": NaN}',
    ],
)
def test_a_wrong_replay_file_names_itself_and_what_it_needs(tmp_path: Path, text: str) -> None:
    file = tmp_path / "replay.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"replay\.json.*needs real_start, replay_start and speed"):
        clock_from(file)


def test_without_a_replay_file_the_clock_is_the_systems() -> None:
    assert isinstance(clock_from(None), SystemClock)


def test_a_missing_replay_file_is_no_silent_system_clock(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="replay file"):
        clock_from(tmp_path / "none.json")
