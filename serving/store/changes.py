"""What came back from the ERP, once each, and how far it was read."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, update

from serving.orders import OrderChange, OrderState, RecommendationState
from serving.store import audit as chain
from serving.store.database import Database
from serving.store.documents import StoredRecommendation, stored
from serving.store.schema import order_changes, recommendations, watermarks

__all__ = ["Changes"]

_FOLLOWS: Mapping[OrderState, RecommendationState] = {
    OrderState.IN_PROGRESS: RecommendationState.IN_PROGRESS,
    OrderState.ON_HOLD: RecommendationState.IN_PROGRESS,
    OrderState.COMPLETED: RecommendationState.COMPLETED,
    OrderState.CLOSED: RecommendationState.COMPLETED,
    OrderState.CANCELLED: RecommendationState.CANCELLED,
}


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

    def owner_of(self, change: OrderChange) -> StoredRecommendation | None:
        """The recommendation an order belongs to; None: not one of ours."""
        query = select(recommendations).where(recommendations.c.key == change.key)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
            return None if row is None else stored(row)

    def record(self, name: str, change: OrderChange, *, needs_review: bool, now: dt.datetime) -> bool:
        """Keep a change and let its recommendation follow, in one transaction.

        An older change than the newest one of the order is kept but moves nothing.

        Returns:
            False: the change was recorded before.
        """
        c = order_changes.c
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
            connection.execute(
                insert(order_changes).values(
                    connection=name,
                    change_id=change.change_id,
                    number=change.number,
                    key=change.key,
                    state=change.state.value,
                    raw_status=change.raw_status,
                    outcome=None if change.outcome is None else change.outcome.value,
                    raw_outcome=change.raw_outcome,
                    changed_at=change.changed_at,
                    seen_at=now,
                    needs_review=needs_review,
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

    @staticmethod
    def _follow(connection: Connection, name: str, change: OrderChange, now: dt.datetime) -> None:
        c = recommendations.c
        row = connection.execute(select(recommendations).where(c.key == change.key)).mappings().first()
        if row is None:
            return
        held = stored(row)
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
