"""Two models side by side on the same rows, paired life by life."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.evaluation.errors import per_life

__all__ = ["Comparison", "Paired", "compare", "pairs"]

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

# Of the interval score of a band that should cover 80 %: 2 / (1 - 0.8); see `evaluation.interval_score`.
_PENALTY = 10.0


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure of both models over the same lives; `difference` is candidate minus champion.

    `se` is the standard error of the difference when whole lives are left out one by one; NaN below two lives.
    """

    candidate: float
    champion: float
    difference: float
    se: float

    def is_worse_by(self, share: float, z: float) -> bool:
        """Worse by more than that share of the champion's figure, and by more than z standard errors."""
        least = share * abs(self.champion)
        return bool(np.isfinite(self.se)) and self.difference > max(least, z * self.se)

    def is_surely_better(self, z: float) -> bool:
        """Better by more than chance explains."""
        return bool(np.isfinite(self.se)) and self.difference < -z * self.se


@dataclass(frozen=True, slots=True)
class Comparison:
    """What both said of the same rows of the same lives.

    Attributes:
        basis: `folds`: both out of fold. `replay`: at least one by itself, on rows it had not learnt. `all`:
            both together; lives of the folds alone favour the champion, since early on the short ones have ended.
        lives: Failed lives behind the figures.
        rows: Rows of these lives that both answered.
        candidate_how: Right by which the candidate's answers count -> rows; see `honest`.
        champion_how: The same of the champion.
        same_folds: Lives are in the same folds of both; None: not out of fold.
        rmse: Root mean squared error of the mean, life units, truth and answers capped, lives weighing the same.
        mae: Mean absolute error, likewise.
        coverage: Share of truths inside the band; None: not both have bands.
        interval_score: Width and penalty for misses (smaller is better), life units; None as above.
        refused: Shares of rows without a number.
    """

    basis: str
    lives: int
    rows: int
    candidate_how: dict[str, int]
    champion_how: dict[str, int]
    same_folds: bool | None
    rmse: Paired
    mae: Paired
    coverage: Paired | None
    interval_score: Paired | None
    refused: Paired


def pairs(candidate: pl.DataFrame, champion: pl.DataFrame) -> pl.DataFrame:
    """Rows of which both have something honest to say; columns of the champion end in `_champion`."""
    key = ["component", "unit", "time"]
    return candidate.join(champion.drop("rul"), on=key, how="inner", suffix="_champion").sort(key)


def compare(rows: pl.DataFrame, basis: str, *, cap: float) -> Comparison | None:
    """Figures of paired rows.

    Args:
        rows: As `pairs` gives them.
        basis: `folds`, `replay` or `all`.
        cap: Largest remaining life that is told apart, life units.

    Returns:
        None without a row that both answered.
    """
    out_of_fold = (pl.col("how") == "fold") & (pl.col("how_champion") == "fold")
    rows = rows.filter({"folds": out_of_fold, "replay": ~out_of_fold, "all": pl.lit(value=True)}[basis])
    both = rows.filter(pl.col("mean").is_not_null(), pl.col("mean_champion").is_not_null())
    if both.is_empty():
        return None
    unit = np.asarray(both["unit"].to_list(), dtype=np.str_)
    truth = np.minimum(both["rul"].to_numpy(), cap)
    error, old = (np.minimum(both[name].to_numpy(), cap) - truth for name in ("mean", "mean_champion"))
    coverage, interval = _bands(both, cap)
    return Comparison(
        basis=basis,
        lives=int(np.unique(unit).size),
        rows=both.height,
        candidate_how=_counts(both, "how"),
        champion_how=_counts(both, "how_champion"),
        same_folds=bool((both["fold"] == both["fold_champion"]).all()) if basis == "folds" else None,
        rmse=_paired(error**2, old**2, unit, is_root=True),
        mae=_paired(np.abs(error), np.abs(old), unit),
        coverage=coverage,
        interval_score=interval,
        refused=_paired(
            rows["refused"].to_numpy().astype(np.float64),
            rows["refused_champion"].to_numpy().astype(np.float64),
            np.asarray(rows["unit"].to_list(), dtype=np.str_),
        ),
    )


def _bands(both: pl.DataFrame, cap: float) -> tuple[Paired | None, Paired | None]:
    bands = ("p10", "p90", "p10_champion", "p90_champion")
    rows = both.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in bands))
    if rows.is_empty():
        return None, None
    unit = np.asarray(rows["unit"].to_list(), dtype=np.str_)
    truth = np.minimum(rows["rul"].to_numpy(), cap)
    inside, score = [], []
    for low, high in (bands[:2], bands[2:]):
        p10, p90 = (np.minimum(rows[name].to_numpy(), cap) for name in (low, high))
        inside.append(((p10 <= truth) & (truth <= p90)).astype(np.float64))
        missed = np.maximum(p10 - truth, 0.0) + np.maximum(truth - p90, 0.0)
        score.append(p90 - p10 + _PENALTY * missed)
    return _paired(inside[0], inside[1], unit), _paired(score[0], score[1], unit)


def _paired(candidate: Floats, champion: Floats, unit: Strings, *, is_root: bool = False) -> Paired:
    """Means over lives of the rows' values, roots of them where asked, and the jackknife of their difference."""
    new, old = per_life(candidate, unit), per_life(champion, unit)
    root = np.sqrt if is_root else np.asarray
    one, other = float(root(new.mean())), float(root(old.mean()))
    lives = new.size
    if lives < 2:
        return Paired(one, other, one - other, float("nan"))
    left = [root((values.sum() - values) / (lives - 1)) for values in (new, old)]
    without = left[0] - left[1]
    se = float(np.sqrt((lives - 1) / lives * np.sum((without - without.mean()) ** 2)))
    return Paired(one, other, one - other, se)


def _counts(rows: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(sorted(rows[column].value_counts().iter_rows()))
