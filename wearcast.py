"""The one front door: passes each command on to the package that owns it, as a process of its own."""

import json
import os
import signal
import sys
from subprocess import Popen

import typer

OWNERS = {
    "init": ("features", "Write a commented plant file to start from."),
    "check": ("features pipelines serving", "Validate plant, settings and connections; say what to do next."),
    "demo": ("pipelines serving pipelines", "Walk from a simulated historian to an ERP order and back."),
    "import": ("pipelines", "Turn a public data set into a plant: femto, cmapss, azure-pdm, and others."),
    "ingest": ("pipelines", "Read the historians into the lake."),
    "events": ("pipelines", "Import maintenance events and closed orders; review what contradicts."),
    "features": ("pipelines", "Discover generic features worth having."),
    "train": ("pipelines", "Learn from lives, compare, promote."),
    "tune": ("pipelines", "Look for a class's fit parameters within a budget of minutes."),
    "model": ("pipelines", "List, compare, promote and roll back versions of models; run one in shadow."),
    "score": ("pipelines", "Compute features and predict remaining useful life."),
    "diagnose": ("features", "Name the fault that a component's spectra support."),
    "envelope-band": ("features", "Propose the band of each waveform point's envelope, by the kurtogram."),
    "plan": ("serving", "Turn predictions into recommendations."),
    "erp": ("serving", "Check, map, prove and stop the connection to the ERP; incidents, precision."),
    "audit": ("serving", "Verify and list the hash-chained audit."),
    "sandbox-erp": ("serving", "Run the small stand-in ERP."),
    "benchmark": ("features", "Run a benchmark of this checkout."),
}
ABOUT = "From a plant's historian to maintenance decisions. More of each: `wearcast COMMAND --help`."
app = typer.Typer(no_args_is_help=True, add_completion=False, help=ABOUT)


def _start(package: str, *words: str) -> Popen[bytes]:
    side = Popen([sys.executable, "-c", f"from {package}.__main__ import app; app(prog_name='wearcast')", *words])
    [signal.signal(stop, lambda number, _: side.send_signal(number)) for stop in (signal.SIGINT, signal.SIGTERM)]
    return side


def _add(name: str, packages: list[str], text: str) -> None:
    @app.command(name, help=text, add_help_option=False, context_settings={"ignore_unknown_options": True})
    def command(words: list[str] = typer.Argument([])) -> None:
        codes = [0]
        for step, package in enumerate(packages[:1] if "--help" in words else packages, start=1):
            if codes[-1] == 0 or name == "check":
                codes.append(abs(_start(package, name, *["--step", str(step)] * (name == "demo"), *words).wait()))
        raise typer.Exit(max(codes))


[_add(name, packages.split(), text) for name, (packages, text) in OWNERS.items()]


@app.command()
def up() -> None:
    """Start web servers, schedules and worker; Ctrl-C stops them."""
    sides = {side: [sys.executable, "-m", side, "up"] for side in ("pipelines", "serving")}
    os.execv(sys.executable, [sys.executable, "-m", "features.core.processes", json.dumps(sides)])  # noqa: S606
