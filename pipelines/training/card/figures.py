"""How good a model is: accuracy, its spread over folds, and each band of the remaining life."""

import polars as pl

from pipelines.evaluation import Judgement
from pipelines.training.card.markdown import interval, markdown_table, number
from pipelines.training.card.outcomes import decisions, prognostics
from pipelines.training.card.rivals import WHO, rivals

__all__ = ["figures"]

# From there on the PHM08 score, which grows exponentially, tells no more than that.
_SCORES = 1e6


def figures(judgement: Judgement, unit: str) -> list[str]:
    """The section about errors, ranges, baselines and what acting on the model would have cost."""
    return [
        "## How good it is",
        "",
        f"Answers to lives that were not seen in training ({_behind(judgement)}). Every life weighs the same, "
        "but for *RMSE, rows alike*. In brackets 95 % intervals, drawn by life. *Clipped*: the truth is cut at "
        "the cap; *raw*: it is not, and no answer can follow it beyond the cap. "
        f"Errors in {unit}; positive bias is late: more life was promised than there was. PHM08 has no unit and "
        "punishes late answers more than early ones, for errors scaled to a cap of 125; less is better. Lives "
        "that did not fail are not judged.",
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
        *rivals(judgement, unit),
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


def _behind(judgement: Judgement) -> str:
    """How many lives, rows and folds stand behind the figures."""
    first = judgement.tables["accuracy"].row(0, named=True)
    folds = judgement.tables["folds"].filter(repeat=1).height - 1
    return f"grouped cross-validation: {first['lives']} failed lives, {first['rows']:,} rows, {folds} folds"


def _accuracy(table: pl.DataFrame) -> list[str]:
    rows = [
        [
            WHO.get(row["who"], row["who"]),
            row["truth"],
            interval(row, "rmse"),
            number(row["rmse_pooled"]),
            interval(row, "mae"),
            interval(row, "phm08") if row["phm08"] < _SCORES else f"over {_SCORES:,.0f}",
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
