"""Out-of-fold answers: each row is answered by forests that saw no row of its fold, at no step.

The quantiles start from an out-of-fold mean. To keep fold k out of the forests that answer fold k, the mean
they start from is itself fitted without k: one forest for each pair of folds.

Rows of the fold `UNJUDGED` teach whatever fold is answered. Where quantiles need an out-of-fold mean of them, they
are a fold like any other; no figure and no offset comes from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from features.core.errors import LeakageError
from features.rul.artefact import Calibration
from features.rul.outputs import answers as infer
from pipelines.model.baselines import constant_median, weibull_by_age
from pipelines.model.boosting import QUANTILES, answer, boost, life_weights
from pipelines.model.calibration import calibrate
from pipelines.model.examples import UNJUDGED, Bools, Floats, Ints, LifeSummary, Strings, cap_of
from pipelines.model.parameters import FitParameters

__all__ = [
    "CAPPED",
    "Crossfit",
    "Labelled",
    "OutOfFold",
    "cross_fit",
    "held_out_answers",
    "judged",
    "refuse_leaking",
]

# Outputs cut at the cap: more was never taught. P90 may say "longer than the cap".
CAPPED = ("mean", "p10", "p50")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows [n] whose capped RUL is known, thinned, with the fold of each, and all lives of the training set.

    `failed` marks rows of lives that failed; in the others `rul` is what the part is known to have lived on,
    which is past the cap.
    """

    x: Floats
    rul: Floats
    failed: Bools
    age: Floats
    unit: Strings
    fold: Ints
    lives: tuple[LifeSummary, ...]
    declared_cap: float | None

    def at(self, rows: Bools) -> "Labelled":
        """Some of the rows [n], with all lives."""
        x, rul, failed, age = self.x[rows], self.rul[rows], self.failed[rows], self.age[rows]
        unit, fold = self.unit[rows], self.fold[rows]
        return replace(self, x=x, rul=rul, failed=failed, age=age, unit=unit, fold=fold)

    def cap_without(self, *folds: int) -> float:
        """Largest RUL taught, from lives that have no row in these folds."""
        out = set(self.unit[np.isin(self.fold, folds)].tolist())
        return cap_of([life for life in self.lives if life.unit not in out], self.declared_cap)

    def lives_without(self, fold: int) -> Sequence[LifeSummary]:
        """Lives that have no row in the fold."""
        out = set(self.unit[self.fold == fold].tolist())
        return [life for life in self.lives if life.unit not in out]


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Answers to rows [n] of failed lives that the answering forests had not seen, life units.

    `p10` and `p90` are calibrated by the other folds, and None when there are too few lives for a band.
    """

    unit: Strings
    fold: Ints
    age: Floats
    rul: Floats
    cap: float
    mean: Floats
    p10: Floats | None
    p50: Floats
    p90: Floats | None
    baselines: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Crossfit:
    """Out-of-fold answers, the calibration they give, and where the final quantiles start."""

    out_of_fold: OutOfFold
    calibration: Calibration
    start: Floats


def refuse_leaking(unit: Strings, fold: Ints) -> None:
    """Refuses a split that puts rows of one life into several folds.

    Raises:
        LeakageError: Names the first such life.
    """
    pairs = np.unique(np.stack([np.unique(unit, return_inverse=True)[1], fold]), axis=1)
    lives, counts = np.unique(pairs[0], return_counts=True)
    if np.any(counts > 1):
        life = str(np.unique(unit)[lives[counts > 1][0]])
        raise LeakageError(
            f"rows of life {life} are in more than one fold; split by life or machine (`dataset.grouped_folds`)",
            {"unit": life},
        )


def cross_fit(rows: Labelled, parameters: FitParameters) -> Crossfit:
    """Answers every row from the other folds, and calibrates the band with these answers.

    Raises:
        LeakageError: A life is in more than one fold.
        ValueError: Fewer than three folds.
    """
    refuse_leaking(rows.unit, rows.fold)
    folds = [int(fold) for fold in np.unique(rows.fold)]
    if sum(fold != UNJUDGED for fold in folds) < 3:
        raise ValueError(f"cross-fitting needs at least three folds that are judged, got {folds}")
    inner = _pair_means(rows, folds, parameters)
    answers = {output: np.empty(rows.unit.size) for output in ("mean", *QUANTILES)}
    for fold in folds:
        held = rows.fold == fold
        for output, values in _fold_answers(rows, fold, inner[fold], parameters).items():
            answers[output][held] = values
    return judged(rows, answers, parameters)


def judged(rows: Labelled, answers: dict[str, Floats], parameters: FitParameters) -> Crossfit:
    """Out-of-fold answers with their calibration, and the baselines beside them; by rows that may be judged.

    Args:
        rows: What was answered.
        answers: Raw scores [n] of each output, from forests that saw nothing of a row's fold.
        parameters: Of the fit.
    """
    start, asked = answers["mean"], rows.fold != UNJUDGED
    if not asked.all():
        rows, answers = rows.at(asked), {output: said[asked] for output, said in answers.items()}
    cap = rows.cap_without()
    folds = [int(fold) for fold in np.unique(rows.fold)]
    baselines = {name: np.empty(rows.unit.size) for name in ("constant_median", "weibull_age")}
    for fold in folds:
        for name, values in _fold_baselines(rows, fold).items():
            baselines[name][rows.fold == fold] = values
    quantiles = np.sort(np.stack([answers[output] for output in QUANTILES]), axis=0)
    calibration = _calibrated(rows, np.ones(rows.unit.size, dtype=np.bool_), quantiles, cap, parameters)
    band = calibration.calibrated
    # Leaving a fold out must not drop the rest below the number of lives that the whole set has.
    without = replace(
        parameters,
        calibrated_from=1 if band else parameters.calibrated_from,
        strict_from=parameters.strict_from * (len(folds) - 1) // len(folds),
        units_per_bin=parameters.units_per_bin * (len(folds) - 1) // len(folds),
    )
    kept = rows.failed
    every = held_out_answers(rows, answers, quantiles, cap, without)
    said = {output: told[kept] for output, told in every.items()}
    out_of_fold = OutOfFold(
        unit=rows.unit[kept],
        fold=rows.fold[kept],
        age=rows.age[kept],
        rul=rows.rul[kept],
        cap=cap,
        mean=said["mean"],
        p10=said["p10"] if band else None,
        p50=said["p50"],
        p90=said["p90"] if band else None,
        baselines={name: told[kept] for name, told in baselines.items()},
    )
    return Crossfit(out_of_fold, calibration, start)


def _fold_answers(rows: Labelled, fold: int, start: Floats, parameters: FitParameters) -> dict[str, Floats]:
    """Output -> answers to the fold's rows by forests that saw only the others."""
    held, seen = rows.fold == fold, rows.fold != fold
    y, unit = np.minimum(rows.rul[seen], rows.cap_without(fold)), rows.unit[seen]
    mean = answer(boost(rows.x[seen], y, unit, parameters, output="mean"), rows.x[held], parameters)
    answers = {"mean": mean}
    for output in QUANTILES:
        forest = boost(rows.x[seen], y, unit, parameters, output=output, start=start[seen])
        answers[output] = mean + answer(forest, rows.x[held], parameters)
    return answers


def _fold_baselines(rows: Labelled, fold: int) -> dict[str, Floats]:
    held, seen = rows.fold == fold, (rows.fold != fold) & rows.failed
    cap = rows.cap_without(fold)
    y, weight = np.minimum(rows.rul[seen], cap), life_weights(rows.unit[seen])
    median = constant_median(y, weight, int(np.count_nonzero(held)))
    by_age = weibull_by_age(rows.lives_without(fold), rows.age[held], cap, median)
    return {"constant_median": median, "weibull_age": by_age}


def _pair_means(rows: Labelled, folds: Sequence[int], parameters: FitParameters) -> dict[int, Floats]:
    """Fold k -> mean answers [n] to the rows outside k, each by a forest without k and its own fold."""
    inner = {fold: np.full(rows.unit.size, np.nan) for fold in folds}
    for one, other in combinations(folds, 2):
        seen = (rows.fold != one) & (rows.fold != other)
        y = np.minimum(rows.rul[seen], rows.cap_without(one, other))
        forest = boost(rows.x[seen], y, rows.unit[seen], parameters, output="mean")
        for held_out, answered in ((one, other), (other, one)):
            asked = rows.fold == answered
            inner[held_out][asked] = answer(forest, rows.x[asked], parameters)
    return inner


def held_out_answers(
    rows: Labelled, scores: dict[str, Floats], quantiles: Floats, cap: float, parameters: FitParameters
) -> dict[str, Floats]:
    """Output -> answers [n] as inference gives them, each fold calibrated by the answers to the others."""
    caps = dict.fromkeys(CAPPED, cap)
    said = {output: np.empty(rows.unit.size) for output in scores}
    for fold in np.unique(rows.fold):
        held, others = rows.fold == fold, rows.fold != fold
        calibration = _calibrated(rows, others, quantiles, cap, parameters)
        found = infer({output: score[held] for output, score in scores.items()}, calibration, caps=caps)
        for output in scores:
            said[output][held] = getattr(found, output)
    return said


def _calibrated(
    rows: Labelled, among: Bools, quantiles: Floats, cap: float, parameters: FitParameters
) -> Calibration:
    """The band by the rows `among`; where enough lives failed, as it has to be for lives that fail.

    Rows of parts that outlived the cap teach the forests, but a band that counts them as covered is too narrow
    where it is needed most: for the part that fails without a warning.
    """
    failed_lives = np.unique(rows.unit[among & rows.failed]).size
    chosen = among & rows.failed if failed_lives >= parameters.strict_from else among
    truth = np.minimum(rows.rul[chosen], cap)
    return calibrate(truth, quantiles[:, chosen], rows.unit[chosen], cap, parameters, failed_lives)
