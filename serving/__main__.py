"""Commands of the serving side: `python -m serving COMMAND`, or `wearcast COMMAND`."""

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from features.core.settings import runs_on_demo
from features.core.telemetry import silence_dependencies
from serving.commands import audit, erp, rounds
from serving.commands.console import AsJson, PortFile, opened_store, people, show, told
from serving.erp import connected
from serving.settings import ErpSettings, ServingSettings

# What only some commands need is imported in them: the stand-in ERP starts without the lake's libraries.
silence_dependencies()
app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
rounds.add_to(app)
app.add_typer(erp.app, name="erp")
app.add_typer(audit.app, name="audit")


@app.command()
def check(
    plant: Annotated[Path | None, typer.Option(help="Plant file or folder instead of the configured one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Validate settings, plant, store and the connection to the ERP."""
    from features.core.plant import read_plant

    with told() as settings:
        seen = read_plant(settings.plant if plant is None else plant)
        with opened_store(settings) as store:
            audit = store.verify_audit()
        with connected(settings.erp) as orders:
            erp = orders.check().line
        facts = {
            "plant": f"{len(seen.sites)} sites, {len(seen.machines)} machines",
            "store": "migrated",
            "audit": audit.message,
            "erp": erp,
            "mode": settings.erp.mode,
        }
        show(facts, as_json, "serving")
        if not audit.intact:
            raise typer.Exit(1)


@app.command("fetch-champion")
def fetch_champion(as_json: AsJson = False) -> None:
    """Lay new champions of the registry down for the API, verified and tried."""
    from features.core.models import ModelRegistry
    from features.core.plant import read_plant
    from serving.worker import fetch_champions

    with told() as settings:
        registry = ModelRegistry(settings.models, settings.artifacts)
        classes = [one.id for one in read_plant(settings.plant).component_classes]
        show({"fetched": fetch_champions(registry, classes, settings.champion)}, as_json, "champions")


@app.command("sandbox-erp")
def sandbox_erp(
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0: a free one.")] = 8010,
    database: Annotated[Path, typer.Option(help="SQLite file of its orders.")] = Path("data/sandbox_erp.db"),
    secret_file: Annotated[Path, typer.Option(help="Signing secret, in a file of mode 0600.")] = Path(
        "data/erp_secret"
    ),
    port_file: PortFile = None,
    lose_answers: Annotated[int, typer.Option(help="Cut the answer of every n-th create.")] = 0,
    refuse_every: Annotated[int, typer.Option(help="Refuse every n-th create.")] = 0,
    status: Annotated[int, typer.Option(help="Status of those refusals.")] = 503,
    unique_keys: Annotated[bool, typer.Option(help="Make one order an Idempotency-Key, else 409.")] = False,
    accepts: Annotated[bool, typer.Option(help="Answer 202: the number has to be looked up.")] = False,
) -> None:
    """Run the small stand-in ERP on this machine."""
    from serving.erp.secrets import read_secret
    from serving.sandbox_erp import FaultPlan, Manners, main

    with told():
        secret = read_secret(ErpSettings(secret_file=secret_file))
        faults = FaultPlan(lose_answers=lose_answers, refuse_every=refuse_every, status=status)
        people.print("Orders are on the page at / of this address.", highlight=False)
        manners = Manners(unique_keys=unique_keys, accepts=accepts)
        main(port, database, secret, port_file=port_file, faults=faults, manners=manners)


@app.command()
def api(port_file: PortFile = None) -> None:
    """Serve the API and its pages."""
    from serving.app import main

    with told() as settings:
        main(settings, port_file=port_file)


@app.command()
def demo(
    step: Annotated[int, typer.Option(help="This side has step 2 only.")] = 2,
    femto: Annotated[Path | None, typer.Option(help="Used by the other side's steps.")] = None,
    as_json: AsJson = False,
) -> None:
    """This side's step of the demo: decide, order, take the answer back (`wearcast demo` runs all steps)."""
    from features.core.settings import DEMO_HOME
    from serving.demo.orders import decide_and_order

    with told():
        # Where the replay begins: what step 1 learnt and predicted is of that moment.
        replay = json.loads((DEMO_HOME / "replay.json").read_text(encoding="utf-8"))
        decide_and_order(people, now=dt.datetime.fromisoformat(replay["replay_start"]))


@app.command()
def up() -> None:
    """Start the API and the worker (for the demo plant the stand-in ERP too); Ctrl-C stops them."""
    from features.core.plant import read_plant
    from features.core.processes import run_together

    with told() as settings:
        commands = {name: [sys.executable, "-m", "serving", name] for name in ("api", "worker")}
        environment: dict[str, str] = {}
        if runs_on_demo():
            settings = _demo_beside(commands, environment)
        read_plant(settings.plant)
        people.print(f"Planner's page  http://{settings.host}:{settings.port}/", highlight=False)
        raise typer.Exit(run_together(commands, environment))


def _demo_beside(commands: dict[str, list[str]], environment: dict[str, str]) -> ServingSettings:
    """Adds the stand-in ERP to the processes and the demo's settings to their environment."""
    from features.core.plant import read_plant
    from serving.demo.home import SANDBOX_PORT, demo_environment, demo_settings, erp_database, signing_secret

    settings = demo_settings()
    read_plant(settings.plant)
    home = settings.token_file.parent
    signing_secret(home)
    commands["sandbox-erp"] = [
        *(sys.executable, "-m", "serving", "sandbox-erp", "--port", str(SANDBOX_PORT)),
        *("--database", str(erp_database(home)), "--secret-file", str(home / "erp.secret")),
    ]
    environment.update(demo_environment(settings))
    people.print(f"Stand-in ERP    http://127.0.0.1:{SANDBOX_PORT}/", highlight=False)
    return settings


if __name__ == "__main__":
    app()
