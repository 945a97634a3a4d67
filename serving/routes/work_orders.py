"""Recommendations and the orders they became; approval."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from serving.auth import Identity
from serving.orders import RecommendationState
from serving.predictor.context import Context
from serving.schemas.answers import Problem, WorkOrderOut, WorkOrdersOut, work_order_out

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["work orders"])


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
def approve(
    request: Request,
    id: Annotated[int, Path(description="`id` of a work order.", ge=1)],  # noqa: A002 - the API's own word
) -> WorkOrderOut:
    """A person's yes: the recommendation is queued for the ERP.

    Approving twice is no error and makes no second order; what was rejected or is over answers 409.
    """
    context: Context = request.app.state.context
    identity: Identity = request.state.identity
    return work_order_out(context.store.approve(id, identity.actor, context.clock.now()))
