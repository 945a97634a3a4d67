"""`wearcast model card` and `evaluate`: what a version is, and how it does on lives that it never saw."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from features.core.errors import ConfigError
from features.core.models import ModelVersion, model_name
from pipelines.commands.console import AsJson, people, print_facts, told

if TYPE_CHECKING:
    from pipelines.walk import Walk

__all__ = ["card", "evaluate"]

Class = Annotated[str, typer.Argument(metavar="CLASS", help="Component class, e.g. rolling_bearing.")]
Version = Annotated[str | None, typer.Option(help="Version; default: the one that predicts.")]


def card(
    component_class: Class,
    version: Version = None,
    raw: Annotated[bool, typer.Option(help="Markdown as it is, not drawn.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the model card: what it is for, what it has seen, how good it is, where not to trust it."""
    from pipelines.training.card import read_card
    from pipelines.walk import Walk

    with told() as settings:
        walk = Walk.open(settings)
        found = _version(walk, component_class, version)
        text = read_card(walk.registry, found)
        if text is None:
            raise ConfigError(f"the run of {found.name} version {found.version} has no card; train again")
    if as_json:
        typer.echo(json.dumps({"model": found.name, "version": found.version, "card": text}))
    elif raw or not Console().is_terminal:
        typer.echo(text)
    else:
        Console().print(Markdown(text))


def evaluate(
    component_class: Class,
    version: Version = None,
    machine: Annotated[
        list[str] | None, typer.Option(help="Only this machine's lives; default: all lives not seen in training.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a version on failed lives that its training had no part of; every look is counted."""
    from pipelines.training.test_data import evaluate_on_test
    from pipelines.walk import Walk

    with told() as settings:
        walk = Walk.open(settings)
        as_of = walk.clock.now()
        walk.lives(as_of=as_of)
        found = _version(walk, component_class, version)
        tested = evaluate_on_test(walk.lake, walk.plant, walk.registry, found, as_of=as_of, machines=machine or ())
    facts = {"model": found.name, "version": found.version, "test_set": tested.test_set, **tested.figures}
    print_facts(
        facts | {"refusals": tested.refusals}, as_json, f"{found.name} version {found.version} on test data"
    )
    if not as_json:
        people.print(
            f"Look {tested.look} at these lives ({escape(tested.test_set)}). What is chosen after a look is "
            "chosen by it.",
            highlight=False,
        )


def _version(walk: "Walk", component_class: str, version: str | None) -> ModelVersion:
    """The asked version, or the champion.

    Raises:
        ConfigError: No such class, version or champion.
    """
    known = [one.id for one in walk.plant.component_classes]
    if component_class not in known:
        raise ConfigError(f"no component class {component_class!r} in the plant; valid: {', '.join(known)}")
    name = model_name(component_class)
    if version is None:
        champion = walk.registry.champion(name)
        if champion is None:
            raise ConfigError(f"class {component_class!r} has no champion yet; train first")
        return champion
    versions = {one.version: one for one, _ in walk.registry.versions(name)}
    if version not in versions:
        raise ConfigError(f"{name} has no version {version!r}; valid: {', '.join(versions) or 'none'}")
    return versions[version]
