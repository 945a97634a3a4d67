"""What waits for a person, and the words that end it."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from features.core.clock import SystemClock
from serving.auth import Identity
from serving.planning.attention import attend
from serving.predictor.context import Context
from serving.schemas.attention import AttentionOut, IncidentClosed, OutcomeTold, Told, attention_out
from serving.sync import tell_outcome

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["attention"])


@router.get("/attention")
def attention(request: Request) -> AttentionOut:
    """What waits for a person: stops, incidents, dead letters, unread outcomes, unmapped machines.

    What a rule holds back for now and the shadow report stand beside it.
    """
    context: Context = request.app.state.context
    sites = tuple(site.id for site in context.plant.sites)
    found = attend(context.store, context.erp, sites, wall=SystemClock().now())
    return attention_out(found, context.clock.now())


@router.post("/incidents/{id}/close")
def close_incident(
    request: Request,
    id: Annotated[int, Path(description="`id` of an incident.", ge=1)],  # noqa: A002 - the API's own word
) -> IncidentClosed:
    """A person has dealt with it; what a storm held back is proposed with the next plan."""
    context: Context = request.app.state.context
    closed = context.store.incidents.close(id, by=_actor(request), now=context.clock.now())
    return IncidentClosed(id=closed.id, closed_at=closed.closed_at, closed_by=closed.closed_by)


@router.post("/outcomes/{id}")
def tell(
    request: Request,
    id: Annotated[int, Path(description="`id` of a matter of kind `outcome`.", ge=1)],  # noqa: A002 - as above
    body: Told,
) -> OutcomeTold:
    """What a closed order found, where no rule could read its codes: models learn from it from now on."""
    context: Context = request.app.state.context
    now = context.clock.now()
    event = tell_outcome(context.store, context.lake, id, body.outcome, by=_actor(request), now=now)
    return OutcomeTold.model_validate({name: getattr(event, name) for name in OutcomeTold.model_fields})


def _actor(request: Request) -> str:
    identity: Identity = request.state.identity
    return identity.actor
