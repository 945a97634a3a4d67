"""What every command shares: settings, one clear line for an error, the store, and facts as a table or JSON."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.core.errors import WearcastError
from features.core.telemetry import configure_logs
from serving.settings import ServingSettings

if TYPE_CHECKING:
    from serving.store import Store

__all__ = ["AsJson", "PortFile", "actor", "opened_store", "people", "show", "show_rows", "told"]

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")]
PortFile = Annotated[Path | None, typer.Option("--port-file", help="Gets the port once it is bound.")]

# A pipe has no width of its own; tables stay readable in a log.
people = Console(stderr=True, width=None if sys.stderr.isatty() else 120)


@contextmanager
def told() -> Iterator[ServingSettings]:
    """Settings for a command; an error ends it with one clear line instead of a trace."""
    try:
        settings = ServingSettings.read()
        configure_logs(settings.log_format)
        yield settings
    except WearcastError as err:
        people.print(f"[red]{type(err).__name__}[/red]: {escape(str(err))}", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from err


@contextmanager
def opened_store(settings: ServingSettings) -> "Iterator[Store]":
    """The store, migrated, and closed at the end."""
    from serving.store import Store

    store = Store(settings.store)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


def show(facts: dict[str, Any], as_json: bool, title: str) -> None:  # Any: a JSON document
    """Facts of one thing."""
    if as_json:
        typer.echo(json.dumps(facts, default=str))
        return
    table = Table("what", "value", title=title)
    for name, value in facts.items():
        shown = (", ".join(str(one) for one in value) or "none") if isinstance(value, list) else value
        table.add_row(name.replace("_", " "), escape(str(shown)))
    Console().print(table)


def show_rows(rows: list[dict[str, Any]], as_json: bool, title: str, nothing: str) -> None:  # Any: JSON
    """Many things of one kind; `nothing` is said when there is none."""
    if as_json:
        typer.echo(json.dumps({title.replace(" ", "_"): rows}, default=str))
        return
    if not rows:
        people.print(nothing, highlight=False, soft_wrap=True)
        return
    table = Table(title=title)
    for name in rows[0]:
        # Keys and ids are typed in again: a narrow terminal may break them, never cut them.
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(escape("" if value is None else str(value)) for value in row.values()))
    Console().print(table)


def actor() -> str:
    """Who runs the command, for the audit."""
    return f"cli:{getpass.getuser()}"
