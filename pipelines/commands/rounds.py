"""What runs again and again: `wearcast ingest` and `score`."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.core.statements import Prediction, Refusal
from pipelines.commands.console import AsJson, print_facts, progress_bar, told

__all__ = ["ingest", "score", "statements_table"]


def ingest(
    until: Annotated[dt.datetime | None, typer.Option(help="Read up to this moment (UTC); default: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read every configured historian from its watermark on."""
    from pipelines.walk import Walk

    with told() as settings, progress_bar("Reading historians") as show:
        walk = Walk.open(settings)
        moment = walk.clock.now() if until is None else until.replace(tzinfo=dt.UTC)
        reports = walk.ingest(until=moment, on_progress=lambda step: show(step.share, f"{step.rows:,} rows"))
    for report in reports:
        print_facts(asdict(report), as_json, "Ingested")


def score(
    along: Annotated[bool, typer.Option(help="A statement for every feature row, not only the newest.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make missing features and predict every component with its class's champion."""
    from pipelines.walk import Walk

    with told() as settings:
        walk = Walk.open(settings)
        as_of = walk.clock.now()
        with progress_bar("Making features") as show:
            walk.features(as_of=as_of, on_progress=lambda step: show(step.share, step.machine_id))
        statements = walk.score(as_of=as_of, along=along)
    if as_json:
        typer.echo(json.dumps([asdict(statement) for statement in statements], default=str))
        return
    Console().print(statements_table(statements if not along else statements[-50:]))


def statements_table(statements: Sequence[Prediction | Refusal]) -> Table:
    """One row a component; on a narrow terminal words are broken, never cut."""
    table = Table(title="Statements")
    refused = any(isinstance(statement, Refusal) for statement in statements)
    names = (
        "component",
        "state",
        "P10",
        "P50",
        "P90",
        "unit",
        "stands on",
        *(("why no number",) if refused else ()),
    )
    for name in names:
        table.add_column(name, overflow="fold")
    for statement in statements:
        if isinstance(statement, Prediction):
            numbers = ["" if x is None else f"{x:.0f}" for x in (statement.p10, statement.p50, statement.p90)]
            said = (*numbers, statement.life_unit, statement.rung.value)
        else:
            why = escape(f"{statement.reason}: {statement.detail}")
            said = ("", "", "", "", statement.rung.value, why)
        table.add_row(statement.component_id, str(statement.health_state or ""), *said)
    return table
