"""Step 2 of the demo: plan, approve, deliver; the work is done in the ERP; what it found comes back."""

import datetime as dt
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from features.core.errors import UnfitError
from features.core.lake import Lake
from features.core.plant import Plant, read_plant
from features.core.settings import DEMO_HOME
from features.core.statements import Outcome
from features.core.tables import MAINTENANCE_EVENTS, PREDICTIONS
from features.core.telemetry import logs_in
from features.policy import Context, NoAction, decide
from features.rul.rows import from_row
from serving.demo.home import add_facts, demo_settings, read_facts, signing_secret
from serving.demo.sandbox import close_order, sandbox
from serving.erp import Orders, connected
from serving.outbox import deliver
from serving.planning import AssetMap, Limits, MappedAsset, approve, plan
from serving.settings import ErpSettings
from serving.store import Store, StoredRecommendation
from serving.sync import sync

__all__ = ["decide_and_order"]

ACTOR = "demo"


def decide_and_order(people: Console, *, now: dt.datetime, home: Path = DEMO_HOME) -> None:
    """Takes the most urgent recommendation through the ERP, then one inspection for each real bearing.

    Args:
        people: Where people read.
        now: The demo's moment.
        home: The demo's folder.

    Raises:
        UnfitError: No prediction led to a recommendation.
    """
    with logs_in(home / "demo.log.jsonl"), sandbox(home) as port:
        settings = demo_settings(home, sandbox_port=port)
        with connected(settings.erp) as orders, closing(Store(settings.store)) as store:
            store.migrate()
            add_facts(_order(people, store, orders, port, now, home), home)
        bearings = read_facts(home).get("femto")
        if bearings:
            add_facts({"femto": _inspections(bearings, home)}, home)


def _inspections(bearings: list[dict[str, Any]], home: Path) -> list[dict[str, Any]]:  # Any: facts, JSON documents
    """One inspection for each bearing, in an ERP of the test rig's own: the plant's knows nothing of them."""
    rig = home / "femto"
    with sandbox(rig) as port, connected(demo_settings(rig, sandbox_port=port).erp) as orders:
        return [_inspect(bearing, orders, home) for bearing in bearings]


def _order(
    people: Console, store: Store, orders: Orders, port: int, now: dt.datetime, home: Path
) -> dict[str, Any]:  # Any: facts for a JSON document
    settings = demo_settings(home, sandbox_port=port)
    lake, plant = Lake(settings.lake), read_plant(settings.plant)
    plan(lake, plant, store, now=now, target=settings.erp.target)
    proposed = sorted(store.recommendations("proposed"), key=_urgency)
    if not proposed:
        raise UnfitError("no prediction led to a recommendation; the walk ends here")
    chosen = proposed[0]
    people.print(
        f"{len(proposed)} recommendations. The most urgent: {chosen.recommendation.reason}", highlight=False
    )
    sent = _send(store, orders, chosen, now)
    people.print(f"Sent to the stand-in ERP over HTTP; its order number is {sent.order_number}.", highlight=False)
    done = now + dt.timedelta(hours=6)
    close_order(
        port,
        signing_secret(home),
        str(sent.order_number),
        outcome=Outcome.INCIPIENT_FAULT.value,
        text="Wear found as announced, part replaced.",
        completed_at=done,
    )
    sync(store, orders, lake, now=done + dt.timedelta(minutes=5))
    events = lake.read(MAINTENANCE_EVENTS).collect().filter(_is_key(chosen.key))
    event = events.row(0, named=True) if events.height else None
    shown = ("machine_id", "slot", "kind", "outcome", "occurred_at", "available_at", "order_key")
    return {
        "recommendations": len(proposed),
        "recommendation": asdict(chosen.recommendation)["reason"],
        "order_number": sent.order_number,
        "event_back": None if event is None else {name: _plain(event[name]) for name in shown},
    }


def _urgency(stored: StoredRecommendation) -> tuple[int, dt.datetime, float, int]:
    said = stored.recommendation
    return said.priority, said.p10_at or said.due, -(said.cost_of_waiting or 0.0), stored.id


def _inspect(bearing: dict[str, Any], orders: Orders, home: Path) -> dict[str, Any]:  # Any: facts, a JSON document
    """Follows one bearing's predictions until the first request, and sends that one."""
    lake, plant = Lake(home / "femto" / "lake"), read_plant(home / "femto" / "plant.yaml")
    with closing(Store(f"sqlite:///{home}/femto/store.db")) as store:
        store.migrate()
        first = _first_request(bearing["bearing"], lake, home)
        if first is None:
            return {**bearing, "first_request_share": None}
        start, end = (dt.datetime.fromisoformat(bearing[name]) for name in ("start", "end"))
        plan(lake, plant, store, now=first, limits=_mapped(plant, first))
        proposed = store.recommendations("proposed", machine_id=bearing["bearing"])
        number = _send(store, orders, proposed[0], first).order_number if proposed else None
        return {
            **bearing,
            "first_request_share": (first - start) / (end - start),
            "first_request_action": proposed[0].recommendation.action.value if proposed else None,
            "requests": len(store.recommendations(machine_id=bearing["bearing"])),
            "order_number": number,
        }


def _mapped(plant: Plant, now: dt.datetime) -> Limits:
    """The test rig's bearings as locations of the sandbox ERP: nothing is written for a machine without one."""
    places = {
        machine.id: MappedAsset(functional_location=machine.id, confirmed_by=ACTOR, confirmed_at=now)
        for machine in plant.machines
    }
    return Limits(ErpSettings(storm_machines=len(places) + 2), AssetMap(machines=places))


def _first_request(machine_id: str, lake: Lake, home: Path) -> dt.datetime | None:
    """When a planner who looks after every prediction would have had the first recommendation."""
    plant = read_plant(home / "femto" / "plant.yaml")
    site, machine = plant.site_of(machine_id), plant.machine(machine_id)
    component = machine.components[0]
    of_class = plant.component_class(component.component_class)
    rows = lake.read(PREDICTIONS, machine_ids=[machine_id]).sort("available_at").collect()
    for row in rows.iter_rows(named=True):
        context = Context(site, machine, component, of_class, row["utilisation"])
        if not isinstance(decide(from_row(row), context, now=row["available_at"]), NoAction):
            moment: dt.datetime = row["available_at"]
            return moment
    return None


def _send(store: Store, orders: Orders, chosen: StoredRecommendation, now: dt.datetime) -> StoredRecommendation:
    approve(store, chosen.id, ACTOR, now)
    deliver(store, orders, now=now)
    return store.recommendation(chosen.id)


def _is_key(key: str) -> pl.Expr:
    return pl.col("order_key") == key


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.datetime) else value
