"""Entries of a maintenance log that a person must look at; none of them is guessed at."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import polars as pl

from features.core.clock import require_utc
from features.core.plant import Plant
from features.core.statements import EventKind
from pipelines.labels.entries import (
    GOES_ON,
    EndRules,
    first_fitted,
    is_before_installation,
    known,
    newest,
    says_nothing,
)

__all__ = ["Doubt", "Doubtful", "review"]


class Doubt(StrEnum):
    """What is wrong with an entry."""

    UNKNOWN_MACHINE = "unknown_machine"
    UNKNOWN_SLOT = "unknown_slot"
    NO_SLOT = "no_slot"
    NO_OUTCOME = "no_outcome"
    BEFORE_INSTALLATION = "before_installation"
    TWICE = "twice"


_WHAT_TO_DO = {
    Doubt.UNKNOWN_MACHINE: "no such machine in the plant file: correct the entry or add the machine",
    Doubt.UNKNOWN_SLOT: "the machine has no such component: correct the slot",
    Doubt.NO_SLOT: "name the component it was about",
    Doubt.NO_OUTCOME: "say what was found",
    Doubt.BEFORE_INSTALLATION: "the part was first installed later: correct one of both times",
    Doubt.TWICE: "another source told of this end already; the two count as one: confirm, or correct the time",
}
_ENDS = frozenset({EventKind.FAILURE, EventKind.REPLACEMENT, EventKind.INSPECTION})


@dataclass(frozen=True, slots=True)
class Doubtful:
    """One entry that needs a person: which, why, and what to do."""

    source: str
    source_event_id: str
    machine_id: str
    slot: str | None
    kind: str
    occurred_at: dt.datetime
    doubt: Doubt

    @property
    def what_to_do(self) -> str:
        """One sentence for the person."""
        return _WHAT_TO_DO[self.doubt]


def review(
    events: pl.DataFrame,
    plant: Plant,
    *,
    as_of: dt.datetime,
    data_begin: Mapping[str, dt.datetime] | None = None,
    rules: EndRules = EndRules(),
) -> list[Doubtful]:
    """Entries known at `as_of` that contradict the plant or the log, in order of time.

    Nothing is learnt from them, but for `twice`, where two entries are taken as one.

    Args:
        events: Frame of table `maintenance_events`; all revisions may be in it.
        plant: Says which machines and components there are.
        as_of: Events with a later `available_at` are not read.
        data_begin: Machine id -> time of its first data; an entry is before the installation only when it is
            before these, too.
        rules: How near entries must be to tell of one end.
    """
    rows = newest(known(events, require_utc(as_of))).sort("occurred_at", "source", "source_event_id")
    slots = {machine.id: {c.slot for c in machine.components} for machine in plant.machines}
    fitted = first_fitted(rows.iter_rows(named=True), data_begin or {})
    ended: dict[tuple[str, str], Mapping[str, object]] = {}
    found = []
    for row in rows.iter_rows(named=True):
        doubt = _doubt(row, slots) or _against_log(row, fitted, ended, rules)
        if doubt is not None:
            found.append(_doubtful(row, doubt))
    return found


def _doubt(row: Mapping[str, object], slots: Mapping[str, set[str]]) -> Doubt | None:
    """What is wrong with an entry by itself."""
    kind, slot = EventKind(str(row["kind"])), row["slot"]
    if row["machine_id"] not in slots:
        return Doubt.UNKNOWN_MACHINE
    if slot is None:
        return None if kind is EventKind.MACHINE_SWAP or row["outcome"] in GOES_ON else Doubt.NO_SLOT
    if slot not in slots[str(row["machine_id"])]:
        return Doubt.UNKNOWN_SLOT
    return Doubt.NO_OUTCOME if kind is EventKind.INSPECTION and row["outcome"] is None else None


def _against_log(
    row: Mapping[str, object],
    fitted: Mapping[tuple[str, str], dt.datetime],
    ended: dict[tuple[str, str], Mapping[str, object]],
    rules: EndRules,
) -> Doubt | None:
    """What the rest of the log says against an entry; `ended` keeps the newest end of each component."""
    if row["slot"] is None or says_nothing(row) or EventKind(str(row["kind"])) not in _ENDS:
        return None
    part, time = (str(row["machine_id"]), str(row["slot"])), cast("dt.datetime", row["occurred_at"])
    if is_before_installation(row, fitted, rules):
        return Doubt.BEFORE_INSTALLATION
    earlier, ended[part] = ended.get(part), row
    if earlier is None or earlier["kind"] != row["kind"]:
        return None
    near = time - cast("dt.datetime", earlier["occurred_at"]) <= rules.same_entry
    return Doubt.TWICE if near else None


def _doubtful(row: Mapping[str, object], doubt: Doubt) -> Doubtful:
    return Doubtful(
        source=str(row["source"]),
        source_event_id=str(row["source_event_id"]),
        machine_id=str(row["machine_id"]),
        slot=None if row["slot"] is None else str(row["slot"]),
        kind=str(row["kind"]),
        occurred_at=cast("dt.datetime", row["occurred_at"]),
        doubt=doubt,
    )
