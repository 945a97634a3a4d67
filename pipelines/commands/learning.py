"""What learns from lives: `wearcast train` and `tune`."""

import signal
from typing import Annotated

import typer

from features.core.errors import ConfigError
from pipelines.commands.console import AsJson, people, print_facts, progress_bar, told

__all__ = ["train", "tune"]


def train(
    component_class: Annotated[str | None, typer.Option("--class", help="One class; default: all.")] = None,
    fold_seeds: Annotated[
        int, typer.Option(min=1, help="Sets of folds to judge by; more tell how far the error moves with them.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Make missing features, learn from lives, compare with the baselines, promote."""
    from pipelines.walk import Walk

    with told() as settings:
        walk = Walk.open(settings)
        as_of = walk.clock.now()
        with progress_bar("Making features") as show:
            walk.features(as_of=as_of, on_progress=lambda step: show(step.share, step.machine_id))
        walk.lives(as_of=as_of)
        for known in walk.plant.component_classes:
            if component_class in (None, known.id):
                trained = walk.train(known.id, as_of=as_of, fold_seeds=fold_seeds)
                facts = {
                    "model": trained.model.name,
                    "version": trained.model.version,
                    "run": trained.model.run_id,
                    "promoted": trained.promotion.promoted,
                    "reason": trained.promotion.reason,
                    **trained.model.metrics,
                }
                print_facts(facts, as_json, f"Trained {known.id}")


def tune(
    component_class: Annotated[str, typer.Argument(help="Component class.")],
    minutes: Annotated[float, typer.Option(help="Budget; run again to go on.")] = 30.0,
    exclude_machine: Annotated[
        list[str] | None, typer.Option(help="Leave its lives out, e.g. held-out ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for a class's fit parameters within a budget, judged on lives that no search saw."""
    from pipelines.walk import Walk

    stops: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stops.append(number))
    with told() as settings, progress_bar(f"Tuning {component_class}") as show:
        walk = Walk.open(settings)
        as_of = walk.clock.now()
        if component_class not in {known.id for known in walk.plant.component_classes}:
            valid = ", ".join(known.id for known in walk.plant.component_classes)
            raise ConfigError(f"no component class {component_class!r} in the plant; valid: {valid}")
        walk.features(as_of=as_of)
        walk.lives(as_of=as_of)
        found = walk.tune(
            component_class,
            as_of=as_of,
            minutes=minutes,
            exclude_machines=exclude_machine or (),
            on_progress=lambda step: show(step.share, f"{step.trials} trials, {step.doing}"),
            is_stopped=lambda: bool(stops),
        )
    facts = {"trials": found.trials, "is_finished": found.is_finished, "file": found.file}
    print_facts(
        facts | ({} if found.record is None else found.record.model_dump()), as_json, f"Tuned {component_class}"
    )
    if found.record is None:
        people.print(
            "Stopped before it was judged; what was found is kept. Run it again to go on.", highlight=False
        )
        raise typer.Exit(130 if stops else 0)
    if not as_json:
        before, after = f"{found.record.rmse_default:.4g}", f"{found.record.rmse_tuned:.4g}"
        chance = "" if found.record.is_established else ", which may be chance"
        if found.file is None:
            text = f"is {after}, the default's {before}: the defaults stay, nothing was written."
        else:
            text = f"is {after} instead of {before}{chance}. Read {found.file}, commit it, then train."
        people.print(f"On lives that no search saw the tuned error {text}", highlight=False)
