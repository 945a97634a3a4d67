"""`wearcast model`: which versions there are, how they compare, which one predicts, and the way back."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.core.models import model_name
from pipelines.commands.card import card, evaluate
from pipelines.commands.console import AsJson, people, print_facts, progress_bar, told

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Versions of models: compare, promote, roll back, run in shadow.")
app.command()(card)
app.command()(evaluate)

Class = Annotated[str, typer.Argument(metavar="CLASS", help="Component class, e.g. rolling_bearing.")]
Version = Annotated[str, typer.Argument(help="Version, as `wearcast model list` shows it.")]
Trust = Annotated[
    list[str] | None, typer.Option(help="A feature that you have looked at; only proof speaks against it then.")
]


@app.command("list")
def list_versions(
    component_class: Annotated[
        str | None, typer.Argument(metavar="[CLASS]", help="One class; default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Every version: which one predicts, which one is in shadow, what was said of the others."""
    from pipelines.walk import Walk

    rows: list[dict[str, Any]] = []  # Any: a JSON document
    with told() as settings:
        walk = Walk.open(settings)
        for known in walk.plant.component_classes:
            if component_class in (None, known.id):
                name = model_name(known.id)
                roles = {
                    one.version: role
                    for role, one in (
                        ("shadow", walk.registry.shadow(name)),
                        ("champion", walk.registry.champion(name)),
                    )
                    if one is not None
                }
                rows += [
                    {
                        "component_class": known.id,
                        "version": one.version,
                        "role": roles.get(one.version, ""),
                        **tags,
                    }
                    for one, tags in walk.registry.versions(name)
                ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("class", "version", "role", "data until", "failed lives", "error", "verdict", title="Versions")
    for row in rows:
        error = f"{float(row['cv_error']):.4g}" if "cv_error" in row else ""
        said = f"{row.get('verdict', '')}: {row.get('verdict_reason', '')}".strip(": ")
        texts = (row["component_class"], row["version"], row["role"], row.get("as_of", "")[:10])
        table.add_row(*texts, row.get("failed_units", ""), error, escape(said[:160]))
    Console().print(table)


@app.command()
def compare(component_class: Class, version: Version, trust: Trust = None, as_json: AsJson = False) -> None:
    """Judge a version against the champion; nothing is changed. Exit code 1: it would be refused."""
    from pipelines.walk import Walk

    with told() as settings, progress_bar("Comparing") as show:
        verdict = Walk.open(settings).compare(
            component_class, version, trusted=trust or (), on_progress=lambda word: show(0.5, word)
        )
    if as_json:
        typer.echo(json.dumps(verdict.as_json()))
    else:
        _show(verdict.as_json())
    if not verdict.passed:
        raise typer.Exit(1)


@app.command()
def promote(
    component_class: Class,
    version: Version,
    despite: Annotated[
        str | None, typer.Option(help="Your reason to promote what the gate refuses; it is noted.")
    ] = None,
    trust: Trust = None,
    as_json: AsJson = False,
) -> None:
    """Make a version the champion if nothing speaks against it. Exit code 1: it was refused."""
    from pipelines.walk import Walk

    with told() as settings, progress_bar("Comparing") as show:
        promotion = Walk.open(settings).promote(
            component_class,
            version,
            despite=despite,
            trusted=trust or (),
            on_progress=lambda word: show(0.5, word),
        )
    facts = {"promoted": promotion.promoted, "reason": promotion.reason, "champion": promotion.champion}
    print_facts(facts, as_json, f"Version {version} of {component_class}")
    if not promotion.promoted:
        raise typer.Exit(1)


@app.command()
def rollback(
    component_class: Class,
    to: Annotated[str | None, typer.Option(help="Version; default: the champion before this one.")] = None,
    why: Annotated[str, typer.Option(help="Your reason; it is noted.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let the former champion predict again."""
    from pipelines import champion
    from pipelines.walk import Walk

    with told() as settings:
        walk = Walk.open(settings)
        before = champion.champion_of(walk.registry, component_class).version
        move = champion.rollback(walk.registry, component_class, to=to, why=why, now=walk.clock.now())
    facts = {"champion": move.version, "before": before, "at": move.at, "why": move.why}
    print_facts(facts, as_json, f"Rolled back {component_class}")


@app.command()
def history(component_class: Class, as_json: AsJson = False) -> None:
    """Every move of the champion: when, how, why."""
    from dataclasses import asdict

    from pipelines import champion
    from pipelines.walk import Walk

    with told() as settings:
        moves = champion.history(Walk.open(settings).registry, component_class)
    if as_json:
        typer.echo(json.dumps([asdict(move) for move in moves]))
        return
    table = Table("at", "version", "how", "why", title=f"Champions of {component_class}")
    for move in moves:
        table.add_row(move.at, move.version, move.how, escape(move.why))
    Console().print(table)


@app.command()
def shadow(
    component_class: Class,
    version: Annotated[str | None, typer.Argument(help="Lets it run in shadow; without one: the report.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Let nothing run in shadow any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a version predict beside the champion, never acted on; without a version: how the two compare."""
    from pipelines import champion
    from pipelines.walk import Walk

    with told() as settings:
        walk = Walk.open(settings)
        if off or version is not None:
            champion.set_shadow(walk.registry, component_class, None if off else version)
            print_facts({"shadow": "none" if off else version}, as_json, f"Shadow of {component_class}")
            return
        document = walk.shadow_report(component_class).as_json()
    outcome = document.pop("outcome")
    if as_json:
        typer.echo(json.dumps({**document, "outcome": outcome}, default=str))
        return
    print_facts(document, False, f"Shadow of {component_class}")
    if outcome is None:
        people.print("No life has ended of which both had spoken: there is no error to compare yet.")
    else:
        _show_comparisons([outcome])


def _show(verdict: dict[str, Any]) -> None:  # Any: a JSON document
    word = "[green]may be promoted[/green]" if verdict["passed"] else "[red]would be refused[/red]"
    Console().print(f"Version {verdict['candidate']} {word} (champion: {verdict['champion'] or 'none'})")
    for reason in verdict["reasons"]:
        Console().print(f"  - {escape(reason)}", highlight=False, soft_wrap=True)
    _show_comparisons(verdict["comparisons"])


def _show_comparisons(comparisons: list[dict[str, Any]]) -> None:  # Any: a JSON document
    table = Table("on", "lives", "figure", "candidate", "champion", "difference", "standard error")
    for one in comparisons:
        for figure in ("rmse", "mae", "coverage", "interval_score", "refused"):
            paired = one[figure]
            if paired is not None:
                numbers = (paired[name] for name in ("candidate", "champion", "difference", "se"))
                told_ = ("" if number is None else f"{number:.4g}" for number in numbers)
                table.add_row(one["basis"], str(one["lives"]), figure.replace("_", " "), *told_)
    if comparisons:
        Console().print(table)
