"""The operational store: recommendations and what people and the ERP did with them."""

import datetime as dt
from collections.abc import Iterable, Mapping

from sqlalchemy import insert, select, update

from features.core.errors import RequestRejectedError
from features.core.statements import Recommendation
from serving.orders import NO_MAPPING, MaintenanceRequest, RecommendationState
from serving.store import audit as chain
from serving.store import rows
from serving.store.brakes import Brakes
from serving.store.changes import Changes
from serving.store.compared import Compared
from serving.store.database import Database
from serving.store.deliveries import Deliveries
from serving.store.documents import RECOMMENDATION, REQUEST, StoredRecommendation, stored
from serving.store.holds import Budget, Holds
from serving.store.inbox import Inbox
from serving.store.incidents import Incidents
from serving.store.items import enqueue, wake_notes
from serving.store.precision import Precision, precision
from serving.store.schema import answers, recommendations

__all__ = ["Store"]

_State = RecommendationState
# From these a person's "send it (again)" leads back into the outbox.
_REQUEUEABLE = (_State.DEAD_LETTER, _State.WOULD_SEND)
# In these nothing has reached the ERP yet, so that a change needs no note there.
_UNSENT = (_State.PROPOSED, _State.SUPPRESSED, _State.WOULD_SEND)
# To these a person may say no; what was given up is not in the ERP, or a person has looked.
_REJECTABLE = (*_UNSENT, _State.DEAD_LETTER)


class Store:
    """All state of this side; every write is one transaction and leaves an audit row in it.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self.deliveries = Deliveries(self._database)
        self.changes = Changes(self._database)
        self.compared = Compared(self._database)
        self.brakes = Brakes(self._database)
        self.incidents = Incidents(self._database)
        self.inbox = Inbox(self._database)
        self.holds = Holds(self._database)

    def migrate(self) -> None:
        """Bring the tables to the newest revision; safe to call from several processes."""
        self._database.migrate()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def recommendations(
        self, state: str | Iterable[str] | None = None, machine_id: str | None = None
    ) -> list[StoredRecommendation]:
        """Recommendations in one of those states, newest first."""
        query = select(recommendations).order_by(recommendations.c.id.desc())
        if state is not None:
            states = [state] if isinstance(state, str) else list(state)
            query = query.where(recommendations.c.state.in_([str(one) for one in states]))
        if machine_id is not None:
            query = query.where(recommendations.c.machine_id == machine_id)
        with self._database.reading() as connection:
            return [stored(row) for row in connection.execute(query).mappings()]

    def recommendation(self, recommendation_id: int) -> StoredRecommendation:
        """The recommendation of that id.

        Raises:
            RequestRejectedError: None has it (`context["reason"] == "not_found"`).
        """
        with self._database.reading() as connection:
            return rows.row_of(connection, recommendation_id)

    def latest(self, machine_id: str, slot: str, failure_mode: str) -> StoredRecommendation | None:
        """The newest episode of a failure mode, open or not; None: there never was one."""
        c = recommendations.c
        same = (c.machine_id == machine_id, c.slot == slot, c.failure_mode == failure_mode)
        query = select(recommendations).where(*same).order_by(c.episode.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
            return None if row is None else stored(row)

    def propose(
        self,
        recommendation: Recommendation,
        request: MaintenanceRequest,
        *,
        episode: int,
        now: dt.datetime,
        suppressed: str = "",
        linked_order: str | None = None,
        budget: Budget | None = None,
        actor: str = "planning",
    ) -> StoredRecommendation | None:
        """Store a new recommendation, proposed or (with a reason) suppressed.

        `linked_order` is the number of an order that a person made for the same asset. Once the `budget` is
        spent, whoever spent it, it is suppressed.

        Returns:
            The stored one; None when the failure mode already has an open one or the key is known:
            another process was faster, and nothing was written.
        """
        c = recommendations.c
        with self._database.writing() as connection:
            if rows.is_taken(connection, request.key, recommendation):
                return None
            if not suppressed and budget is not None and budget.is_spent(connection, request.site_id):
                suppressed = budget.why
            state = _State.SUPPRESSED if suppressed else _State.PROPOSED
            result = connection.execute(
                insert(recommendations)
                .values(
                    key=request.key,
                    site_id=request.site_id,
                    machine_id=recommendation.machine_id,
                    slot=recommendation.slot,
                    failure_mode=recommendation.failure_mode,
                    episode=episode,
                    state=state.value,
                    detail=suppressed,
                    document=rows.text(RECOMMENDATION.dump_json(recommendation)),
                    request=rows.text(REQUEST.dump_json(request)),
                    created_at=now,
                    updated_at=now,
                    proposed_at=None if suppressed else now,
                    linked_order=linked_order,
                    linked_at=None if linked_order is None else now,
                )
                .returning(c.id)
            )
            recommendation_id = result.scalar_one()
            facts: dict[str, object] = {"key": request.key, "episode": episode, "reason": recommendation.reason}
            facts |= {} if linked_order is None else {"linked_order": linked_order}
            rows.note(connection, actor, f"recommendation.{state}", request.key, facts | {"why": suppressed}, now)
            return rows.row_of(connection, recommendation_id)

    def revise(
        self,
        recommendation_id: int,
        recommendation: Recommendation,
        request: MaintenanceRequest,
        *,
        now: dt.datetime,
        tells: bool = True,
        actor: str = "planning",
    ) -> StoredRecommendation:
        """Replace what an open recommendation says; once it left the house, the ERP gets a note if `tells`."""
        with self._database.writing() as connection:
            held = rows.row_of(connection, recommendation_id)
            if not held.is_open:
                raise rows.conflict(held, "revise")
            number = held.updates + 1
            connection.execute(
                update(recommendations)
                .where(recommendations.c.id == recommendation_id)
                .values(
                    document=rows.text(RECOMMENDATION.dump_json(recommendation)),
                    request=rows.text(REQUEST.dump_json(request)),
                    updates=number,
                    updated_at=now,
                )
            )
            if tells and held.state not in _UNSENT:
                enqueue(connection, recommendation_id, request, kind="note", number=number, now=now)
            facts = {"update": number, "reason": recommendation.reason, "priority": recommendation.priority}
            rows.note(connection, actor, "recommendation.revised", held.key, facts, now)
            return rows.row_of(connection, recommendation_id)

    def move(
        self,
        recommendation_id: int,
        state: RecommendationState,
        *,
        expected: str,
        detail: str,
        now: dt.datetime,
        actor: str,
    ) -> StoredRecommendation:
        """Set the state of an open recommendation, with the reason.

        Raises:
            RequestRejectedError: It is not in the state `expected` any more, or it is over.
        """
        with self._database.writing() as connection:
            held = rows.row_of(connection, recommendation_id)
            if not held.is_open or held.state != expected:
                raise rows.conflict(held, f"make {state}")
            rows.move(connection, held, state, detail, actor, now)
            return rows.row_of(connection, recommendation_id)

    def precision(self) -> Mapping[tuple[str, str], Precision]:
        """Site and component class -> how often recommendations were right."""
        return precision(self._database)

    def approve(self, recommendation_id: int, actor: str, now: dt.datetime) -> StoredRecommendation:
        """A person's yes: the recommendation is queued for the ERP in the same transaction.

        Approving what is already on its way changes nothing and is no error.

        Raises:
            RequestRejectedError: Unknown id, or it was rejected, suppressed or is over.
        """
        with self._database.writing() as connection:
            held = rows.row_of(connection, recommendation_id)
            if held.state == _State.PROPOSED:
                rows.decide(connection, held, _State.APPROVED, actor, "", now)
                enqueue(connection, held.id, held.request, kind="create", number=0, now=now)
                rows.move(connection, held, _State.QUEUED, "", actor, now)
            elif not held.is_open or held.state == _State.SUPPRESSED:
                raise rows.conflict(held, "approve")
            return rows.row_of(connection, recommendation_id)

    def reject(self, recommendation_id: int, actor: str, now: dt.datetime, reason: str) -> StoredRecommendation:
        """A person's no, with the reason: it is a label.

        Raises:
            RequestRejectedError: Unknown id, no reason, or it is on its way to the ERP or over.
        """
        if not reason.strip():
            raise RequestRejectedError("a rejection needs a reason", {"reason": "invalid"})
        with self._database.writing() as connection:
            held = rows.row_of(connection, recommendation_id)
            if held.state not in _REJECTABLE:
                raise rows.conflict(held, "reject")
            rows.decide(connection, held, _State.REJECTED, actor, reason, now)
            return rows.row_of(connection, recommendation_id)

    def release(self, recommendation_id: int, actor: str, now: dt.datetime) -> StoredRecommendation:
        """A person lets through what was held back.

        Raises:
            RequestRejectedError: Unknown id, it is not held back, or its machine is not mapped: a person maps
                it first, nothing is ever written for an unmapped one.
        """
        with self._database.writing() as connection:
            held = rows.row_of(connection, recommendation_id)
            if held.state != _State.SUPPRESSED:
                raise rows.conflict(held, "let through")
            if NO_MAPPING in held.detail:
                raise RequestRejectedError(
                    f"recommendation {held.id} cannot be let through: {held.detail}", {"reason": "conflict"}
                )
            rows.move(connection, held, _State.PROPOSED, "let through by a person", actor, now)
            return rows.row_of(connection, recommendation_id)

    def requeue(self, recommendation_id: int, actor: str, now: dt.datetime) -> StoredRecommendation:
        """Send again what was given up, or really send what a dry run only would have sent.

        Where the order itself arrived, its notes that were given up are sent again.

        Raises:
            RequestRejectedError: Unknown id, or there is nothing to send again.
        """
        with self._database.writing() as connection:
            held = rows.row_of(connection, recommendation_id)
            if held.state in _REQUEUEABLE:
                enqueue(connection, held.id, held.request, kind="create", number=0, now=now)
                rows.move(connection, held, _State.QUEUED, "sent again by a person", actor, now)
            elif held.is_open and wake_notes(connection, held.id, now=now):
                rows.note(connection, actor, "order.note_requeued", held.key, {}, now)
            else:
                raise rows.conflict(held, "send again")
            return rows.row_of(connection, recommendation_id)

    def audit(self, actor: str, action: str, subject: str, detail: Mapping[str, object], now: dt.datetime) -> None:
        """Add an audit row; `detail` must not hold secrets."""
        with self._database.writing() as connection:
            rows.note(connection, actor, action, subject, detail, now)

    def audit_rows(self, subject: str | None = None, limit: int = 200) -> list[chain.AuditRow]:
        """The newest audit rows first."""
        with self._database.reading() as connection:
            return chain.rows(connection, subject=subject, limit=limit)

    def verify_audit(self) -> chain.AuditCheck:
        """Whether any audit row was changed, removed or put in later."""
        with self._database.reading() as connection:
            return chain.verify(connection)

    def record_answer(self, actor: str, subject: str, document: str, now: dt.datetime) -> None:
        """Keep an online answer of the API (JSON text); answers are never written to the lake."""
        with self._database.writing() as connection:
            connection.execute(insert(answers).values(at=now, actor=actor, subject=subject, document=document))
