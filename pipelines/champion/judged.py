"""What both contenders are judged by: lives and rows as they are known now, the truth among them."""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from features.core.lake import Lake
from features.core.plant import Plant
from features.core.tables import FEATURE_ROWS
from pipelines.dataset import TrainingSet, training_set
from pipelines.leakage import Remake, remake_from_lake
from pipelines.model.examples import cap_of

__all__ = ["Judged", "judged_from_lake"]

_TIME = pl.Datetime("us", "UTC")

# Lives and a fingerprint in, their rows of table `feature_rows` and column `unit` out.
RowsOf = Callable[[Collection[str], str], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything a comparison may look at.

    Attributes:
        plant: Machines and classes.
        data: Rows and lives in the candidate's feature set, as known now.
        rows: Gives feature rows of some lives in a contender's feature set.
        memory: Longest window of a feature.
        remake: Makes feature rows again; None: they cannot be.
        trusted: Features that a person has looked at; see `leakage.suspects`.
        told: Name and version -> honest answers of contenders that were asked already.
        ratios: Name and version -> how much less they err on their own lives, where that was asked already.
    """

    plant: Plant
    data: TrainingSet
    rows: RowsOf
    memory: dt.timedelta
    remake: Remake | None = None
    trusted: frozenset[str] = field(default_factory=frozenset)
    told: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict, repr=False, compare=False)
    ratios: dict[tuple[str, str], float | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def cap(self) -> float:
        """Largest remaining life that is told apart, life units: the class's own, or the median failed life."""
        return cap_of(self.data.lives, self.data.declared_cap)

    @property
    def truth(self) -> pl.DataFrame:
        """Rows of failed lives: component, unit, time, and the remaining life that turned out, not capped."""
        data, failed = self.data, np.isfinite(self.data.rul)
        frame = pl.DataFrame(
            {
                "unit": data.unit[failed],
                "time": pl.Series(data.time_us[failed]).cast(_TIME),
                "rul": data.rul[failed],
            },
            schema={"unit": pl.String, "time": _TIME, "rul": pl.Float64},
        )
        return frame.with_columns(component=component_of("unit"))


def component_of(column: str) -> pl.Expr:
    """`P101/DE-bearing` of `P101/DE-bearing#3`."""
    return pl.col(column).str.replace(r"#[^#]*$", "")


def judged_from_lake(
    lake: Lake,
    plant: Plant,
    class_id: str,
    *,
    as_of: dt.datetime,
    fingerprint: str | None = None,
    exclude_machines: Collection[str] = (),
    trusted: Collection[str] = (),
) -> Judged:
    """What the lake knows at `as_of`.

    Args:
        lake: Holds feature rows and lives, both up to date.
        plant: Machines and classes.
        class_id: Component class.
        as_of: Nothing that became known later is judged by.
        fingerprint: Feature set of the candidate; None: the newest of the class.
        exclude_machines: Machines whose lives are held out; nothing is judged by them.
        trusted: Features that a person has looked at.

    Raises:
        ConfigError: No features of the class are in the lake.
    """
    data = training_set(lake, plant, class_id, as_of=as_of, fingerprint=fingerprint).without(
        machines=exclude_machines
    )

    def rows(units: Collection[str], of: str) -> pl.DataFrame:
        spans = _spans(data, units)
        machines = sorted({unit.rsplit("#", 1)[0].split("/", 1)[0] for unit in units})
        found = (
            lake.read(FEATURE_ROWS, as_of=as_of, machine_ids=machines)
            .filter(pl.col("fingerprint") == of, pl.col("component_class") == class_id)
            .with_columns(component=pl.format("{}/{}", "machine_id", "slot"))
            .join(spans.lazy(), on="component")
            .filter(pl.col("time") >= pl.col("first"), pl.col("time") <= pl.col("last"))
            .drop("component", "first", "last")
        )
        return found.collect()

    return Judged(
        plant=plant,
        data=data,
        rows=rows,
        memory=max(plant.component_class(class_id).memory),
        remake=remake_from_lake(lake, plant, data.fingerprint),
        trusted=frozenset(trusted),
    )


def _spans(data: TrainingSet, units: Collection[str]) -> pl.DataFrame:
    kept = np.isin(data.unit, list(units))
    frame = pl.DataFrame(
        {"unit": data.unit[kept], "time": pl.Series(data.time_us[kept]).cast(_TIME)},
        schema={"unit": pl.String, "time": _TIME},
    )
    spans = frame.group_by("unit").agg(first=pl.col("time").min(), last=pl.col("time").max())
    return spans.with_columns(component=component_of("unit"))
