"""Gap register and sensor states, made from what is in the lake: so they may be made again at any time."""

import datetime as dt
from collections.abc import Iterator, Sequence

import polars as pl

from features.core.lake import Lake, Watermark
from features.core.statements import Origin
from features.core.tables import GAPS, MEASUREMENTS, QUARANTINE, SENSOR_STATES, WAVEFORMS, Table
from pipelines.ingest.pages import WRITER, PageWriter
from pipelines.quality.gaps import FILLED, find_gaps
from pipelines.quality.sensors import daily_states

__all__ = ["watch_sensors"]

# How much is looked at in one go, and how far before it rows are read to know intervals and open gaps.
_STRETCH = dt.timedelta(days=120)
_LOOK_BACK = dt.timedelta(days=7)
_DAY = dt.timedelta(days=1)


def watch_sensors(writer: PageWriter, *, now: dt.datetime) -> None:
    """Brings gaps and sensor states of a group up to its watermark.

    An own watermark on `sensor_states` says how far this came, so that a run that was killed between its
    pages and here is made up for by the next one.

    Args:
        writer: What was read; its `earliest` is how far back rows arrived in this run.
        now: When the statements are made.
    """
    if writer.watermark is None:
        return
    done = writer.lake.watermark(SENSOR_STATES, writer.source, writer.group)
    begin = _first_row(writer) if done is None else min(done, writer.earliest or done)
    if begin is None:
        return
    for low, high in _stretches(_midnight(begin), writer.watermark):
        _watch_stretch(writer, low, high, now)
        moved = high if done is None else max(high, done)
        if moved != done:
            mark = Watermark(writer.source, writer.group, moved)
            writer.lake.append(SENSOR_STATES, SENSOR_STATES.empty(), writer=WRITER, watermark=mark)
            done = moved


def _watch_stretch(writer: PageWriter, low: dt.datetime, high: dt.datetime, now: dt.datetime) -> None:
    rows = _rows(writer, low - _LOOK_BACK, high)
    held = writer.lake.read(GAPS, group=writer.group).filter(pl.col("end") >= low - _LOOK_BACK).collect()
    held = held.join(writer.bindings.select("machine_id", "point_id"), on=["machine_id", "point_id"], how="semi")
    times = pl.concat(
        [
            rows.select("group", "machine_id", "point_id", "time"),
            held.select("group", "machine_id", "point_id", time=pl.col("start")),
        ]
    )
    gaps = find_gaps(times, writer.bindings, until=high).filter(pl.col("end") > low)
    filled = held.filter(pl.col("end") > low, pl.col("start") < high, pl.col("reason") != FILLED).join(
        gaps, on=list(GAPS.key), how="anti"
    )
    filled = filled.select(*gaps.columns).with_columns(end=pl.col("start"), reason=pl.lit(FILLED))
    register = pl.concat([gaps, filled]).with_columns(available_at=_known("end", writer, now))
    writer.counts.gaps += _settle(writer.lake, GAPS, register, held, ("end", "reason"))
    _write_states(writer, rows.filter(pl.col("time") >= low), gaps, low, high, now)


def _write_states(
    writer: PageWriter,
    rows: pl.DataFrame,
    gaps: pl.DataFrame,
    low: dt.datetime,
    high: dt.datetime,
    now: dt.datetime,
) -> None:
    refused = (
        writer.lake.read(QUARANTINE, since=low, until=high)
        .filter(pl.col("source") == writer.source)
        .select("tag", "time", "reason")
        .collect()
    )
    inside = gaps.with_columns(
        start=pl.max_horizontal("start", pl.lit(low).dt.cast_time_unit("us")),
        end=pl.min_horizontal("end", pl.lit(high).dt.cast_time_unit("us") - dt.timedelta(microseconds=1)),
    )
    end_of_day = pl.col("date").cast(pl.Datetime("us", "UTC")) + _DAY - dt.timedelta(microseconds=1)
    states = (
        daily_states(rows, refused, inside, writer.bindings)
        .with_columns(time=end_of_day)
        .with_columns(available_at=_known("time", writer, now))
        .select(list(SENSOR_STATES.columns))
    )
    held = writer.lake.read(SENSOR_STATES, since=low, until=high + _DAY, group=writer.group).collect()
    _settle(writer.lake, SENSOR_STATES, states, held, ("state", "reason", "share_bad"))


def _settle(lake: Lake, table: Table, frame: pl.DataFrame, held: pl.DataFrame, content: Sequence[str]) -> int:
    """Appends rows with a new key, replaces changed ones, leaves the rest; how many keys were new."""
    key = list(table.key)
    new = frame.join(held, on=key, how="anti")
    known = frame.join(held, on=key, how="semi")
    changed = known.join(held, on=[*key, *content], how="anti", nulls_equal=True)
    lake.insert(table, new.select(list(table.columns)), writer=WRITER)
    lake.upsert(table, changed.select(list(table.columns)), writer=WRITER)
    return new.height


def _rows(writer: PageWriter, low: dt.datetime, high: dt.datetime) -> pl.DataFrame:
    columns = ("group", "machine_id", "point_id", "time", "value", "quality")
    found = [
        writer.lake.read(table, since=low, until=high, group=writer.group)
        .filter(pl.col("source") == writer.source)
        .with_columns(value=value)
        .select(columns)
        .collect()
        for table, value in ((MEASUREMENTS, pl.col("value")), (WAVEFORMS, pl.lit(None, pl.Float64)))
    ]
    return pl.concat(found)


def _first_row(writer: PageWriter) -> dt.datetime | None:
    times = [
        writer.lake.read(table, group=writer.group).filter(pl.col("source") == writer.source).select("time")
        for table in (MEASUREMENTS, WAVEFORMS)
    ]
    first: dt.datetime | None = pl.concat(times).select(pl.col("time").min()).collect().item()
    return first


def _known(column: str, writer: PageWriter, now: dt.datetime) -> pl.Expr:
    moment = pl.lit(now).dt.cast_time_unit("us")
    if writer.origin is Origin.LIVE:
        return moment
    return pl.min_horizontal(pl.col(column) + writer.lag, moment)


def _midnight(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _stretches(begin: dt.datetime, end: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """[begin, end) in pieces that start and end at midnight, but for the last end."""
    while begin < end:
        stop = min(begin + _STRETCH, end)
        yield begin, stop
        begin = stop
