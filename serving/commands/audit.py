"""The audit: who did what to what, and whether a row was changed since."""

from dataclasses import asdict
from typing import Annotated

import typer

from serving.commands.console import AsJson, opened_store, people, show, show_rows, told

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Recompute the chain of hashes; ends with 1 and names the row when one was changed, removed or put in."""
    with told() as settings, opened_store(settings) as store:
        found = store.verify_audit()
        if as_json:
            show(asdict(found), as_json, "audit")
        else:
            people.print(found.message, highlight=False, soft_wrap=True)
        if not found.intact:
            raise typer.Exit(1)


@app.command("list")
def list_rows(
    subject: Annotated[str | None, typer.Option(help="Only of this order key, site or connection.")] = None,
    limit: Annotated[int, typer.Option(help="So many of the newest.", min=1)] = 40,
    as_json: AsJson = False,
) -> None:
    """The newest rows first."""
    with told() as settings, opened_store(settings) as store:
        rows = [
            {"id": row.id, "at": row.at.isoformat(), "actor": row.actor, "action": row.action}
            | {"subject": row.subject, "detail": row.detail}
            # For a copy elsewhere: a chain that was made anew has other hashes.
            | ({"hash": row.hash} if as_json else {})
            for row in store.audit_rows(subject, limit)
        ]
        show_rows(rows, as_json, "audit", "no rows")
