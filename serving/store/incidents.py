"""Incidents: what no rule may settle alone and a person must see once."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import RowMapping, insert, select, update

from features.core.errors import RequestRejectedError
from serving.store import audit as chain
from serving.store.database import Database
from serving.store.schema import incidents

__all__ = ["Incident", "IncidentKind", "Incidents"]

# Who closes an incident that is over by itself.
_ITSELF = "wearcast"


class IncidentKind(StrEnum):
    """What happened.

    storm: many machines of a class at once, likelier a sensor or historian problem than many failures.
    twice: the ERP has two orders of one key. missing: an order of ours is gone from the ERP.
    orphan: the ERP has an order with a key that we do not know.
    """

    STORM = "storm"
    TWICE = "twice"
    MISSING = "missing"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident; `subject` is a site and class (`works/bearing`), or an order key."""

    id: int
    kind: IncidentKind
    subject: str
    message: str
    detail: Mapping[str, object]
    opened_at: dt.datetime
    closed_at: dt.datetime | None = None
    closed_by: str | None = None


class Incidents:
    """Open and closed incidents; one is open a kind and subject."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self,
        kind: IncidentKind,
        subject: str,
        message: str,
        detail: Mapping[str, object],
        *,
        now: dt.datetime,
        again: bool = True,
    ) -> bool:
        """Open an incident; False: one of that kind and subject is open, and its detail was renewed.

        Not `again`: nor is it opened when a person has closed one that told the same.
        """
        c, text = incidents.c, json.dumps(dict(detail), default=str, sort_keys=True)
        with self._database.writing() as connection:
            same = (c.kind == kind.value) & (c.subject == subject) & c.closed_at.is_(None)
            change = update(incidents).where(same).values(message=message, detail=text)
            if connection.execute(change).rowcount:
                return False
            told = (c.kind == kind.value) & (c.subject == subject) & (c.detail == text) & (c.closed_by != _ITSELF)
            if not again and connection.execute(select(c.id).where(told)).first() is not None:
                return False
            values = {"kind": kind.value, "subject": subject, "message": message, "detail": text}
            connection.execute(insert(incidents).values(**values, opened_at=now))
            chain.append(
                connection,
                actor=_ITSELF,
                action=f"incident.{kind}",
                subject=subject,
                detail={"message": message} | dict(detail),
                now=now,
            )
            return True

    def close(self, incident_id: int, *, by: str, now: dt.datetime) -> Incident:
        """A person has dealt with it.

        Raises:
            RequestRejectedError: No open incident has that id.
        """
        c = incidents.c
        with self._database.writing() as connection:
            change = update(incidents).where(c.id == incident_id, c.closed_at.is_(None))
            if connection.execute(change.values(closed_at=now, closed_by=by)).rowcount == 0:
                raise RequestRejectedError(
                    f"no open incident {incident_id}", {"reason": "not_found", "id": incident_id}
                )
            row = connection.execute(select(incidents).where(c.id == incident_id)).mappings().one()
            chain.append(
                connection, actor=by, action="incident.closed", subject=row["subject"], detail={}, now=now
            )
            return _incident(row)

    def settle(self, kind: IncidentKind, subject: str, *, now: dt.datetime) -> None:
        """What it told of is over: close it."""
        c = incidents.c
        with self._database.writing() as connection:
            same = (c.kind == kind.value) & (c.subject == subject) & c.closed_at.is_(None)
            change = update(incidents).where(same).values(closed_at=now, closed_by=_ITSELF)
            if connection.execute(change).rowcount:
                chain.append(
                    connection,
                    actor=_ITSELF,
                    action="incident.settled",
                    subject=subject,
                    detail={"kind": kind},
                    now=now,
                )

    def unclosed(self, kind: IncidentKind | None = None) -> list[Incident]:
        """Open incidents, oldest first."""
        c = incidents.c
        query = select(incidents).where(c.closed_at.is_(None)).order_by(c.id)
        if kind is not None:
            query = query.where(c.kind == kind.value)
        with self._database.reading() as connection:
            return [_incident(row) for row in connection.execute(query).mappings()]

    def closed_since(self, kind: IncidentKind, subject: str, since: dt.datetime) -> bool:
        """Whether a person closed such an incident since then: they have seen it and decided."""
        c = incidents.c
        query = select(c.id).where(c.kind == kind.value, c.subject == subject, c.closed_at >= since)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None


def _incident(row: RowMapping) -> Incident:
    return Incident(
        id=row["id"],
        kind=IncidentKind(row["kind"]),
        subject=row["subject"],
        message=row["message"],
        detail=json.loads(row["detail"]),
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
    )
