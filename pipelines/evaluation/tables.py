"""Accuracy and honesty as tables: for all rows, per band of RUL, per fold and per life, beside the baselines."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from pipelines.evaluation.bootstrap import Interval, resampled
from pipelines.evaluation.errors import Floats, Strings, bias, mae, per_life, phm08, phm08_rows, rmse
from pipelines.evaluation.intervals import interval_scores
from pipelines.evaluation.scored import ENOUGH, NOMINAL, Band, Scored, answers_of

__all__ = ["accuracy", "folds", "honesty", "lives", "wins"]


def accuracy(scored: Scored, *, seed: int) -> pl.DataFrame:
    """One row for the mean, the median and each baseline, against the truth clipped at the cap and raw.

    `rmse`, `mae`, `phm08` and `bias` weigh every life the same, `rmse_pooled` every row; `_low95` and
    `_high95` are bootstrap intervals by life. Life units; positive errors are late.
    """
    clipped = np.minimum(scored.rul, scored.cap)
    boot = resampled(scored.unit, seed=seed)
    answers = answers_of(scored)
    every = {"model": answers.pop("model"), "model's median": scored.p50, **answers}
    rows = []
    for who, answer in every.items():
        for kind, truth in (("clipped", clipped), ("raw", scored.rul)):
            error = answer - truth
            rows.append(
                {"who": who, "truth": kind, "lives": boot.sizes.size, "rows": error.size}
                | _told("rmse", boot.mean(error**2, root=True))
                | {"rmse_pooled": boot.mean(error**2, root=True, pooled=True).value}
                | _told("mae", boot.mean(np.abs(error)))
                | _told("phm08", boot.mean(phm08_rows(error, cap=scored.cap)))
                | _told("bias", boot.mean(error))
            )
    return pl.DataFrame(rows)


def honesty(scored: Scored, bands: Sequence[Band], *, seed: int) -> pl.DataFrame:
    """Bias and error per band of the true RUL, and of the band P10 to P90 coverage, width and interval score.

    `lives` stand behind each row; `enough` is whether they are at least 20. The rows `below the cap` and
    `all` follow the bands. Without a calibrated band the columns of it are null.
    """
    truth = np.minimum(scored.rul, scored.cap)
    wanted = [*bands, Band("below the cap", 0.0, scored.cap), Band("all", 0.0, np.inf)]
    rows = []
    for band in wanted:
        held = band.holds(truth)
        if held.any():
            rows.append(_band_row(scored, truth, band, held, seed))
    return pl.DataFrame(rows)


def _band_row(
    scored: Scored, truth: Floats, band: Band, held: np.typing.NDArray[np.bool_], seed: int
) -> dict[str, object]:
    boot = resampled(scored.unit[held], seed=seed)
    error = (scored.mean - truth)[held]
    row: dict[str, object] = {
        "band": band.name,
        "from": band.low,
        "to": min(band.high, scored.cap),
        "lives": boot.sizes.size,
        "enough": bool(boot.sizes.size >= ENOUGH),
        "rows": error.size,
    }
    row |= _told("bias", boot.mean(error)) | _told("rmse", boot.mean(error**2, root=True))
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    coverage = width = score = nothing
    if scored.p10 is not None and scored.p90 is not None:
        low, high, known = scored.p10[held], scored.p90[held], truth[held]
        coverage = boot.mean(((low <= known) & (known <= high)).astype(np.float64))
        width = boot.mean(high - low)
        score = boot.mean(interval_scores(known, low, high, nominal=NOMINAL))
    return row | _told("coverage80", coverage) | _told("width80", width) | _told("interval_score80", score)


def folds(repeats: Sequence[tuple[Scored, Strings]]) -> pl.DataFrame:
    """Figures of each fold of each repeat (another seed of the folds), then their mean and spread.

    Args:
        repeats: Answers and the fold of each row [n] as text, one pair a seed.
    """
    rows = []
    for number, (scored, fold) in enumerate(repeats, start=1):
        error = scored.mean - np.minimum(scored.rul, scored.cap)
        everything = np.ones(error.size, dtype=np.bool_)
        parts = {"all": everything, **{str(name): fold == name for name in np.unique(fold)}}
        for name, held in parts.items():
            unit = scored.unit[held]
            rows.append(
                {
                    "repeat": number,
                    "fold": name,
                    "lives": np.unique(unit).size,
                    "rows": int(held.sum()),
                    "rmse": rmse(error[held], unit),
                    "rmse_pooled": float(np.sqrt(np.mean(error[held] ** 2))),
                    "mae": mae(error[held], unit),
                    "phm08": phm08(error[held], unit, cap=scored.cap),
                    "bias": bias(error[held], unit),
                }
            )
    return pl.DataFrame(rows)


def wins(scored: Scored, bands: Sequence[Band]) -> pl.DataFrame:
    """RMSE of the model and each baseline per band, clipped; who is best there, and in how many lives each is.

    `lives_won_by_...` counts lives of the band in which that answer has the smallest RMSE of all.
    """
    truth, answers = np.minimum(scored.rul, scored.cap), answers_of(scored)
    rows = []
    for band in [*bands, Band("all", 0.0, np.inf)]:
        held = band.holds(truth)
        if not held.any():
            continue
        unit = scored.unit[held]
        errors = {who: rmse((answer - truth)[held], unit) for who, answer in answers.items()}
        squares = np.stack([per_life((answer - truth)[held] ** 2, unit) for answer in answers.values()])
        best = np.argmin(squares, axis=0)
        rows.append(
            {"band": band.name, "from": band.low, "to": min(band.high, scored.cap), "lives": best.size}
            | {f"rmse_{who}": error for who, error in errors.items()}
            | {"best": min(errors, key=errors.__getitem__)}
            | {f"lives_won_by_{who}": int(np.sum(best == i)) for i, who in enumerate(answers)}
        )
    return pl.DataFrame(rows)


def lives(scored: Scored) -> pl.DataFrame:
    """One row a life: its rows, the RMSE of each answer against the clipped truth, the best, its coverage."""
    truth, answers = np.minimum(scored.rul, scored.cap), answers_of(scored)
    names, sizes = np.unique(scored.unit, return_counts=True)
    columns = {f"rmse_{who}": np.sqrt(per_life((a - truth) ** 2, scored.unit)) for who, a in answers.items()}
    best = np.argmin(np.stack(list(columns.values())), axis=0)
    table: dict[str, object] = {"life": names.tolist(), "rows": sizes, **columns}
    table["bias_model"] = per_life(scored.mean - truth, scored.unit)
    table["best"] = [list(answers)[i] for i in best]
    if scored.p10 is not None and scored.p90 is not None:
        inside = ((scored.p10 <= truth) & (truth <= scored.p90)).astype(np.float64)
        table["coverage80"] = per_life(inside, scored.unit)
    return pl.DataFrame(table).sort("rmse_model", descending=True)


def _told(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low95": interval.low, f"{name}_high95": interval.high}
