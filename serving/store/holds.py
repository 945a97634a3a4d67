"""What holds recommendations back: orders of others, the site's budget, many machines at once."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from serving.orders import RecommendationState
from serving.store.database import Database
from serving.store.documents import StoredRecommendation
from serving.store.rows import conflict, move, note, row_of
from serving.store.schema import recommendations

__all__ = ["Budget", "Holds"]

_State = RecommendationState


@dataclass(frozen=True, slots=True)
class Budget:
    """At most so many recommendations of a site are put before people since then."""

    most: int
    since: dt.datetime

    @property
    def why(self) -> str:
        """What is said of those that it holds back."""
        return f"the budget of {self.most} orders a week is used up"

    def is_spent(self, connection: Connection, site_id: str) -> bool:
        """Whether one more is too many; no other writer can change that before the transaction ends."""
        return _proposed_since(connection, site_id, self.since) >= self.most


class Holds:
    """Links, reasons and counts that planning asks for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold_back(
        self, recommendation_id: int, why: str, linked_order: str | None, *, now: dt.datetime
    ) -> StoredRecommendation:
        """Say anew why a suppressed recommendation is held back, and which order of others it waits for."""
        c = recommendations.c
        with self._database.writing() as connection:
            held = row_of(connection, recommendation_id)
            if held.state != _State.SUPPRESSED:
                raise conflict(held, "hold back")
            if (held.detail, held.linked_order) != (why, linked_order):
                linked_at = held.linked_at if linked_order == held.linked_order else now
                values = {"detail": why, "linked_order": linked_order, "linked_at": linked_at, "updated_at": now}
                connection.execute(update(recommendations).where(c.id == recommendation_id).values(**values))
                facts = {"why": why, "linked_order": linked_order}
                note(connection, "planning", "recommendation.held_back", held.key, facts, now)
            return row_of(connection, recommendation_id)

    def free(self, recommendation_id: int, budget: Budget | None, *, now: dt.datetime) -> StoredRecommendation:
        """Propose what was held back, unless other writers have spent the budget meanwhile."""
        with self._database.writing() as connection:
            held = row_of(connection, recommendation_id)
            if held.state != _State.SUPPRESSED:
                raise conflict(held, "propose")
            if budget is None or held.proposed_at is not None or not budget.is_spent(connection, held.site_id):
                move(connection, held, _State.PROPOSED, "no longer held back", "planning", now)
            return row_of(connection, recommendation_id)

    def calm(self, recommendation_id: int, since: dt.datetime | None, *, now: dt.datetime) -> None:
        """Remember since when the evidence of a recommendation that is over is gone; None: it is back."""
        c = recommendations.c
        with self._database.writing() as connection:
            connection.execute(update(recommendations).where(c.id == recommendation_id).values(calm_since=since))
            held = row_of(connection, recommendation_id)
            action = "recommendation.back" if since is None else "recommendation.calm"
            note(connection, "planning", action, held.key, {}, now)

    def link(self, recommendation_id: int, number: str, *, now: dt.datetime) -> None:
        """Remember that a person made an order for the same asset; the first one stays."""
        c = recommendations.c
        with self._database.writing() as connection:
            change = update(recommendations).where(c.id == recommendation_id, c.linked_order.is_(None))
            if connection.execute(change.values(linked_order=number, linked_at=now)).rowcount:
                held = row_of(connection, recommendation_id)
                note(connection, "planning", "recommendation.linked", held.key, {"order": number}, now)

    def proposed_since(self, site_id: str, since: dt.datetime) -> int:
        """How many recommendations of a site were put before people since then."""
        with self._database.reading() as connection:
            return _proposed_since(connection, site_id, since)

    def machines_since(self, site_id: str, failure_mode: str, since: dt.datetime) -> set[str]:
        """Machines of a site with a recommendation for that component class made since then."""
        c = recommendations.c
        query = select(c.machine_id).where(
            c.site_id == site_id, c.failure_mode == failure_mode, c.created_at > since
        )
        with self._database.reading() as connection:
            return {row.machine_id for row in connection.execute(query)}


def _proposed_since(connection: Connection, site_id: str, since: dt.datetime) -> int:
    c = recommendations.c
    return len(connection.execute(select(c.id).where(c.site_id == site_id, c.proposed_at > since)).all())
