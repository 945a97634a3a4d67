"""The outbox in the store: what is to be sent, who is sending it, and until when."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Update, and_, or_, select, update

from serving.orders import CLOSED_STATES, MaintenanceRequest, RecommendationState, WorkOrder
from serving.store import audit as chain
from serving.store.brakes import ALL_SITES, is_stopped
from serving.store.database import Database
from serving.store.documents import REQUEST
from serving.store.schema import outbox, recommendations, stops

__all__ = ["DeadLetter", "Deliveries", "OutboxItem"]

_State = RecommendationState
_WAITING = ("queued", "unknown")
# In these the outbox decides over a recommendation's state; later ones belong to the ERP.
_IN_DELIVERY = (_State.APPROVED, _State.QUEUED, _State.SENDING, _State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One thing to send, leased to one sender.

    `attempts` counts this one too; `first_tried_at` is when the first of them began, by the real time.
    `is_ambiguous`: the ERP may already have it.
    """

    id: int
    item_key: str
    recommendation_id: int
    key: str
    kind: str
    request: MaintenanceRequest
    attempts: int
    lookups: int
    is_ambiguous: bool
    owner: str
    order_number: str | None
    first_tried_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was given up: an order (`create`) or a `note` to one, with the ERP's reason."""

    recommendation_id: int
    kind: str
    why: str
    since: dt.datetime


class Deliveries:
    """Claims and results; every result is refused unless the claim is still held (fencing)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, owner: str, *, wall: dt.datetime, lease: dt.timedelta, now: dt.datetime) -> OutboxItem | None:
        """Take the oldest item that is due, or whose sender's lease ran out; None: nothing to do.

        An item whose lease ran out may have reached the ERP: it comes back as ambiguous. Notes wait
        until their order has a number. Items of a stopped site stay where they are.

        Args:
            owner: Name of this sender, unique among processes.
            wall: The real time: leases never run on replayed time.
            lease: How long the item is this sender's.
            now: Moment for the audit.
        """
        with self._database.writing() as connection:
            row = connection.execute(_due(wall)).mappings().first()
            if row is None:
                return None
            is_ambiguous = row["state"] in ("unknown", "sending") and row["kind"] == "create"
            attempts, first = row["attempts"] + 1, row["first_tried_at"] or wall
            claim = {"lease_owner": owner, "lease_until": wall + lease, "first_tried_at": first}
            connection.execute(
                update(outbox).where(outbox.c.id == row["id"]).values(state="sending", attempts=attempts, **claim)
            )
            if row["kind"] == "create":
                _follow(connection, row["recommendation_id"], row["key"], _State.SENDING, owner, now)
            return _item(row, attempts, is_ambiguous, owner, first)

    def renew(self, item: OutboxItem, *, wall: dt.datetime, lease: dt.timedelta) -> bool:
        """Prolong the lease; False: another sender has taken the item, or its site is stopped: write nothing.

        The last look before a write: a stop that was confirmed before it is never passed.
        """
        with self._database.writing() as connection:
            return not is_stopped(connection, item.request.site_id) and _write(
                connection, _mine(item).values(lease_until=wall + lease)
            )

    def delivered(self, item: OutboxItem, order: WorkOrder | None, *, now: dt.datetime) -> bool:
        """The ERP has it; `order` without a number: a dry run. False: the claim was lost, nothing written."""
        with self._database.writing() as connection:
            sent = order is None or order.number is not None
            done = {"state": "done" if sent else "would_send", "done_at": now, "last_error": ""}
            if not _write(connection, _mine(item).values(**done, lease_owner=None, lease_until=None)):
                return False
            if order is None:
                _audit(connection, item, "order.annotated", {}, now)
                return True
            state = _State.SENT if sent else _State.WOULD_SEND
            _follow(connection, item.recommendation_id, item.key, state, item.owner, now, order=order)
            return True

    def postponed(
        self,
        item: OutboxItem,
        *,
        is_ambiguous: bool,
        lookups: int,
        error: str,
        next_try_at: dt.datetime,
        now: dt.datetime,
    ) -> bool:
        """Try again later; False: the claim was lost, nothing written."""
        state = _State.UNKNOWN if is_ambiguous else _State.QUEUED
        with self._database.writing() as connection:
            values = {"state": state.value, "lookups": lookups, "last_error": error, "next_try_at": next_try_at}
            if not _write(connection, _mine(item).values(**values, lease_owner=None, lease_until=None)):
                return False
            if item.kind == "create":
                _follow(connection, item.recommendation_id, item.key, state, item.owner, now, error)
            return True

    def given_up(self, item: OutboxItem, *, error: str, now: dt.datetime) -> bool:
        """A person must look; False: the claim was lost, nothing written."""
        with self._database.writing() as connection:
            values = {"state": "dead_letter", "last_error": error, "done_at": now}
            if not _write(connection, _mine(item).values(**values, lease_owner=None, lease_until=None)):
                return False
            if item.kind == "create":
                _follow(connection, item.recommendation_id, item.key, _State.DEAD_LETTER, item.owner, now, error)
            else:
                _audit(connection, item, "order.note_given_up", {"why": error}, now)
            return True

    def dead(self) -> list[DeadLetter]:
        """What was given up and is still wanted, oldest first."""
        c, r = outbox.c, recommendations.c
        wanted = or_(
            and_(c.kind == "create", r.state == _State.DEAD_LETTER.value),
            and_(c.kind == "note", r.state.not_in([str(one) for one in CLOSED_STATES])),
        )
        query = (
            select(c.recommendation_id, c.kind, c.last_error, c.created_at, c.done_at)
            .join(recommendations, r.id == c.recommendation_id)
            .where(c.state == "dead_letter", wanted)
            .order_by(c.id)
        )
        with self._database.reading() as connection:
            return [
                DeadLetter(row.recommendation_id, row.kind, row.last_error, row.done_at or row.created_at)
                for row in connection.execute(query)
            ]

    def counts(self) -> dict[str, int]:
        """Number of items by state."""
        with self._database.reading() as connection:
            states = [row.state for row in connection.execute(select(outbox.c.state))]
        return {state: states.count(state) for state in sorted(set(states))}


def _due(wall: dt.datetime) -> Select[Any]:  # Any: the row's columns
    """The oldest item to send, with its order's number; one item of a key at a time, in order."""
    c, r = outbox.c, recommendations.c
    is_due = or_(
        and_(c.state.in_(_WAITING), c.next_try_at <= wall), and_(c.state == "sending", c.lease_until <= wall)
    )
    blocking = select(stops.c.site_id).where(stops.c.site_id.in_((r.site_id, ALL_SITES)))
    not_stopped = ~blocking.correlate(recommendations).exists()
    return (
        select(outbox, r.order_number)
        .join(recommendations, r.id == c.recommendation_id)
        .where(is_due, or_(c.kind == "create", r.order_number.is_not(None)))
        .where(not_stopped)
        .order_by(c.id)
        .limit(1)
    )


def _item(
    row: RowMapping, attempts: int, is_ambiguous: bool, owner: str, first_tried_at: dt.datetime
) -> OutboxItem:
    return OutboxItem(
        id=row["id"],
        item_key=row["item_key"],
        recommendation_id=row["recommendation_id"],
        key=row["key"],
        kind=row["kind"],
        request=REQUEST.validate_json(row["payload"]),
        attempts=attempts,
        lookups=0 if row["state"] == "sending" else row["lookups"],
        is_ambiguous=is_ambiguous,
        owner=owner,
        order_number=row["order_number"],
        first_tried_at=first_tried_at,
    )


def _audit(
    connection: Connection, item: OutboxItem, action: str, detail: dict[str, object], now: dt.datetime
) -> None:
    actor = f"outbox:{item.owner}"
    chain.append(
        connection, actor=actor, action=action, subject=item.key, detail={"item": item.item_key} | detail, now=now
    )


def _mine(item: OutboxItem) -> Update:
    c = outbox.c
    return update(outbox).where(
        c.id == item.id, c.state == "sending", c.lease_owner == item.owner, c.attempts == item.attempts
    )


def _write(connection: Connection, statement: Update) -> bool:
    return connection.execute(statement).rowcount == 1


def _follow(
    connection: Connection,
    recommendation_id: int,
    key: str,
    state: RecommendationState,
    owner: str,
    now: dt.datetime,
    detail: str = "",
    order: WorkOrder | None = None,
) -> None:
    """Move the recommendation with its item, unless the ERP has already said more about it."""
    c = recommendations.c
    values: dict[str, object] = {}
    if order is not None and order.number is not None:
        values = {
            "order_number": order.number,
            "order_state": order.state.value,
            "raw_status": order.raw_status,
        }
    moved = connection.execute(
        update(recommendations)
        .where(c.id == recommendation_id, c.state.in_([str(one) for one in _IN_DELIVERY]))
        .values(state=state.value, detail=detail, updated_at=now, **values)
    )
    chain.append(
        connection,
        actor=f"outbox:{owner}",
        action=f"delivery.{state}",
        subject=key,
        detail={"why": detail, "followed": moved.rowcount == 1} | values,
        now=now,
    )
