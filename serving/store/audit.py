"""The audit: append-only rows, each holding the hash of the one before it and of its own content."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, insert, select, update

from features.core.clock import require_utc
from serving.store.schema import audit, audit_head

__all__ = ["AuditCheck", "AuditRow", "append", "rows", "verify"]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what to what, when; `detail` is JSON."""

    id: int
    at: dt.datetime
    actor: str
    action: str
    subject: str
    detail: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """Result of a check of the whole chain: `broken_at` is the first row that does not fit."""

    intact: bool
    rows: int
    broken_at: int | None
    message: str


def append(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
    now: dt.datetime,
) -> None:
    """Add a row; the caller's transaction must be a writing one of `Database`."""
    head = connection.execute(select(audit_head)).mappings().one()
    number, at = head["rows"] + 1, require_utc(now)
    text = json.dumps(dict(detail), sort_keys=True, default=str, ensure_ascii=False)
    digest = _digest(head["hash"], number, at, actor, action, subject, text)
    connection.execute(
        insert(audit).values(
            id=number,
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            detail=text,
            previous=head["hash"],
            hash=digest,
        )
    )
    connection.execute(update(audit_head).values(rows=number, hash=digest))


def rows(connection: Connection, *, subject: str | None = None, limit: int = 200) -> list[AuditRow]:
    """The newest rows first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    return [_row(row) for row in connection.execute(query).mappings()]


def verify(connection: Connection) -> AuditCheck:
    """Recompute every hash, and compare the last with the head."""
    previous, number = "0" * 64, 0
    for row in connection.execute(select(audit).order_by(audit.c.id)).mappings():
        number += 1
        expected = _digest(previous, number, row["at"], row["actor"], row["action"], row["subject"], row["detail"])
        if row["id"] != number or row["previous"] != previous or row["hash"] != expected:
            return AuditCheck(False, number, number, f"audit row {number} was changed, removed or put in later")
        previous = expected
    head = connection.execute(select(audit_head)).mappings().one()
    if head["rows"] != number or head["hash"] != previous:
        return AuditCheck(False, number, number + 1, f"the audit ends at row {number}, expected {head['rows']}")
    return AuditCheck(True, number, None, f"{number} audit rows, chain intact")


def _row(row: RowMapping) -> AuditRow:
    return AuditRow(row["id"], row["at"], row["actor"], row["action"], row["subject"], row["detail"], row["hash"])


def _digest(previous: str, number: int, at: dt.datetime, *parts: str) -> str:
    content = json.dumps([previous, number, at.isoformat(), *parts], ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8")).hexdigest()
