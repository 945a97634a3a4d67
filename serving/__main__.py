"""Commands of the serving side: `python -m serving COMMAND`, or `wearcast COMMAND`."""

import datetime as dt
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.core.clock import clock_from
from features.core.errors import WearcastError
from features.core.settings import runs_on_demo
from features.core.telemetry import configure_logs, silence_dependencies
from serving.erp import Assets, connected
from serving.settings import ErpSettings, ServingSettings

if TYPE_CHECKING:
    from serving.store import Store, StoredRecommendation

# What only some commands need is imported in them: the stand-in ERP starts without the lake's libraries.
silence_dependencies()
app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")]
PortFile = Annotated[Path | None, typer.Option("--port-file", help="Gets the port once it is bound.")]

# A pipe has no width of its own; tables stay readable in a log.
people = Console(stderr=True, width=None if sys.stderr.isatty() else 120)


@contextmanager
def _told() -> Iterator[ServingSettings]:
    """Settings for a command; an error ends it with one clear line instead of a trace."""
    try:
        settings = ServingSettings.read()
        configure_logs(settings.log_format)
        yield settings
    except WearcastError as err:
        people.print(f"[red]{type(err).__name__}[/red]: {escape(str(err))}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from err


@contextmanager
def _store(settings: ServingSettings) -> "Iterator[Store]":
    from serving.store import Store

    store = Store(settings.store)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


def _print(facts: dict[str, Any], as_json: bool, title: str) -> None:  # Any: a JSON document
    if as_json:
        typer.echo(json.dumps(facts, default=str))
        return
    table = Table("what", "value", title=title)
    for name, value in facts.items():
        shown = (", ".join(str(one) for one in value) or "none") if isinstance(value, list) else value
        table.add_row(name.replace("_", " "), escape(str(shown)))
    Console().print(table)


@app.command()
def check(
    plant: Annotated[Path | None, typer.Option(help="Plant file or folder instead of the configured one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Validate settings, plant, store and the connection to the ERP."""
    from features.core.plant import read_plant

    with _told() as settings:
        seen = read_plant(settings.plant if plant is None else plant)
        with _store(settings) as store:
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
        _print(facts, as_json, "serving")
        if not audit.intact:
            raise typer.Exit(1)


@app.command()
def plan(as_json: AsJson = False) -> None:
    """Turn the newest predictions into recommendations, and show those that are open."""
    from features.core.lake import Lake
    from features.core.plant import read_plant
    from serving.planning import plan as plan_round

    with _told() as settings, _store(settings) as store, connected(settings.erp) as orders:
        report = plan_round(
            Lake(settings.lake),
            read_plant(settings.plant),
            store,
            now=clock_from(settings.replay).now(),
            assets=orders if isinstance(orders, Assets) else None,
            target=settings.erp.target,
        )
        if as_json:
            _print(asdict(report), as_json, "plan")
            return
        _print({name: value for name, value in asdict(report).items() if name != "reasons"}, as_json, "plan")
        _show_recommendations([one for one in store.recommendations() if one.is_open], report.reasons)


def _show_recommendations(held: "list[StoredRecommendation]", reasons: dict[str, str]) -> None:
    """What is open, most urgent first, and why nothing is to be done about the other components."""
    for one in sorted(held, key=lambda one: (one.recommendation.priority, one.recommendation.due)):
        wanted = one.recommendation
        head = f"{wanted.machine_id}/{wanted.slot}: {wanted.action}, priority {wanted.priority}, {one.state}"
        people.print(f"{head}\n  {escape(wanted.reason)}", highlight=False, soft_wrap=True)
    for component_id, reason in reasons.items():
        people.print(f"{component_id}: nothing to do; {escape(reason)}", highlight=False, soft_wrap=True)


@app.command()
def deliver(as_json: AsJson = False) -> None:
    """Send what was approved to the ERP (a dry run unless the mode is live)."""
    from serving.outbox import deliver as deliver_round
    from serving.outbox import delivery_rules

    with _told() as settings, _store(settings) as store, connected(settings.erp) as orders:
        report = deliver_round(
            store,
            orders,
            now=clock_from(settings.replay).now(),
            rules=delivery_rules(settings.erp.timeout_s),
        )
        _print(asdict(report), as_json, "deliver")


@app.command()
def sync(as_json: AsJson = False) -> None:
    """Read what became of the orders; what they found goes into the lake."""
    from features.core.lake import Lake
    from serving.sync import sync as sync_round

    with _told() as settings, _store(settings) as store, connected(settings.erp) as orders:
        now = clock_from(settings.replay).now()
        report = sync_round(store, orders, Lake(settings.lake), now=now)
        _print(asdict(report), as_json, "sync")


@app.command()
def worker(once: Annotated[bool, typer.Option(help="One round, then end.")] = False) -> None:
    """Plan, deliver and sync, round after round; SIGINT or SIGTERM ends it cleanly."""
    from features.core.lake import Lake
    from features.core.plant import read_plant
    from serving.outbox import delivery_rules
    from serving.worker import Worker, fetch_command

    with _told() as settings, _store(settings) as store, connected(settings.erp) as orders:
        running = Worker(
            lake=Lake(settings.lake),
            plant=read_plant(settings.plant),
            store=store,
            orders=orders,
            clock=clock_from(settings.replay),
            pause_s=settings.cycle_seconds,
            target=settings.erp.target,
            rules=delivery_rules(settings.erp.timeout_s),
            fetch=fetch_command(),
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: running.stop())
        if once:
            running.round()
        else:
            running.run()


@app.command("fetch-champion")
def fetch_champion(as_json: AsJson = False) -> None:
    """Lay new champions of the registry down for the API, verified and tried."""
    from features.core.models import ModelRegistry
    from features.core.plant import read_plant
    from serving.worker import fetch_champions

    with _told() as settings:
        registry = ModelRegistry(settings.models, settings.artifacts)
        classes = [one.id for one in read_plant(settings.plant).component_classes]
        _print({"fetched": fetch_champions(registry, classes, settings.champion)}, as_json, "champions")


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
) -> None:
    """Run the small stand-in ERP on this machine."""
    from serving.erp.secrets import read_secret
    from serving.sandbox_erp import FaultPlan, main

    with _told():
        secret = read_secret(ErpSettings(secret_file=secret_file))
        faults = FaultPlan(lose_answers=lose_answers, refuse_every=refuse_every, status=status)
        people.print("Orders are on the page at / of this address.", highlight=False)
        main(port, database, secret, port_file=port_file, faults=faults)


@app.command()
def api(port_file: PortFile = None) -> None:
    """Serve the API and its pages."""
    from serving.app import main

    with _told() as settings:
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

    with _told():
        # Where the replay begins: what step 1 learnt and predicted is of that moment.
        replay = json.loads((DEMO_HOME / "replay.json").read_text(encoding="utf-8"))
        decide_and_order(people, now=dt.datetime.fromisoformat(replay["replay_start"]))


@app.command()
def up() -> None:
    """Start the API and the worker (for the demo plant the stand-in ERP too); Ctrl-C stops them."""
    from features.core.plant import read_plant
    from serving.worker import run_together

    with _told() as settings:
        commands = {name: [sys.executable, "-m", "serving", name] for name in ("api", "worker")}
        environment = dict(os.environ)
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
