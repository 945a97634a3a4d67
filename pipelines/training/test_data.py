"""A registered model on lives that its training had no part of; every look is counted."""

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from features.core.errors import ConfigError, LeakageError
from features.core.lake import Lake
from features.core.models import ModelRegistry, ModelVersion
from features.core.plant import Plant
from features.core.statements import Prediction, Refusal, Rung
from features.core.tables import FEATURE_ROWS
from features.rul.artefact import Artefact, load
from features.rul.ladder import Statement
from features.rul.predict import predict_rows
from pipelines.dataset import Life, TrainingSet, training_set
from pipelines.evaluation import Answers
from pipelines.evaluation.held_out import figures_of_test
from pipelines.evaluation.looks import take_look
from pipelines.evaluation.scored import bands_of
from pipelines.evaluation.tables import honesty
from pipelines.model.baselines import constant_median, weibull_by_age
from pipelines.model.boosting import life_weights

__all__ = ["OnTestData", "evaluate_on_test", "unseen"]


@dataclass(frozen=True, slots=True)
class OnTestData:
    """What a look showed.

    Attributes:
        test_set: Name of the set.
        look: Which look at these lives it was, from 1.
        figures: Name -> value, see `figures_of_test`; `refused_share` is over all rows of the lives.
        refusals: Reason -> rows to which the model had no answer; `class_prior`: answered by age alone.
        bands: Coverage and errors per band of the true RUL.
    """

    test_set: str
    look: int
    figures: dict[str, float]
    refusals: dict[str, int]
    bands: pl.DataFrame


def evaluate_on_test(
    lake: Lake,
    plant: Plant,
    registry: ModelRegistry,
    version: ModelVersion,
    *,
    as_of: dt.datetime,
    machines: Collection[str] = (),
    seed: int = 1,
) -> OnTestData:
    """Asks the model along each unseen failed life as serving would, and judges what it says.

    The look is taken before anything is computed. Refusals are counted, never answered.

    Args:
        lake: Rows, lives and the count of looks.
        plant: Whose components.
        registry: Says what the training of the version left out.
        version: The model's version.
        as_of: Lives known by then.
        machines: Only these machines; none: all unseen lives.
        seed: Of the bootstrap.

    Raises:
        ConfigError: There is no unseen failed life.
        LeakageError: A life of the named machines was trained on.
        DamagedArtefactError: A file is not what was registered.
    """
    with tempfile.TemporaryDirectory() as space:
        artefact = load(registry.download(version, Path(space, "artefact")))
    class_id = artefact.component_class
    data = training_set(lake, plant, class_id, as_of=as_of, fingerprint=artefact.fingerprint)
    fresh = unseen(lake, plant, registry, version, artefact, data)
    named = [life for life in data.lives if life.failed and (not machines or life.machine_id in machines)]
    lives = [life for life in named if life.unit in fresh]
    if machines and len(lives) < len(named):
        seen = sorted({life.unit for life in named} - fresh)
        raise LeakageError(
            f"version {version.version} learnt from {seen[0]} and {len(seen) - 1} more of these lives; train with "
            "these machines left out first",
            {"lives": seen},
        )
    if not lives:
        raise ConfigError(
            f"version {version.version} of class {class_id!r} has no failed life that it did not see; train with "
            "machines left out, or wait for new failures",
            {"component_class": class_id, "version": version.version},
        )
    name = ", ".join(sorted(machines)) or "lives that the training had no part of"
    by = f"{version.name} {version.version}"
    look = take_look(lake, class_id, test_set=name, units=[life.unit for life in lives], by=by, now=as_of)
    answers, refusals, rows = _answers(lake, plant, version, artefact, data, lives)
    if not answers.unit.size:
        raise ConfigError(
            f"the model refuses every row of the {len(lives)} lives: {dict(refusals)}",
            {"refusals": dict(refusals)},
        )
    answered = {life.unit for life in lives} & set(answers.unit.tolist())
    if len(answered) < len(lives):
        refusals["whole lives"] = len(lives) - len(answered)
    figures = figures_of_test(answers, look, seed=seed)
    figures |= {"refused_share": 1.0 - answers.unit.size / rows, "lives": float(len(lives))}
    return OnTestData(
        name, look.number, figures, dict(refusals), honesty(answers, bands_of(answers.cap), seed=seed)
    )


def unseen(
    lake: Lake,
    plant: Plant,
    registry: ModelRegistry,
    version: ModelVersion,
    artefact: Artefact,
    data: TrainingSet,
) -> set[str]:
    """Lives of `data` that the version's training had no part of, not even as suspended ones."""
    tags = registry.client().get_run(version.run_id).data.tags
    left_out = {what: set(tags.get(f"excluded_{what}", "").split(", ")) for what in ("units", "machines")}
    before = training_set(
        lake,
        plant,
        artefact.component_class,
        as_of=dt.datetime.fromisoformat(artefact.as_of),
        fingerprint=artefact.fingerprint,
    ).without(left_out["units"], left_out["machines"])
    # By machine and slot, for life numbers change when an older life becomes known.
    learnt: dict[tuple[str, str], int] = {}
    for life in before.lives:
        last = int(before.time_us[before.unit == life.unit].max())
        place = (life.machine_id, life.slot)
        learnt[place] = max(last, learnt.get(place, last))
    return {
        life.unit
        for life in data.lives
        if int(data.time_us[data.unit == life.unit].min()) > learnt.get((life.machine_id, life.slot), -1)
    }


def _answers(
    lake: Lake,
    plant: Plant,
    version: ModelVersion,
    artefact: Artefact,
    data: TrainingSet,
    lives: list[Life],
) -> tuple[Answers, Counter[str], int]:
    """Answers to the rows that got a number, reasons of the others, and how many rows were asked."""
    told: list[tuple[int, Prediction]] = []
    refusals: Counter[str] = Counter()
    asked = 0
    for life in lives:
        places = {int(data.time_us[row]): int(row) for row in np.flatnonzero(data.unit == life.unit)}
        for time_us, statement in _statements(lake, plant, version, artefact, life, min(places), max(places)):
            if time_us not in places:
                continue
            asked += 1
            if isinstance(statement, Refusal):
                refusals[statement.reason.value] += 1
            elif statement.rung is Rung.CLASS_PRIOR:
                # An answer by age alone, where the model itself has none.
                refusals[statement.rung.value] += 1
            else:
                told.append((places[time_us], statement))
    rows = np.array([row for row, _ in told], dtype=np.int64)
    band = all(one.calibrated for _, one in told)
    said = {
        name: np.array([getattr(one, name) for _, one in told], dtype=np.float64)
        for name in ("mean", "p50", *(("p10", "p90") if band else ()))
    }
    answers = Answers(
        data.unit[rows],
        data.rul[rows],
        artefact.rul_cap,
        said["mean"],
        said.get("p10"),
        said["p50"],
        said.get("p90"),
        _baselines(data, rows, {life.unit for life in lives}, artefact.rul_cap),
    )
    return answers, refusals, asked


def _statements(
    lake: Lake,
    plant: Plant,
    version: ModelVersion,
    artefact: Artefact,
    life: Life,
    first_us: int,
    last_us: int,
) -> list[tuple[int, Statement]]:
    """Time and statement of each row of a life, as of the moment the row was known."""
    machine = plant.machine(life.machine_id)
    time_us = pl.col("time").dt.epoch("us")
    rows = (
        lake.read(FEATURE_ROWS, machine_ids=[life.machine_id], group=machine.group)
        .filter(pl.col("slot") == life.slot, pl.col("fingerprint") == artefact.fingerprint)
        .filter(time_us >= first_us, time_us <= last_us)
        .sort("time")
        .collect()
    )
    statements = predict_rows(
        artefact,
        rows,
        machine=machine,
        component=machine.component(life.slot),
        component_class=plant.component_class(artefact.component_class),
        life_number=int(life.unit.rpartition("#")[2]),
        model_name=version.name,
        model_version=version.version,
    )
    return list(zip(rows["time"].dt.epoch("us").to_list(), statements, strict=True))


def _baselines(
    data: TrainingSet, rows: np.typing.NDArray[np.int64], held: set[str], cap: float
) -> dict[str, np.typing.NDArray[np.float64]]:
    """What uses no measurement, learnt on all other lives."""
    rest = data.without(units=held)
    failed = np.isfinite(rest.rul)
    if not failed.any():
        return {}
    y = np.minimum(rest.rul[failed], cap)
    median = constant_median(y, life_weights(rest.unit[failed]), rows.size)
    return {"constant_median": median, "weibull_age": weibull_by_age(rest.lives, data.age[rows], cap, median)}
