"""Real bearings run to failure: each is followed along its life by a model of the five others."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.plant import read_plant
from features.core.statements import Prediction, Refusal
from pipelines import champion, scoring, training
from pipelines.imports.femto import import_femto
from pipelines.walk import Walk

__all__ = ["follow_bearings"]

ProgressBar = Callable[[str], AbstractContextManager[Callable[[float, str], None]]]

_HOUR_US = 3_600_000_000


def follow_bearings(
    people: Console, progress_bar: ProgressBar, femto: Path, demo: Walk, home: Path
) -> list[dict[str, Any]]:  # Any: facts for a JSON document
    """Imports the bearings and predicts each one along its life without having learnt from it.

    Args:
        people: Where people read.
        progress_bar: Opens a progress bar with a title.
        femto: Folder of the FEMTO bearings.
        demo: The demo's walk: its model registry is used.
        home: The demo's folder; the bearings get a plant and a lake of their own in it.

    Returns:
        One entry a bearing: machine, lake, times, errors of the model and of two baselines in share of its life.
    """
    plant_path, lake = home / "femto" / "plant.yaml", Lake(home / "femto" / "lake")
    with progress_bar("5 Importing real bearings"):
        import_femto(femto, lake, plant_path)
    plant = read_plant(plant_path)
    walk = replace(demo, plant=plant, lake=lake, clock=DemoClock(dt.datetime(2012, 1, 1, tzinfo=dt.UTC)))
    as_of = walk.clock.now()
    with progress_bar("6 Making their features") as show:
        walk.features(as_of=as_of, on_progress=lambda step: show(step.share, step.machine_id))
    lives = walk.lives(as_of=as_of)
    failed = lives.filter(pl.col("ending") == "failure")
    class_id = plant.component_classes[0].id
    followed = []
    with progress_bar("7 Following each bearing") as show:
        for i, machine in enumerate(plant.machines):
            show(i / len(plant.machines), machine.id)
            model = training.train(
                lake, plant, class_id, as_of=as_of, registry=walk.registry, exclude_machines=(machine.id,)
            )
            loaded = champion.LoadedModel(model.artefact, model.name, model.version)
            statements = scoring.score(
                lake,
                plant,
                {class_id: loaded},
                lives=lives,
                as_of=as_of,
                along=True,
                replayed=True,
                machine_ids=[machine.id],
            )
            followed.append(_facts(machine.id, model.version, statements, failed))
    people.print(f"{len(followed)} real bearings followed, each by a model of the others.", highlight=False)
    return followed


def _facts(
    machine_id: str, version: str, statements: list[Prediction | Refusal], lives: pl.DataFrame
) -> dict[str, Any]:
    own = lives.filter(pl.col("machine_id") == machine_id).row(0, named=True)
    others = lives.filter(pl.col("machine_id") != machine_id)
    spans = (others["end"] - others["start"]).dt.total_microseconds().to_numpy() / _HOUR_US
    life_h = (own["end"] - own["start"]) / dt.timedelta(hours=1)
    predicted = [s for s in statements if isinstance(s, Prediction) and s.data_time <= own["end"]]
    age = np.array([(s.data_time - own["start"]) / dt.timedelta(hours=1) for s in predicted])
    truth = life_h - age
    errors = {
        "model": np.array([s.p50 for s in predicted]) - truth,
        "constant": float(np.median(spans)) / 2.0 - truth,
        "age": np.maximum(float(np.median(spans)) - age, 0.0) - truth,
    }
    return {
        "bearing": machine_id,
        "model_version": version,
        "start": own["start"].isoformat(),
        "end": own["end"].isoformat(),
        "life_h": life_h,
        "predictions": len(predicted),
        "refusals": len(statements) - len(predicted),
        **{f"mae_{name}": float(np.mean(np.abs(error))) / life_h for name, error in errors.items()},
        **{f"rmse_{name}": float(np.sqrt(np.mean(error**2))) / life_h for name, error in errors.items()},
    }
