"""Commands of the pipelines' side: `python -m pipelines COMMAND`, or `wearcast COMMAND`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from features.core.settings import runs_on_demo
from features.core.telemetry import silence_dependencies
from pipelines.commands import discover, events, imports, learning, model, rounds
from pipelines.commands.console import AsJson, people, progress_bar, told

silence_dependencies()
app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.add_typer(imports.app, name="import")
app.add_typer(events.app, name="events")
app.add_typer(discover.app, name="features")
app.add_typer(model.app, name="model")


@app.command()
def check(
    plant: Annotated[Path | None, typer.Option(help="Plant file or folder instead of the configured one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Validate settings, plant, historians, lake and model registry, and say what to do next."""
    from pipelines.checkup import examine

    with told() as settings:
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


app.command()(rounds.ingest)
app.command()(learning.train)
app.command()(learning.tune)
app.command()(rounds.score)


@app.command()
def demo(
    step: Annotated[int, typer.Option(help="1: learn; 3: take the answer back and report.", hidden=True)] = 1,
    femto: Annotated[Path | None, typer.Option(help="Folder of the FEMTO bearings, to follow them too.")] = None,
    as_json: AsJson = False,
) -> None:
    """The whole walk on a simulated plant, in data/demo: from its historian to an ERP order and back."""
    from pipelines.demo.report import finish
    from pipelines.demo.simulated import learn

    with told():
        if step == 1:
            learn(people, progress_bar, femto)
        else:
            finish(people, as_json=as_json)


@app.command()
def up() -> None:
    """Start MLflow's server and Dagster's web server and daemon; Ctrl-C stops them."""
    from features.core.processes import run_together
    from pipelines.defs.home import write_home
    from pipelines.demo.home import demo_environment, demo_settings
    from pipelines.up import commands, require_plant, require_ports

    with told() as settings:
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
        raise typer.Exit(run_together(commands(settings), environment, home / "logs"))


if __name__ == "__main__":
    app()
