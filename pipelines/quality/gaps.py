"""Stretches without rows: what the gap register holds."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

__all__ = ["FILLED", "GapRules", "find_gaps"]

# Reasons of a gap: between two rows; up to the end of what was read; closed by late rows.
BETWEEN, SILENT, FILLED = "no_rows", "silent", "filled"
POINT = ["group", "machine_id", "point_id"]


@dataclass(frozen=True, slots=True)
class GapRules:
    """How long a point may stay without rows.

    Attributes:
        intervals: In median intervals between the point's own rows.
        steps: In grid steps of its machine; the longer of the two counts.
    """

    intervals: float = 5.0
    steps: float = 3.0


def find_gaps(
    times: pl.DataFrame, bindings: pl.DataFrame, *, until: dt.datetime, rules: GapRules | None = None
) -> pl.DataFrame:
    """Gaps of each point, the one that lasts until `until` included (its reason is `silent`).

    Args:
        times: `group`, `machine_id`, `point_id`, `time` of the rows there are, any order. A point
            without any row has no gap: nobody knows when it should have begun.
        bindings: Schema `BINDINGS`, for the machines' grids.
        until: End of what was read.
        rules: What counts as too long.

    Returns:
        `group`, `machine_id`, `point_id`, `start` (last row before), `end` (next row), `reason`.
    """
    rules = rules or GapRules()
    grids = bindings.select(*POINT, "grid_us").unique(POINT)
    seen = times.select(*POINT, "time").unique().sort(*POINT, "time")
    allowed = (
        seen.with_columns(step=pl.col("time").diff().over(POINT).dt.total_microseconds())
        .group_by(POINT)
        .agg(pl.col("step").median(), last=pl.col("time").max())
        .join(grids, on=POINT)
        .with_columns(
            allowed=pl.max_horizontal(
                (pl.col("step") * rules.intervals).fill_null(0.0), pl.col("grid_us") * rules.steps
            )
        )
    )
    end = allowed.filter(pl.col("last") < until).select(
        *POINT, time=pl.lit(until).dt.cast_time_unit("us"), reason=pl.lit(SILENT)
    )
    return (
        pl.concat([seen.with_columns(reason=pl.lit(BETWEEN)), end])
        .sort(*POINT, "time")
        .with_columns(start=pl.col("time").shift().over(POINT))
        .join(allowed.select(*POINT, "allowed"), on=POINT)
        .filter((pl.col("time") - pl.col("start")).dt.total_microseconds() > pl.col("allowed"))
        .select(*POINT, "start", pl.col("time").alias("end"), "reason")
        .sort(*POINT, "start")
    )
