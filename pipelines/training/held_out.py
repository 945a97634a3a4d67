"""What a model answered to rows it had not seen, and which lives it has seen: kept beside its run.

`held_out/answers.parquet`  a row each: component, life, time, fold, mean, p10, p50, p90 (null: no band)
`held_out/lives.parquet`    a row a life of the training: component, machine, ending, first and last row

The truth is not in it: whoever compares models takes it from what is known by then, never from the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.dataset import TrainingSet
from pipelines.model import Fitted

__all__ = ["FILES", "HeldOut", "held_out", "read_held_out"]

# As they lie in the run.
FILES = ("held_out/answers.parquet", "held_out/lives.parquet")

_TIME = pl.Datetime("us", "UTC")
_ANSWERS: dict[str, pl.DataType | type[pl.DataType]] = {
    "component": pl.String,
    "unit": pl.String,
    "time": _TIME,
    "fold": pl.Int64,
    "mean": pl.Float64,
    "p10": pl.Float64,
    "p50": pl.Float64,
    "p90": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Out-of-fold answers (without rows when no forest was fitted) and the lives of the training."""

    answers: pl.DataFrame
    lives: pl.DataFrame

    @property
    def folds(self) -> dict[str, int]:
        """Life -> the fold that it was in."""
        return dict(self.answers.select("unit", "fold").unique().iter_rows())

    def write(self, folder: Path) -> None:
        """Lays both files into a run's folder."""
        (folder / FILES[0]).parent.mkdir(exist_ok=True)
        self.answers.write_parquet(folder / FILES[0])
        self.lives.write_parquet(folder / FILES[1])


def read_held_out(files: Sequence[Path]) -> HeldOut:
    """What `HeldOut.write` wrote."""
    answers, lives = files
    return HeldOut(pl.read_parquet(answers), pl.read_parquet(lives))


def held_out(data: TrainingSet, fitted: Fitted) -> HeldOut:
    """The answers of a fit to lives that the answering forests had not seen."""
    time = pl.Series(data.time_us).cast(_TIME)
    component = _components(data.unit)
    lives = (
        pl.DataFrame({"unit": data.unit, "component": component, "machine": data.machine, "time": time})
        .group_by("unit", "component", "machine", maintain_order=True)
        .agg(first=pl.col("time").min(), last=pl.col("time").max())
    )
    endings = pl.DataFrame([(life.unit, life.ending) for life in data.lives], ["unit", "ending"], orient="row")
    said, rows = fitted.out_of_fold, fitted.rows
    answers = pl.DataFrame(schema=_ANSWERS)
    if said is not None and rows is not None:
        nothing = np.full(rows.size, np.nan)
        answers = pl.DataFrame(
            {
                "component": component[rows],
                "unit": data.unit[rows],
                "time": time[rows],
                "fold": said.fold,
                "mean": said.mean,
                "p10": nothing if said.p10 is None else said.p10,
                "p50": said.p50,
                "p90": nothing if said.p90 is None else said.p90,
            },
            schema=_ANSWERS,
        ).with_columns(pl.col("p10", "p90").fill_nan(None))
    return HeldOut(answers, lives.join(endings.cast(pl.String), on="unit", how="left"))


def _components(unit: np.typing.NDArray[np.str_]) -> np.typing.NDArray[np.str_]:
    """`P101/DE-bearing` of `P101/DE-bearing#3`: life numbers change when an older life becomes known."""
    names, place = np.unique(unit, return_inverse=True)
    return np.array([str(name).rsplit("#", 1)[0] for name in names], dtype=unit.dtype)[place]
