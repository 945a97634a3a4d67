"""One round of each step of the worker, and the worker itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from features.core.clock import SystemClock, clock_from
from serving.commands.console import AsJson, opened_store, people, show, told
from serving.erp import Assets, Orders, connected
from serving.settings import ServingSettings

if TYPE_CHECKING:
    from serving.store import Store, StoredRecommendation

__all__ = ["add_to", "recorded"]


def add_to(app: typer.Typer) -> None:
    """Add the commands plan, deliver, sync and worker."""
    for command in (plan, deliver, sync, worker):
        app.command()(command)


@contextmanager
def recorded(settings: ServingSettings, store: "Store") -> Iterator[Orders]:
    """The ERP, with every exchange kept in the audit."""
    from serving.outbox import recorder

    with connected(settings.erp, recorder(store, settings.erp.kind, SystemClock())) as orders:
        yield orders


def plan(as_json: AsJson = False) -> None:
    """Turn the newest predictions into recommendations, and show those that are open."""
    from features.core.lake import Lake
    from features.core.plant import read_plant
    from serving.planning import Limits, read_asset_map
    from serving.planning import plan as plan_round

    with told() as settings, opened_store(settings) as store, recorded(settings, store) as orders:
        report = plan_round(
            Lake(settings.lake),
            read_plant(settings.plant),
            store,
            now=clock_from(settings.replay).now(),
            assets=orders if isinstance(orders, Assets) else None,
            may_ask=store.brakes.breaker(orders.name).lets_through(SystemClock().now()),
            target=settings.erp.target,
            limits=Limits(settings.erp, read_asset_map(settings.erp.assets)),
        )
        if report.refused:
            store.brakes.refused(orders.name, report.refused, wall=SystemClock().now())
        if as_json:
            show(asdict(report), as_json, "plan")
            return
        show({name: value for name, value in asdict(report).items() if name != "reasons"}, as_json, "plan")
        _show_recommendations([one for one in store.recommendations() if one.is_open], report.reasons)


def _show_recommendations(held: "list[StoredRecommendation]", reasons: dict[str, str]) -> None:
    """What is open, most urgent first, and why nothing is to be done about the other components."""
    for one in sorted(held, key=lambda one: (one.recommendation.priority, one.recommendation.due)):
        wanted = one.recommendation
        head = f"{wanted.machine_id}/{wanted.slot}: {wanted.action}, priority {wanted.priority}, {one.state}"
        head += f" ({one.detail})" if one.detail else ""
        people.print(f"{escape(head)}\n  {escape(wanted.reason)}", highlight=False, soft_wrap=True)
    for component_id, reason in reasons.items():
        people.print(f"{component_id}: nothing to do; {escape(reason)}", highlight=False, soft_wrap=True)


def deliver(as_json: AsJson = False) -> None:
    """Send what was approved to the ERP (a dry run for sites whose mode is not approve or automatic)."""
    from serving.outbox import deliver as deliver_round
    from serving.outbox import delivery_rules

    with told() as settings, opened_store(settings) as store, recorded(settings, store) as orders:
        report = deliver_round(
            store,
            orders,
            now=clock_from(settings.replay).now(),
            rules=delivery_rules(settings.erp.timeout_s),
            writes_for=settings.erp.writes_for,
        )
        show(asdict(report), as_json, "deliver")


def sync(as_json: AsJson = False) -> None:
    """Read what became of the orders; what they found goes into the lake."""
    from features.core.lake import Lake
    from serving.sync import read_outcome_maps
    from serving.sync import sync as sync_round

    with told() as settings, opened_store(settings) as store, recorded(settings, store) as orders:
        now = clock_from(settings.replay).now()
        outcomes = read_outcome_maps(settings.erp)
        report = sync_round(store, orders, Lake(settings.lake), now=now, outcomes=outcomes)
        show(asdict(report), as_json, "sync")


def worker(once: Annotated[bool, typer.Option(help="One round, then end.")] = False) -> None:
    """Plan, deliver and sync, round after round; SIGINT or SIGTERM ends it cleanly."""
    from features.core.lake import Lake
    from features.core.plant import read_plant
    from serving.outbox import delivery_rules
    from serving.sync import read_outcome_maps
    from serving.worker import Worker, fetch_command

    with told() as settings, opened_store(settings) as store, recorded(settings, store) as orders:
        running = Worker(
            lake=Lake(settings.lake),
            plant=read_plant(settings.plant),
            store=store,
            orders=orders,
            clock=clock_from(settings.replay),
            pause_s=settings.cycle_seconds,
            erp=settings.erp,
            outcomes=read_outcome_maps(settings.erp),
            rules=delivery_rules(settings.erp.timeout_s),
            fetch=fetch_command(),
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: running.stop())
        if once:
            running.round()
        else:
            running.run()
