"""What two models say of machines that neither has learnt from: errors grouped by life, paired."""

import datetime as dt
from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import polars as pl

from features.core.statements import Prediction
from features.core.tables import FEATURE_ROWS, LIVES
from features.rul.artefact import Artefact
from features.rul.predict import predict_rows
from pipelines.dataset import training_set
from pipelines.evaluation.errors import jackknife_error, per_life, rmse
from pipelines.walk import Walk

__all__ = ["CLASS", "SLOT", "errors"]

CLASS, SLOT = "rolling_bearing", "DE-bearing"
Floats = npt.NDArray[np.float64]


def errors(
    walk: Walk, models: dict[str, Artefact], *, unseen: Collection[str], after: dt.datetime, now: dt.datetime
) -> dict[str, float]:
    """Errors of models `first` and `second`, life by life, on rows that both answered.

    Args:
        walk: Lives and feature rows.
        models: Name -> model.
        unseen: Machines that neither has learnt from; their lives that failed by `now` are told.
        after: Rows from then on are told.
        now: What is known of the truth.
    """
    data = training_set(walk.lake, walk.plant, CLASS, as_of=now)
    after_us = int(after.timestamp()) * 1_000_000
    lives = walk.lake.read(LIVES, as_of=now).collect()
    newest = lives.filter(pl.col("known_from") == pl.col("known_from").max().over("machine_id", "slot"))
    begins = {
        (row["machine_id"], row["life_number"]): row["start"]
        for row in newest.iter_rows(named=True)
        if row["slot"] == SLOT
    }
    said: dict[str, list[Floats]] = {name: [] for name in models}
    truth, unit = [], []
    for life in data.lives:
        number = int(life.unit.rpartition("#")[2])
        if life.ending != "failure" or life.machine_id not in sorted(unseen):
            continue
        mine = np.flatnonzero(data.unit == life.unit)
        late = data.time_us[mine] > after_us
        if not late.any():
            continue
        rows = _rows_of(
            walk, life.machine_id, begins[life.machine_id, number], data.time_us[mine], data.fingerprint
        )
        for name, artefact in models.items():
            said[name].append(_answers(walk, artefact, life.machine_id, number, rows)[late])
        truth.append(data.rul[mine][late])
        unit.append(np.full(int(late.sum()), life.unit))
    names, cap = np.concatenate(unit), min(artefact.rul_cap for artefact in models.values())
    told = {name: np.concatenate(answers) for name, answers in said.items()}
    both = np.all([np.isfinite(answer) for answer in told.values()], axis=0)
    right = np.minimum(np.concatenate(truth), cap)
    figures: dict[str, float] = {
        "unseen_lives": float(np.unique(names).size),
        "unseen_lives_answered_by_both": float(np.unique(names[both]).size),
        "rul_cap": cap,
    }
    squares = {}
    for name, answer in told.items():
        error = (np.minimum(answer, cap) - right)[both]
        figures[f"rmse_{name}"] = rmse(error, names[both])
        figures[f"rmse_{name}_se"] = jackknife_error(error, names[both])
        figures[f"refused_{name}"] = float(np.mean(~np.isfinite(answer)))
        squares[name] = per_life(error**2, names[both])
    taught = np.isfinite(data.rul) & ~np.isin(data.machine, sorted(unseen))
    constant = float(np.median(np.minimum(data.rul[taught], cap)))
    figures["rmse_constant"] = rmse((constant - right)[both], names[both])
    first, second = squares["first"], squares["second"]
    figures["rmse_change"], figures["rmse_change_se"] = _change(first, second)
    figures["lives_that_the_second_tells_better"] = float(np.mean(second < first))
    return figures


def _change(first: Floats, second: Floats) -> tuple[float, float]:
    """RMSE of the second minus that of the first, with the jackknife's standard error over lives [n] of both."""
    m = first.size
    without = np.sqrt((second.sum() - second) / (m - 1)) - np.sqrt((first.sum() - first) / (m - 1))
    spread = np.sqrt((m - 1) / m * np.sum((without - without.mean()) ** 2))
    return float(np.sqrt(second.mean()) - np.sqrt(first.mean())), float(spread)


def _rows_of(
    walk: Walk, machine_id: str, start: dt.datetime, times: npt.NDArray[np.int64], fingerprint: str
) -> pl.DataFrame:
    """Feature rows of a life, in order of time."""
    stored = walk.lake.read(FEATURE_ROWS, machine_ids=[machine_id]).filter(
        pl.col("slot") == SLOT, pl.col("fingerprint") == fingerprint, pl.col("time") > start
    )
    return stored.filter(pl.col("time").dt.epoch("us").is_in(times.tolist())).sort("time").collect()


def _answers(walk: Walk, artefact: Artefact, machine_id: str, number: int, rows: pl.DataFrame) -> Floats:
    """Mean remaining life at each row, NaN where refused."""
    machine = walk.plant.machine(machine_id)
    statements = predict_rows(
        artefact,
        rows,
        machine=machine,
        component=machine.component(SLOT),
        component_class=walk.plant.component_class(CLASS),
        life_number=number,
        model_name=artefact.name,
        model_version="benchmark",
    )
    return np.array([one.mean if isinstance(one, Prediction) else np.nan for one in statements])
