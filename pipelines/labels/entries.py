"""Entries of a maintenance log: which are known, which count, and which lie before any part was there."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import polars as pl

from features.core.statements import EventKind, Outcome

__all__ = ["GOES_ON", "EndRules", "first_fitted", "is_before_installation", "known", "newest", "says_nothing"]


@dataclass(frozen=True, slots=True)
class EndRules:
    """How near entries must be to tell of one end of life.

    Attributes:
        repair: Longest time from the first entry of an end to the installation of the new part.
        same_entry: Two entries this near after an installation are one, recorded by two sources.
    """

    repair: dt.timedelta = dt.timedelta(days=7)
    same_entry: dt.timedelta = dt.timedelta(days=1)


# Outcomes after which the component goes on as it was.
GOES_ON = frozenset(
    {Outcome.NO_FAULT_FOUND, Outcome.SENSOR_FAULT, Outcome.DUPLICATE, Outcome.DEFERRED, Outcome.CANCELLED}
)
# Kinds that tell of an end, if of anything.
_ENDS = frozenset({EventKind.FAILURE, EventKind.REPLACEMENT, EventKind.INSPECTION})


def known(events: pl.DataFrame, as_of: dt.datetime) -> pl.DataFrame:
    """Events known at `as_of`; one that was announced is known when it has happened."""
    happened = events.with_columns(available_at=pl.max_horizontal("available_at", "occurred_at"))
    return happened.filter(pl.col("available_at") <= as_of)


def newest(events: pl.DataFrame) -> pl.DataFrame:
    """The newest revision of each event."""
    return events.filter(pl.col("revision") == pl.col("revision").max().over("source", "source_event_id"))


def says_nothing(event: Mapping[str, object]) -> bool:
    """Whether an entry neither ends nor begins a life: the part went on, or nobody said what was found."""
    kind = EventKind(str(event["kind"]))
    outcome = None if event["outcome"] is None else Outcome(str(event["outcome"]))
    if outcome in GOES_ON or (event["slot"] is None and kind is not EventKind.MACHINE_SWAP):
        return True
    return kind is EventKind.INSPECTION and outcome is None


def first_fitted(
    events: Iterable[Mapping[str, object]], data_begin: Mapping[str, dt.datetime]
) -> dict[tuple[str, str], dt.datetime]:
    """(machine, slot) -> its first bare installation, or first data where those are earlier.

    A replacement, and an installation that an order tells of, tell of a part before.
    """
    found: dict[tuple[str, str], dt.datetime] = {}
    for row in events:
        if row["kind"] == EventKind.INSTALLATION.value and row["slot"] is not None and row["outcome"] is None:
            part, time = (str(row["machine_id"]), str(row["slot"])), cast("dt.datetime", row["occurred_at"])
            found[part] = min(time, found.get(part, time), data_begin.get(part[0], time))
    return found


def is_before_installation(
    event: Mapping[str, object], fitted: Mapping[tuple[str, str], dt.datetime], rules: EndRules
) -> bool:
    """Whether an entry tells of the end of a part that nothing shows to have been there yet.

    Args:
        event: A row of table `maintenance_events`.
        fitted: As `first_fitted` gives them.
        rules: An end may be told as long before the installation as a repair may last.
    """
    begin = fitted.get((str(event["machine_id"]), str(event["slot"])))
    is_end = EventKind(str(event["kind"])) in _ENDS and not says_nothing(event)
    return begin is not None and is_end and cast("dt.datetime", event["occurred_at"]) + rules.repair < begin
