"""Whether a candidate may replace the champion, and why or why not, in words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipelines.champion.comparison import Comparison
from pipelines.leakage import Suspect

__all__ = ["RULES", "Rules", "Verdict", "finite", "proven_better", "reasons_against"]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a candidate counts as worse.

    Attributes:
        tolerance: Share by which a figure may be worse as long as it is not surely worse.
        replay_tolerance: The same on the replay, which has fewer lives.
        negligible: A share that does not matter, however sure it is: another seed alone makes as much.
        z: One-sided 99 % of the normal distribution: beyond that many standard errors a candidate is surely worse.
            Six figures are looked at; at 95 % every fifth equal candidate would be refused by one of them.
        better_z: One-sided 95 %: beyond that many it is surely better, which is asked of one figure.
        fewest_lives: Below that many lives only a sure difference counts.
        band_tolerance: As `tolerance`, of the band's interval score, which one seed moves by a tenth.
        band_negligible: As `negligible`, of the interval score.
        coverage: What the band has to cover when the champion's does; less is worse when that is sure. More costs
            width, which the interval score weighs.
        more_refused: Share of rows by which it may refuse more.
        implausible: An error smaller by that share than the champion's is looked at by a person first.
        implausible_from: Failed lives of a champion that can be beaten so; with fewer a leap is nothing strange.
        same: Share by which inputs and failed lives may be fewer without any meaning.
        memorises: Its error on its own lives over its out-of-fold error, as a share of the champion's ratio.
    """

    tolerance: float = 0.05
    replay_tolerance: float = 0.1
    negligible: float = 0.03
    z: float = 2.326
    better_z: float = 1.645
    fewest_lives: int = 5
    band_tolerance: float = 0.25
    band_negligible: float = 0.15
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
    where = _where(comparison)
    tolerance = rules.tolerance if comparison.basis == "folds" else rules.replay_tolerance
    if comparison.lives < rules.fewest_lives:
        tolerance = float("inf")
    band_tolerance = max(tolerance, rules.band_tolerance)
    found = []
    for paired, what, tolerated, negligible in (
        (comparison.rmse, "its error", tolerance, rules.negligible),
        (comparison.mae, "its absolute error", tolerance, rules.negligible),
        (comparison.interval_score, "the interval score of its band", band_tolerance, rules.band_negligible),
    ):
        if paired is not None and paired.is_worse(rules.z, tolerated, negligible):
            found.append(
                f"{what} is larger, {paired.candidate:.4g} against {paired.champion:.4g} "
                f"(difference {paired.difference:.3g}, standard error {paired.se:.2g}) {where}"
            )
            break
    covered = comparison.coverage
    if covered is not None and comparison.lives >= rules.fewest_lives:
        is_short = covered.candidate < rules.coverage <= covered.champion
        if is_short and -covered.difference > rules.z * covered.se:
            found.append(
                f"its band covers {covered.candidate:.0%} instead of 80 %, the champion's "
                f"{covered.champion:.0%} {where}"
            )
    if comparison.refused.difference > rules.more_refused:
        found.append(
            f"it gives no number for {comparison.refused.candidate:.0%} of the rows, the champion for "
            f"{comparison.refused.champion:.0%} {where}"
        )
    return found


def proven_better(comparisons: Sequence[Comparison], rules: Rules) -> bool:
    """On the largest of the comparisons its error is smaller by more than chance explains."""
    largest = max(comparisons, key=lambda one: one.lives, default=None)
    return (
        largest is not None
        and largest.lives >= rules.fewest_lives
        and largest.rmse.is_surely_better(rules.better_z)
    )


def _where(comparison: Comparison) -> str:
    if comparison.basis == "folds":
        return f"on the same folds of {comparison.lives} lives"
    return f"in the replay of {comparison.lives} lives"


def finite(value: Any) -> Any:  # Any: a JSON document
    """The document with null for every number that is not finite."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
