"""What came back from the ERP, once each, and how far it was read."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert, select, update

from features.core.statements import MaintenanceEvent, Outcome
from serving.orders import OrderChange, OrderState, RecommendationState
from serving.store import audit as chain
from serving.store.database import Database
from serving.store.documents import StoredRecommendation, stored
from serving.store.rows import move
from serving.store.schema import order_changes, recommendations, watermarks

__all__ = ["Changes", "ToldEvent", "fitting"]

# Characters of the columns.
_KEY, _NUMBER = 20, 40
_FOLLOWS: Mapping[OrderState, RecommendationState] = {
    OrderState.IN_PROGRESS: RecommendationState.IN_PROGRESS,
    OrderState.ON_HOLD: RecommendationState.IN_PROGRESS,
    OrderState.COMPLETED: RecommendationState.COMPLETED,
    OrderState.CLOSED: RecommendationState.COMPLETED,
    OrderState.CANCELLED: RecommendationState.CANCELLED,
}
# These say that somebody looked at the component; what was cancelled or put off says nothing.
_LOOKED = (
    Outcome.CONFIRMED_FAILURE,
    Outcome.INCIPIENT_FAULT,
    Outcome.PREVENTIVE_REPLACEMENT,
    Outcome.NO_FAULT_FOUND,
    Outcome.SENSOR_FAULT,
)
# In these a recommendation waits for the order of others that it is linked to.
_WAITS = (RecommendationState.SUPPRESSED.value, RecommendationState.WOULD_SEND.value)


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """Id, newest revision and outcome of an event in the lake."""

    event_id: str
    revision: int
    outcome: Outcome | None


def fitting(change: OrderChange) -> OrderChange:
    """The change as the tables can hold it: PostgreSQL refuses what is too long, and with it all that come after.

    A key that is longer than ours is not one of ours.
    """
    key = change.key if len(change.key) <= _KEY else ""
    return replace(change, number=change.number[:_NUMBER], key=key)


class Changes:
    """Order changes seen so far, and the watermark of each connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def watermark(self, name: str) -> dt.datetime | None:
        """Up to when a connection was read; None: never."""
        with self._database.reading() as connection:
            return connection.execute(select(watermarks.c.time).where(watermarks.c.name == name)).scalar()

    def move_watermark(self, name: str, time: dt.datetime) -> None:
        """Set how far a connection was read; never back."""
        with self._database.writing() as connection:
            held = connection.execute(select(watermarks.c.time).where(watermarks.c.name == name)).scalar()
            if held is None:
                connection.execute(insert(watermarks).values(name=name, time=time))
            elif time > held:
                connection.execute(update(watermarks).where(watermarks.c.name == name).values(time=time))

    def is_known(self, name: str, change_id: str) -> bool:
        """The change was recorded before."""
        with self._database.reading() as connection:
            query = select(order_changes.c.id).where(
                order_changes.c.connection == name, order_changes.c.change_id == change_id
            )
            return connection.execute(query).first() is not None

    def owner_of_key(self, key: str) -> StoredRecommendation | None:
        """The recommendation whose order has that key; None: none of ours."""
        return self.owner_of_order(key, "")

    def owner_of(self, change: OrderChange) -> StoredRecommendation | None:
        """The recommendation an order belongs to: by its key, or an open one that it is linked to.

        None: not one of ours.
        """
        return self.owner_of_order(change.key, change.number)

    def owner_of_order(self, key: str, number: str) -> StoredRecommendation | None:
        """The recommendation of an order of that key, else the newest one that is linked to that number."""
        c = recommendations.c
        with self._database.reading() as connection:
            row = None
            if key:
                row = connection.execute(select(recommendations).where(c.key == key)).mappings().first()
            if row is None and number:
                linked = select(recommendations).where(c.linked_order == number).order_by(c.id.desc())
                row = connection.execute(linked).mappings().first()
            return None if row is None else stored(row)

    def has_ended(self, number: str) -> bool:
        """Whether the end of an order was read back, on any connection."""
        c = order_changes.c
        ends = [state.value for state in OrderState if state.is_terminal]
        with self._database.reading() as connection:
            query = select(c.id).where(c.number == number, c.state.in_(ends))
            return connection.execute(query).first() is not None

    def told(self, name: str, number: str) -> ToldEvent | None:
        """The maintenance event that an order has led to so far."""
        c = order_changes.c
        query = (
            select(c.event_id, c.event_revision, c.outcome)
            .where(c.connection == name, c.number == number, c.event_id.is_not(None))
            .order_by(c.event_revision.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        outcome = None if row["outcome"] is None else Outcome(row["outcome"])
        return ToldEvent(row["event_id"], row["event_revision"], outcome)

    def record(self, name: str, change: OrderChange, *, event: MaintenanceEvent | None, now: dt.datetime) -> bool:
        """Keep a change and let its recommendation follow, in one transaction.

        An older change than the newest one of the order is kept but moves nothing.

        Args:
            name: Connection.
            change: What the ERP told.
            event: The maintenance event that it led to; without an outcome a person must review it.
            now: Moment of the sync.

        Returns:
            False: the change was recorded before.
        """
        c, change = order_changes.c, fitting(change)
        outcome = change.outcome if event is None else event.outcome
        with self._database.writing() as connection:
            seen = connection.execute(select(c.id).where(c.connection == name, c.change_id == change.change_id))
            if seen.first() is not None:
                return False
            newest = connection.execute(
                select(c.changed_at)
                .where(c.connection == name, c.number == change.number)
                .order_by(c.changed_at.desc())
                .limit(1)
            ).scalar()
            if event is not None and outcome is not None:
                # What was unclear is told now: nobody needs to review it any more.
                earlier = (c.connection == name, c.number == change.number, c.needs_review)
                connection.execute(update(order_changes).where(*earlier).values(needs_review=False))
            connection.execute(
                insert(order_changes).values(
                    connection=name,
                    change_id=change.change_id,
                    number=change.number,
                    key=change.key,
                    state=change.state.value,
                    raw_status=change.raw_status,
                    outcome=None if outcome is None else outcome.value,
                    raw_outcome=change.raw_outcome,
                    changed_at=change.changed_at,
                    seen_at=now,
                    event_id=None if event is None else event.source_event_id,
                    event_revision=None if event is None else event.revision,
                    needs_review=event is not None and outcome is None,
                )
            )
            if newest is None or change.changed_at >= newest:
                self._follow(connection, name, change, now)
            return True

    def to_review(self) -> list[dict[str, object]]:
        """Closed orders whose outcome nobody could map: a person must say what was found."""
        with self._database.reading() as connection:
            query = select(order_changes).where(order_changes.c.needs_review).order_by(order_changes.c.id)
            return [dict(row) for row in connection.execute(query).mappings()]

    def settle(self, change_row_id: int, event: MaintenanceEvent, *, by: str, now: dt.datetime) -> bool:
        """A person said what a closed order found; False: another one was faster, nothing is written.

        Args:
            change_row_id: Row of `to_review`.
            event: The revision that the lake has now.
            by: Who said it.
            now: Moment for the audit.
        """
        c = order_changes.c
        outcome = None if event.outcome is None else event.outcome.value
        with self._database.writing() as connection:
            row = connection.execute(select(c.connection, c.number).where(c.id == change_row_id)).one()
            waiting = (c.connection == row.connection) & (c.number == row.number) & c.needs_review
            values = {"needs_review": False, "outcome": outcome, "event_revision": event.revision}
            if connection.execute(update(order_changes).where(waiting).values(**values)).rowcount == 0:
                return False
            _end_linked(connection, row.number, event.outcome, by, now)
            facts = {"number": row.number, "outcome": outcome}
            key = str(event.order_key)
            chain.append(connection, actor=by, action="order.outcome_told", subject=key, detail=facts, now=now)
            return True

    @staticmethod
    def _follow(connection: Connection, name: str, change: OrderChange, now: dt.datetime) -> None:
        c = recommendations.c
        row = connection.execute(select(recommendations).where(c.key == change.key)).mappings().first()
        if row is None or not change.key:
            if change.state.is_terminal:
                _end_linked(connection, change.number, change.outcome, f"erp:{name}", now)
            return
        held = stored(row)
        if held.order_number not in (None, change.number):
            return  # a twin: reconciliation decides which one stays
        values: dict[str, object] = {
            "order_number": change.number,
            "order_state": change.state.value,
            "raw_status": change.raw_status,
            "updated_at": now,
        }
        # An order that is opened again does not open its recommendation: that would be a second open one.
        if held.is_open and change.state in _FOLLOWS:
            values["state"] = _FOLLOWS[change.state].value
        connection.execute(update(recommendations).where(c.id == held.id).values(**values))
        outcome = None if change.outcome is None else change.outcome.value
        facts = {"number": change.number, "status": change.raw_status, "outcome": outcome, "text": change.text}
        chain.append(
            connection,
            actor=f"erp:{name}",
            action=f"order.{change.state}",
            subject=held.key,
            detail=facts,
            now=now,
        )


def _end_linked(
    connection: Connection, number: str, outcome: Outcome | None, actor: str, now: dt.datetime
) -> None:
    """An order of others has ended and it is known what it found: what waited for it has waited long enough."""
    if outcome not in _LOOKED:
        return
    c = recommendations.c
    query = select(recommendations).where(c.linked_order == number, c.state.in_(_WAITS))
    why = f"order {number} of others found {outcome}"
    for row in connection.execute(query).mappings():
        move(connection, stored(row), RecommendationState.COMPLETED, why, actor, now)
