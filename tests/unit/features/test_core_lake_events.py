"""Maintenance events in the lake: added once, corrected, never rewritten."""

from dataclasses import replace

import pytest
from deltalake import write_deltalake

from features.core.errors import RowRejectedError
from features.core.lake import Lake
from features.core.tables import MAINTENANCE_EVENTS
from tests.unit.features._lake_rows import HOUR, T0, event


def test_events_are_added_once_however_often_they_are_told(lake: Lake) -> None:
    assert lake.append_events([event(1), event(2), event(1)], writer="sync") == 2
    assert lake.append_events([event(2), event(3)], writer="events") == 1
    assert lake.append_events([event(1), event(2), event(3)], writer="imports") == 0
    assert lake.read(MAINTENANCE_EVENTS).collect().height == 3


def test_an_event_that_was_told_is_never_rewritten_but_corrected(lake: Lake) -> None:
    lake.append_events([event(1, text="bearing")], writer="sync")
    assert lake.append_events([event(1, text="seal")], writer="sync") == 0
    assert lake.append_events([event(1, revision=1, text="seal")], writer="sync") == 1
    found = lake.read(MAINTENANCE_EVENTS).sort("revision").collect()
    assert found["text"].to_list() == ["bearing", "seal"]


def test_an_event_is_stored_by_its_words(lake: Lake) -> None:
    lake.append_events([event(1)], writer="sync")
    row = lake.read(MAINTENANCE_EVENTS).collect().row(0, named=True)
    assert (row["kind"], row["outcome"], row["failure_mode"]) == ("failure", "confirmed_failure", None)


def test_a_lake_of_before_a_column_was_declared_is_read_and_written_on(lake: Lake) -> None:
    old = MAINTENANCE_EVENTS.frame([{"source": "pi", "source_event_id": "0", "revision": 0}]).drop("detected_at")
    write_deltalake(f"{lake.url}/maintenance_events", old.to_arrow())
    assert lake.read(MAINTENANCE_EVENTS).collect()["detected_at"].to_list() == [None]
    lake.append_events([replace(event(1), detected_at=T0)], writer="sync")
    found = lake.read(MAINTENANCE_EVENTS).sort("source_event_id").collect()
    assert found["detected_at"].to_list() == [None, T0]
    assert lake.read(MAINTENANCE_EVENTS, version=0).collect()["detected_at"].to_list() == [None]


def test_no_events_are_no_commit(lake: Lake) -> None:
    assert lake.append_events([], writer="sync") == 0
    assert lake.version(MAINTENANCE_EVENTS) is None


def test_events_have_their_writers(lake: Lake) -> None:
    with pytest.raises(RowRejectedError, match="'training' may not write"):
        lake.append_events([event(1)], writer="training")


def test_an_event_that_was_not_known_then_does_not_appear(lake: Lake) -> None:
    lake.append_events([event(1)], writer="sync")
    assert lake.read(MAINTENANCE_EVENTS, as_of=T0).collect().is_empty()
    assert lake.read(MAINTENANCE_EVENTS, as_of=T0 + HOUR).collect().height == 1
