"""`wearcast features discover`: generic features worth having."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.commands.console import AsJson, people, print_facts, progress_bar, told

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Generic features worth having.")


@app.callback()
def features() -> None:
    """Generic features worth having."""


@app.command("discover")
def discover_features(
    component_class: Annotated[str, typer.Option("--class", help="Component class.")],
    out: Annotated[
        Path | None, typer.Option(help="File of chosen calculators; default: the package's own.")
    ] = None,
    as_of: Annotated[dt.datetime | None, typer.Option(help="Learn as of this moment (UTC); default: now.")] = None,
    exclude_machine: Annotated[
        list[str] | None, typer.Option(help="Leave its lives out, e.g. held-out ones.")
    ] = None,
    everything: Annotated[bool, typer.Option(help="Also name calculators that have no version here.")] = False,
    as_json: AsJson = False,
) -> None:
    """Choose calculators that tell the remaining life of training lives; run again, it goes on."""
    from features.generic import CHOSEN
    from pipelines.discover import DiscoveryParameters, discover, write
    from pipelines.walk import Walk

    with told() as settings:
        walk, file = Walk.open(settings), out or CHOSEN
        now = walk.clock.now()
        moment = now if as_of is None else as_of.replace(tzinfo=dt.UTC)
        with progress_bar("Making features") as show:
            walk.features(as_of=moment, on_progress=lambda step: show(step.share, step.machine_id))
        walk.lives(as_of=moment)
        with progress_bar("Discovering") as show:
            choice = discover(
                walk.lake,
                walk.plant,
                component_class,
                as_of=moment,
                chosen_on=now.date(),
                work=file.with_suffix(".parts"),
                exclude_machines=exclude_machine or (),
                parameters=DiscoveryParameters(everything=everything),
                on_progress=show,
            )
        write(file, component_class, choice)
    if as_json:
        typer.echo(json.dumps({"file": str(file), **choice.model_dump(mode="json")}))
        return
    facts = choice.model_dump(exclude={"features", "not_here"})
    print_facts({"file": file, **facts}, False, f"Discovered for {component_class}")
    table = Table("feature", "p-value", title="Chosen")
    for one in choice.features:
        table.add_row(f"{one.level}.{one.name}_{one.span}", f"{one.p_value:.2g}")
    Console().print(table)
    people.print("Review the file, then train: features of the class change with it.", highlight=False)
