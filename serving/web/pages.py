"""Machines by risk, one machine, and the forms of decisions."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from features.core.clock import SystemClock
from features.core.errors import RequestRejectedError
from features.core.plant import Site
from features.core.statements import Prediction
from serving.auth import Identity, read_form, safe_next
from serving.planning.attention import matters
from serving.predictor.context import Context
from serving.predictor.fleet import Told
from serving.web import views, words
from serving.web.attention import waiting
from serving.web.chart import life_chart
from serving.web.notices import notices
from serving.web.render import render

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


class Decision(StrEnum):
    """What a person can say beside yes."""

    REJECT = "reject"
    REQUEUE = "requeue"
    RELEASE = "release"


# Rows of the table under the chart; the chart itself shows everything.
_MOST_ROWS = 30


@router.get("/")
def machines_page(request: Request) -> Response:
    """Every component, the one at most risk first."""
    context: Context = request.app.state.context
    now = context.clock.now()
    rows = views.list_views(context.fleet.status(now), context.store.recommendations(), now, _caps(context))
    waiting_now = matters(context.store, context.erp, wall=SystemClock().now())
    zones = sorted({site.time_zone for site in context.plant.sites})
    return render(
        request,
        "machines.html",
        here="machines",
        attention=len(waiting_now),
        views=rows,
        counts=views.counts(rows),
        told=notices(waiting_now),
        as_of=words.local_time(now, zones[0]),
        zones=", ".join(zones),
    )


@router.get("/machines/{machine_id}")
def machine_page(request: Request, machine_id: str) -> Response:
    """One machine: state, remaining life, evidence, history, recommendations and orders."""
    context: Context = request.app.state.context
    now = context.clock.now()
    try:
        status = context.fleet.machine(machine_id, now)
    except KeyError:
        message = f"there is no machine {machine_id!r} in the plant file"
        raise RequestRejectedError(message, {"reason": "not_found"}) from None
    held = context.store.recommendations(machine_id=machine_id)
    sections, model_facts, site, caps = [], [], status.site, _caps(context)
    history = context.fleet.history(machine_id)
    for component in status.components:
        past = [told for told in history if told.slot == component.component.slot]
        stored = [one for one in held if one.recommendation.slot == component.component.slot]
        class_id = component.component.component_class
        view = views.component_view(component, site, stored, now, caps.get(class_id))
        chart = life_chart(past, site.time_zone, f"Remaining life of {component.component_id} over time")
        sections.append((view, chart, _rows(past[:_MOST_ROWS], site)))
        life_unit = context.plant.component_class(class_id).life_unit
        model_facts.append(_model_facts(component.told, life_unit))
    return render(
        request,
        "machine.html",
        attention=waiting(context),
        machine=status.machine,
        site=site,
        sections=sections,
        model_facts=model_facts,
        as_of=words.local_time(now, site.time_zone),
        back=f"/machines/{machine_id}",
    )


@router.post("/recommendations/{recommendation_id}/approve")
async def approve(request: Request, recommendation_id: int) -> Response:
    """A person's yes from a page."""
    form = await read_form(request)
    context: Context = request.app.state.context
    identity: Identity = request.state.identity
    await run_in_threadpool(context.store.approve, recommendation_id, identity.actor, context.clock.now())
    return RedirectResponse(safe_next(form.get("next", "/")), status_code=303)


@router.post("/recommendations/{recommendation_id}/{decision}")
async def decide(request: Request, recommendation_id: int, decision: Decision) -> Response:
    """Reject with a reason, send again, or let through what was held back."""
    form = await read_form(request)
    context: Context = request.app.state.context
    identity: Identity = request.state.identity
    store, actor, now = context.store, identity.actor, context.clock.now()
    if decision is Decision.REJECT:
        await run_in_threadpool(store.reject, recommendation_id, actor, now, form.get("reason", ""))
    else:
        act = store.requeue if decision is Decision.REQUEUE else store.release
        await run_in_threadpool(act, recommendation_id, actor, now)
    return RedirectResponse(safe_next(form.get("next", "/")), status_code=303)


def _rows(history: Sequence[Told], site: Site) -> list[dict[str, str]]:
    return [_row(told, site) for told in history]


def _row(told: Told, site: Site) -> dict[str, str]:
    statement = told.statement
    row: dict[str, Any] = dict.fromkeys(("p10", "p50", "p90"), "–")
    if isinstance(statement, Prediction):
        row |= {name: words.amount(getattr(statement, name), statement.life_unit) for name in row}
    return row | {
        "time": words.local_time(statement.as_of, site.time_zone),
        "state": words.state_word(statement.health_state).word,
        "stands_on": words.rung_words(statement.rung),
        "refusal": "" if isinstance(statement, Prediction) else words.reason_words(statement),
    }


def _caps(context: Context) -> dict[str, float]:
    """Component class -> the longest remaining life that its model can tell, life unit."""
    declared = {one.id: one.rul_cap for one in context.plant.component_classes if one.rul_cap is not None}
    return declared | {class_id: one.artefact.rul_cap for class_id, one in context.champions.held.items()}


def _model_facts(told: Told | None, life_unit: str) -> list[tuple[str, str]]:
    if told is None:
        return []
    statement = told.statement
    facts = []
    if statement.condition_index is not None:
        facts.append(
            ("Condition index", f"{words.figure(statement.condition_index)} (above 1 asks for an inspection)")
        )
    if isinstance(statement, Prediction):
        if statement.model_name:
            facts.append(("Model", f"{statement.model_name}, version {statement.model_version}"))
        facts.append(("Life", f"number {statement.life_number} on this position"))
    if told.utilisation is not None and told.utilisation > 0:
        facts.append(("Utilisation, 28 days", f"{words.amount(told.utilisation, life_unit)} per calendar hour"))
    return facts
