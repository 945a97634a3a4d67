"""What is asked about: a model, a component, and the rows of its life."""

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np

from features.core.plant import Component, ComponentClass, Machine
from features.core.statements import Prediction, Refusal, RefusalReason
from features.registry import FeatureSet
from features.rul.artefact import Artefact
from features.rul.condition import Assessment, ConditionModel, fit_condition
from features.rul.life import KnownRows

__all__ = ["Case", "Statement", "assess", "moment_of", "names_of"]

Statement = Prediction | Refusal

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked about: the model and the component; `features` is the class's feature set, if at hand."""

    artefact: Artefact | None
    machine: Machine
    component: Component
    component_class: ComponentClass
    life_number: int | None
    model_name: str
    model_version: str
    features: FeatureSet | None = None

    def refusal(self, as_of: dt.datetime, reason: RefusalReason, detail: str) -> Refusal:
        """A refusal without any row behind it."""
        return Refusal(self.machine.component_id(self.component), as_of, reason, detail)


def moment_of(time_us: np.int64 | int) -> dt.datetime:
    """UTC moment of microseconds since 1970."""
    return _EPOCH + dt.timedelta(microseconds=int(time_us))


def names_of(case: Case, fingerprint: str) -> tuple[str, ...]:
    """Names of the rows' feature set, none when it is neither the model's nor the class's."""
    artefact, features = case.artefact, case.features
    if artefact is not None and artefact.fingerprint == fingerprint:
        return artefact.feature_names
    return features.names if features is not None and features.fingerprint == fingerprint else ()


def assess(case: Case, rows: KnownRows, fingerprint: str) -> Assessment:
    """By the artefact's condition model, else by one that has learnt nothing yet and waits for a doubling."""
    artefact, features = case.artefact, case.features
    model: ConditionModel | None = None
    names: tuple[str, ...] = ()
    if artefact is not None and artefact.fingerprint == fingerprint:
        model, names = artefact.condition, artefact.feature_names
    if model is None and features is not None and features.fingerprint == fingerprint:
        names = features.names
        steps = case.component_class.baseline / case.machine.grid
        model = fit_condition([], names, baseline_rows=max(1, math.ceil(steps)))
    if model is None:
        n = len(rows)
        return Assessment(np.full(n, np.nan), [None] * n, [()] * n)
    return model.assess(rows.of_life(names))
