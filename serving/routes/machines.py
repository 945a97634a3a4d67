"""Machines by risk, and what was said about one."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime

from features.core.errors import RequestRejectedError
from features.core.plant import Plant
from features.core.settings import nearest
from features.core.statements import Prediction, Refusal
from serving.predictor.context import Context
from serving.predictor.fleet import ComponentStatus, MachineStatus
from serving.schemas.answers import (
    ComponentOut,
    MachineOut,
    MachinesOut,
    PredictionsOut,
    WorkOrderOut,
    prediction_out,
    refusal_out,
    statement_out,
    work_order_out,
)
from serving.store import StoredRecommendation

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["machines"])
MachineId = Annotated[str, Path(alias="id", description="Id of a machine in the plant file.")]


@router.get("/machines")
def machines(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=2000, description="Most machines in the answer.")] = 500,
    offset: Annotated[int, Query(ge=0, description="Machines to leave out at the beginning.")] = 0,
) -> MachinesOut:
    """Machines, the one at most risk first.

    The order is that of their worst component: its state, then the earliest P10 (else P50), then criticality.
    """
    context: Context = request.app.state.context
    now = context.clock.now()
    statuses = context.fleet.status(now)
    orders = _orders(context.store.recommendations())
    page = statuses[offset : offset + limit]
    return MachinesOut(as_of=now, total=len(statuses), machines=[_machine(status, orders) for status in page])


@router.get("/machines/{id}")
def machine(request: Request, machine_id: MachineId) -> MachineOut:
    """One machine, its components and their newest statements and orders."""
    context: Context = request.app.state.context
    require_machine(context.plant, machine_id)
    orders = _orders(context.store.recommendations(machine_id=machine_id))
    return _machine(context.fleet.machine(machine_id, context.clock.now()), orders)


@router.get("/machines/{id}/predictions")
def predictions(
    request: Request,
    machine_id: MachineId,
    slot: Annotated[str | None, Query(description="Only this component.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Only from then on, with an offset.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Most statements in the answer.")] = 500,
) -> PredictionsOut:
    """What was said about a machine's components, newest first: predictions and refusals."""
    context: Context = request.app.state.context
    require_machine(context.plant, machine_id)
    slots = [component.slot for component in context.plant.machine(machine_id).components]
    if slot is not None and slot not in slots:
        raise RequestRejectedError(
            f"machine {machine_id!r} has no slot {slot!r}; {nearest(slot, slots)}", {"reason": "not_found"}
        )
    told = context.fleet.history(machine_id, slot=slot, since=since, most=limit)
    return PredictionsOut(machine_id=machine_id, statements=[statement_out(one.statement) for one in told])


def require_machine(plant: Plant, machine_id: str) -> None:
    """Refuse a machine that is not in the plant file.

    Raises:
        RequestRejectedError: With the nearest id (`context["reason"] == "not_found"`).
    """
    known = [machine.id for machine in plant.machines]
    if machine_id not in known:
        hint = nearest(machine_id, known) if len(known) <= 20 else "see /v1/machines"
        raise RequestRejectedError(
            f"there is no machine {machine_id!r} in the plant file; {hint}", {"reason": "not_found"}
        )


def _orders(held: Sequence[StoredRecommendation]) -> dict[tuple[str, str], list[WorkOrderOut]]:
    found: dict[tuple[str, str], list[WorkOrderOut]] = {}
    for stored in held:
        key = (stored.recommendation.machine_id, stored.recommendation.slot)
        found.setdefault(key, []).append(work_order_out(stored))
    return found


def _machine(status: MachineStatus, orders: dict[tuple[str, str], list[WorkOrderOut]]) -> MachineOut:
    machine = status.machine
    return MachineOut(
        id=machine.id,
        name=machine.name,
        site=status.site.id,
        group=machine.group,
        machine_class=machine.machine_class,
        criticality=machine.criticality.value,
        health_state=status.worst.health_state,
        components=[
            _component(one, orders.get((machine.id, one.component.slot), [])) for one in status.components
        ],
    )


def _component(status: ComponentStatus, orders: list[WorkOrderOut]) -> ComponentOut:
    told = status.told
    statement = None if told is None else told.statement
    dates: dict[str, dt.datetime | None] = {f"{name}_at": status.date(name) for name in ("p10", "p50", "p90")}
    return ComponentOut(
        component_id=status.component_id,
        slot=status.component.slot,
        component_class=status.component.component_class,
        health_state=status.health_state,
        prediction=prediction_out(statement) if isinstance(statement, Prediction) else None,
        refusal=refusal_out(statement) if isinstance(statement, Refusal) else None,
        utilisation=None if told is None else told.utilisation,
        data_time=None if statement is None else statement.data_time,
        stale=status.stale,
        work_orders=orders,
        **dates,
    )
