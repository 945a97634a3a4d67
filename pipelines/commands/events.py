"""`wearcast events`: the maintenance log, from a file, and what is doubtful in it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from features.core.lake import Lake
from pipelines.commands.console import AsJson, print_facts, told
from pipelines.commands.orders import print_orders

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Maintenance events from files.")

EventsFile = Annotated[
    Path,
    typer.Argument(
        help="CSV: event_id, machine_id, kind, occurred_at; where known slot, outcome, failure_mode, known_at, "
        "detected_at."
    ),
]

OrdersFile = Annotated[Path, typer.Argument(help="CSV, one row an order; the map names its columns.")]
OrderMapping = Annotated[
    Path, typer.Option(help="YAML: what columns and codes mean, e.g. pipelines/imports/mappings/*.yaml.")
]


@app.command("import")
def import_events(file: EventsFile, as_json: AsJson = False) -> None:
    """Maintenance events from a CSV file."""
    from features.core.clock import clock_from
    from features.core.plant import read_plant
    from pipelines.imports.events import import_events as bring_in

    with told() as settings:
        now = clock_from(settings.replay).now()
        report = bring_in(file, Lake(settings.lake), read_plant(settings.plant), now=now)
        print_facts(asdict(report), as_json, "Events")


@app.command("orders")
def import_orders(file: OrdersFile, mapping: OrderMapping, as_json: AsJson = False) -> None:
    """Closed work orders from an ERP's export, by a map of its columns and codes."""
    from features.core.clock import clock_from
    from features.core.plant import read_plant
    from pipelines.imports.order_map import read_order_map
    from pipelines.imports.work_orders import import_work_orders

    with told() as settings:
        now, order_map = clock_from(settings.replay).now(), read_order_map(mapping)
        report = import_work_orders(file, order_map, Lake(settings.lake), read_plant(settings.plant), now=now)
        print_orders(report, as_json)


@app.command("review")
def review_events(as_json: AsJson = False) -> None:
    """Entries of the maintenance log that contradict the plant or each other: nothing is learnt from them."""
    from pipelines.walk import Walk

    with told() as settings:
        walk = Walk.open(settings)
        found = walk.review(as_of=walk.clock.now())
    if as_json:
        typer.echo(
            json.dumps({"doubtful": [asdict(one) | {"what_to_do": one.what_to_do} for one in found]}, default=str)
        )
        return
    table = Table("Event", "Machine", "Slot", "Kind", "Occurred", "Doubt", "What to do", title="Events to look at")
    for one in found:
        event = f"{one.source} {one.source_event_id}"
        when = f"{one.occurred_at:%Y-%m-%d %H:%M}"
        table.add_row(event, one.machine_id, one.slot or "-", one.kind, when, one.doubt, one.what_to_do)
    Console().print(table if found else "No entry of the maintenance log is in doubt.")
