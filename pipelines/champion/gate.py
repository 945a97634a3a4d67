"""Judges a candidate: compares, probes for leaks, and says what follows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from features.core.errors import LeakageError
from pipelines.champion.comparison import Comparison, compare, pairs
from pipelines.champion.contender import Contender
from pipelines.champion.honest import honest_answers, told_by
from pipelines.champion.judged import Judged
from pipelines.champion.verdict import RULES, Rules, Verdict, proven_better, reasons_against, where
from pipelines.leakage import Suspect, changed_features, suspects, told_alone
from pipelines.model import refuse_leaking

__all__ = ["judge"]

# Rows that are made again with the future withheld, and lives whose rows are answered to look for memorising.
_REMADE_ROWS = 6
_LEARNT_LIVES = 6


def judge(candidate: Contender, champion: Contender | None, judged: Judged, *, rules: Rules = RULES) -> Verdict:
    """Whether the candidate may replace the champion.

    It may when nothing speaks against it: on rows that neither has seen its error, its band and its refusals are
    no worse, and no feature knows what it cannot know. A candidate that stands on less than the champion (older
    data, fewer failed lives, fewer inputs), or fits its own lives much closer than others, has to be surely
    better.

    Args:
        candidate: A trained version.
        champion: The present one; None: the candidate is the first.
        judged: Lives and rows as known now, in the candidate's feature set.
        rules: When something counts as worse.
    """
    broken = _broken_folds(candidate)
    found: list[Comparison] = []
    if champion is not None:
        both = pairs(honest_answers(candidate, judged), honest_answers(champion, judged))
        compared = (compare(both, basis, cap=judged.cap) for basis in ("folds", "replay", "all"))
        found = [one for one in compared if one is not None]
    doubtful = _suspects(candidate, champion, judged, found)
    verdict = Verdict(
        candidate=candidate.version,
        champion="" if champion is None else champion.version,
        passed=False,
        reasons=(),
        suspects=tuple(doubtful),
        comparisons=tuple(found),
    )
    if champion is None:
        return _first(verdict, broken)
    doubts = _doubts(candidate, champion, judged, rules)
    against = [*broken, *_leaks(doubtful), *_structure(candidate, champion)]
    for one in found:
        against += reasons_against(one, rules)
    if champion.artefact.failed_units >= rules.implausible_from:
        against += _implausible(found, rules)
    if doubts and not proven_better(found, rules):
        against.append(f"it is not surely better, as it would have to be: {'; '.join(doubts)}")
    if not against and not found and champion.answers is not None:
        against.append("no failed life is known that both could be asked about")
    return replace(
        verdict, passed=not against, reasons=tuple(against) or _praise(champion, found), doubts=tuple(doubts)
    )


def _broken_folds(candidate: Contender) -> list[str]:
    answers = candidate.answers
    if answers is None:
        return []
    try:
        refuse_leaking(np.asarray(answers["unit"].to_list(), dtype=np.str_), answers["fold"].to_numpy())
    except LeakageError as err:
        return [f"its folds leak: {err}"]
    return []


def _suspects(
    candidate: Contender, champion: Contender | None, judged: Judged, found: Sequence[Comparison]
) -> list[Suspect]:
    used = [name for name in judged.data.names if name in set(candidate.artefact.inputs)]
    error = next((one.rmse.champion for one in found if one.basis == "folds"), None)
    if champion is None or champion.artefact.failed_units < RULES.implausible_from:
        error = None
    changed = []
    if judged.remake is not None:
        rows = _some_rows(judged)
        changed = [one for one in changed_features(rows, judged.data.names, judged.remake) if one.feature in used]
    return suspects(
        told_alone(judged.data, used, cap=judged.cap),
        changed,
        known=() if champion is None else champion.artefact.inputs,
        model_error=error,
        trusted=judged.trusted,
    )


def _some_rows(judged: Judged) -> pl.DataFrame:
    """Rows from late in a few lives, where a look ahead has most to see, the longest lives first."""
    units, sizes = np.unique(judged.data.unit, return_counts=True)
    chosen = [str(unit) for unit in units[np.argsort(-sizes, kind="stable")][:_REMADE_ROWS]]
    rows = judged.rows(chosen, judged.data.fingerprint).sort("unit", "time")
    late = rows.with_columns(place=pl.int_range(pl.len()).over("unit"), size=pl.len().over("unit"))
    return late.filter(pl.col("place") == pl.col("size") * 2 // 3).drop("unit", "place", "size")


def _leaks(doubtful: Sequence[Suspect]) -> list[str]:
    return [f"feature {one.feature} knows what it cannot know: {one.why}" for one in doubtful[:3]]


def _first(verdict: Verdict, broken: Sequence[str]) -> Verdict:
    """A first version only has to be free of proven leaks; what is likely is said, for a person to look at."""
    against = [*broken, *_leaks([one for one in verdict.suspects if one.proven])]
    if against:
        return replace(verdict, reasons=tuple(against))
    look = tuple(f"look at feature {one.feature}: {one.why}" for one in verdict.suspects[:3])
    return replace(verdict, passed=True, reasons=("first version", *look))


def _structure(candidate: Contender, champion: Contender) -> list[str]:
    """What the candidate cannot do at all and the champion can."""
    mine, other = candidate.artefact, champion.artefact
    if other.forests and not mine.forests:
        return [f"it has no forests: {mine.failed_units} failed lives are too few"]
    if other.calibration.calibrated and not mine.calibration.calibrated:
        return [f"version {champion.version} has a calibrated band, this one has none"]
    return []


def _doubts(candidate: Contender, champion: Contender, judged: Judged, rules: Rules) -> list[str]:
    """Signs that the candidate stands on less than the champion, or learns by heart."""
    mine, other = candidate.artefact, champion.artefact
    found = []
    if candidate.as_of < champion.as_of:
        found.append(f"its data end {mine.as_of[:10]}, the champion's {other.as_of[:10]}")
    if mine.failed_units < (1.0 - rules.same) * other.failed_units:
        found.append(
            f"it has learnt from {mine.failed_units} failed lives, the champion from {other.failed_units}"
        )
    there = set(judged.data.names)
    missing = [name for name in other.inputs if name in there and name not in set(mine.inputs)]
    if len(missing) > rules.same * len(other.inputs):
        listed = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        found.append(f"it does without {len(missing)} of the champion's {len(other.inputs)} inputs ({listed})")
    ratios = [_memory_ratio(one, judged) for one in (candidate, champion)]
    if ratios[0] is not None and ratios[1] is not None and ratios[0] < rules.memorises * ratios[1]:
        found.append(
            f"it learns by heart: on its own lives it errs {ratios[0]:.0%} as much as on others, the champion "
            f"{ratios[1]:.0%}"
        )
    return found


def _memory_ratio(of: Contender, judged: Judged) -> float | None:
    """Error on lives it was trained on over its out-of-fold error on the same rows; None: cannot be told."""
    key = (of.name, of.version)
    if key not in judged.ratios:
        judged.ratios[key] = _asked_ratio(of, judged)
    return judged.ratios[key]


def _asked_ratio(of: Contender, judged: Judged) -> float | None:
    if of.answers is None:
        return None
    rows = judged.truth.join(of.answers.drop("unit"), on=["component", "time"], how="inner")
    units = sorted(rows["unit"].unique())[:: max(1, rows["unit"].n_unique() // _LEARNT_LIVES)]
    if not units:
        return None
    said = told_by(of.artefact, judged, units, name=of.name, version=of.version)
    both = rows.join(said, on=["unit", "time"], how="inner", suffix="_learnt").drop_nulls("mean_learnt")
    if both.is_empty():
        return None
    truth = pl.min_horizontal("rul", pl.lit(judged.cap))
    learnt, other = (
        both.select(((pl.min_horizontal(name, pl.lit(judged.cap)) - truth) ** 2).mean()).item()
        for name in ("mean_learnt", "mean")
    )
    return float(np.sqrt(learnt / other)) if other > 0 else None


def _implausible(found: Sequence[Comparison], rules: Rules) -> list[str]:
    for one in found:
        if one.lives >= rules.fewest_lives and one.rmse.candidate < (1.0 - rules.implausible) * one.rmse.champion:
            return [
                f"its error of {one.rmse.candidate:.4g} is too good beside {one.rmse.champion:.4g}: look at what "
                "it learns from before you promote it by hand"
            ]
    return []


def _praise(champion: Contender, found: Sequence[Comparison]) -> tuple[str, ...]:
    if not found:
        return (f"version {champion.version} has no forests to compare with",)
    return tuple(
        f"error {one.rmse.candidate:.4g} against {one.rmse.champion:.4g} of version {champion.version} "
        f"(difference {one.rmse.difference:.2g}, standard error {one.rmse.se:.2g}) "
        f"{where(one)}"
        for one in found
    )
