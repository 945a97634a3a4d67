"""How good a model is: accuracy, its spread over folds, and each band of the remaining life."""

import polars as pl

from pipelines.evaluation import Judgement
from pipelines.training.card.markdown import interval, markdown_table, number
from pipelines.training.card.outcomes import decisions, prognostics
from pipelines.training.card.rivals import WHO, rivals

__all__ = ["figures"]


def figures(judgement: Judgement, unit: str) -> list[str]:
    """The section about errors, ranges, baselines and what acting on the model would have cost."""
    return [
        "## How good it is",
        "",
        "Answers to lives that were not seen in training (grouped cross-validation). Every life weighs the same. "
        "In brackets 95 % intervals, drawn by life. *Clipped*: the truth is cut at the cap; *raw*: it is not, and "
        f"no answer can follow it beyond the cap. Errors in {unit}; positive bias is late: more life was promised "
        "than there was.",
        "",
        *_accuracy(judgement.tables["accuracy"]),
        *_spread(judgement),
        "",
        "### Per band of the true remaining life",
        "",
        *_bands(judgement.tables["bands"]),
        "",
        "### Beside the baselines, and where they win",
        "",
        *rivals(judgement),
        "",
        "### As the end comes near",
        "",
        *prognostics(judgement.tables["prognostics"], unit),
        "",
        "### What acting on it would have cost",
        "",
        *decisions(judgement.tables["decisions"]),
        "",
    ]


def _accuracy(table: pl.DataFrame) -> list[str]:
    rows = [
        [
            WHO.get(row["who"], row["who"]),
            row["truth"],
            interval(row, "rmse"),
            number(row["rmse_pooled"]),
            interval(row, "mae"),
            interval(row, "phm08"),
            interval(row, "bias"),
        ]
        for row in table.iter_rows(named=True)
    ]
    return markdown_table(["answer", "truth", "RMSE", "RMSE, rows alike", "MAE", "PHM08", "bias"], rows)


def _spread(judgement: Judgement) -> list[str]:
    figures = judgement.figures
    told = [f"Over folds the RMSE is {figures['cv_rmse_fold_mean']:.4g}"]
    if "cv_rmse_fold_sd" in figures:
        told[0] += f" with a standard deviation of {figures['cv_rmse_fold_sd']:.3g}"
    if "cv_rmse_repeat_sd" in figures:
        told.append(
            f"over repeats with other folds {figures['cv_rmse_repeat_mean']:.4g} "
            f"with {figures['cv_rmse_repeat_sd']:.3g}"
        )
    return ["", "; ".join(told) + "."]


def _bands(table: pl.DataFrame) -> list[str]:
    rows = []
    for row in table.iter_rows(named=True):
        span = f"{row['from']:.4g} to {row['to']:.4g}"
        name = {"cap": f"at the cap ({row['from']:.4g})", "below the cap": "below the cap", "all": "all"}
        lives = f"{row['lives']}" + ("" if row["enough"] else " (too few to judge a coverage)")
        cells = [name.get(row["band"], span), lives, interval(row, "bias"), interval(row, "rmse")]
        has_band = row["coverage80"] == row["coverage80"]
        for column in ("coverage80", "width80", "interval_score80"):
            cells.append(interval(row, column) if has_band else "none")
        rows.append(cells)
    return markdown_table(
        ["true RUL", "lives", "bias", "RMSE", "coverage (0.80)", "width", "interval score"], rows
    )
