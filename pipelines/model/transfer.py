"""The rung below forests: what a handful of failed lives had left at each stage, and what that is worth."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from math import erfc, exp, lgamma, log, log1p, pi, sqrt
from typing import Protocol, runtime_checkable

import numpy as np

from features.rul.artefact import Domain
from features.rul.condition import ALARM_RATIO, ConditionModel, LifeRows
from features.rul.past import PastLives
from features.rul.transfer import LEVELS, Stage, TransferModel, spell_begin
from pipelines.model.baselines import constant_median, weibull_by_age
from pipelines.model.boosting import life_weights
from pipelines.model.condition import condition_of
from pipelines.model.crossfit import OutOfFold, refuse_leaking
from pipelines.model.domain import fit_domain_of_few
from pipelines.model.examples import UNJUDGED, Examples, Floats, Ints, LifeSummary, cap_of, thinned
from pipelines.model.groups import fit_groups
from pipelines.model.parameters import FitParameters
from pipelines.model.past import fit_past

__all__ = ["Passage", "Transfer", "fit_stages", "fit_transfer"]

# What is believed of the spread before a life was seen: that of a Weibull distribution of slope 10/9, the one
# of ball bearings, pi / (sqrt(6) * slope) (G. Lundberg, A. Palmgren, "Dynamic capacity of rolling bearings",
# Acta Polytechnica 7, 1947). Other parts scatter less, so the belief is on the wide side.
_PRIOR_SPREAD = pi / sqrt(6.0) / (10.0 / 9.0)
# How many lives that belief is worth.
_PRIOR_LIVES = 2
# Failed lives below which a stage, or the whole, is not told.
_FEWEST = 2
# Rounds of the estimate with suspended lives; each gains about the share of lives that are suspended.
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Passage:
    """One life's way: its ages and condition index at its rows [n], its age at the end, and how it ended.

    `rated_life` is what the part was rated for, life units; None: not said.
    """

    unit: str
    age: Floats
    index: Floats
    duration: float
    failed: bool
    rated_life: float | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """The model, its answers to lives that it had not seen, and at which places among the examples.

    `inputs` are the features without which there is no index, `domain` where they were, `past` the lives in short.
    """

    model: TransferModel
    out_of_fold: OutOfFold
    rows: Ints
    inputs: tuple[str, ...]
    domain: Domain
    past: PastLives | None


def fit_transfer(
    examples: Examples,
    parameters: FitParameters,
    *,
    condition: ConditionModel | None,
    fold: Ints,
    baseline_rows: int,
    rival: OutOfFold | None,
) -> Transfer | None:
    """The rung where it is wanted: too few failed lives for a calibrated band, and no forest does better.

    Args:
        examples: Training lives and their rows.
        parameters: Of the fit.
        condition: Learnt from the same examples; None: stages are told by age alone.
        fold: Fold of each row [n]; whole lives.
        baseline_rows: Rows that a life's own reference level is taken over.
        rival: The forests' answers to unseen lives; they keep the word where their P50 is clearly nearer.

    Returns:
        None: enough failed lives for a calibrated band, or fewer than three, or forests that are clearly better.
    """
    failed = sum(life.failed for life in examples.lives)
    if not _FEWEST < failed < parameters.calibrated_from:
        return None
    passages = _passages(examples, condition)
    model = fit_stages(passages, _threshold(condition))
    if model is None:
        return None
    crossed = _cross_fit(examples, condition, passages, parameters, fold, baseline_rows)
    if crossed is None:
        return None
    answers, rows = crossed
    if rival is not None and _is_clearly_better(rival, answers):
        return None
    inputs = _inputs(condition)
    table = examples.x[:, [examples.names.index(name) for name in inputs]]
    past = fit_past(examples, inputs, table.__getitem__, np.ones(len(inputs)), min_rows=parameters.min_rows)
    return Transfer(model, answers, rows, inputs, fit_domain_of_few(inputs, table, fold), past)


def fit_stages(passages: Sequence[Passage], threshold: float) -> TransferModel | None:
    """The stages of these lives; None with fewer than two failures of known age.

    Where every life has a rated life, whole lives are counted in it. Where none was suspended after the first
    failure, they may lie in groups. Suspended lives count as "longer than this" in every stage that they reached.
    Delayed entry is not corrected: a life is used from its first row on.

    Args:
        passages: Lives of known age.
        threshold: Condition index at which the alarm is raised, doublings; 0: the class has no index.
    """
    known = [one for one in passages if np.isfinite(one.duration) and one.duration > 0 and one.age.size]
    failed = [one for one in known if one.failed]
    if len(failed) < _FEWEST:
        return None
    rated = all(one.rated_life is not None for one in known)
    lives = [one.duration / one.rated_life if rated and one.rated_life else one.duration for one in known]
    wholes = [log(life) for life in lives]
    stages = [_stage(0.0, wholes, [one.failed for one in known], len(failed))]
    ended = [life for life, one in zip(wholes, known, strict=True) if one.failed]
    # A part that still runs says nothing of where lives end before the first of them does (E. L. Kaplan, P. Meier,
    # J. Am. Stat. Assoc. 53, 1958); one that ran longer leaves open to which group it belongs.
    is_open = any(not one.failed and life > min(ended) for life, one in zip(wholes, known, strict=True))
    groups = None if is_open else fit_groups(ended, _log_predictive)
    for level in LEVELS if threshold > 0 else ():
        left = [_left_at(one, level * threshold) for one in known]
        came = [i for i, value in enumerate(left) if value is not None]
        if sum(known[i].failed for i in came) < _FEWEST:
            break
        logs = [log(value) for value in left if value is not None]
        stages.append(_stage(level, logs, [known[i].failed for i in came], len(failed)))
    longest = max(life for life, one in zip(lives, known, strict=True) if one.failed)
    return TransferModel(tuple(stages), threshold, longest, len(failed), rated=rated, groups=groups)


def _log_predictive(others: Floats, life: float) -> float:
    """Log density of a life's logarithm by the one bell of other failed lives."""
    stage = _stage(0.0, others.tolist(), [True] * others.size, others.size)
    z, freedom = (life - stage.centre) / stage.spread, stage.freedom
    norm = lgamma((freedom + 1.0) / 2.0) - lgamma(freedom / 2.0) - log(stage.spread * sqrt(freedom * pi))
    return norm - (freedom + 1.0) / 2.0 * log1p(z**2 / freedom)


def _left_at(passage: Passage, level: float) -> float | None:
    """What remained when the last spell at a level began, as a share of the age then; None: not reached.

    None, too, where the age at that row was not known.
    """
    begin = int(spell_begin(passage.index, level)[-1])
    if begin < 0 or np.isnan(passage.age[begin]):
        return None
    step = passage.duration / passage.age.size
    age = max(float(passage.age[begin]), step)
    return max(passage.duration - float(passage.age[begin]), step) / age


def _stage(level: float, logs: Sequence[float], failed: Sequence[bool], of: int) -> Stage:
    """Posterior of a normal distribution of logarithms, suspended ones by expectation and maximisation.

    References:
        A. Gelman et al., "Bayesian data analysis", 3rd ed. 2013, section 3.3 (the predictive is Student's t);
        A. P. Dempster, N. M. Laird, D. B. Rubin, J. R. Stat. Soc. B 39 (1977), section 4.3 (censored normal).
    """
    seen, ended = np.asarray(logs, dtype=np.float64), np.asarray(failed, dtype=np.bool_)
    count = int(np.count_nonzero(ended))
    centre, spread = float(seen[ended].mean()), _PRIOR_SPREAD
    for _ in range(_ROUNDS if not ended.all() else 1):
        ahead = np.array([_beyond((value - centre) / spread) for value in seen[~ended]])
        expected, variance = seen.copy(), np.zeros(seen.size)
        if ahead.size:
            z = (seen[~ended] - centre) / spread
            expected[~ended] = centre + spread * ahead
            variance[~ended] = spread**2 * np.maximum(1.0 + z * ahead - ahead**2, 0.0)
        centre = float(expected.mean())
        squares = float(((expected - centre) ** 2 + variance).sum())
        spread = sqrt((squares + _PRIOR_LIVES * _PRIOR_SPREAD**2) / (seen.size - 1 + _PRIOR_LIVES))
    return Stage(
        level=level,
        centre=centre,
        spread=spread * sqrt(1.0 + 1.0 / count),
        freedom=float(count - 1 + _PRIOR_LIVES),
        lives=count,
        # Rule of succession (Laplace): never certain that the next one will, or will not.
        reached=(count + 1.0) / (of + 2.0),
    )


def _beyond(z: float) -> float:
    """Mean of a standard normal variable known to exceed z."""
    if z > 20.0:
        return z + 1.0 / z
    return exp(-(z**2) / 2.0) / sqrt(2.0 * pi) / (erfc(z / sqrt(2.0)) / 2.0)


def _inputs(condition: ConditionModel | None) -> tuple[str, ...]:
    """Features that the index is made of."""
    if condition is None or condition.voters or condition.process is None:
        return () if condition is None else condition.voters
    return tuple(channel.feature for channel in condition.process.channels)


def _passages(examples: Examples, condition: ConditionModel | None) -> list[Passage]:
    """Every life's way, its index by this condition model."""
    found = []
    for life in examples.lives:
        rows = np.flatnonzero(examples.unit == life.unit)
        age, index = examples.age[rows], np.full(rows.size, np.nan)
        if condition is not None:
            running = np.ones(rows.size, dtype=np.bool_)
            way = LifeRows(examples.time_us[rows], age, running, examples.x[rows], examples.names)
            index = condition.assess(way).index
        if np.isnan(life.duration):
            # The installation is not known: what the rows counted from there is no age.
            age = np.full(rows.size, np.nan)
        rated_life = life.rated_life if isinstance(life, _Rated) else None
        found.append(Passage(life.unit, age, index, life.duration, life.failed, rated_life))
    return found


@runtime_checkable
class _Rated(Protocol):
    """A life of a part whose rated life is known, or known not to be."""

    @property
    def rated_life(self) -> float | None: ...


def _threshold(condition: ConditionModel | None) -> float:
    """Index at which the alarm is raised, doublings; 0 without an index."""
    return 0.0 if condition is None else condition.threshold / log(ALARM_RATIO)


def _what_makes_an_index(condition: ConditionModel | None) -> ConditionModel | None:
    """The condition model without what only sets its threshold or adds reasons."""
    if condition is None:
        return None
    return replace(condition, threshold=0.0, healthy_median=0.0, healthy_sigma=0.0, units=0, thermal=())


class _Rest:
    """Examples with fewer lives; rows of those that are left out are never looked at."""

    def __init__(self, examples: Examples, held: Container[str]) -> None:
        self.lives: Sequence[LifeSummary] = [life for life in examples.lives if life.unit not in held]
        self.component_class, self.life_unit = examples.component_class, examples.life_unit
        self.fingerprint, self.declared_cap = examples.fingerprint, examples.declared_cap
        self.names, self.x, self.rul = examples.names, examples.x, examples.rul
        self.survived, self.age = examples.survived, examples.age
        self.unit, self.time_us = examples.unit, examples.time_us


def _cross_fit(
    examples: Examples,
    condition: ConditionModel | None,
    whole: list[Passage],
    parameters: FitParameters,
    fold: Ints,
    baseline_rows: int,
) -> tuple[OutOfFold, Ints] | None:
    """Answers to the thinned rows of failed lives, each by the lives of the other folds; None: one fold cannot."""
    refuse_leaking(examples.unit, fold)
    wanted = np.flatnonzero(np.isfinite(examples.rul) & (fold != UNJUDGED))
    wanted = wanted[thinned(examples.unit[wanted], parameters.rows_per_life)]
    mean, p50, constant, by_age = (np.full(wanted.size, np.nan) for _ in range(4))
    cap = cap_of(examples.lives, examples.declared_cap)
    for number in np.unique(fold[wanted]):
        held = set(examples.unit[fold == number].tolist())
        # What is learnt of healthy time is learnt without the fold, too; often the index does not depend on it.
        own = condition_of(_Rest(examples, held), baseline_rows)
        is_same = _what_makes_an_index(own) == _what_makes_an_index(condition)
        passages = whole if is_same else _passages(examples, own)
        model = fit_stages([one for one in passages if one.unit not in held], _threshold(own))
        if model is None:
            return None
        for passage in (one for one in passages if one.unit in held and one.failed):
            mine = np.flatnonzero(examples.unit[wanted] == passage.unit)
            first = int(np.flatnonzero(examples.unit == passage.unit)[0])
            rated_life = passage.rated_life
            left = model.remaining(passage.age, passage.index, wanted[mine] - first, rated_life=rated_life)
            mean[mine], p50[mine] = left.mean(model.longest * model.unit(rated_life)), left.quantile(0.5)
        out = np.isin(examples.unit[wanted], sorted(held))
        y = np.minimum(examples.rul[wanted[~out]], cap)
        constant[out] = constant_median(y, life_weights(examples.unit[wanted[~out]]), int(out.sum()))
        lives = [life for life in examples.lives if life.unit not in held]
        by_age[out] = weibull_by_age(lives, examples.age[wanted[out]], cap, constant[out])
    told = np.isfinite(p50)
    rows = wanted[told]
    if not rows.size:
        return None
    answers = OutOfFold(
        unit=examples.unit[rows],
        fold=fold[rows],
        age=examples.age[rows],
        rul=examples.rul[rows],
        cap=cap,
        mean=np.minimum(mean[told], cap),
        p10=None,
        p50=np.minimum(p50[told], cap),
        p90=None,
        baselines={"constant_median": constant[told], "weibull_age": by_age[told]},
    )
    return answers, rows


def _is_clearly_better(forests: OutOfFold, stages: OutOfFold) -> bool:
    """Whether the forests' mean absolute errors over lives are smaller by more than one standard error.

    The errors are of P50 against the capped truth. Of three or four lives, two or three agree by chance.
    """
    one, other = _errors(forests, forests.cap), _errors(stages, forests.cap)
    gained = np.array([other[unit] - one[unit] for unit in sorted(set(one) & set(other))])
    if gained.size < _FEWEST:
        return False
    return bool(gained.mean() > gained.std(ddof=1) / sqrt(gained.size))


def _errors(answers: OutOfFold, cap: float) -> dict[str, float]:
    """Life -> mean absolute error of P50 against the capped truth."""
    error = np.abs(np.minimum(answers.p50, cap) - np.minimum(answers.rul, cap))
    return {str(unit): float(error[answers.unit == unit].mean()) for unit in np.unique(answers.unit)}
