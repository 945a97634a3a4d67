"""Maintenance events from a CSV file: the way in for logs that no historian and no ERP gives."""

import csv
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import polars as pl

from features.core.clock import EARLIEST, localize, zone
from features.core.errors import ConfigError, RowRejectedError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.settings import nearest
from features.core.statements import EventKind, MaintenanceEvent, Outcome
from features.core.tables import MAINTENANCE_EVENTS
from pipelines.historian.port import Rejected
from pipelines.ingest import quarantine
from pipelines.quality.rows import quarantine_frame

__all__ = ["EventsReport", "import_events", "import_rows"]

REQUIRED = ("event_id", "machine_id", "kind", "occurred_at")
OPTIONAL = ("slot", "outcome", "failure_mode", "known_at", "order_key", "text", "detected_at")

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class EventsReport:
    """What a file brought.

    Attributes:
        file: The file.
        read: Rows in it.
        new: Events and revisions that were not there.
        known: Rows that were there already, unchanged.
        quarantined: Refused rows.
    """

    file: str
    read: int
    new: int
    known: int
    quarantined: int


def import_events(
    file: Path, lake: Lake, plant: Plant, *, now: dt.datetime, source: str = "file", separator: str | None = None
) -> EventsReport:
    """Adds the events of a file; a row whose content changed since becomes a new revision of its event.

    Columns `event_id`, `machine_id`, `kind`, `occurred_at`, and where known `slot`, `outcome`,
    `failure_mode`, `known_at`, `order_key`, `text`, `detected_at` (when what was found first showed). Times are
    ISO 8601; one without an offset is local time of the machine's site. Without `known_at` an event could be
    known from the end of its day there.

    Args:
        file: UTF-8, with a header.
        lake: Where the events go.
        plant: Machines and slots that may be named.
        now: An event later than this is refused.
        source: Part of the events' key: ids are unique within it.
        separator: Default: semicolon when the header has one, else comma.

    Raises:
        ConfigError: No file, no header, or a required column is missing.
    """
    rows = _read(file, separator)
    lines = ((f"{file.name} line {number}", row) for number, row in enumerate(rows, 2))
    new, known, bad = import_rows(lines, lake, plant, now=now, source=source)
    return EventsReport(str(file), len(rows), new, known, bad)


def import_rows(
    lines: Iterable[tuple[str, Mapping[str, str]]],
    lake: Lake,
    plant: Plant,
    *,
    now: dt.datetime,
    source: str,
    refused: Sequence[Rejected] = (),
) -> tuple[int, int, int]:
    """Adds the events of rows with the columns of `import_events`; those that cannot be events are kept apart.

    Args:
        lines: Where a row stands, for people, and its columns.
        lake: Where the events go.
        plant: Machines and slots that may be named.
        now: An event later than this is refused.
        source: Part of the events' key.
        refused: What the caller has refused already.

    Returns:
        Events and revisions that were not there; rows that were there already; newly refused rows.
    """
    good: list[MaintenanceEvent] = []
    bad = list(refused)
    for place, row in lines:
        try:
            good.append(_event(row, plant, source, now))
        except RowRejectedError as err:
            raw = ";".join(str(value) for value in row.values())
            reason = str(err.context.get("reason", "bad_event"))
            bad.append(Rejected("(event)", None, raw, reason, f"{place}: {err}"))
    new = _revised(lake, good, source, now)
    kept = quarantine(lake, quarantine_frame(bad, source=source, now=now))
    count = lake.append_events(new, writer="events")
    return count, len(good) - count, kept


def _read(file: Path, separator: str | None) -> list[dict[str, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as err:
        raise ConfigError(f"{file}: {err.strerror}", {"file": str(file)}) from err
    except UnicodeDecodeError as err:
        raise ConfigError(f"{file}: no UTF-8 text ({err}); export it as UTF-8", {"file": str(file)}) from err
    header = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=separator or (";" if ";" in header else ","), restval="")
    found = [name.strip() for name in reader.fieldnames or []]
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise ConfigError(
            f"{file}: no column {missing[0]!r}; needed: {', '.join(REQUIRED)}; also read: {', '.join(OPTIONAL)}",
            {"file": str(file), "column": missing[0]},
        )
    unknown = [name for name in found if name not in (*REQUIRED, *OPTIONAL)]
    if unknown:
        hint = nearest(unknown[0], [*REQUIRED, *OPTIONAL])
        raise ConfigError(f"{file}: column {unknown[0]!r} is not known; {hint}", {"file": str(file)})
    reader.fieldnames = found
    return [{str(k): str(v).strip() for k, v in row.items() if k is not None} for row in reader]


def _event(row: Mapping[str, str], plant: Plant, source: str, now: dt.datetime) -> MaintenanceEvent:
    if not row["event_id"]:
        raise _refusal("missing_value", "event_id is empty")
    machines = {machine.id: machine for machine in plant.machines}
    machine = machines.get(row["machine_id"])
    if machine is None:
        hint = nearest(row["machine_id"], list(machines))
        raise _refusal("unknown_machine", f"machine {row['machine_id']!r} is not in the plant file; {hint}")
    slots = [component.slot for component in machine.components]
    slot = row.get("slot") or None
    if slot is not None and slot not in slots:
        raise _refusal("unknown_slot", f"slot {slot!r} is not on {machine.id}; {nearest(slot, slots)}")
    site_zone = plant.site_of(machine.id).time_zone
    occurred = _time(row["occurred_at"], "occurred_at", site_zone)
    known = (
        _time(row["known_at"], "known_at", site_zone) if row.get("known_at") else _end_of_day(occurred, site_zone)
    )
    if occurred < EARLIEST:
        raise _refusal("too_early", f"occurred_at {occurred} lies before {EARLIEST.date()}")
    if occurred > now:
        raise _refusal("future", f"occurred_at {occurred} lies in the future")
    detected = _time(row["detected_at"], "detected_at", site_zone) if row.get("detected_at") else None
    if detected is not None and detected > occurred:
        raise _refusal("bad_time", f"detected_at {detected} lies after occurred_at {occurred}")
    return MaintenanceEvent(
        source=source,
        source_event_id=row["event_id"],
        revision=0,
        machine_id=machine.id,
        slot=slot,
        kind=_word(EventKind, row["kind"], "kind"),
        outcome=_word(Outcome, row["outcome"], "outcome") if row.get("outcome") else None,
        failure_mode=row.get("failure_mode") or None,
        occurred_at=occurred,
        available_at=min(max(known, occurred), now),
        order_key=row.get("order_key") or None,
        text=row.get("text", ""),
        raw=";".join(row.values()),
        detected_at=detected,
    )


def _revised(
    lake: Lake, events: Iterable[MaintenanceEvent], source: str, now: dt.datetime
) -> list[MaintenanceEvent]:
    """Events whose content is new, each with the revision after the one held.

    A correction was not known before it was read, whatever its line says of the first entry.
    """
    held = lake.read(MAINTENANCE_EVENTS).filter(pl.col("source") == source)
    newest = {
        row["source_event_id"]: (row["revision"], row["raw"])
        for row in held.sort("revision").collect().iter_rows(named=True)
    }
    new = []
    for event in events:
        revision, raw = newest.get(event.source_event_id, (-1, None))
        if raw == event.raw:
            continue
        newest[event.source_event_id] = (revision + 1, event.raw)
        known = event.available_at if revision < 0 else now
        new.append(replace(event, revision=revision + 1, available_at=known))
    return new


def _time(text: str, column: str, site_zone: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as err:
        raise _refusal("bad_time", f"{column} {text!r} is not ISO 8601, e.g. 2025-03-01T14:30") from err
    if moment.tzinfo is None:
        return localize(moment, zone(site_zone), monotone=False)
    return moment.astimezone(dt.UTC)


def _end_of_day(moment: dt.datetime, site_zone: str) -> dt.datetime:
    local = moment.astimezone(zone(site_zone))
    midnight = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time(), tzinfo=local.tzinfo)
    return midnight.astimezone(dt.UTC)


def _word(words: type[Word], text: str, column: str) -> Word:
    try:
        return words(text.lower())
    except ValueError as err:
        hint = nearest(text, [word.value for word in words])
        raise _refusal("unknown_word", f"{column} {text!r} is not known; {hint}") from err


def _refusal(reason: str, message: str) -> RowRejectedError:
    return RowRejectedError(message, {"reason": reason})
