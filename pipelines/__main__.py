"""Commands of the pipelines' side: `python -m pipelines COMMAND`, or `wearcast COMMAND`."""

import datetime as dt
import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.settings import runs_on_demo
from features.core.statements import Prediction
from features.core.telemetry import silence_dependencies
from pipelines.commands.console import AsJson, people, progress_bar
from pipelines.commands.console import print_facts as _print
from pipelines.commands.console import told as _told
from pipelines.commands.model import app as model_app

silence_dependencies()
app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
imports_app = typer.Typer(no_args_is_help=True, help="Turn a public data set into a plant.")
events_app = typer.Typer(no_args_is_help=True, help="Maintenance events from files.")
features_app = typer.Typer(no_args_is_help=True, help="Generic features worth having.")
app.add_typer(imports_app, name="import")
app.add_typer(events_app, name="events")
app.add_typer(features_app, name="features")
app.add_typer(model_app, name="model")

EventsFile = Annotated[
    Path,
    typer.Argument(
        help="CSV: event_id, machine_id, kind, occurred_at; where known slot, outcome, failure_mode, known_at."
    ),
]
Source = Annotated[Path, typer.Argument(help="Folder with the files of the data set.")]
Subset = Annotated[str, typer.Option(help="FD001, FD002, FD003 or FD004.")]
PlantFile = Annotated[Path | None, typer.Option("--plant", help="Where the plant file goes; default: in `plant`.")]


@app.command()
def check(
    plant: Annotated[Path | None, typer.Option(help="Plant file or folder instead of the configured one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Validate settings, plant, historians, lake and model registry, and say what to do next."""
    from pipelines.checkup import examine

    with _told() as settings:
        findings = examine(settings if plant is None else settings.model_copy(update={"plant": plant}))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            mark = "[green]ok[/green]  " if finding.ok else "[red]wrong[/red]"
            people.print(f"{mark} {finding.subject}: {escape(finding.detail)}", highlight=False, soft_wrap=True)
            if finding.next_step:
                people.print(f"      next: {escape(finding.next_step)}", highlight=False, soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(2)


@imports_app.command("femto")
def import_femto(source: Source, plant: PlantFile = None, as_json: AsJson = False) -> None:
    """FEMTO-ST bearings run to failure (IEEE PHM 2012), as Parquet."""
    from pipelines.imports.femto import import_femto as bring_in

    with _told() as settings:
        report = bring_in(source, Lake(settings.lake), plant or _inside(settings.plant, "femto.yaml"))
        _print(asdict(report), as_json, "Imported")


@imports_app.command("cmapss")
def import_cmapss(
    source: Source, subset: Subset = "FD001", plant: PlantFile = None, as_json: AsJson = False
) -> None:
    """NASA C-MAPSS turbofan engines, run to failure."""
    from pipelines.imports.cmapss import import_cmapss as bring_in

    with _told() as settings:
        file = plant or _inside(settings.plant, f"cmapss-{subset.lower()}.yaml")
        report = bring_in(source, subset, Lake(settings.lake), file)
        _print(asdict(report), as_json, "Imported")


@imports_app.command("azure-pdm")
def import_azure_pdm(source: Source, plant: PlantFile = None, as_json: AsJson = False) -> None:
    """Microsoft's simulated fleet with its maintenance log, as Parquet."""
    from pipelines.imports.azure_pdm import import_azure_pdm as bring_in

    with _told() as settings:
        report = bring_in(source, Lake(settings.lake), plant or _inside(settings.plant, "azure-pdm.yaml"))
        _print(asdict(report), as_json, "Imported")


@imports_app.command("production-plant")
def import_production_plant(source: Source, plant: PlantFile = None, as_json: AsJson = False) -> None:
    """Runs of a production plant's component to its end of life, as Parquet."""
    from pipelines.imports.production_plant import import_production_plant as bring_in

    with _told() as settings:
        report = bring_in(source, Lake(settings.lake), plant or _inside(settings.plant, "production-plant.yaml"))
        _print(asdict(report), as_json, "Imported")


def _inside(plant: Path, name: str) -> Path:
    return plant if plant.suffix in {".yaml", ".yml"} else plant / name


@events_app.command("import")
def import_events(file: EventsFile, as_json: AsJson = False) -> None:
    """Maintenance events from a CSV file."""
    from features.core.clock import clock_from
    from features.core.plant import read_plant
    from pipelines.imports.events import import_events as bring_in

    with _told() as settings:
        now = clock_from(settings.replay).now()
        report = bring_in(file, Lake(settings.lake), read_plant(settings.plant), now=now)
        _print(asdict(report), as_json, "Events")


@events_app.command("review")
def review_events(as_json: AsJson = False) -> None:
    """Entries of the maintenance log that contradict the plant or each other: nothing is learnt from them."""
    from pipelines.walk import Walk

    with _told() as settings:
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


@app.command()
def ingest(
    until: Annotated[dt.datetime | None, typer.Option(help="Read up to this moment (UTC); default: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read every configured historian from its watermark on."""
    from pipelines.walk import Walk

    with _told() as settings, progress_bar("Reading historians") as show:
        walk = Walk.open(settings)
        moment = walk.clock.now() if until is None else until.replace(tzinfo=dt.UTC)
        reports = walk.ingest(until=moment, on_progress=lambda step: show(step.share, f"{step.rows:,} rows"))
    for report in reports:
        _print(asdict(report), as_json, "Ingested")


@app.command()
def train(
    component_class: Annotated[str | None, typer.Option("--class", help="One class; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make missing features, learn from lives, compare with the baselines, promote."""
    from pipelines.walk import Walk

    with _told() as settings:
        walk = Walk.open(settings)
        as_of = walk.clock.now()
        with progress_bar("Making features") as show:
            walk.features(as_of=as_of, on_progress=lambda step: show(step.share, step.machine_id))
        walk.lives(as_of=as_of)
        for known in walk.plant.component_classes:
            if component_class in (None, known.id):
                trained = walk.train(known.id, as_of=as_of)
                facts = {
                    "model": trained.model.name,
                    "version": trained.model.version,
                    "run": trained.model.run_id,
                    "promoted": trained.promotion.promoted,
                    "reason": trained.promotion.reason,
                    **trained.model.metrics,
                }
                _print(facts, as_json, f"Trained {known.id}")


@app.command()
def tune(
    component_class: Annotated[str, typer.Argument(help="Component class.")],
    minutes: Annotated[float, typer.Option(help="Budget; run again to go on.")] = 30.0,
    exclude_machine: Annotated[
        list[str] | None, typer.Option(help="Leave its lives out, e.g. held-out ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for a class's fit parameters within a budget, judged on lives that no search saw."""
    from pipelines.walk import Walk

    stops: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stops.append(number))
    with _told() as settings, progress_bar(f"Tuning {component_class}") as show:
        walk = Walk.open(settings)
        as_of = walk.clock.now()
        if component_class not in {known.id for known in walk.plant.component_classes}:
            valid = ", ".join(known.id for known in walk.plant.component_classes)
            raise ConfigError(f"no component class {component_class!r} in the plant; valid: {valid}")
        walk.features(as_of=as_of)
        walk.lives(as_of=as_of)
        found = walk.tune(
            component_class,
            as_of=as_of,
            minutes=minutes,
            exclude_machines=exclude_machine or (),
            on_progress=lambda step: show(step.share, f"{step.trials} trials, {step.doing}"),
            is_stopped=lambda: bool(stops),
        )
    facts = {"trials": found.trials, "is_finished": found.is_finished, "file": found.file}
    _print(
        facts | ({} if found.record is None else found.record.model_dump()), as_json, f"Tuned {component_class}"
    )
    if found.record is None:
        people.print(
            "Stopped before it was judged; what was found is kept. Run it again to go on.", highlight=False
        )
        raise typer.Exit(130 if stops else 0)
    if not as_json:
        before, after = f"{found.record.rmse_default:.4g}", f"{found.record.rmse_tuned:.4g}"
        chance = "" if found.record.is_established else ", which may be chance"
        if found.file is None:
            text = f"is {after}, the default's {before}: the defaults stay, nothing was written."
        else:
            text = f"is {after} instead of {before}{chance}. Read {found.file}, commit it, then train."
        people.print(f"On lives that no search saw the tuned error {text}", highlight=False)


@features_app.callback()
def features() -> None:
    """Generic features worth having."""


@features_app.command("discover")
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

    with _told() as settings:
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
    _print({"file": file, **facts}, False, f"Discovered for {component_class}")
    table = Table("feature", "p-value", title="Chosen")
    for one in choice.features:
        table.add_row(f"{one.level}.{one.name}_{one.span}", f"{one.p_value:.2g}")
    Console().print(table)
    people.print("Review the file, then train: features of the class change with it.", highlight=False)


@app.command()
def score(
    along: Annotated[bool, typer.Option(help="A statement for every feature row, not only the newest.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make missing features and predict every component with its class's champion."""
    from pipelines.walk import Walk

    with _told() as settings:
        walk = Walk.open(settings)
        as_of = walk.clock.now()
        with progress_bar("Making features") as show:
            walk.features(as_of=as_of, on_progress=lambda step: show(step.share, step.machine_id))
        statements = walk.score(as_of=as_of, along=along)
    if as_json:
        typer.echo(json.dumps([asdict(statement) for statement in statements], default=str))
        return
    table = Table(
        "component", "state", "P10", "P50", "P90", "unit", "stands on", "why no number", title="Statements"
    )
    for statement in statements if not along else statements[-50:]:
        if isinstance(statement, Prediction):
            numbers = ["" if x is None else f"{x:.0f}" for x in (statement.p10, statement.p50, statement.p90)]
            told = (*numbers, statement.life_unit, statement.rung.value, "")
        else:
            why = escape(f"{statement.reason}: {statement.detail}")
            told = ("", "", "", "", statement.rung.value, why)
        table.add_row(statement.component_id, str(statement.health_state or ""), *told)
    Console().print(table)


@app.command()
def demo(
    step: Annotated[int, typer.Option(help="1: learn; 3: take the answer back and report.", hidden=True)] = 1,
    femto: Annotated[Path | None, typer.Option(help="Folder of the FEMTO bearings, to follow them too.")] = None,
    as_json: AsJson = False,
) -> None:
    """The whole walk on a simulated plant, in data/demo: from its historian to an ERP order and back."""
    from pipelines.demo.report import finish
    from pipelines.demo.simulated import learn

    with _told():
        if step == 1:
            learn(people, progress_bar, femto)
        else:
            finish(people, as_json=as_json)


@app.command()
def up() -> None:
    """Start MLflow's server and Dagster's web server and daemon; Ctrl-C stops them."""
    from pipelines.defs.home import write_home
    from pipelines.demo.home import demo_environment, demo_settings
    from pipelines.up import Supervisor, commands, require_plant, require_ports

    with _told() as settings:
        is_demo = runs_on_demo()
        if is_demo:
            settings = demo_settings()
        require_plant(settings)
        require_ports(settings)
        home = write_home(settings.dagster_home)
        environment = {"DAGSTER_HOME": str(home), **(demo_environment(settings) if is_demo else {})}
        people.print(
            f"Dagster  http://127.0.0.1:{settings.dagster_port}\nMLflow   http://127.0.0.1:{settings.mlflow_port}\n"
            f"{'On the demo plant. ' if is_demo else ''}Logs in {home / 'logs'}; Ctrl-C stops.",
            highlight=False,
        )
        raise typer.Exit(Supervisor(commands(settings), environment, home / "logs").run())


if __name__ == "__main__":
    app()
