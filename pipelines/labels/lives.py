"""Lives of components: what a maintenance log says about installations, failures and suspensions.

A life begins when a part is installed and ends once, by failure, by a repair of an incipient fault, or as a
suspension. Logs are dirty: a failure and the replacement that follows it are two entries of one end, two
systems record the same end, corrections come later. `lives` is a pure function of what was known at `as_of`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import polars as pl

from features.core.clock import EARLIEST, require_utc
from features.core.plant import Component, Machine, Plant
from features.core.statements import EventKind, Outcome
from features.core.tables import LIVES
from pipelines.labels.entries import EndRules, first_fitted, is_before_installation, known, newest, says_nothing

__all__ = ["Ending", "lives"]


class Ending(StrEnum):
    """How a life ended; an incipient fault trains as a failure at its repair."""

    FAILURE = "failure"
    INCIPIENT = "incipient"
    SUSPENSION = "suspension"
    RUNNING = "running"


_BY_OUTCOME = {
    Outcome.CONFIRMED_FAILURE: Ending.FAILURE,
    Outcome.INCIPIENT_FAULT: Ending.INCIPIENT,
    Outcome.PREVENTIVE_REPLACEMENT: Ending.SUSPENSION,
}
_BY_KIND = {
    EventKind.FAILURE: Ending.FAILURE,
    EventKind.REPLACEMENT: Ending.SUSPENSION,
    EventKind.MACHINE_SWAP: Ending.SUSPENSION,
}
_NEW_PART = frozenset({EventKind.REPLACEMENT, EventKind.MACHINE_SWAP, EventKind.INSTALLATION})
_SEVERITY = (Ending.FAILURE, Ending.INCIPIENT, Ending.SUSPENSION)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One effective entry; `ending` is None for a bare installation."""

    time: dt.datetime
    new_part: bool
    ending: Ending | None
    failure_mode: str
    detected: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class _End:
    """All entries of one end of life, taken together."""

    time: dt.datetime
    ending: Ending
    failure_mode: str | None
    next_start: dt.datetime
    detected: dt.datetime | None
    bare: bool  # nothing but an installation: there may have been no part before


def lives(
    events: pl.DataFrame,
    plant: Plant,
    *,
    as_of: dt.datetime,
    data_begin: Mapping[str, dt.datetime] | None = None,
    rules: EndRules = EndRules(),
) -> pl.DataFrame:
    """Lives of every component as they were known at `as_of`, a frame of table `lives`.

    Nothing is learnt from an end that lies before the first part was installed: it is left to a person (`review`).
    Lives of one component never overlap. Each has the same `known_from`: since when the component's lives
    have been known this way, so the rows of a component with the newest `known_from` are its whole history.

    Args:
        events: Frame of table `maintenance_events`; all revisions may be in it.
        plant: Whose components are asked for; `installed` of a component counts as an installation known
            since ever.
        as_of: Events with a later `available_at` are not read.
        data_begin: Machine id -> time of its first data. A life that was running then began at an unknown
            time (left-truncated, `age_known` false) and is listed from there.
        rules: How near entries must be to tell of one end.
    """
    as_of = require_utc(as_of)
    begins = data_begin or {}
    so_far = known(events, as_of)
    told = [row for row in newest(so_far).iter_rows(named=True) if not says_nothing(row)]
    fitted = first_fitted(told, begins)
    effective = [row for row in told if not is_before_installation(row, fitted, rules)]
    changed = _last_changes(so_far)
    rows: list[dict[str, object]] = []
    for machine in plant.machines:
        begin = begins.get(machine.id)
        for component in machine.components:
            entries = _entries(effective, machine, component, as_of)
            known_from = max(
                (changed[key] for key in ((machine.id, component.slot), (machine.id, None)) if key in changed),
                default=EARLIEST,
            )
            rows += _rows(machine, component, entries, begin, known_from, rules)
    return LIVES.frame(rows)


def _last_changes(so_far: pl.DataFrame) -> dict[tuple[str, str | None], dt.datetime]:
    """(machine, slot) -> when the newest revision of any event that ever named it became known."""
    event = ["source", "source_event_id"]
    touched = so_far.select(*event, "machine_id", "slot").unique()
    latest = so_far.group_by(event).agg(pl.col("available_at").max())
    changes = touched.join(latest, on=event).group_by("machine_id", "slot").agg(pl.col("available_at").max())
    return {(machine_id, slot): time for machine_id, slot, time in changes.iter_rows()}


def _entries(
    effective: list[dict[str, object]], machine: Machine, component: Component, as_of: dt.datetime
) -> list[_Entry]:
    found = []
    for row in effective:
        if row["machine_id"] != machine.id or row["slot"] not in (None, component.slot):
            continue
        kind = EventKind(str(row["kind"]))
        ending = _BY_KIND.get(kind)
        if row["outcome"] is not None and kind is not EventKind.INSTALLATION:
            ending = _BY_OUTCOME[Outcome(str(row["outcome"]))]
        time = cast("dt.datetime", row["occurred_at"])
        told = cast("dt.datetime | None", row["detected_at"])
        found.append(_Entry(time, kind in _NEW_PART, ending, str(row["failure_mode"] or ""), told))
    if component.installed is not None and component.installed <= as_of:
        found.append(_Entry(component.installed, new_part=True, ending=None, failure_mode=""))
    return sorted(found, key=lambda e: (e.time, e.new_part, e.ending or "", e.failure_mode))


def _groups(entries: list[_Entry], rules: EndRules) -> Iterator[list[_Entry]]:
    """Entries that tell of one end of life each, in order of time."""
    group: list[_Entry] = []
    for entry in entries:
        if group and not _belongs(entry, group, rules):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _belongs(entry: _Entry, group: list[_Entry], rules: EndRules) -> bool:
    fitted = next((e.time for e in group if e.new_part), None)
    if fitted is None:
        return entry.time - group[0].time <= rules.repair
    ended = any(e.ending is not None for e in group)
    return (entry.new_part or ended) and entry.time - fitted <= rules.same_entry


def _end(group: list[_Entry]) -> _End:
    """What the entries of one end say together: the worst ending, the first failure, the last installation."""
    said = {entry.ending for entry in group} - {None}
    ending = next((e for e in _SEVERITY if e in said), Ending.SUSPENSION)
    fitted = [entry.time for entry in group if entry.new_part]
    next_start = fitted[-1] if fitted else group[-1].time
    if ending is Ending.FAILURE:
        time = min(entry.time for entry in group if entry.ending is Ending.FAILURE)
    else:
        time = fitted[0] if fitted else group[-1].time
    time = min(time, next_start)
    # A good part that was replaced failed of nothing.
    own = [] if ending is Ending.SUSPENSION else [entry for entry in group if entry.ending is ending]
    modes = sorted({entry.failure_mode for entry in own if entry.failure_mode})
    return _End(time, ending, modes[0] if modes else None, next_start, _detected(own, ending, time), bare=not said)


def _detected(own: list[_Entry], ending: Ending, time: dt.datetime) -> dt.datetime | None:
    """When what ended the life first showed: as an entry tells, or when the beginning fault was found."""
    told = [entry.detected for entry in own if entry.detected is not None]
    if ending is Ending.INCIPIENT:
        told += [entry.time for entry in own if entry.time < time]
    return min((*told, time)) if told else None


def _rows(
    machine: Machine,
    component: Component,
    entries: list[_Entry],
    begin: dt.datetime | None,
    known_from: dt.datetime,
    rules: EndRules,
) -> Iterator[dict[str, object]]:
    """The lives of one component, the last one running."""
    start, age_known = begin or EARLIEST, False
    number = 0
    for end in map(_end, _groups(entries, rules)):
        nothing_before = end.bare and begin is None
        if age_known or (end.time > start and not nothing_before):
            number += 1
            yield _row(machine, component, number, known_from, start, end, age_known=age_known)
        start, age_known = end.next_start, True
    yield _row(machine, component, number + 1, known_from, start, None, age_known=age_known)


def _row(
    machine: Machine,
    component: Component,
    number: int,
    known_from: dt.datetime,
    start: dt.datetime,
    end: _End | None,
    *,
    age_known: bool,
) -> dict[str, object]:
    return {
        "machine_id": machine.id,
        "slot": component.slot,
        "component_class": component.component_class,
        "life_number": number,
        "known_from": known_from,
        "start": start,
        "end": None if end is None else end.time,
        "ending": (Ending.RUNNING if end is None else end.ending).value,
        "failure_mode": None if end is None else end.failure_mode,
        "age_known": age_known,
        "available_at": known_from,
        "detected_at": None if end is None else end.detected,
    }
