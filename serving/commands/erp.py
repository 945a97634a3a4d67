"""The connection to the ERP: what is missing, a test order, stop and resume, incidents, precision."""

import datetime as dt
from typing import Annotated, Any

import typer
from rich.markup import escape

from features.core.clock import SystemClock, clock_from
from features.core.errors import ConfigError, PlantError, WearcastError
from features.core.settings import nearest
from serving.commands import assets
from serving.commands.console import AsJson, actor, opened_store, people, show, show_rows, told
from serving.commands.rounds import recorded
from serving.erp import KINDS
from serving.settings import ServingSettings

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help=__doc__)
app.add_typer(assets.app, name="assets")

Why = Annotated[str, typer.Option("--why", help="The reason, for the audit.")]
Site = Annotated[str, typer.Argument(help="Site id; * is every site.")]


@app.command()
def kinds(as_json: AsJson = False) -> None:
    """The ERPs that can be connected."""
    show_rows([{"kind": kind} for kind in KINDS], as_json, "kinds", "none")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Say what is missing: address, user, rights, fields, clock; a check that goes well closes the breaker."""
    with told() as settings, opened_store(settings) as store, recorded(settings, store) as orders:
        report = orders.check()
        if report.is_usable:
            store.brakes.reset(orders.name, by=actor(), wall=SystemClock().now())
        skew = report.clock_skew_s
        rows = [{"severity": one.severity, "what": one.subject, "says": one.message} for one in report.findings]
        if skew is not None and abs(skew) > 60:
            says = f"the ERP's clock is {skew:+.0f} s off ours: set both by NTP"
            rows.append({"severity": "warning", "what": "clock", "says": says})
        if as_json:
            facts = {"connection": orders.name, "line": report.line, "usable": report.is_usable}
            show(facts | {"clock_skew_s": skew, "findings": rows}, as_json, "check")
        else:
            people.print(escape(report.line), highlight=False, soft_wrap=True)
            show_rows(rows, as_json, "findings", "nothing is missing")
        if not report.is_usable:
            raise typer.Exit(1)


@app.command("test-order")
def prove_connection(
    machine: Annotated[str | None, typer.Option(help="To order for; default: the first mapped one.")] = None,
    keep: Annotated[bool, typer.Option(help="Leave the order open.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prove the connection in a TEST system: make an order, find it by its key, note, cancel, read back."""
    from features.core.plant import read_plant
    from serving.erp import connected
    from serving.outbox import recorder
    from serving.outbox.proof import proof_request, prove
    from serving.planning import read_asset_map

    with told() as settings, opened_store(settings) as store:
        if settings.erp.kind == "dry_run":
            raise ConfigError("no ERP is configured: set erp.kind and erp.url in serving.toml")
        seen, mapping = read_plant(settings.plant), read_asset_map(settings.erp.assets)
        chosen = next(
            (one for one in seen.machines if any(mapping.place_of(one)) and machine in (None, one.id)), None
        )
        if chosen is None:
            which = "no machine is" if machine is None else f"{machine} is not in the plant file, or not"
            raise ConfigError(f"{which} mapped to the ERP: wearcast erp assets match")
        site_id = seen.site_of(chosen.id).id
        for stop in (one for one in store.brakes.stopped() if one.site_id in ("*", site_id)):
            raise ConfigError(f"site {stop.site_id} is stopped ({stop.why}): wearcast erp resume {stop.site_id}")
        if not yes:
            typer.confirm(
                f"This writes one order into {settings.erp.url or settings.erp.kind}. Go on?", abort=True, err=True
            )
        live = settings.erp.model_copy(update={"mode": "approve"})
        place, now = mapping.place_of(chosen), _now()
        request = proof_request(chosen, site_id, place, target=settings.erp.target, now=now)
        store.audit(actor(), "erp.test_order", request.key, {"machine": chosen.id}, now)
        facts: dict[str, Any] = {"key": request.key, "passed": False, "remains": [], "steps": []}
        try:
            with connected(live, recorder(store, settings.erp.kind, SystemClock())) as orders:
                facts["connection"] = orders.name
                for step in prove(orders, request, keep=keep, since=now - dt.timedelta(hours=1)):
                    facts["steps"].append({"step": step.name, "says": step.says})
                    facts["remains"] = [step.remains] if step.remains else []
                    people.print(f"{step.name}: {escape(step.says)}", highlight=False, soft_wrap=True)
            facts["passed"] = True
        except WearcastError as err:
            facts["remains"] = err.context.get("remains", [])
            facts["steps"].append({"step": "failed", "says": str(err)})
            raise
        finally:
            if as_json:
                show(facts, as_json, "test order")


@app.command()
def stop(site: Site, why: Why) -> None:
    """Kill switch: write nothing for a site any more; what is approved stays queued."""
    with told() as settings, opened_store(settings) as store:
        _require_site(settings, site)
        store.brakes.stop(site, by=actor(), why=why, now=_now())
        people.print(f"nothing is written for {site} until: wearcast erp resume {site}", highlight=False)


@app.command()
def resume(site: Annotated[str | None, typer.Argument(help="Site id; none: the connection.")] = None) -> None:
    """Write for a stopped site again; without a site: try again an ERP that had refused our user."""
    from serving.erp import connected

    with told() as settings, opened_store(settings) as store:
        if site is not None:
            was = store.brakes.resume(site, by=actor(), now=_now())
            if not was:
                _require_site(settings, site)
            people.print(f"{site} is written for again" if was else f"{site} was not stopped", highlight=False)
            return
        with connected(settings.erp) as orders:
            store.brakes.reset(orders.name, by=actor(), wall=SystemClock().now())
            people.print(f"{orders.name} is tried again", highlight=False)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Modes and stops of sites, the breaker, what waits in the outbox, open incidents."""
    from features.core.plant import read_plant
    from serving.erp import connected

    with told() as settings, opened_store(settings) as store, connected(settings.erp) as orders:
        stops = {one.site_id: one for one in store.brakes.stopped()}
        breaker = store.brakes.breaker(orders.name)
        now = clock_from(settings.replay).now()
        week = now - dt.timedelta(days=7)
        rows = [
            {
                "site": site.id,
                "mode": settings.erp.mode_of(site.id),
                "stopped": stops[held].why if (held := "*" if "*" in stops else site.id) in stops else "no",
                "this_week": f"{store.holds.proposed_since(site.id, week)} of {settings.erp.budget_of(site.id)}",
            }
            for site in read_plant(settings.plant).sites
        ]
        facts = {
            "connection": orders.name,
            "breaker": "open: " + breaker.reason if breaker.needs_person or breaker.open_until else "closed",
            "outbox": store.deliveries.counts(),
            "incidents": len(store.incidents.unclosed()),
        }
        if as_json:
            show(facts | {"sites": rows}, as_json, "status")
            return
        show(facts, as_json, "ERP")
        show_rows(rows, as_json, "sites", "no sites")


@app.command()
def incidents(
    close: Annotated[int | None, typer.Option(help="Close the incident of this id: it is dealt with.")] = None,
    as_json: AsJson = False,
) -> None:
    """What no rule may settle alone: storms, orders there twice, missing or unknown."""
    with told() as settings, opened_store(settings) as store:
        if close is not None:
            store.incidents.close(close, by=actor(), now=_now())
        rows = [
            {"id": one.id, "kind": one.kind, "subject": one.subject, "since": one.opened_at.isoformat()}
            | {"says": one.message}
            for one in store.incidents.unclosed()
        ]
        show_rows(rows, as_json, "incidents", "no open incident")


@app.command()
def precision(as_json: AsJson = False) -> None:
    """How often recommendations were right, by what closed orders found; mode automatic stands on it."""
    with told() as settings, opened_store(settings) as store:
        rows = [
            {"site": site, "class": class_id, "right": found.right, "wrong": found.wrong}
            | {"precision": None if found.share is None else round(found.share, 3)}
            for (site, class_id), found in sorted(store.precision().items())
        ]
        show_rows(rows, as_json, "precision", "no closed order says anything yet")


@app.command()
def shadow(as_json: AsJson = False) -> None:
    """What would have been written, held against what planners did themselves."""
    from serving.planning.shadow import compare

    with told() as settings, opened_store(settings) as store:
        found = compare(store)
        if as_json:
            show(found.facts() | {"recommendations": found.rows()}, as_json, "shadow")
            return
        show(found.facts(), as_json, "shadow")
        show_rows(found.rows(), as_json, "recommendations", "none was made yet")


@app.command()
def reconcile(as_json: AsJson = False) -> None:
    """Hold both sides against each other now; the worker does so every 15 minutes."""
    from dataclasses import asdict

    from features.core.lake import Lake
    from serving.sync import read_outcome_maps
    from serving.sync import reconcile as both

    with told() as settings, opened_store(settings) as store, recorded(settings, store) as orders:
        report = both(
            store,
            orders,
            Lake(settings.lake),
            now=clock_from(settings.replay).now(),
            outcomes=read_outcome_maps(settings.erp),
            writes_for=settings.erp.writes_for,
        )
        show(asdict(report) | {"clean": report.is_clean}, as_json, "reconciliation")


@app.command()
def requeue(
    recommendation: Annotated[int, typer.Argument(help="Id of a recommendation, as the planner's page shows it.")],
) -> None:
    """Send again what was given up, or what a dry run only would have sent."""
    with told() as settings, opened_store(settings) as store:
        held = store.requeue(recommendation, actor(), _now())
        people.print(f"{held.key} is queued again", highlight=False)


def _require_site(settings: ServingSettings, site: str) -> None:
    """A stop for a mistyped site would stop nothing. A plant file that cannot be read keeps nobody from it."""
    from features.core.plant import read_plant

    try:
        sites = [one.id for one in read_plant(settings.plant).sites]
    except PlantError:
        return
    if site not in ("*", *sites):
        raise ConfigError(f"no site {site!r} in {settings.plant}; {nearest(site, ['*', *sites])}", {"site": site})


def _now() -> dt.datetime:
    return SystemClock().now()
