"""Rows held in memory: for tests and small scripts."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from features.core.clock import Clock, require_utc
from features.core.errors import ConfigError
from features.core.statements import MaintenanceEvent
from pipelines.historian.port import (
    RAW_ROWS,
    Page,
    RawRow,
    RawWaveform,
    Rejected,
    TagInfo,
    rows_frame,
    unknown_tags,
)
from pipelines.settings import SourceSettings

__all__ = ["MemoryHistorian", "pages_of"]


class _Config(BaseModel):
    """A configured memory historian is empty; rows come from the program that makes one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = "memory"


class MemoryHistorian:
    """Delivers what it was given, rows in the order given: late and repeated ones stay as they are.

    Args:
        name: The historian's name, as the plant file's tags use it.
        rows: A frame of schema `RAW_ROWS`, or single rows.
        waveforms: Bursts.
        events: Maintenance log.
        tags: What the source says of its tags; default: the tags of its rows and waveforms, without unit.
        lag: Declared delay of backfilled rows.
        rejected: Items that this source could not turn into rows; they come with the first page.
    """

    def __init__(
        self,
        name: str,
        rows: pl.DataFrame | Sequence[RawRow] = (),
        *,
        waveforms: Sequence[RawWaveform] = (),
        events: Sequence[MaintenanceEvent] = (),
        tags: Sequence[TagInfo] | None = None,
        lag: dt.timedelta = dt.timedelta(0),
        rejected: Sequence[Rejected] = (),
    ) -> None:
        self.name, self.lag = name, lag
        self._rows = rows if isinstance(rows, pl.DataFrame) else rows_frame(rows)
        self._waveforms, self._events, self._rejected = list(waveforms), list(events), list(rejected)
        self._units = {row.tag: row.unit for row in rows} if not isinstance(rows, pl.DataFrame) else {}
        self._tags = None if tags is None else list(tags)

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings, clock: Clock) -> Self:
        """An empty historian of that name.

        Raises:
            ConfigError: A key that is not known.
        """
        del clock  # it holds what it was given, whatever the time is
        try:
            _Config.model_validate(settings.model_dump())
        except ValidationError as err:
            key = ".".join(str(part) for part in err.errors()[0]["loc"])
            raise ConfigError(f"source {name!r}: a memory historian has no key {key!r}", {"key": key}) from err
        return cls(name)

    def check(self) -> str:
        """How many rows and waveforms there are."""
        return f"{self._rows.height} rows and {len(self._waveforms)} waveforms in memory"

    def tags(self) -> list[TagInfo]:
        """Every tag of the source."""
        if self._tags is not None:
            return self._tags
        names = dict.fromkeys([*self._rows.get_column("tag").to_list(), *(w.tag for w in self._waveforms)])
        return [TagInfo(name, self._units.get(name)) for name in names]

    def read(self, tags: Sequence[str], start: dt.datetime, end: dt.datetime, page_rows: int) -> Iterator[Page]:
        """Rows and waveforms of [start, end), in pages of `page_rows` rows in the order given.

        Raises:
            ConfigError: A tag is not known.
        """
        start, end = require_utc(start), require_utc(end)
        missing = unknown_tags(tags, [info.tag for info in self.tags()])
        if missing:
            raise ConfigError(f"{self.name}: no tag {missing[0]!r}", {"tags": missing})
        rows = self._rows.filter(pl.col("tag").is_in(list(tags)), pl.col("time") >= start, pl.col("time") < end)
        waveforms = [w for w in self._waveforms if w.tag in set(tags) and start <= w.time < end]
        yield from pages_of(rows, waveforms, end=end, page_rows=page_rows, rejected=self._rejected)

    def events(self, since: dt.datetime, until: dt.datetime) -> list[MaintenanceEvent]:
        """Log entries that became known in [since, until)."""
        return [event for event in self._events if since <= event.available_at < until]

    def close(self) -> None:
        """Nothing to give back."""


def pages_of(
    rows: pl.DataFrame,
    waveforms: Sequence[RawWaveform],
    *,
    end: dt.datetime,
    page_rows: int,
    rejected: Sequence[Rejected] = (),
) -> Iterator[Page]:
    """Cuts rows into pages in the order given; each page's `until` is the earliest time still to come.

    Args:
        rows: Schema `RAW_ROWS`.
        waveforms: Any order; each comes with the page that covers its time, at most `page_rows` in a page
            when there are no rows.
        end: `until` of the last page.
        page_rows: Rows in one page.
        rejected: Come with the first page.
    """
    waves = sorted(waveforms, key=lambda waveform: waveform.time)
    if rows.is_empty() and waves:
        stamps = np.array([waveform.time.replace(tzinfo=None) for waveform in waves], dtype="datetime64[us]")
    else:
        stamps = rows.get_column("time").dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    still = np.minimum.accumulate(stamps[::-1])[::-1]
    taken = 0
    for first in range(0, max(len(stamps), 1), page_rows):
        after = first + page_rows
        is_last = after >= len(stamps)
        until = end if is_last else still[after].item().replace(tzinfo=dt.UTC)
        upto = taken
        while upto < len(waves) and (is_last or waves[upto].time < until):
            upto += 1
        part = rows.slice(first, page_rows) if not rows.is_empty() else pl.DataFrame(schema=RAW_ROWS)
        yield Page(part, until, waves[taken:upto], list(rejected) if first == 0 else [])
        taken = upto
