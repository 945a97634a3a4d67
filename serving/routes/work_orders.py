"""Recommendations and the orders they became: approve, reject, send again, let through."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from serving.auth import Identity
from serving.orders import RecommendationState
from serving.predictor.context import Context
from serving.schemas.answers import Problem, WorkOrderOut, WorkOrdersOut, work_order_out

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["work orders"])
Number = Annotated[int, Path(description="`id` of a work order.", ge=1)]


class Reason(BaseModel):
    """Why not."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500, description="E.g. known noise of this pump; seen last week.")


@router.get("/work-orders")
def work_orders(
    request: Request,
    state: Annotated[RecommendationState | None, Query(description="Only in this state.")] = None,
    machine_id: Annotated[str | None, Query(description="Only of this machine.")] = None,
) -> WorkOrdersOut:
    """Recommendations and their orders, newest first.

    `state` is where the recommendation stands on its way to the ERP, `order_state` what the ERP says.
    """
    context: Context = request.app.state.context
    held = context.store.recommendations(state, machine_id)
    return WorkOrdersOut(work_orders=[work_order_out(stored) for stored in held])


@router.post(
    "/work-orders/{id}/approve",
    responses={409: {"model": Problem, "description": "It was rejected, suppressed or is over"}},
)
def approve(request: Request, id: Number) -> WorkOrderOut:  # noqa: A002 - the API's own word
    """A person's yes: the recommendation is queued for the ERP.

    Approving twice is no error and makes no second order; what was rejected or is over answers 409.
    """
    context: Context = request.app.state.context
    return work_order_out(context.store.approve(id, _actor(request), context.clock.now()))


@router.post(
    "/work-orders/{id}/reject",
    responses={409: {"model": Problem, "description": "It is on its way to the ERP, or over"}},
)
def reject(request: Request, id: Number, body: Reason) -> WorkOrderOut:  # noqa: A002 - the API's own word
    """A person's no, with the reason: it is a label that models learn from."""
    context: Context = request.app.state.context
    return work_order_out(context.store.reject(id, _actor(request), context.clock.now(), body.reason))


@router.post(
    "/work-orders/{id}/requeue",
    responses={409: {"model": Problem, "description": "It was neither given up nor part of a dry run"}},
)
def requeue(request: Request, id: Number) -> WorkOrderOut:  # noqa: A002 - the API's own word
    """Send again what was given up, or what a dry run only would have sent; never a second order."""
    context: Context = request.app.state.context
    return work_order_out(context.store.requeue(id, _actor(request), context.clock.now()))


@router.post(
    "/work-orders/{id}/release",
    responses={409: {"model": Problem, "description": "It is not held back"}},
)
def release(request: Request, id: Number) -> WorkOrderOut:  # noqa: A002 - the API's own word
    """Let through what was held back by the budget, a storm, or an order of others about something else."""
    context: Context = request.app.state.context
    return work_order_out(context.store.release(id, _actor(request), context.clock.now()))


def _actor(request: Request) -> str:
    identity: Identity = request.state.identity
    return identity.actor
