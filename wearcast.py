"""The one front door: passes each command on to the package that owns it, as a process of its own."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import typer

OWNERS = {
    "init": ("features", "Write a commented plant file to start from."),
    "check": ("features pipelines serving", "Validate plant, settings and connections; say what to do next."),
    "demo": ("pipelines serving pipelines", "Walk from a simulated historian to an ERP order and back."),
    "import": ("pipelines", "Turn a public data set into a plant: femto, cmapss."),
    "ingest": ("pipelines", "Read the historians into the lake."),
    "events": ("pipelines", "Import maintenance events from a file."),
    "features": ("pipelines", "Discover generic features worth having."),
    "train": ("pipelines", "Learn from lives, compare, promote."),
    "score": ("pipelines", "Compute features and predict remaining useful life."),
    "diagnose": ("features", "Name the fault that a component's spectra support."),
    "plan": ("serving", "Turn predictions into recommendations."),
    "sandbox-erp": ("serving", "Run the small stand-in ERP."),
}
BENCHMARKS = Path(__file__).parent / "tests" / "benchmarks"
app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
pass_on = {"add_help_option": False, "context_settings": {"ignore_unknown_options": True}}


def _start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *command])


def _add(name: str, packages: list[str], text: str) -> None:
    @app.command(name, help=text, **pass_on)
    def command(words: list[str] = typer.Argument([])) -> None:
        codes = [0]
        for step, package in enumerate(packages, start=1):
            if codes[-1] == 0 or name == "check":
                steps = ["--step", str(step)] if name == "demo" else []
                codes.append(_start("-m", package, name, *steps, *words).wait())
        raise typer.Exit(max(codes))


[_add(name, packages.split(), text) for name, (packages, text) in OWNERS.items()]


@app.command(**pass_on)
def benchmark(name: str, words: list[str] = typer.Argument([])) -> None:
    """Run a benchmark of this checkout, e.g. `wearcast benchmark features --json`."""
    if name not in (names := sorted(path.stem for path in BENCHMARKS.glob("[a-z]*.py"))):
        raise typer.BadParameter(f"benchmarks here: {', '.join(names) or 'none (not a checkout)'}")
    raise typer.Exit(_start(str(BENCHMARKS / f"{name}.py"), *words).wait())


@app.command(**pass_on)
def up(words: list[str] = typer.Argument([])) -> None:
    """Start web servers, schedules and worker; Ctrl-C stops them."""
    sides, stopping = [_start("-m", side, "up", *words) for side in ("pipelines", "serving")], []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopping.append(number))
    while not stopping and all(side.poll() is None for side in sides):
        time.sleep(0.2)
    [side.send_signal(signal.SIGINT) for side in sides if side.poll() is None]
    raise typer.Exit(max(abs(side.wait()) for side in sides))
