"""What a comparison of both sides changes here: orders that are gone, and orders that are there after all."""

import datetime as dt

from sqlalchemy import update

from serving.orders import RecommendationState, WorkOrder
from serving.store import audit as chain
from serving.store.database import Database
from serving.store.rows import row_of
from serving.store.schema import outbox, recommendations

__all__ = ["Compared"]

_State = RecommendationState
# In these an open order of ours is in the ERP.
_AT_THE_ERP = (_State.SENT, _State.IN_PROGRESS)


class Compared:
    """Writes of the reconciliation; what has ended since the comparison began stays as it is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lost(self, recommendation_id: int, why: str, *, now: dt.datetime) -> bool:
        """An order that was delivered is gone from the ERP: a dead letter, for a person to send again.

        False: it has ended meanwhile, nothing was written.
        """
        c, r = outbox.c, recommendations.c
        with self._database.writing() as connection:
            held = row_of(connection, recommendation_id)
            if held.state not in _AT_THE_ERP:
                return False
            item = (c.recommendation_id == recommendation_id) & (c.kind == "create")
            connection.execute(update(outbox).where(item).values(state="dead_letter", last_error=why, done_at=now))
            # Notes wait for the number of the order that is sent again.
            values = {"state": _State.DEAD_LETTER.value, "detail": why, "updated_at": now, "order_number": None}
            connection.execute(update(recommendations).where(r.id == recommendation_id).values(**values))
            chain.append(
                connection,
                actor="reconciliation",
                action="order.missing",
                subject=held.key,
                detail={"number": held.order_number},
                now=now,
            )
            return True

    def found(self, recommendation_id: int, order: WorkOrder, *, now: dt.datetime) -> bool:
        """Hold an order that the ERP has: another one of the same key, or one that had been given up.

        False: the recommendation has ended meanwhile, nothing was written.
        """
        c, r = outbox.c, recommendations.c
        with self._database.writing() as connection:
            held = row_of(connection, recommendation_id)
            if held.state not in (*_AT_THE_ERP, _State.DEAD_LETTER):
                return False
            state = _State.SENT if held.state == _State.DEAD_LETTER else held.state
            values = {
                "order_number": order.number,
                "order_state": order.state.value,
                "raw_status": order.raw_status,
            }
            change = update(recommendations).where(r.id == recommendation_id)
            connection.execute(change.values(state=str(state), detail="", updated_at=now, **values))
            item = (c.recommendation_id == recommendation_id) & (c.kind == "create")
            connection.execute(update(outbox).where(item).values(state="done", last_error="", done_at=now))
            facts = {"number": order.number, "before": held.order_number, "from": held.state}
            chain.append(
                connection, actor="reconciliation", action="order.adopted", subject=held.key, detail=facts, now=now
            )
            return True
