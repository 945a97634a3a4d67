"""From feature rows to statements about every component, written to table `predictions`."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import polars as pl

from features.core.clock import require_utc
from features.core.lake import Lake
from features.core.plant import Component, Machine, Plant
from features.core.statements import Prediction, Refusal
from features.core.tables import FEATURE_ROWS, LIVES, PREDICTIONS, SHADOW_PREDICTIONS
from features.core.telemetry import log
from features.registry import FeatureSet, feature_set
from features.rul.artefact import Artefact
from features.rul.life import USAGE_SPAN, Usage
from features.rul.predict import predict, predict_rows
from features.rul.rows import to_row
from pipelines.scoring.batches import batches
from pipelines.scoring.diagnosing import Asked, diagnosed

__all__ = ["Model", "score"]

Statement = Prediction | Refusal


class Model(Protocol):
    """A model of the registry, verified and in memory."""

    @property
    def artefact(self) -> Artefact: ...  # noqa: D102 - see the class
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102


def score(
    lake: Lake,
    plant: Plant,
    models: Mapping[str, Model],
    *,
    lives: pl.DataFrame,
    as_of: dt.datetime,
    along: bool = False,
    replayed: bool = False,
    machine_ids: Collection[str] | None = None,
    shadow: bool = False,
) -> list[Statement]:
    """Says what is known of every component and writes it to table `predictions`.

    The newest statement also holds a diagnosis where the state is not healthy or not known; statements along
    past lives hold none, since each would cost as much as all that is read for the newest.

    Args:
        lake: Read and written.
        plant: Whose components.
        models: Component class -> model; a class without one gets refusals.
        lives: Frame of table `lives` as known at `as_of`.
        as_of: Only what could be known then is used.
        along: False: the present life's newest row of each component, as of `as_of`. True: every row of every
            life, each as of its own `available_at`, as if it had been asked then (by today's model, and by
            today's knowledge of when lives began); of rows that became known together the newest.
        replayed: With `along`: each row is written as available at its own `as_of`, so that a past plan can be
            played against it. Only for a lake in which nothing was said live.
        machine_ids: Only these machines; None: all.
        shadow: The models are challengers: what they say goes to table `shadow_predictions`, which nothing acts
            on, and classes without one are left out.

    Returns:
        Statements in order of machine, component and time.
    """
    as_of = require_utc(as_of)
    LIVES.check(lives)
    machines = [m for m in plant.machines if machine_ids is None or m.id in machine_ids]
    said: list[Statement] = []
    written: list[dict[str, object]] = []
    for group, some in batches(machines):
        read = _read(lake, group, some, lives, as_of, along=along)
        rows = read.partition_by("machine_id", "slot", as_dict=True)
        told = [
            _Told(
                plant,
                machine,
                component,
                models.get(component.component_class),
                rows.get((machine.id, component.slot), read.clear()),
                lives,
            )
            for machine in some
            for component in machine.components
            if not shadow or component.component_class in models
        ]
        pairs = [each.along() for each in told] if along else _now(lake, plant, group, told, as_of)
        for each, own in zip(told, pairs, strict=True):
            said += [statement for _, statement in own]
            written += [
                each.row(number, statement, statement.as_of if replayed else as_of) for number, statement in own
            ]
    table = SHADOW_PREDICTIONS if shadow else PREDICTIONS
    lake.upsert(table, table.frame(written), writer="scoring")
    refused = sum(isinstance(statement, Refusal) for statement in said)
    log("scoring").info(
        "scoring.finished",
        as_of=as_of.isoformat(),
        predictions=len(said) - refused,
        refusals=refused,
        models=[f"{model.name} {model.version}" for model in models.values()],
        shadow=shadow,
    )
    return said


class _Told:
    """One component, its rows of the present feature set (of any, when it has none) and its lives."""

    def __init__(
        self,
        plant: Plant,
        machine: Machine,
        component: Component,
        model: Model | None,
        rows: pl.DataFrame,
        lives: pl.DataFrame,
    ) -> None:
        self._plant, self._machine, self._component, self._model = plant, machine, component, model
        self._features: FeatureSet = feature_set(plant, component.component_class)
        present = rows.filter(pl.col("fingerprint") == self._features.fingerprint)
        self._rows = rows if present.is_empty() else present
        self._usage = Usage(self._rows)
        own = pl.col("machine_id") == machine.id, pl.col("slot") == component.slot
        self._lives = lives.filter(*own).sort("known_from", "life_number")
        if not self._lives.is_empty():
            self._lives = self._lives.filter(pl.col("known_from") == pl.col("known_from").max())

    def now(self, as_of: dt.datetime) -> tuple[int | None, Asked]:
        """Life number and statement as of a moment, without a diagnosis yet."""
        life = self._lives.filter(
            pl.col("start") <= as_of, pl.col("end").is_null() | (pl.col("end") >= as_of)
        ).tail(1)
        number = None if life.is_empty() else int(life["life_number"][0])
        rows = self._rows if number is None else self._of(life.row(0, named=True))
        name, version = self._named
        statement = predict(
            None if self._model is None else self._model.artefact,
            rows,
            machine=self._machine,
            component=self._component,
            component_class=self._plant.component_class(self._component.component_class),
            life_number=number,
            model_name=name,
            model_version=version,
            as_of=as_of,
            features=self._features,
        )
        begun = None if life.is_empty() else life["start"][0]
        return number, Asked(self._machine, self._component, statement, begun)

    def along(self) -> list[tuple[int | None, Statement]]:
        """Life number and statement for every row, of rows that became known together the newest."""
        found: dict[dt.datetime, tuple[int | None, Statement]] = {}
        newest: dt.datetime | None = None
        name, version = self._named
        for life in self._lives.iter_rows(named=True):
            statements = predict_rows(
                None if self._model is None else self._model.artefact,
                self._of(life),
                machine=self._machine,
                component=self._component,
                component_class=self._plant.component_class(self._component.component_class),
                life_number=life["life_number"],
                model_name=name,
                model_version=version,
                features=self._features,
                evidence=True,
            )
            for statement in statements:
                # A row that came after a later one was known has never been the newest.
                if newest is None or statement.as_of >= newest:
                    newest = statement.as_of
                    found[newest] = (life["life_number"], statement)
        return list(found.values())

    def row(self, number: int | None, statement: Statement, available_at: dt.datetime) -> dict[str, object]:
        """The statement as a row of table `predictions`."""
        name, version = self._named
        return to_row(
            statement,
            machine=self._machine,
            component=self._component,
            available_at=available_at,
            life_number=number,
            model_name=name,
            model_version=version,
            fingerprint=self._features.fingerprint,
            utilisation=self._usage.at(statement.data_time or statement.as_of),
        )

    @property
    def _named(self) -> tuple[str, str]:
        return ("", "") if self._model is None else (self._model.name, self._model.version)

    def _of(self, life: dict[str, Any]) -> pl.DataFrame:
        inside = pl.col("time") > life["start"]
        return self._rows.filter(inside if life["end"] is None else inside & (pl.col("time") <= life["end"]))


def _now(
    lake: Lake, plant: Plant, group: str, told: Sequence[_Told], as_of: dt.datetime
) -> list[list[tuple[int | None, Statement]]]:
    """The newest statement of each, with a diagnosis where it helps."""
    asked = [each.now(as_of) for each in told]
    statements = diagnosed(lake, plant, group, [each for _, each in asked], as_of=as_of)
    return [[(number, statement)] for (number, _), statement in zip(asked, statements, strict=True)]


def _read(
    lake: Lake, group: str, machines: Sequence[Machine], lives: pl.DataFrame, as_of: dt.datetime, *, along: bool
) -> pl.DataFrame:
    ids = [machine.id for machine in machines]
    since = None
    if not along:
        present = lives.filter(pl.col("machine_id").is_in(ids), pl.col("start") <= as_of)
        starts = present.group_by("machine_id", "slot").agg(pl.col("start").max())["start"]
        since = min([as_of - USAGE_SPAN, *starts])
    return lake.read(FEATURE_ROWS, as_of=as_of, since=since, machine_ids=ids, group=group).collect()
