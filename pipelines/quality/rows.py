"""Raw rows: kept in canonical units, or refused with a reason; nothing is dropped silently."""

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from features.core.clock import EARLIEST
from features.core.plant import PointKind
from features.core.tables import QUARANTINE
from features.core.units import Quantity, to_canonical
from pipelines.historian.port import Rejected

__all__ = ["Judged", "Reason", "judge", "quarantine_frame"]


class Reason(StrEnum):
    """Why an item went to the quarantine; adapters and imports add their own words."""

    UNKNOWN_TAG = "unknown_tag"
    WRONG_KIND = "wrong_kind"
    WRONG_UNIT = "wrong_unit"
    TOO_EARLY = "too_early"
    FUTURE = "future"
    TEXT = "text_value"
    MISSING = "missing_value"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    CONFLICTING = "conflicting_value"
    EMPTY = "empty_waveform"
    SAMPLE_RATE = "bad_sample_rate"


# Reasons that say the stamp itself is wrong: such a time must not be kept as one.
WRONG_TIME = (Reason.TOO_EARLY.value, Reason.FUTURE.value)


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows to keep (`group`, `machine_id`, `point_id`, `tag`, `time`, canonical `value`, ...) and the refused."""

    kept: pl.DataFrame
    refused: pl.DataFrame  # of table quarantine


def judge(rows: pl.DataFrame, bindings: pl.DataFrame, *, source: str, now: dt.datetime) -> Judged:
    """Sorts raw rows into measurements and refused ones, and converts units once.

    A bad-quality row without a value is kept with a null value: it says that the sensor was asked.

    Args:
        rows: Schema `RAW_ROWS`, any order.
        bindings: Schema `BINDINGS`; a tag bound to several points gives a measurement for each.
        source: The historian's name.
        now: Later stamps are refused.
    """
    joined = rows.join(bindings, on="tag", how="left", maintain_order="left").with_columns(reason=_reason(now))
    refused = joined.filter(pl.col("reason").is_not_null())
    kept = joined.filter(pl.col("reason").is_null()).drop("reason", "text")
    return Judged(_canonical(kept), _refused(refused, source, now))


def _reason(now: dt.datetime) -> pl.Expr:
    value, found = pl.col("value"), pl.col("point_id").is_not_null()
    checks = (
        (Reason.UNKNOWN_TAG, ~found),
        (Reason.WRONG_KIND, pl.col("kind") != PointKind.SCALAR.value),
        (Reason.TOO_EARLY, pl.col("time") < EARLIEST),
        (Reason.FUTURE, pl.col("time") > now),
        (Reason.TEXT, value.is_null() & pl.col("text").is_not_null()),
        (Reason.MISSING, value.is_null() & (pl.col("quality") > 0)),
        (Reason.NOT_FINITE, value.is_not_null() & ~value.is_finite()),
        (Reason.WRONG_UNIT, pl.col("unit_conflict").is_not_null()),
        (Reason.OUT_OF_RANGE, (value < pl.col("low")) | (value > pl.col("high"))),
    )
    return pl.coalesce(
        pl.when(condition.fill_null(value=False)).then(pl.lit(reason.value)) for reason, condition in checks
    )


def _canonical(kept: pl.DataFrame) -> pl.DataFrame:
    """Values in the canonical unit, one conversion per distinct unit."""
    codes = kept.select(pl.struct("unit", "quantity").rank("dense")).to_series().to_numpy()
    values = kept.get_column("value").to_numpy().copy()
    missing = kept.get_column("value").is_null()
    for code in np.unique(codes):
        chosen = codes == code
        unit, quantity = kept.select("unit", "quantity").row(int(np.argmax(chosen)))
        values[chosen] = to_canonical(values[chosen], unit, Quantity(quantity))
    converted = pl.Series("value", values).set(missing, None)
    return kept.with_columns(converted)


def _refused(refused: pl.DataFrame, source: str, now: dt.datetime) -> pl.DataFrame:
    wrong_time = pl.col("reason").is_in(WRONG_TIME)
    written = pl.coalesce("text", pl.col("value").cast(pl.String), pl.lit("(no value)"))
    stamp = pl.col("time").dt.to_string("iso:strict")
    detail = (
        pl.when(pl.col("reason") == Reason.UNKNOWN_TAG.value)
        .then(pl.lit("no measuring point of the plant file has this tag"))
        .when(pl.col("reason") == Reason.WRONG_UNIT.value)
        .then("unit_conflict")
        .when(pl.col("reason") == Reason.OUT_OF_RANGE.value)
        .then(
            pl.format(
                "{}/{}: limits {} to {} {}",
                "machine_id",
                "point_id",
                pl.col("low").cast(pl.String).fill_null("-"),
                pl.col("high").cast(pl.String).fill_null("-"),
                "unit",
            )
        )
        .when(wrong_time)
        .then(pl.format("stamp {}", stamp))
        .otherwise(pl.format("{}/{}", "machine_id", "point_id"))
    )
    return _hashed(
        refused.select(
            "tag",
            "time",
            pl.when(wrong_time).then(pl.format("{} {}", stamp, written)).otherwise(written).alias("raw"),
            "reason",
            detail.alias("detail"),
        ),
        source,
        now,
    )


def quarantine_frame(items: Iterable[Rejected], *, source: str, now: dt.datetime) -> pl.DataFrame:
    """Refused items of an adapter or an import as rows of table `quarantine`."""
    schema = {name: QUARANTINE.columns[name] for name in ("tag", "time", "raw", "reason", "detail")}
    rows = [(item.tag, item.time, item.raw, item.reason, item.detail) for item in items]
    return _hashed(pl.DataFrame(rows, schema=schema, orient="row"), source, now)


def _hashed(refused: pl.DataFrame, source: str, now: dt.datetime) -> pl.DataFrame:
    parts = refused.select("tag", pl.col("time").cast(pl.Int64), "raw", "reason").iter_rows()
    hashes = [hashlib.sha256("|".join((source, *map(str, part))).encode()).hexdigest() for part in parts]
    return (
        refused.with_columns(
            row_hash=pl.Series(hashes, dtype=pl.String),
            source=pl.lit(source),
            time=pl.when(~pl.col("reason").is_in(WRONG_TIME)).then("time"),
            available_at=pl.lit(now).dt.cast_time_unit("us"),
        )
        .select(list(QUARANTINE.columns))
        .unique("row_hash", keep="first", maintain_order=True)
    )
