"""Step 3 of the demo: the closed order is part of a life now; then everything in one place."""

import datetime as dt
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from features.core.clock import DemoClock
from features.core.settings import DEMO_HOME
from features.core.telemetry import logs_in
from pipelines.demo.home import LOG, SIMULATOR, demo_settings, read_facts, write_facts
from pipelines.walk import Walk

__all__ = ["finish"]

# What programs read of the demo.
FACTS = (
    *("rows", "feature_rows", "lives", "cv_error", "cv_error_baseline", "model_version"),
    *("top_machines", "order_number", "event_back", "femto"),
)


def finish(people: Console, *, as_json: bool, home: Path = DEMO_HOME, simulator: Path = SIMULATOR) -> None:
    """Reads lives anew, with the event that came back from the ERP, and prints all facts."""
    facts = read_facts(home)
    event = facts.get("event_back")
    if event:
        with logs_in(home / LOG):
            facts["life_ended_by_event"] = _has_ended_a_life(event, home, simulator)
        write_facts({"life_ended_by_event": facts["life_ended_by_event"]}, home)
    if as_json:
        sys.stdout.write(json.dumps({name: facts.get(name) for name in FACTS}, default=str) + "\n")
        return
    people.print(_top(facts["top_machines"]))
    people.print(
        f"ERP order {facts.get('order_number')} was sent, closed there and came back as a maintenance event: "
        f"{event['kind'] if event else 'no'}"
        f"{', which ended a life' if facts.get('life_ended_by_event') else ''}.",
        highlight=False,
    )
    if facts.get("femto"):
        people.print(_bearings(facts["femto"]))
    people.print(
        f"Where to look: `make up` shows Dagster, MLflow, the planner's page and the stand-in ERP on this plant; "
        f"the lake is {home / 'lake'}, the plant file {home / 'plant.yaml'}, the log {home / LOG}.",
        highlight=False,
    )


def _has_ended_a_life(event: dict[str, Any], home: Path, simulator: Path) -> bool:
    known = dt.datetime.fromisoformat(event["available_at"])
    walk = replace(Walk.open(demo_settings(home, simulator)), clock=DemoClock(known))
    lives = walk.lives(as_of=known)
    ended = lives.filter(
        (lives["machine_id"] == event["machine_id"])
        & (lives["slot"] == event["slot"])
        & (lives["end"] == dt.datetime.fromisoformat(event["occurred_at"]))
    )
    return ended.height == 1


def _top(machines: list[dict[str, Any]]) -> Table:
    table = Table("component", "P10", "P50", "P90", "unit", "state", "calibration", title="Highest risk")
    for row in machines:
        numbers = ["-" if row[name] is None else f"{row[name]:.0f}" for name in ("p10", "p50", "p90")]
        table.add_row(row["component"], *numbers, row["unit"], row["state"], row["calibration"])
    return table


def _bearings(bearings: list[dict[str, Any]]) -> Table:
    table = Table(
        *("bearing", "first request at", "order", "MAE model", "MAE constant", "MAE median life - age"),
        title="Real bearings, each followed by a model of the five others (MAE in share of its life)",
    )
    for row in bearings:
        at = row["first_request_share"]
        table.add_row(
            row["bearing"],
            "never" if at is None else f"{at:.1%} of life",
            str(row.get("order_number") or "-"),
            *(f"{row[name]:.2f}" for name in ("mae_model", "mae_constant", "mae_age")),
        )
    return table
