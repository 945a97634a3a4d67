"""Can a sensor be believed: one state in the words of NAMUR NE 107 per point and day (UTC)."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from features.core.statements import HealthState
from features.core.units import Quantity
from pipelines.quality.rows import Reason

__all__ = ["SensorRules", "daily_states"]

POINT = ["group", "machine_id", "point_id"]
DAY = [*POINT, "date"]

# Quantities that rest without being broken: a stopped shaft, a set point, a counter, a state.
_MAY_REST = [q.value for q in (Quantity.SPEED, Quantity.RATIO, Quantity.COUNT, Quantity.OTHER)]


@dataclass(frozen=True, slots=True)
class SensorRules:
    """What makes a sensor doubtful; shares of the day's rows, refused ones included.

    Attributes:
        failed_share: Bad rows from here on: failure.
        doubtful_share: Bad rows from here on: maintenance required (out of range: off spec).
        gap_share: Share of the day without rows from here on: check function.
        flat_rows: A day of at least so many rows without any change is a flat line.
    """

    failed_share: float = 0.5
    doubtful_share: float = 0.1
    gap_share: float = 0.25
    flat_rows: int = 12


def daily_states(
    rows: pl.DataFrame,
    refused: pl.DataFrame,
    gaps: pl.DataFrame,
    bindings: pl.DataFrame,
    rules: SensorRules | None = None,
) -> pl.DataFrame:
    """One state per point and day on which it had rows, refused rows or a gap.

    Args:
        rows: `group`, `machine_id`, `point_id`, `time`, `value`, `quality` of kept rows; `value` is null
            for waveforms, whose samples are judged by the features themselves.
        refused: `tag`, `time`, `reason` of quarantined rows; those without a time are left out.
        gaps: As from `find_gaps`.
        bindings: Schema `BINDINGS`.
        rules: What makes a sensor doubtful.

    Returns:
        `group`, `date`, `machine_id`, `point_id`, `state`, `reason`, `share_bad` (null without rows).
    """
    rules = rules or SensorRules()
    rests = bindings.select(*POINT, rests=pl.col("stepped") | pl.col("quantity").is_in(_MAY_REST)).unique(POINT)
    days = _counts(rows)
    for other in (_refused_counts(refused, bindings), _gap_shares(gaps)):
        days = days.join(other, on=DAY, how="full", coalesce=True)
    counts = ("rows", "bad", "refused", "out_of_range")
    total = pl.col("rows") + pl.col("refused")
    return (
        days.join(rests, on=POINT, how="left")
        .with_columns(pl.col(*counts).fill_null(0), pl.col("gap").fill_null(0.0))
        .with_columns(
            share_bad=pl.when(total > 0).then(((pl.col("bad") + pl.col("refused")) / total).round(4)),
            share_range=pl.when(total > 0).then(pl.col("out_of_range") / total).otherwise(0.0),
        )
        .with_columns(_verdict(rules).alias("verdict"))
        .with_columns(pl.col("verdict").struct.unnest())
        .select("group", "date", "machine_id", "point_id", "state", "reason", "share_bad")
        .sort("machine_id", "point_id", "date")
    )


def _verdict(rules: SensorRules) -> pl.Expr:
    bad, out = pl.col("share_bad").fill_null(0.0), pl.col("share_range")
    flat = (pl.col("rows") >= rules.flat_rows) & (pl.col("low") == pl.col("high")) & ~pl.col("rests")
    checks = (
        (pl.col("share_bad").is_null(), HealthState.FAILURE, "gap"),
        (out >= rules.failed_share, HealthState.OFF_SPEC, Reason.OUT_OF_RANGE.value),
        (bad >= rules.failed_share, HealthState.FAILURE, "bad_quality"),
        (flat, HealthState.CHECK_FUNCTION, "flat_line"),
        (out >= rules.doubtful_share, HealthState.OFF_SPEC, Reason.OUT_OF_RANGE.value),
        (bad >= rules.doubtful_share, HealthState.MAINTENANCE_REQUIRED, "bad_quality"),
        (pl.col("gap") >= rules.gap_share, HealthState.CHECK_FUNCTION, "gap"),
        (pl.lit(value=True), HealthState.NORMAL, "ok"),
    )
    return pl.coalesce(
        pl.when(condition.fill_null(value=False)).then(pl.struct(state=pl.lit(state.value), reason=pl.lit(reason)))
        for condition, state, reason in checks
    )


def _counts(rows: pl.DataFrame) -> pl.DataFrame:
    believed = pl.col("value").filter(pl.col("quality") > 0)
    return rows.group_by(*POINT, pl.col("time").dt.date().alias("date")).agg(
        rows=pl.len().cast(pl.Int64),
        bad=(pl.col("quality") == 0).sum().cast(pl.Int64),
        low=believed.min(),
        high=believed.max(),
    )


def _refused_counts(refused: pl.DataFrame, bindings: pl.DataFrame) -> pl.DataFrame:
    return (
        refused.filter(pl.col("time").is_not_null())
        .join(bindings.select("tag", *POINT), on="tag")
        .group_by(*POINT, pl.col("time").dt.date().alias("date"))
        .agg(
            refused=pl.len().cast(pl.Int64),
            out_of_range=(pl.col("reason") == Reason.OUT_OF_RANGE.value).sum().cast(pl.Int64),
        )
    )


def _gap_shares(gaps: pl.DataFrame) -> pl.DataFrame:
    begin = pl.max_horizontal("start", pl.col("date").cast(pl.Datetime("us", "UTC")))
    end = pl.min_horizontal("end", pl.col("date").cast(pl.Datetime("us", "UTC")) + dt.timedelta(days=1))
    return (
        gaps.filter(pl.col("end") > pl.col("start"))
        .with_columns(date=pl.date_ranges(pl.col("start").dt.date(), pl.col("end").dt.date()))
        .explode("date")
        .group_by(DAY)
        .agg(gap=(end - begin).dt.total_microseconds().sum() / (24 * 3600 * 1_000_000))
    )
