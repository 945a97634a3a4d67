"""Answers, declared, and how our values become them."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from features.core.statements import Action, HealthState, Prediction, Refusal, Rung
from serving.store import StoredRecommendation

__all__ = [
    "Answer",
    "ComponentOut",
    "EvidenceOut",
    "HintTaken",
    "MachineOut",
    "MachinesOut",
    "PredictionOut",
    "PredictionsOut",
    "Problem",
    "ProblemPlace",
    "Readiness",
    "ReadyCheck",
    "RefusalOut",
    "WorkOrderOut",
    "WorkOrdersOut",
    "place_of",
    "prediction_out",
    "refusal_out",
    "statement_out",
    "work_order_out",
]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class EvidenceOut(_Out):
    """One reason: a feature, its value and its reference in the feature's unit."""

    feature: str
    value: float
    reference: float | None = None
    unit: str
    share: float | None = None
    rung: Rung | None = Field(
        None,
        description="`limits`, `physics`, `class_prior`; a past life has its number's; null: condition or model.",
    )
    verdict: str = Field(
        "",
        description="Zone A to D, warning, alarm, within limits; a fault, unknown, normal; declared, fitted; "
        "how a past life ended.",
    )
    note: str = Field("", description="What it stands on: machine class and clause, or where the line is.")
    order: float | None = Field(None, description="Of a line: multiple of the shaft speed.")
    frequency_hz: float | None = Field(None, description="Of a line.")
    distance: float | None = Field(
        None, description="Of a past life (feature `past_life`): 0 alike, 1 as different as can be."
    )


class PredictionOut(_Out):
    """Remaining useful life in `life_unit`; `p10` and `p90` are null when not calibrated.

    `health_state` is null on the rung `class_prior` when nothing measured tells it.
    """

    component_id: str
    as_of: dt.datetime
    data_time: dt.datetime
    life_number: int
    life_unit: str
    rung: Rung
    mean: float
    p10: float | None
    p50: float
    p90: float | None
    calibrated: bool
    calibration_units: int
    health_state: HealthState | None
    condition_index: float | None
    model_name: str
    model_version: str
    fingerprint: str
    evidence: list[EvidenceOut]


class RefusalOut(_Out):
    """Why there is no number; the state may still be known from the component's own healthy time."""

    component_id: str
    as_of: dt.datetime
    reason: str
    detail: str
    data_time: dt.datetime | None
    rung: Rung
    health_state: HealthState | None
    condition_index: float | None
    evidence: list[EvidenceOut]


class Answer(_Out):
    """Exactly one of `prediction` and `refusal`."""

    prediction: PredictionOut | None = None
    refusal: RefusalOut | None = None
    features: dict[str, float | None] | None = Field(None, description="Only when include_features was asked.")


class WorkOrderOut(_Out):
    """A recommendation and the order that it became."""

    id: int
    key: str
    state: str
    machine_id: str
    slot: str
    action: Action
    failure_mode: str
    priority: int = Field(description="1 is the highest.")
    reason: str
    due: dt.datetime
    window_id: str | None
    window_start: dt.datetime | None
    part_number: str | None
    cost_of_waiting: float | None
    currency: str
    rung: Rung
    p10_at: dt.datetime | None
    p50_at: dt.datetime | None
    p90_at: dt.datetime | None
    assumption: str
    fault: str = Field(description="What a diagnosis named, e.g. `outer_race`; empty: none.")
    order_number: str | None = Field(description="The ERP's number; null: not delivered.")
    order_state: str | None
    detail: str = Field("", description="Why it is held back, was rejected or given up.")
    linked_order: str | None = Field(None, description="An order that a person made for the same asset.")
    created_at: dt.datetime
    decided_by: str | None
    decided_at: dt.datetime | None


class HintTaken(_Out):
    """A message of the ERP was taken."""

    event_id: str
    is_new: bool = Field(description="False: it came before.")


class WorkOrdersOut(_Out):
    """Recommendations and their orders, newest first."""

    work_orders: list[WorkOrderOut]


class ComponentOut(_Out):
    """What was last said about a component."""

    component_id: str
    slot: str
    component_class: str
    health_state: HealthState | None
    prediction: PredictionOut | None = None
    refusal: RefusalOut | None = None
    utilisation: float | None = Field(None, description="Life units per calendar hour in the last 28 days.")
    p10_at: dt.datetime | None = Field(None, description="P10 as a date, at that utilisation.")
    p50_at: dt.datetime | None = None
    p90_at: dt.datetime | None = None
    data_time: dt.datetime | None = None
    stale: bool = Field(description="The newest data are older than three grid steps.")
    work_orders: list[WorkOrderOut]


class MachineOut(_Out):
    """A machine and what is known about its components."""

    id: str
    name: str
    site: str
    group: str
    machine_class: str
    criticality: str
    health_state: HealthState | None = Field(description="The worst of its components.")
    components: list[ComponentOut]


class MachinesOut(_Out):
    """Machines, the one at most risk first."""

    as_of: dt.datetime
    total: int
    machines: list[MachineOut]


class PredictionsOut(_Out):
    """What was said about a machine's components, newest first."""

    machine_id: str
    statements: list[PredictionOut | RefusalOut]


class ReadyCheck(_Out):
    """One thing that must hold."""

    name: str
    ok: bool
    reason: str


class Readiness(_Out):
    """Whether requests can be answered, and why not."""

    status: Literal["ready", "not_ready"]
    checks: list[ReadyCheck]


class ProblemPlace(_Out):
    """Where in the request something is wrong."""

    place: str
    value: str
    message: str


class Problem(_Out):
    """An error as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ProblemPlace] | None = None


def place_of(error: Mapping[str, Any]) -> ProblemPlace:  # Any: an error as pydantic tells it
    """Where a request is wrong, with which value, in words.

    Example:
        >>> place_of({"loc": ("measurements", 3, "value"), "input": "warm", "msg": "no number"}).place
        'measurements[3].value'
    """
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]]
    place = "".join(parts).lstrip(".") or "body"
    return ProblemPlace(place=place, value=repr(error.get("input"))[:200], message=str(error["msg"]))


def prediction_out(prediction: Prediction) -> PredictionOut:
    """A prediction as it goes over the wire."""
    return PredictionOut(**dataclasses.asdict(prediction))


def refusal_out(refusal: Refusal) -> RefusalOut:
    """A refusal as it goes over the wire."""
    return RefusalOut(**dataclasses.asdict(refusal))


def statement_out(statement: Prediction | Refusal) -> PredictionOut | RefusalOut:
    """A statement as it goes over the wire."""
    return prediction_out(statement) if isinstance(statement, Prediction) else refusal_out(statement)


def work_order_out(stored: StoredRecommendation) -> WorkOrderOut:
    """A recommendation with its order as it goes over the wire."""
    what = dataclasses.asdict(stored.recommendation)
    way = {name: getattr(stored, name) for name in _WAY}
    return WorkOrderOut.model_validate({name: what.get(name) for name in WorkOrderOut.model_fields} | way)


_WAY = (
    "id", "key", "state", "order_number", "order_state", "detail", "linked_order", "created_at", "decided_by",
    "decided_at",
)  # fmt: skip
