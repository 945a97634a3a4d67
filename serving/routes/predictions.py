"""A statement for a request: a prediction, or a refusal with its reason."""

import datetime as dt

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from features.compute.closing import PATIENCE_STEPS
from features.core.clock import require_utc
from features.core.errors import RequestRejectedError
from features.core.plant import Component, Machine
from features.core.settings import nearest
from features.core.statements import Prediction
from features.registry import feature_set
from serving.auth import Identity
from serving.predictor.context import Context
from serving.predictor.online import (
    History,
    OnlineAnswer,
    answer,
    history_from_lake,
    history_from_raw,
    history_from_rows,
)
from serving.routes.history import feature_rows_frame, measurements_frame, refuse, waveforms_frame
from serving.routes.machines import require_machine
from serving.routes.metrics import Metrics
from serving.schemas.answers import Answer, Problem, place_of, prediction_out, refusal_out
from serving.schemas.requests import PredictionRequest

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["predictions"])
# Bytes of a body: about 60 snapshots of 25,600 samples as JSON.
MOST_BODY_BYTES = 32 * 1024 * 1024
# Errors of one body that are told.
MOST_ERRORS = 20
_BODY = {  # the body is parsed in a worker thread, so it is declared here and not in the signature
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PredictionRequest"}}},
    }
}


@router.post(
    "/predictions",
    response_model=Answer,
    response_model_exclude_unset=True,
    openapi_extra=_BODY,
    response_description="A prediction or a refusal",
    responses={
        413: {"model": Problem, "description": "More than 32 MB"},
        415: {"model": Problem, "description": "Not application/json"},
    },
)
async def predict(request: Request) -> Response:
    """Remaining life of one component: a prediction, or a refusal with its reason.

    Both answer 200: a refusal is a result, not an error of the request. Errors (4xx) name the place
    and the value that is wrong.

    `{"machine_id", "slot"}` alone uses the history in the lake as of now. With `measurements` and
    `waveforms`, or with `feature_rows`, the body is the whole history and the lake is not asked; raw
    values are in the unit that the plant file declares for the point unless `unit` says otherwise.
    Every answer is kept in the store.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise RequestRejectedError(
            f"the body must be application/json, got {content_type or 'no content type'}", {"reason": "media_type"}
        )
    body = await _read(request)
    identity: Identity = request.state.identity
    return Response(
        await run_in_threadpool(
            _answer, request.app.state.context, request.app.state.metrics, identity.actor, body
        ),
        media_type="application/json",
    )


async def _read(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BODY_BYTES:
            raise RequestRejectedError(
                f"the body has more than {MOST_BODY_BYTES} bytes; send fewer rows at once", {"reason": "too_large"}
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _answer(context: Context, metrics: Metrics, actor: str, body: bytes) -> bytes:
    try:
        asked = PredictionRequest.model_validate_json(body)
    except ValidationError as err:
        raise _invalid(err) from None
    now = context.clock.now()
    machine, component = _component(context, asked)
    as_of = _as_of(asked, machine, now)
    history = _history(context, asked, machine, component, as_of, now)
    found = answer(context, machine, component, history, as_of)
    document = _document(found, include_features=asked.include_features).model_dump_json(exclude_unset=True)
    context.store.record_answer(actor, machine.component_id(component), document, now)
    metrics.answers.labels("prediction" if isinstance(found.statement, Prediction) else "refusal").inc()
    return document.encode("utf-8")


def _document(found: OnlineAnswer, *, include_features: bool) -> Answer:
    statement, features = found.statement, {"features": found.features} if include_features else {}
    if isinstance(statement, Prediction):
        return Answer(prediction=prediction_out(statement), **features)
    return Answer(refusal=refusal_out(statement), **features)


def _component(context: Context, asked: PredictionRequest) -> tuple[Machine, Component]:
    plant = context.plant
    if asked.machine_id is None:
        return _stand_in(context, str(asked.component_class))
    require_machine(plant, asked.machine_id)
    machine = plant.machine(asked.machine_id)
    slots = [component.slot for component in machine.components]
    if asked.slot is None and len(slots) > 1:
        raise refuse("slot", None, f"machine {machine.id} has {len(slots)} components: {', '.join(slots)}")
    if asked.slot is not None and asked.slot not in slots:
        raise RequestRejectedError(
            f"machine {machine.id!r} has no slot {asked.slot!r}; {nearest(asked.slot, slots)}",
            {"reason": "not_found"},
        )
    return machine, machine.component(asked.slot or slots[0])


def _stand_in(context: Context, class_id: str) -> tuple[Machine, Component]:
    """A machine that is not in the plant file, with the grid of the first one that has such a component."""
    found = context.plant.components_of(class_id)
    if not found:
        known = sorted({c.component_class for machine in context.plant.machines for c in machine.components})
        raise refuse("component_class", class_id, f"no component of that class; {nearest(class_id, known)}")
    machine, component = found[0]
    return machine.model_copy(update={"id": "unknown"}), component.model_copy(update={"installed": None})


def _as_of(asked: PredictionRequest, machine: Machine, now: dt.datetime) -> dt.datetime:
    if asked.as_of is not None:
        if asked.as_of > now:
            raise refuse("as_of", asked.as_of.isoformat(), f"in the future, now is {now:%Y-%m-%dT%H:%M:%SZ}")
        return require_utc(asked.as_of)
    raw = [*(one.time for one in asked.measurements), *(one.time for one in asked.waveforms)]
    if raw:  # by then the step of the newest reading has closed
        return min(require_utc(max(raw)) + PATIENCE_STEPS * machine.grid, now)
    rows = [one.time for one in asked.feature_rows]
    return min(require_utc(max(rows)), now) if rows else now


def _history(
    context: Context,
    asked: PredictionRequest,
    machine: Machine,
    component: Component,
    as_of: dt.datetime,
    now: dt.datetime,
) -> History:
    if not asked.brings_history:
        return history_from_lake(context, machine, component, as_of)
    if asked.feature_rows:
        features = feature_set(context.plant, component.component_class)
        rows = feature_rows_frame(machine, component, features, asked.feature_rows, now)
        return history_from_rows(machine, component, rows, asked.installed_at)
    return history_from_raw(
        context,
        machine,
        component,
        measurements=measurements_frame(machine, asked.measurements, now),
        waveforms=waveforms_frame(machine, asked.waveforms, now),
        installed_at=asked.installed_at,
        as_of=as_of,
    )


def _invalid(err: ValidationError) -> RequestRejectedError:
    errors = [place_of(one) for one in err.errors(include_url=False, include_context=False)[:MOST_ERRORS]]
    first = errors[0]
    return RequestRejectedError(
        f"{first.place}: {first.message}, got {first.value}", {"errors": [one.model_dump() for one in errors]}
    )
