"""A training set in, a model artefact and the out-of-fold answers behind its figures out."""

import datetime as dt
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from features.rul.artefact import Artefact, Calibration, Domain
from features.rul.memory import Memory, Spans
from features.rul.past import PastLives
from pipelines.model.boosting import QUANTILES, boost
from pipelines.model.condition import condition_of
from pipelines.model.crossfit import CAPPED, Crossfit, Labelled, OutOfFold, cross_fit
from pipelines.model.domain import fit_domain
from pipelines.model.examples import UNJUDGED, Examples, Floats, Ints, cap_of, outlived, thinned
from pipelines.model.parameters import FitParameters
from pipelines.model.past import fit_past, gains_of
from pipelines.model.prior import class_prior
from pipelines.model.staged.fit import staged_crossfit, texts_of
from pipelines.model.staged.histories import histories
from pipelines.model.staged.stages import fit_stages
from pipelines.model.transfer import fit_transfer

__all__ = ["CrossValidated", "Fitted", "cross_validate", "fit"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The artefact, and how it answered lives it had not seen; None when no life had an answer.

    `rows` are the places among the examples of the rows of `out_of_fold`.
    """

    artefact: Artefact
    out_of_fold: OutOfFold | None
    rows: Ints | None = None


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """What `cross_validate` found.

    Attributes:
        rows: The rows that were answered.
        labelled: Places among the examples of all rows with a label.
        columns: Places of the features that differ.
        crossed: Answers and calibration.
        answered: Places among the examples of the rows of `out_of_fold`.
    """

    rows: Labelled
    labelled: Ints
    columns: Ints
    crossed: Crossfit
    answered: Ints

    @property
    def out_of_fold(self) -> OutOfFold:
        """Answers to lives that the answering forests had not seen."""
        return self.crossed.out_of_fold


@dataclass(frozen=True, slots=True)
class _Forests:
    texts: dict[str, str]
    inputs: tuple[str, ...]
    calibration: Calibration
    domain: Domain
    out_of_fold: OutOfFold | None
    rows: Ints | None = None
    memory: Memory | None = None
    index_inputs: tuple[str, ...] = ()
    index: str = ""
    past: PastLives | None = None


def fit(
    examples: Examples,
    parameters: FitParameters,
    *,
    fold: Ints,
    name: str,
    baseline_rows: int,
    as_of: dt.datetime,
    table_versions: dict[str, int | None],
    spans: Spans | None = None,
    judged: CrossValidated | None = None,
) -> Fitted:
    """Fits everything a class's artefact holds, on these examples only.

    With fewer than `forests_from` failed lives the artefact has no forest. Below `calibrated_from` the lives'
    own stages may answer unseen lives better than forests do; then they speak (`pipelines.model.transfer`). With
    `staged.failed_lives` or more the model is a staged one (`pipelines.model.staged`).

    Args:
        examples: Training lives and their rows.
        parameters: Of the fit.
        fold: Fold of each row [n]; whole lives. `UNJUDGED`: learnt from, but nothing is judged by it.
        name: Registered model name.
        baseline_rows: Rows that a life's own reference level is taken over.
        as_of: Moment up to which the examples were known.
        table_versions: Lake tables behind the examples.
        spans: How far back a staged model's memory goes; None: no staged model.
        judged: What `cross_validate` found with the same arguments; None: that is done first.

    Raises:
        LeakageError: A life is in more than one fold.
    """
    failed = sum(life.failed for life in examples.lives)
    forests = _no_forests(failed, parameters)
    if failed >= parameters.forests_from:
        judged = judged or cross_validate(examples, parameters, fold=fold, spans=spans)
        forests = _fit_forests(examples, parameters, fold, judged, spans)
    condition = condition_of(examples, baseline_rows)
    transfer = fit_transfer(
        examples,
        parameters,
        condition=condition,
        fold=fold,
        baseline_rows=baseline_rows,
        rival=forests.out_of_fold,
    )
    if transfer is not None:
        forests = replace(
            _no_forests(failed, parameters),
            inputs=transfer.inputs,
            domain=transfer.domain,
            past=transfer.past,
            out_of_fold=transfer.out_of_fold,
            rows=transfer.rows,
        )
    artefact = Artefact(
        name=name,
        component_class=examples.component_class,
        life_unit=examples.life_unit,
        rul_cap=cap_of(examples.lives, examples.declared_cap),
        fingerprint=examples.fingerprint,
        feature_names=examples.names,
        inputs=forests.inputs,
        base={},
        forests=forests.texts,
        calibration=forests.calibration,
        domain=forests.domain,
        condition=condition,
        class_prior=class_prior(examples.lives),
        trained_units=len(examples.lives),
        failed_units=failed,
        as_of=as_of.isoformat(),
        table_versions=table_versions,
        min_rows=parameters.min_rows,
        on_mean=tuple(QUANTILES),
        capped=CAPPED,
        memory=forests.memory,
        index_inputs=forests.index_inputs,
        index_forest=forests.index,
        transfer=None if transfer is None else transfer.model,
        past=forests.past,
    )
    return Fitted(artefact, forests.out_of_fold, forests.rows)


def _no_forests(failed: int, parameters: FitParameters) -> _Forests:
    calibration = Calibration(failed, calibrated=False, nominal=parameters.nominal)
    return _Forests({}, (), calibration, Domain(), None)


def cross_validate(
    examples: Examples,
    parameters: FitParameters,
    *,
    fold: Ints,
    spans: Spans | None = None,
    pool: Executor | None = None,
) -> CrossValidated:
    """Answers every labelled row out of fold; arguments as for `fit`.

    Args:
        examples: Lives and their rows.
        parameters: Of the fit.
        fold: Fold of each row [n].
        spans: How far back a staged model's memory goes.
        pool: Threads in which a staged model's folds are fitted, those of other calls beside them.

    Raises:
        LeakageError: A life is in more than one fold.
    """
    failed = np.isfinite(examples.rul)
    rul = np.where(failed, examples.rul, examples.survived)
    labelled = np.flatnonzero(failed | outlived(examples.survived, examples.lives, examples.declared_cap))
    staged = spans is not None and _is_staged(examples, parameters)
    most = parameters.staged.rows_per_life if staged else parameters.rows_per_life
    taught = labelled[thinned(examples.unit[labelled], most)]
    columns = _informative(examples.x[taught])
    rows = Labelled(
        x=np.ascontiguousarray(examples.x[np.ix_(taught, columns)]),
        rul=rul[taught],
        failed=failed[taught],
        age=examples.age[taught],
        unit=examples.unit[taught],
        fold=fold[taught],
        lives=tuple(examples.lives),
        declared_cap=examples.declared_cap,
    )
    if staged and spans is not None:
        crossed = staged_crossfit(histories(examples, spans), rows, taught, fold, parameters, pool)
    else:
        crossed = cross_fit(rows, parameters)
    return CrossValidated(rows, labelled, columns, crossed, taught[failed[taught] & (fold[taught] != UNJUDGED)])


def _fit_forests(
    examples: Examples, parameters: FitParameters, fold: Ints, judged: CrossValidated, spans: Spans | None
) -> _Forests:
    if spans is not None and _is_staged(examples, parameters):
        return _in_stages(examples, parameters, fold, judged, spans)
    rows, crossed = judged.rows, judged.crossed
    y = np.minimum(rows.rul, crossed.out_of_fold.cap)
    texts = {"mean": boost(rows.x, y, rows.unit, parameters, output="mean").model_to_string()}
    for output in QUANTILES:
        forest = boost(rows.x, y, rows.unit, parameters, output=output, start=crossed.start)
        texts[output] = forest.model_to_string()
    inputs = tuple(examples.names[column] for column in judged.columns)

    def tell(rows: Ints) -> Floats:
        return examples.x[np.ix_(rows, judged.columns)]

    return _Forests(
        texts,
        inputs,
        crossed.calibration,
        _domain(examples, judged, fold),
        crossed.out_of_fold,
        judged.answered,
        past=fit_past(examples, inputs, tell, gains_of(texts["mean"]), min_rows=parameters.min_rows),
    )


def _in_stages(
    examples: Examples, parameters: FitParameters, fold: Ints, judged: CrossValidated, spans: Spans
) -> _Forests:
    lives, crossed = histories(examples, spans), judged.crossed
    seen = np.ones(examples.unit.size, dtype=np.bool_)
    cap, seed = crossed.out_of_fold.cap, parameters.seed
    stages = fit_stages(lives, seen, cap, parameters.staged, seed, parameters.threads)
    texts = texts_of(stages)

    def tell(rows: Ints) -> Floats:
        first = np.zeros(rows.size, dtype=np.int64)
        values = examples.x[rows]
        told = stages.memory.columns(values, examples.names, lives.hours[rows], first)
        names = (*examples.names, *stages.memory.column_names())
        place = {name: number for number, name in enumerate(names)}
        return np.concatenate([values, told], axis=1)[:, [place[name] for name in stages.index_inputs]]

    return _Forests(
        texts.forests,
        stages.inputs,
        crossed.calibration,
        _domain(examples, judged, fold),
        crossed.out_of_fold,
        judged.answered,
        stages.memory,
        stages.index_inputs,
        texts.index,
        fit_past(examples, stages.index_inputs, tell, gains_of(texts.index), min_rows=parameters.min_rows),
    )


def _is_staged(examples: Examples, parameters: FitParameters) -> bool:
    """Whether a class has failed often enough for the staged model."""
    return sum(life.failed for life in examples.lives) >= parameters.staged.failed_lives


def _domain(examples: Examples, judged: CrossValidated, fold: Ints) -> Domain:
    names = tuple(examples.names[column] for column in judged.columns)
    return fit_domain(names, examples.x[np.ix_(judged.labelled, judged.columns)], fold[judged.labelled])


def _informative(x: Floats) -> Ints:
    """Columns that have at least two different values."""
    filled = np.where(np.isfinite(x), x, np.inf)
    lowest = filled.min(axis=0)
    highest = np.where(np.isfinite(x), x, -np.inf).max(axis=0)
    return np.flatnonzero(highest > lowest)
