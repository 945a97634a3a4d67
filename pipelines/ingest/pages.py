"""One page into the lake: quarantine, then waveforms, then measurements with the watermark last.

A kill before the last commit leaves the watermark where it was: the page is read again, and what is there
already is recognised by its key. A kill after it leaves nothing to do. So nothing is lost or doubled.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from features.core.lake import Lake, Watermark
from features.core.statements import Origin
from features.core.tables import MEASUREMENTS, QUARANTINE, WAVEFORMS, Table
from pipelines.historian.port import Page
from pipelines.ingest.keys import fresh_rows
from pipelines.ingest.report import Stage
from pipelines.quality.rows import Judged, judge, quarantine_frame
from pipelines.quality.waveforms import judge_waveforms

__all__ = ["Counts", "PageWriter", "quarantine"]

WRITER = "ingest"


@dataclass(slots=True)
class Counts:
    """What a run has brought so far."""

    rows: int = 0
    waveforms: int = 0
    quarantined: int = 0
    duplicates: int = 0
    gaps: int = 0


@dataclass(slots=True)
class PageWriter:
    """Writes the pages of one source and group.

    Attributes:
        lake: Where they go.
        source: The historian's name.
        group: The area.
        bindings: Schema `BINDINGS`, of this group.
        lag: Declared delay of backfilled rows.
        origin: How the rows are read: as they happen, or later.
        counts: What this run has brought, added to in place.
        watermark: Up to when the source has been read for the group; None: never.
        earliest: Earliest time of any row delivered, repeated ones included; None: no row yet.
    """

    lake: Lake
    source: str
    group: str
    bindings: pl.DataFrame
    lag: dt.timedelta
    origin: Origin
    counts: Counts
    watermark: dt.datetime | None
    earliest: dt.datetime | None = field(default=None)

    def write(self, page: Page, until: dt.datetime, now: dt.datetime, on_stage: Callable[[Stage], None]) -> None:
        """Writes one page and moves the watermark to `until`."""
        on_stage(Stage.READ)
        rows, waves = self.refuse(page, now)
        on_stage(Stage.QUARANTINE)
        content = ("sha256", "sample_rate_hz", "speed_hz", "quality", "status")
        seen = self.lake.version(WAVEFORMS)
        frame = self._fresh(WAVEFORMS, waves.kept, content, now)
        self.counts.waveforms += self.lake.insert(WAVEFORMS, frame, writer=WRITER, seen=seen)
        on_stage(Stage.WAVEFORMS)
        seen = self.lake.version(MEASUREMENTS)
        frame = self._fresh(MEASUREMENTS, rows.kept, ("value", "quality", "status"), now)
        self._insert_measurements(frame, until, seen)
        on_stage(Stage.MEASUREMENTS)

    def refuse(self, page: Page, now: dt.datetime) -> tuple[Judged, Judged]:
        """Quarantines what of a page is not to be kept, and gives rows and waveforms as they were judged."""
        rows = judge(page.rows, self.bindings, source=self.source, now=now)
        waves = judge_waveforms(page.waveforms, self.bindings, source=self.source, now=now)
        rejected = quarantine_frame(page.rejected, source=self.source, now=now)
        refused = pl.concat([rows.refused, waves.refused, rejected])
        self.counts.quarantined += quarantine(self.lake, refused)
        return rows, waves

    def _insert_measurements(self, frame: pl.DataFrame, until: dt.datetime, seen: int | None) -> None:
        moved = until if self.watermark is None else max(until, self.watermark)
        if frame.is_empty() and moved == self.watermark:
            return
        mark = Watermark(self.source, self.group, moved)
        self.counts.rows += self.lake.insert(MEASUREMENTS, frame, writer=WRITER, watermark=mark, seen=seen)
        self.watermark = moved

    def _fresh(self, table: Table, kept: pl.DataFrame, content: tuple[str, ...], now: dt.datetime) -> pl.DataFrame:
        if not kept.is_empty():
            first: dt.datetime = kept.get_column("time").min()  # type: ignore[assignment]  # a time column
            self.earliest = first if self.earliest is None else min(first, self.earliest)
        fresh = fresh_rows(self.lake, table, kept, group=self.group, content=content)
        self.counts.duplicates += fresh.duplicates
        known = read = pl.lit(now).dt.cast_time_unit("us")
        if self.origin is Origin.BACKFILL:
            # When a correction was made nobody says: surely not after it was read, perhaps not before.
            known = pl.when(pl.col("revision") > 0).then(read)
            known = known.otherwise(pl.min_horizontal(pl.col("time") + self.lag, read))
        return (
            fresh.rows.with_columns(
                date=pl.col("time").dt.date(),
                source=pl.lit(self.source),
                available_at=known,
                origin=pl.lit(self.origin.value),
            )
            .select(list(table.columns))
            .sort("machine_id", "point_id", "time", "revision")
        )


def quarantine(lake: Lake, refused: pl.DataFrame) -> int:
    """Keeps refused items, each one once.

    Args:
        lake: Where they go.
        refused: Rows of table `quarantine`.

    Returns:
        How many were not there yet.
    """
    return lake.insert(QUARANTINE, refused, writer=WRITER)
