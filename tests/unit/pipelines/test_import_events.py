"""Maintenance events from a CSV file."""

import datetime as dt
from pathlib import Path

import pytest

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.tables import MAINTENANCE_EVENTS, QUARANTINE
from pipelines.imports.events import EventsReport, import_events

NOW = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
HEADER = "event_id,machine_id,slot,kind,outcome,failure_mode,occurred_at,known_at,text"
PLANT = Plant.model_validate(
    {
        "component_classes": [{"id": "rolling_bearing"}],
        "sites": [
            {
                "id": "site",
                "time_zone": "Europe/Berlin",
                "machines": [
                    {
                        "id": "P101",
                        "components": [{"slot": "DE-bearing", "component_class": "rolling_bearing"}],
                        "measuring_points": [
                            {"id": "t", "role": "t", "quantity": "temperature", "unit": "degC", "tags": {"s": "T"}}
                        ],
                    }
                ],
            }
        ],
    }
)


def take(folder: Path, *lines: str, header: str = HEADER) -> EventsReport:
    file = folder / "events.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return import_events(file, Lake(folder / "lake"), PLANT, now=NOW)


GOOD = "7,P101,DE-bearing,failure,confirmed_failure,spalling,2025-03-01T10:00,,bearing seized"


def test_an_event_is_read_in_the_sites_time_and_known_after_its_day(tmp_path: Path) -> None:
    assert take(tmp_path, GOOD).new == 1
    event = Lake(tmp_path / "lake").read(MAINTENANCE_EVENTS).collect().row(0, named=True)
    assert event["occurred_at"] == dt.datetime(2025, 3, 1, 9, tzinfo=dt.UTC)
    assert event["available_at"] == dt.datetime(2025, 3, 1, 23, tzinfo=dt.UTC)
    assert (event["kind"], event["outcome"], event["slot"]) == ("failure", "confirmed_failure", "DE-bearing")


def test_known_at_counts_where_it_is_given(tmp_path: Path) -> None:
    take(tmp_path, "7,P101,,replacement,,,2025-03-01T10:00Z,2025-03-09T08:00Z,")
    event = Lake(tmp_path / "lake").read(MAINTENANCE_EVENTS).collect().row(0, named=True)
    assert event["available_at"] == dt.datetime(2025, 3, 9, 8, tzinfo=dt.UTC)
    assert event["slot"] is None


def test_the_first_sign_is_kept_and_refused_where_it_lies_after_the_event(tmp_path: Path) -> None:
    early, late = (
        "8,P101,inspection,2025-03-09T10:00,2025-03-02T08:00",
        "9,P101,inspection,2025-03-09T10:00,2025-03-10",
    )
    report = take(tmp_path, early, late, header="event_id,machine_id,kind,occurred_at,detected_at")
    found = Lake(tmp_path / "lake").read(MAINTENANCE_EVENTS).collect()["detected_at"].to_list()
    assert (found, report.quarantined) == ([dt.datetime(2025, 3, 2, 7, tzinfo=dt.UTC)], 1)


def test_the_same_file_again_adds_nothing_and_a_correction_is_a_revision(tmp_path: Path) -> None:
    take(tmp_path, GOOD)
    again = take(tmp_path, GOOD)
    corrected = take(tmp_path, GOOD.replace("confirmed_failure", "incipient_fault"))
    assert (again.new, again.known, corrected.new) == (0, 1, 1)
    events = Lake(tmp_path / "lake").read(MAINTENANCE_EVENTS).sort("revision").collect()
    assert events.select("revision", "outcome").rows() == [(0, "confirmed_failure"), (1, "incipient_fault")]


def test_a_correction_was_not_known_before_it_was_read(tmp_path: Path) -> None:
    take(tmp_path, GOOD)
    take(tmp_path, GOOD.replace("confirmed_failure", "incipient_fault"))
    first, second = Lake(tmp_path / "lake").read(MAINTENANCE_EVENTS).sort("revision").collect()["available_at"]
    assert first < NOW
    assert second == NOW


@pytest.mark.parametrize(
    ("line", "reason", "hint"),
    [
        (GOOD.replace("P101", "P110"), "unknown_machine", "P101"),
        (GOOD.replace("DE-bearing", "DE-bering"), "unknown_slot", "DE-bearing"),
        (GOOD.replace("failure", "failur", 1), "unknown_word", "failure"),
        (GOOD.replace("confirmed_failure", "confirmed"), "unknown_word", "confirmed_failure"),
        (GOOD.replace("2025-03-01T10:00", "01.03.2025"), "bad_time", "ISO 8601"),
        (GOOD.replace("2025-03-01T10:00", "2025-10-26T02:30"), "ambiguous_time", "twice"),
        (GOOD.replace("2025-03-01T10:00", "1970-01-01T00:00"), "too_early", "before 2001"),
        (GOOD.replace("2025-03-01T10:00", "2031-01-01T00:00"), "future", "in the future"),
        (GOOD[1:], "missing_value", "event_id"),
    ],
)
def test_a_wrong_row_is_kept_with_its_reason_and_the_others_go_in(
    tmp_path: Path, line: str, reason: str, hint: str
) -> None:
    report = take(tmp_path, line, GOOD.replace("7", "8", 1))
    assert (report.read, report.new, report.quarantined) == (2, 1, 1)
    refused = Lake(tmp_path / "lake").read(QUARANTINE).collect().row(0, named=True)
    assert refused["reason"] == reason
    assert hint in refused["detail"]
    assert "line 2" in refused["detail"]


def test_a_missing_or_unknown_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="occurred_at"):
        take(tmp_path, header="event_id,machine_id,kind")
    with pytest.raises(ConfigError, match="failure_mode"):
        take(tmp_path, header="event_id,machine_id,kind,occurred_at,failuremode")


def test_a_file_with_semicolons_is_read(tmp_path: Path) -> None:
    report = take(tmp_path, "1;P101;installation;2025-01-01T00:00Z", header="event_id;machine_id;kind;occurred_at")
    assert report.new == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.csv"):
        import_events(tmp_path / "nowhere.csv", Lake(tmp_path / "lake"), PLANT, now=NOW)
