"""`python -m features`: the catalogue of features, plant files, a diagnosis to read, benchmarks to run."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from features.commands.catalogue import catalogue
from features.commands.diagnosis import diagnose, envelope_band
from features.commands.plantfile import check, init

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_BENCHMARKS = Path(__file__).parents[1] / "tests" / "benchmarks"
# Options of a benchmark are its own: what follows its name is passed on.
_PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}

app.command()(catalogue)
app.command()(init)
app.command()(check)


@app.command(context_settings=_PASS_ON)
def benchmark(
    name: Annotated[str, typer.Argument(help="Which one; a name that is not there lists those that are.")],
    words: Annotated[list[str] | None, typer.Argument(help="Options of that benchmark, e.g. --json.")] = None,
) -> None:
    """Run a benchmark of this checkout, e.g. `wearcast benchmark features --json`."""
    names = sorted(path.stem.replace("_", "-") for path in _BENCHMARKS.glob("[a-z]*.py"))
    if name not in names:
        typer.echo(f"no benchmark {name!r}; there are: {', '.join(names) or 'none'} (in {_BENCHMARKS})", err=True)
        raise typer.Exit(2)
    script = _BENCHMARKS / f"{name.replace('-', '_')}.py"
    raise typer.Exit(subprocess.run([sys.executable, str(script), *(words or [])], check=False).returncode)


app.command()(diagnose)
app.command("envelope-band")(envelope_band)


if __name__ == "__main__":
    sys.exit(app())
