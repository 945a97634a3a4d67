"""FEMTO bearings brought in by the product's own walk, and what a model says along the life of one."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from features.core.lake import Lake
from features.core.models import ModelRegistry
from features.core.plant import Machine, Plant
from features.core.statements import Prediction
from features.core.tables import FEATURE_ROWS, LIVES, MAINTENANCE_EVENTS
from features.rul.life import known_rows
from features.rul.transfer import Remaining
from pipelines import champion, labels, scoring, training
from pipelines.imports.femto import import_femto, plant_document
from pipelines.imports.femto_runs import Bearing, bearings_in
from pipelines.imports.plantfile import settle_plant
from tests.benchmarks._femto_answers import best_answer

__all__ = ["HOUR", "Course", "Fleet"]

Floats = npt.NDArray[np.float64]

AS_OF = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Course:
    """One bearing along its life, told by a model that did not see it; hours.

    `age` and `truth` [n] at its rows (of rows that became known together the newest, which is what is told);
    `p50` [n], NaN where refused; `left` where few lives speak, else None.
    """

    name: str
    age: Floats
    truth: Floats
    p50: Floats
    left: Remaining | None
    first_request: float | None
    rung: str

    @property
    def life(self) -> float:
        """Hours from installation to failure."""
        return float(self.age[-1] + self.truth[-1])

    def row_at(self, share: float) -> int:
        """The newest row at that share of life."""
        return max(0, int(np.searchsorted(self.age, share * self.life, side="right")) - 1)

    def answer(self, row: int) -> float:
        """The number for the challenge; NaN where refused."""
        if self.left is None or not np.isfinite(self.p50[row]):
            return float(self.p50[row])
        return best_answer(self.left.values, self.left.weights[row])


class Fleet:
    """The bearings in a lake of their own, with features and lives."""

    def __init__(self, home: Path, learning: Path, test: Path | None) -> None:
        self.lake, plant_path = Lake(home / "lake"), home / "plant.yaml"
        self.learning = bearings_in(learning)
        self.test: tuple[Bearing, ...] = () if test is None else bearings_in(test)
        # One plant of both: one feature set.
        self.plant: Plant = settle_plant(plant_path, plant_document((*self.learning, *self.test)))
        for folder in (learning, test):
            if folder is not None:
                import_femto(folder, self.lake, plant_path)
        self.class_id = self.plant.component_classes[0].id
        self.registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", str(home / "artifacts"))
        scoring.compute_features(self.lake, self.plant, as_of=AS_OF)
        events = self.lake.read(MAINTENANCE_EVENTS, as_of=AS_OF).collect()
        self.lives = labels.lives(events, self.plant, as_of=AS_OF, data_begin=None)
        self.lake.upsert(LIVES, self.lives, writer="labels")

    def train(self, without: Sequence[str]) -> champion.LoadedModel:
        """A model of the learning bearings but these."""
        out = (*without, *(bearing.machine_id for bearing in self.test))
        model = training.train(
            self.lake,
            self.plant,
            self.class_id,
            as_of=AS_OF,
            registry=self.registry,
            exclude_machines=out,
        )
        return champion.LoadedModel(model.artefact, model.name, model.version)

    def course(self, machine: Machine, model: champion.LoadedModel) -> tuple[Course, dt.datetime]:
        """Statements along the first life of a machine, and the time of its last row."""
        statements = scoring.score(
            self.lake,
            self.plant,
            {self.class_id: model},
            lives=self.lives,
            as_of=AS_OF,
            along=True,
            machine_ids=[machine.id],
        )
        life = self.lives.filter(pl.col("machine_id") == machine.id).sort("life_number").row(0, named=True)
        inside = pl.col("time") > life["start"]
        if life["end"] is not None:
            inside &= pl.col("time") <= life["end"]
        rows = self.lake.read(FEATURE_ROWS, machine_ids=[machine.id]).filter(inside).sort("time").collect()
        told = {s.data_time: s for s in statements}
        which = [place for place, time in enumerate(rows["time"]) if time in told]
        times = [rows["time"][place] for place in which]
        p50 = np.array([s.p50 if isinstance(s := told[t], Prediction) else np.nan for t in times])
        age = np.array([(t - life["start"]) / HOUR for t in times])
        truth = np.full(age.size, np.nan)
        if life["end"] is not None:
            truth = (life["end"] - life["start"]) / HOUR - age
        requested = [t for t in times if told[t].health_state == "maintenance_required"]
        return Course(
            name=machine.id.removeprefix("femto-"),
            age=age,
            truth=truth,
            p50=p50,
            left=_left(model, rows, which, p50, machine.components[0].rated_life),
            first_request=(requested[0] - life["start"]) / HOUR if requested else None,
            rung=str(told[times[-1]].rung),
        ), times[-1]


def _left(
    model: champion.LoadedModel, rows: pl.DataFrame, which: Sequence[int], p50: Floats, rated_life: float | None
) -> Remaining | None:
    """The distribution behind the statements; None where forests speak, which have no more than quantiles."""
    artefact = model.artefact
    if artefact.transfer is None or artefact.condition is None:
        return None
    known = known_rows(rows, len(artefact.feature_names))
    index = artefact.condition.assess(known.of_life(artefact.feature_names)).index
    left = artefact.transfer.remaining(known.known_age, index, which, rated_life=rated_life)
    told = np.isfinite(p50)
    if not np.allclose(left.quantile(0.5)[told], p50[told], rtol=1e-9):
        raise AssertionError("the distribution is not the one behind the statements")
    return left
