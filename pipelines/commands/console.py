"""What every command shares: settings, one clear line for an error, progress, and facts as a table or JSON."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from features.core.errors import WearcastError
from features.core.telemetry import configure_logs
from pipelines.settings import PipelineSettings

__all__ = ["AsJson", "people", "print_facts", "progress_bar", "told"]

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")]

# A pipe has no width of its own; tables stay readable in a log.
people = Console(stderr=True, width=None if sys.stderr.isatty() else 120)


@contextmanager
def told() -> Iterator[PipelineSettings]:
    """Settings for a command; an error ends it with one clear line instead of a trace."""
    try:
        settings = PipelineSettings.read()
        configure_logs(settings.log_format)
        yield settings
    except WearcastError as err:
        people.print(f"[red]{type(err).__name__}[/red]: {escape(str(err))}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from err


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float, str], None]]:
    """A progress bar on standard error; call it with the share done and a word."""
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.fields[word]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=people, transient=False) as progress:
        task = progress.add_task(title, total=1.0, word="")
        yield lambda share, word: progress.update(task, completed=min(share, 1.0), word=word)
        progress.update(task, completed=1.0)


def print_facts(facts: dict[str, Any], as_json: bool, title: str) -> None:  # Any: a JSON document
    """Facts as one line of JSON, or as a table of two columns."""
    if as_json:
        typer.echo(json.dumps(facts, default=str))
        return
    table = Table(title=title, show_header=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), escape(_shown(value)))
    Console().print(table)


def _shown(value: Any) -> str:  # Any: a value of a JSON document
    """A fact as a person reads it: four digits are enough, an empty list is "none"."""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "none"
    return str(value)
