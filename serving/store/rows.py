"""Rows of the table of recommendations: read one, move one, with the audit row that goes with it."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from features.core.errors import RequestRejectedError
from features.core.statements import Recommendation
from serving.orders import OPEN_STATES, RecommendationState
from serving.store import audit as chain
from serving.store.documents import StoredRecommendation, stored
from serving.store.schema import recommendations

__all__ = ["conflict", "decide", "is_taken", "move", "note", "row_of", "text"]

_State = RecommendationState


def text(document: bytes) -> str:
    """JSON as the column holds it."""
    return document.decode("utf-8")


def row_of(connection: Connection, recommendation_id: int) -> StoredRecommendation:
    """The recommendation of that id.

    Raises:
        RequestRejectedError: None has it.
    """
    query = select(recommendations).where(recommendations.c.id == recommendation_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise RequestRejectedError(
            f"no recommendation {recommendation_id}", {"reason": "not_found", "id": recommendation_id}
        )
    return stored(row)


def is_taken(connection: Connection, key: str, recommendation: Recommendation) -> bool:
    """Whether the key is known, or the failure mode of that slot has an open recommendation."""
    c = recommendations.c
    same = (
        (c.machine_id == recommendation.machine_id)
        & (c.slot == recommendation.slot)
        & (c.failure_mode == recommendation.failure_mode)
    )
    taken = (c.key == key) | (same & c.state.in_([str(one) for one in OPEN_STATES]))
    return connection.execute(select(c.id).where(taken)).first() is not None


def conflict(held: StoredRecommendation, verb: str) -> RequestRejectedError:
    """The error that its state does not allow that."""
    return RequestRejectedError(
        f"recommendation {held.id} is {held.state}; cannot {verb} it",
        {"reason": "conflict", "id": held.id, "state": held.state},
    )


def move(
    connection: Connection,
    held: StoredRecommendation,
    state: RecommendationState,
    detail: str,
    actor: str,
    now: dt.datetime,
) -> None:
    """Set the state, with the reason."""
    values: dict[str, object] = {"state": state.value, "detail": detail, "updated_at": now}
    if state is _State.PROPOSED and held.proposed_at is None:
        values["proposed_at"] = now
    connection.execute(update(recommendations).where(recommendations.c.id == held.id).values(**values))
    note(connection, actor, f"recommendation.{state}", held.key, {"from": held.state, "why": detail}, now)


def decide(
    connection: Connection,
    held: StoredRecommendation,
    state: RecommendationState,
    actor: str,
    reason: str,
    now: dt.datetime,
) -> None:
    """Set the state as a person decided."""
    connection.execute(
        update(recommendations).where(recommendations.c.id == held.id).values(decided_by=actor, decided_at=now)
    )
    move(connection, held, state, reason, actor, now)


def note(
    connection: Connection,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
    now: dt.datetime,
) -> None:
    """Add the audit row."""
    chain.append(connection, actor=actor, action=action, subject=subject, detail=detail, now=now)
