"""From feature rows of one component and one life to a prediction, or a refusal with its reason."""

import datetime as dt

import polars as pl

from features.core.clock import require_utc
from features.core.plant import Component, ComponentClass, Machine
from features.core.statements import RefusalReason
from features.registry import FeatureSet
from features.rul.artefact import Artefact
from features.rul.ladder import Case, Ladder, Statement
from features.rul.life import known_rows

__all__ = ["predict", "predict_rows"]


def predict(
    artefact: Artefact | None,
    rows: pl.DataFrame,
    *,
    machine: Machine,
    component: Component,
    component_class: ComponentClass,
    life_number: int | None,
    model_name: str,
    model_version: str,
    as_of: dt.datetime,
    features: FeatureSet | None = None,
) -> Statement:
    """What is known of a component at `as_of`, from its newest row known then.

    Args:
        artefact: The model of the component's class; None: there is none yet.
        rows: Frame of table `feature_rows`: one component, its present life, any order. Rows whose `time` or
            `available_at` is later than `as_of` are not read.
        machine: Position.
        component: Its slot.
        component_class: Its class.
        life_number: Number of the present life; None: no life is known.
        model_name: Registered name.
        model_version: Registered version.
        as_of: The moment of the question, UTC.
        features: The class's feature set: units of the evidence, and the condition where no model was fitted.
    """
    as_of = require_utc(as_of)
    case = Case(artefact, machine, component, component_class, life_number, model_name, model_version, features)
    if life_number is None:
        return case.refusal(
            as_of, RefusalReason.NO_LIFE, "no life of this component is known: record its installation"
        )
    known = rows.filter(pl.col("available_at") <= as_of, pl.col("time") <= as_of)
    if known.is_empty():
        reason = RefusalReason.TOO_FEW_WINDOWS if artefact else RefusalReason.NO_MODEL
        return case.refusal(as_of, reason, "there is no feature row of this life yet")
    return _newest(case, known, as_of=as_of, evidence=True)


def predict_rows(
    artefact: Artefact | None,
    rows: pl.DataFrame,
    *,
    machine: Machine,
    component: Component,
    component_class: ComponentClass,
    life_number: int,
    model_name: str,
    model_version: str,
    features: FeatureSet | None = None,
    evidence: bool = False,
) -> list[Statement]:
    """One statement a row, as of its `available_at`, from that row and earlier ones known by then.

    Arguments as for `predict`. `evidence`: name the reasons, too; along a whole life that takes time.

    Returns:
        Statements in order of the rows' time.
    """
    case = Case(artefact, machine, component, component_class, life_number, model_name, model_version, features)
    rows = rows.sort("time")
    if rows.is_empty():
        return []
    if rows["available_at"].is_sorted() and rows["fingerprint"].n_unique() == 1:
        ladder = Ladder(case, known_rows(rows, len(rows["values"][0])), str(rows["fingerprint"][0]))
        return ladder.speak(range(rows.height), evidence=evidence)
    # Some rows came late: what was known differs from row to row.
    return [
        _newest(case, rows.head(i + 1).filter(pl.col("available_at") <= moment), as_of=None, evidence=evidence)
        for i, moment in enumerate(rows["available_at"])
    ]


def _newest(case: Case, known: pl.DataFrame, *, as_of: dt.datetime | None, evidence: bool) -> Statement:
    known = known.sort("time")
    fingerprint = str(known["fingerprint"][-1])
    known = known.filter(pl.col("fingerprint") == fingerprint)
    ladder = Ladder(case, known_rows(known, len(known["values"][-1])), fingerprint)
    return ladder.speak([known.height - 1], as_of=as_of, evidence=evidence)[0]
