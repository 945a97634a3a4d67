"""C-MAPSS engines brought in by the product's own walk, and what a model says of the test engines."""

import datetime as dt
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import Plant, read_plant
from features.core.statements import Prediction, Refusal
from features.core.tables import FEATURE_ROWS, LIVES, MAINTENANCE_EVENTS
from features.registry import feature_set
from features.rul.artefact import Artefact
from features.rul.memory import Spans
from features.rul.predict import predict
from pipelines import labels
from pipelines.evaluation.scored import Answers
from pipelines.imports.cmapss import import_cmapss, machine_id
from pipelines.scoring import compute_features

__all__ = [
    "CLASS",
    "Fleet",
    "Tested",
    "asked_at_last_cycle",
    "baseline_rows",
    "bring_in",
    "files_of_test",
    "read_truth",
    "spans_of",
]

CLASS = "turbofan"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Imported engines: their plant, their lake and how long import and features took, s."""

    plant: Plant
    lake: Lake
    import_s: float
    features_s: float


@dataclass(frozen=True, slots=True)
class Tested:
    """Answers to the test engines at their last cycle, and the refusals: engine -> reason and detail."""

    answers: Answers
    refused: Mapping[str, tuple[str, str]]


def bring_in(data: Path, subsets: Sequence[str], folder: Path, *, part: str, now: dt.datetime) -> Fleet:
    """Imports engines, computes their features and finds their lives."""
    begun, lake, plants = time.perf_counter(), Lake(folder / "lake"), folder / "plant"
    for subset in subsets:
        import_cmapss(data, subset, lake, plants / f"{subset.lower()}.yaml", part=part)
    plant = read_plant(plants)
    imported = time.perf_counter()
    compute_features(lake, plant, as_of=now)
    events = lake.read(MAINTENANCE_EVENTS, as_of=now).collect()
    begin = {machine.id: dt.datetime(2008, 10, 6, tzinfo=dt.UTC) for machine in plant.machines}
    lake.upsert(LIVES, labels.lives(events, plant, as_of=now, data_begin=begin), writer="labels")
    return Fleet(plant, lake, imported - begun, time.perf_counter() - imported)


def spans_of(plant: Plant) -> Spans:
    """How far back the class's memory goes."""
    component_class = plant.component_class(CLASS)
    return Spans.of_class(component_class.memory, component_class.baseline)


def baseline_rows(plant: Plant) -> int:
    """Rows in the class's baseline; one row is an hour."""
    return math.ceil(plant.component_class(CLASS).baseline / dt.timedelta(hours=1))


def asked_at_last_cycle(artefact: Artefact, fleet: Fleet, truth: Mapping[str, float]) -> Tested:
    """What the model says of each test engine at its last cycle."""
    rows = fleet.lake.read(FEATURE_ROWS).collect().partition_by("machine_id", as_dict=True)
    features = feature_set(fleet.plant, CLASS)
    said: list[tuple[str, Prediction | Refusal]] = []
    for machine, component in fleet.plant.components_of(CLASS):
        own = rows[machine.id,].with_columns(available_at=pl.col("time"))
        statement = predict(
            artefact,
            own,
            machine=machine,
            component=component,
            component_class=fleet.plant.component_class(CLASS),
            life_number=1,
            model_name=artefact.name,
            model_version="1",
            as_of=own["time"].max(),  # type: ignore[arg-type] # a column of moments
            features=features,
        )
        said.append((machine.id, statement))
    told = [(machine, one) for machine, one in said if isinstance(one, Prediction)]
    return Tested(
        Answers(
            unit=np.array([machine for machine, _ in told]),
            rul=np.array([truth[machine] for machine, _ in told]),
            cap=artefact.rul_cap,
            mean=np.array([one.mean for _, one in told]),
            p10=np.array([one.p10 for _, one in told], dtype=np.float64),
            p50=np.array([one.p50 for _, one in told], dtype=np.float64),
            p90=np.array([one.p90 for _, one in told], dtype=np.float64),
            baselines={},
        ),
        {machine: (one.reason.value, one.detail) for machine, one in said if isinstance(one, Refusal)},
    )


def files_of_test(data: Path, subset: str) -> tuple[Path, Path] | None:
    """The test engines of a subset and their truth; None where neither file is there. Neither is opened.

    Raises:
        ConfigError: One is there without the other.
    """
    engines, truth = data / f"test_{subset}.txt", data / f"RUL_{subset}.txt"
    missing = [file for file in (engines, truth) if not file.exists()]
    if len(missing) == 1:
        other = truth if missing == [engines] else engines
        raise ConfigError(
            f"{other} is there and {missing[0].name} is not: add it, or leave the test engines alone "
            "by --without-test",
            {"file": str(missing[0])},
        )
    return None if missing else (engines, truth)


def read_truth(file: Path, subset: str, machines: Collection[str]) -> dict[str, float]:
    """Test engine -> RUL at its last cycle.

    Args:
        file: One number a line, for engine 1, 2, ...
        subset: Whose engines.
        machines: The test engines that have rows.

    Raises:
        ConfigError: Not one number for each engine.
    """
    try:
        numbers = [float(word) for word in file.read_text(encoding="utf-8-sig").split()]
    except ValueError as err:
        raise ConfigError(f"{file}: {err}; one number a line is expected", {"file": str(file)}) from err
    truth = {machine_id(subset, unit, "test"): rul for unit, rul in enumerate(numbers, start=1)}
    strange = sorted(set(machines) ^ set(truth)) or sorted(
        one for one, rul in truth.items() if not 0 <= rul < math.inf
    )
    if strange:
        raise ConfigError(
            f"{file}: {len(numbers)} numbers for {len(machines)} engines of test_{subset}.txt; {strange[0]} has "
            "no row or no remaining life; fetch both again",
            {"file": str(file), "machine": strange[0]},
        )
    return truth
