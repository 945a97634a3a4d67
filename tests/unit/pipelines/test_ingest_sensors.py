"""Ingestion beside the rows: gaps, states of sensors, and the events of a source."""

import polars as pl
import pytest

from features.core.lake import Lake
from features.core.statements import EventKind, MaintenanceEvent
from features.core.tables import GAPS, MAINTENANCE_EVENTS, QUARANTINE, SENSOR_STATES
from pipelines.ingest import IngestProgress, Stage
from tests.unit.pipelines._source import DAY, HOUR, START, row, source, take


def event(machine_id: str, slot: str | None) -> MaintenanceEvent:
    return MaintenanceEvent(
        "log", f"{machine_id}-{slot}", 0, machine_id, slot, EventKind.FAILURE, None, None, START, START + HOUR
    )


def test_events_of_the_source_are_taken_once_and_strange_ones_refused(lake: Lake) -> None:
    events = [event("P1", "b"), event("P1", None), event("P7", "b"), event("P1", "gear")]
    historian = source(events=events)
    first, again = take(lake, historian), take(lake, historian, since=START)
    assert (first.events, first.quarantined) == (2, 2)
    assert (again.events, again.quarantined) == (0, 0)
    assert lake.read(MAINTENANCE_EVENTS).collect().height == 2
    assert set(lake.read(QUARANTINE).collect().get_column("reason")) == {"unknown_machine", "unknown_slot"}


def test_a_gap_is_registered_grows_and_ends_with_the_next_row(lake: Lake) -> None:
    early = [row(h, 20 + h % 3) for h in range(24)]
    report = take(lake, source(early), sensors=True, now=START + 40 * HOUR)
    take(lake, source([*early, row(60), row(61)]), sensors=True, now=START + 62 * HOUR)
    assert report.gaps == 1
    register = lake.read(GAPS).collect().select("start", "end", "reason").rows()
    assert register == [(START + 23 * HOUR, START + 60 * HOUR, "no_rows")]


def test_late_rows_fill_a_gap(lake: Lake) -> None:
    take(lake, source([row(h) for h in range(40) if not 10 < h < 30]), sensors=True, now=START + 2 * DAY)
    assert lake.read(GAPS).collect().filter(reason="no_rows").height == 1
    take(lake, source([row(h) for h in range(48)]), sensors=True, now=START + 2 * DAY, since=START)
    assert set(lake.read(GAPS).collect().get_column("reason")) == {"filled"}
    assert lake.read(GAPS).collect().filter(pl.col("end") > pl.col("start")).is_empty()


def test_sensor_states_say_which_day_was_doubtful(lake: Lake) -> None:
    rows = [row(h, 20 + h / 100) for h in range(24)]
    rows += [row(h, 25.0) for h in range(24, 48)]
    rows += [row(h, 30 + h / 100, quality=0, status=0) for h in range(48, 72)]
    take(lake, source(rows), sensors=True, now=START + 3 * DAY)
    states = lake.read(SENSOR_STATES).sort("date").collect()
    assert states.get_column("reason").to_list() == ["ok", "flat_line", "bad_quality"]
    assert states.get_column("state").to_list() == ["normal", "check_function", "failure"]
    assert (states.get_column("time").dt.date() == states.get_column("date")).all()


def test_sensor_states_missed_by_a_broken_run_are_made_up_for(lake: Lake) -> None:
    class Stop(Exception):  # noqa: N818 - not an error
        pass

    def stop(step: IngestProgress) -> None:
        if step.stage is Stage.MEASUREMENTS and step.page == 8:
            raise Stop

    rows = [row(h, 20 + h / 100) for h in range(96)]
    with pytest.raises(Stop):
        take(lake, source(rows), sensors=True, page_rows=10, on_progress=stop, now=START + 4 * DAY)
    assert lake.read(SENSOR_STATES).collect().is_empty()
    take(lake, source(rows), sensors=True, now=START + 4 * DAY, overlap=HOUR)
    assert lake.read(SENSOR_STATES).collect().get_column("date").n_unique() == 4
