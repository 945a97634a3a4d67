"""Everything that is told of a run: figures for a program, tables for people, answers and outcomes for plots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.evaluation.decisions import CalendarRows, Outcome, decisions, outcomes
from pipelines.evaluation.errors import Floats
from pipelines.evaluation.last_row import last_row
from pipelines.evaluation.prognostics import prognostics
from pipelines.evaluation.report import evaluate
from pipelines.evaluation.scored import Answers, Folded, bands_of
from pipelines.evaluation.tables import accuracy, folds, honesty, lives, wins

__all__ = ["Judgement", "judge"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found; `tables` is name -> table, `outcomes` policy -> what it does to every life."""

    figures: dict[str, float]
    tables: dict[str, pl.DataFrame]
    answers: Answers
    outcomes: dict[str, list[Outcome]]


def judge(repeats: Sequence[Folded], rows: CalendarRows, *, components: int, seed: int) -> Judgement:
    """Judges out-of-fold answers.

    Args:
        repeats: Answers to the same lives by folds of other seeds; the first is the one that is told, the
            others tell how far the figures move with the folds.
        rows: The calendar of the first answers' rows, row by row.
        components: Of the class, in the plant.
        seed: Of the bootstrap.

    Raises:
        ValueError: No answers, or the calendar is not that of the first ones.
    """
    if not repeats:
        raise ValueError("there is nothing to judge")
    first = repeats[0]
    if not np.array_equal(first.unit, rows.unit):
        raise ValueError("the calendar's rows are not those of the answers")
    answers = Answers.of(first, last_row=_last_row(first, rows))
    bands = bands_of(answers.cap)
    found = outcomes(rows, answers)
    tables = {
        "accuracy": accuracy(answers, seed=seed),
        "bands": honesty(answers, bands, seed=seed),
        "baselines": wins(answers, bands),
        "folds": folds([(one, one.fold.astype(np.str_)) for one in repeats]),
        "prognostics": prognostics(answers, seed=seed),
        "decisions": decisions(found, components=components, seed=seed),
        "lives": _with_outcomes(lives(answers), found["wearcast"]),
    }
    return Judgement(evaluate(answers) | _more(tables), tables, answers, found)


def _last_row(answers: Folded, rows: CalendarRows) -> Floats:
    """Out-of-fold answers [n] of the straight line through the newest row."""
    truth, told = np.minimum(answers.rul, answers.cap), np.empty(answers.rul.size)
    for fold in np.unique(answers.fold):
        held, seen = answers.fold == fold, answers.fold != fold
        told[held] = last_row(rows.levels[seen], truth[seen], answers.unit[seen], rows.levels[held])
    return told


def _with_outcomes(table: pl.DataFrame, told: Sequence[Outcome]) -> pl.DataFrame:
    rows = {
        "life": [outcome.life.unit for outcome in told],
        "outcome": ["failed" if outcome.replaced_us is None else "replaced" for outcome in told],
        "lead_days": [outcome.lead_days for outcome in told],
    }
    return table.join(pl.DataFrame(rows), on="life", how="left", maintain_order="left").fill_nan(None)


def _more(tables: dict[str, pl.DataFrame]) -> dict[str, float]:
    """The figures that are in tables only, by name; those that are not known are left out."""
    first = tables["accuracy"].row(0, named=True)
    figures = {f"cv_{name}": first[name] for name in ("rmse_low95", "rmse_high95", "bias_low95", "bias_high95")}
    own = tables["folds"].filter(pl.col("repeat") == 1, pl.col("fold") != "all")
    every = tables["folds"].filter(pl.col("fold") == "all")
    figures["cv_rmse_fold_mean"], figures["cv_rmse_fold_sd"] = _spread(own)
    if every.height > 1:
        figures["cv_rmse_repeat_mean"], figures["cv_rmse_repeat_sd"] = _spread(every)
    policy = tables["decisions"].row(0, named=True)
    for name in ("missed", "early", "life_used", "lead_days_median", "call_outs_a_week"):
        figures[f"decisions_{name}"] = policy[name]
    for name, value in policy.items():
        if name.startswith("cost_over_") and name != "cost_over_wearcast":
            figures[f"decisions_{name}"] = value
    for row in tables["prognostics"].iter_rows(named=True):
        share = "" if row["lambda"] is None else f"_{row['lambda']:g}"
        figures[f"prognostics_{row['figure'].replace(', ', '_').replace(' ', '_')}{share}"] = row["value"]
    return {name: float(v) for name, v in figures.items() if v is not None and np.isfinite(v)}


def _spread(table: pl.DataFrame) -> tuple[float, float]:
    values = table["rmse"].to_numpy()
    return float(values.mean()), float(values.std(ddof=1)) if values.size > 1 else float("nan")
