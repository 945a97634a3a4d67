"""Whether a candidate may replace the champion, and why or why not, in words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipelines.champion.comparison import Comparison
from pipelines.leakage import Suspect

__all__ = ["RULES", "Rules", "Verdict", "finite", "proven_better", "reasons_against", "where"]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a candidate counts as worse.

    Attributes:
        negligible: A share that does not matter, however sure it is: another seed alone makes as much.
        sure: One-sided 99 % of the normal distribution, in standard errors. Several figures are looked at; at 95 %
            every fifth equal candidate would be refused by one of them.
        tolerance: A share beyond which a difference need only be likely.
        likely: One-sided 95 %; also what "surely better" asks, of one figure.
        part: A share by which it may be worse on the folds or the replay alone, which hold fewer lives.
        band_negligible: As `negligible`, of the band's interval score, which one seed moves by a tenth.
        band_tolerance: As `tolerance`, of the interval score.
        fewest_lives: Below that many lives a likely difference is none.
        coverage: What the band has to cover when the champion's does; less is worse when that is sure. More costs
            width, which the interval score weighs.
        more_refused: Share of rows by which it may refuse more.
        implausible: An error smaller by that share than the champion's is looked at by a person first.
        implausible_from: Failed lives of a champion that can be beaten so; with fewer a leap is nothing strange.
        same: Share by which inputs and failed lives may be fewer without any meaning.
        memorises: Its error on its own lives over its out-of-fold error, as a share of the champion's ratio.
    """

    negligible: float = 0.03
    sure: float = 2.326
    tolerance: float = 0.1
    likely: float = 1.645
    part: float = 0.1
    band_negligible: float = 0.15
    band_tolerance: float = 0.25
    fewest_lives: int = 5
    coverage: float = 0.7
    more_refused: float = 0.1
    implausible: float = 0.5
    implausible_from: int = 20
    same: float = 0.05
    memorises: float = 0.5


RULES = Rules()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole judgement of a candidate.

    Attributes:
        candidate: Its version.
        champion: The version it was compared with; empty: there is none.
        passed: It may become the champion.
        reasons: Why not, or why.
        doubts: What made it prove itself: it stands on less than the champion, or learns by heart.
        suspects: Features that know too much.
        comparisons: Side by side, on the folds and on the replay.
    """

    candidate: str
    champion: str
    passed: bool
    reasons: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    comparisons: tuple[Comparison, ...] = ()

    @property
    def reason(self) -> str:
        """All reasons as one line."""
        return "; ".join(self.reasons)

    def as_json(self) -> dict[str, Any]:  # Any: a JSON document
        """Everything, for a program; what is not finite is null."""
        document: dict[str, Any] = finite(asdict(self))
        return document


def reasons_against(comparison: Comparison, rules: Rules) -> list[str]:
    """Why these figures speak against the candidate; empty: they do not."""
    place = where(comparison)
    is_part, is_enough = comparison.basis != "all", comparison.lives >= rules.fewest_lives
    found = []
    for paired, what, negligible, tolerance in (
        (comparison.rmse, "its error", rules.negligible, rules.tolerance),
        (comparison.mae, "its absolute error", rules.negligible, rules.tolerance),
        (comparison.interval_score, "the interval score of its band", rules.band_negligible, rules.band_tolerance),
    ):
        if paired is None:
            continue
        is_likely = is_enough and not is_part and paired.is_worse_by(tolerance, rules.likely)
        if is_likely or paired.is_worse_by(max(negligible, rules.part) if is_part else negligible, rules.sure):
            found.append(
                f"{what} is larger, {paired.candidate:.4g} against {paired.champion:.4g} "
                f"(difference {paired.difference:.3g}, standard error {paired.se:.2g}) {place}"
            )
            break
    if is_part:
        return found
    covered = comparison.coverage
    if covered is not None and comparison.lives >= rules.fewest_lives:
        is_short = covered.candidate < rules.coverage <= covered.champion
        if is_short and -covered.difference > rules.sure * covered.se:
            found.append(
                f"its band covers {covered.candidate:.0%} instead of 80 %, the champion's "
                f"{covered.champion:.0%} {place}"
            )
    if comparison.refused.difference > rules.more_refused:
        found.append(
            f"it gives no number for {comparison.refused.candidate:.0%} of the rows, the champion for "
            f"{comparison.refused.champion:.0%} {place}"
        )
    return found


def proven_better(comparisons: Sequence[Comparison], rules: Rules) -> bool:
    """Its error is smaller by more than chance explains, on all lives and on the folds.

    The folds compare like with like; on the replay the candidate's whole model may meet a champion that answers
    out of fold, with fewer lives behind it.
    """
    asked = [one for one in comparisons if one.basis in ("folds", "all") and one.lives >= rules.fewest_lives]
    return any(one.basis == "all" for one in asked) and all(
        one.rmse.is_surely_better(rules.likely) for one in asked
    )


def where(comparison: Comparison) -> str:
    """On which lives, in words."""
    places = {"folds": "on the same folds of", "replay": "in the replay of", "all": "on all"}
    return f"{places[comparison.basis]} {comparison.lives} lives"


def finite(value: Any) -> Any:  # Any: a JSON document
    """The document with null for every number that is not finite."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
