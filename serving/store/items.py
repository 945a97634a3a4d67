"""Items of the outbox: put in once each, woken when a person says so."""

import datetime as dt

from sqlalchemy import Connection, insert, select, update

from serving.orders import MaintenanceRequest
from serving.store.documents import REQUEST
from serving.store.schema import outbox

__all__ = ["enqueue", "wake_notes"]


def enqueue(
    connection: Connection,
    recommendation_id: int,
    request: MaintenanceRequest,
    *,
    kind: str,
    number: int,
    now: dt.datetime,
) -> None:
    """Put an item into the outbox, or wake the one that has its key: never a second one.

    What was given up comes back in doubt: it may have reached the ERP, so it is looked up first.
    """
    item_key = request.key if kind == "create" else f"{request.key}:{number}"
    payload = REQUEST.dump_json(request).decode("utf-8")
    held = connection.execute(select(outbox).where(outbox.c.item_key == item_key)).mappings().first()
    if held is None:
        connection.execute(
            insert(outbox).values(
                item_key=item_key,
                recommendation_id=recommendation_id,
                key=request.key,
                kind=kind,
                payload=payload,
                state="queued",
                next_try_at=now,
                created_at=now,
            )
        )
    elif held["state"] in ("dead_letter", "would_send"):
        connection.execute(
            update(outbox)
            .where(outbox.c.id == held["id"])
            .values(
                state="unknown" if held["state"] == "dead_letter" else "queued",
                payload=payload,
                attempts=0,
                lookups=0,
                next_try_at=now,
                first_tried_at=None,
                done_at=None,
            )
        )


def wake_notes(connection: Connection, recommendation_id: int, *, now: dt.datetime) -> int:
    """Send the notes of a recommendation again that were given up; how many there were."""
    c = outbox.c
    given_up = (c.recommendation_id == recommendation_id) & (c.kind == "note") & (c.state == "dead_letter")
    values = {"state": "queued", "attempts": 0, "next_try_at": now, "first_tried_at": None, "done_at": None}
    return connection.execute(update(outbox).where(given_up).values(**values)).rowcount
