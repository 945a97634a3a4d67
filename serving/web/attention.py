"""What waits for a person, on one page, with the forms that end it."""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from features.core.clock import SystemClock
from features.core.errors import RequestRejectedError
from features.core.statements import Outcome
from serving.auth import Identity, read_form, safe_next
from serving.planning.attention import attend, matters
from serving.predictor.context import Context
from serving.sync import tell_outcome
from serving.web import words
from serving.web.render import render
from serving.web.views.attention import OUTCOMES, attention_view

__all__ = ["router", "waiting"]

router = APIRouter(include_in_schema=False)


def waiting(context: Context) -> int:
    """How many things wait for a person: the figure beside the page's name."""
    return len(matters(context.store, context.erp, wall=SystemClock().now()))


@router.get("/attention")
def attention_page(request: Request) -> Response:
    """Everything that a person should look at."""
    context: Context = request.app.state.context
    now, sites = context.clock.now(), context.plant.sites
    found = attend(context.store, context.erp, tuple(site.id for site in sites), wall=SystemClock().now())
    return render(
        request,
        "attention.html",
        here="attention",
        attention=len(found.waiting),
        view=attention_view(found, sites, now),
        outcomes=OUTCOMES,
        as_of=words.local_time(now, sites[0].time_zone),
        back="/attention",
    )


@router.post("/incidents/{incident_id}/close")
async def close_incident(request: Request, incident_id: int) -> Response:
    """A person has dealt with an incident."""
    form = await read_form(request)
    context: Context = request.app.state.context
    identity: Identity = request.state.identity
    now = context.clock.now()
    await run_in_threadpool(context.store.incidents.close, incident_id, by=identity.actor, now=now)
    return RedirectResponse(safe_next(form.get("next", "/")), status_code=303)


@router.post("/outcomes/{change_row_id}")
async def tell(request: Request, change_row_id: int) -> Response:
    """A person says what a closed order found."""
    form = await read_form(request)
    context: Context = request.app.state.context
    identity: Identity = request.state.identity
    said = form.get("outcome", "")
    if said not in {outcome.value for outcome in OUTCOMES}:
        raise RequestRejectedError("choose what was found", {"reason": "invalid", "outcome": said})
    await run_in_threadpool(
        tell_outcome,
        context.store,
        context.lake,
        change_row_id,
        Outcome(said),
        by=identity.actor,
        now=context.clock.now(),
    )
    return RedirectResponse(safe_next(form.get("next", "/")), status_code=303)
