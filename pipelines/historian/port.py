"""The port to historians: what every adapter gives, whatever it reads from."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from features.core.errors import RowRejectedError
from features.core.statements import MaintenanceEvent

__all__ = [
    "RAW_ROWS",
    "Historian",
    "Page",
    "RawRow",
    "RawWaveform",
    "Rejected",
    "TagInfo",
    "rows_frame",
    "unknown_tags",
]

# Rows as a source gives them: in the source's unit, times already UTC. A value is in `value` when it
# is a number (NaN and infinities included), else in `text`; both null: the source says "no value".
RAW_ROWS = pl.Schema(
    {
        "tag": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "value": pl.Float64(),
        "text": pl.String(),
        "quality": pl.Int8(),  # 0 bad, 1 uncertain, 2 good
        "status": pl.Int64(),  # the source's own code
    }
)


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of a source, before it becomes part of a page.

    `time` is aware, or naive while the adapter has not localised it yet; `unit` is set when the source
    states one. The status default 192 is OPC's "good".
    """

    tag: str
    time: dt.datetime
    value: float | str | None
    status: int = 192
    quality: int = 2
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class RawWaveform:
    """One burst of samples; `time` is its end, `samples` float32 in the source's unit."""

    tag: str
    time: dt.datetime
    samples: np.ndarray
    sample_rate_hz: float
    speed_hz: float | None = None
    quality: int = 2
    status: int = 192


@dataclass(frozen=True, slots=True)
class Rejected:
    """One item that cannot become a row: kept for the quarantine. `raw` is what the source wrote."""

    tag: str
    time: dt.datetime | None
    raw: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an answer. Everything before `until` was delivered; the next page starts there."""

    rows: pl.DataFrame
    until: dt.datetime
    waveforms: list[RawWaveform] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TagInfo:
    """A tag as the source describes it; `unit` is None where the source states none."""

    tag: str
    unit: str | None
    description: str = ""


class Historian(Protocol):
    """A source of history. Adapters only read."""

    name: str
    lag: dt.timedelta

    def check(self) -> str:
        """One line for a person that says the source answers.

        Raises:
            SourceUnavailableError: It does not answer.
            ConfigError: It can not, as it is configured.
        """
        ...

    def tags(self) -> list[TagInfo]:
        """Every tag of the source."""
        ...

    def read(self, tags: Sequence[str], start: dt.datetime, end: dt.datetime, page_rows: int) -> Iterator[Page]:
        """Rows and waveforms of [start, end), in pages of about `page_rows` rows.

        Pages come in order of `until`, the last one's `until` is `end` or as far as the source has
        come. Rows inside a page have no order. A row that the source delivers late may lie before the
        former page's `until` and even before `start`, by at most `lag`. The interval may lie in the future
        and reach to `features.core.clock.LATEST`: what is stamped there is wanted for the quarantine.

        Raises:
            ConfigError: A tag is not known to the source, or the interval is not valid.
            SourceUnavailableError: The source does not answer.
        """
        ...

    def events(self, since: dt.datetime, until: dt.datetime) -> list[MaintenanceEvent]:
        """Maintenance log entries that became known in [since, until); [] without a log."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


def rows_frame(rows: Iterable[RawRow]) -> pl.DataFrame:
    """Rows as a frame of schema `RAW_ROWS`, in the order given.

    Raises:
        RowRejectedError: A time is naive: localise it first.

    Example:
        >>> row = RawRow("T1", dt.datetime(2025, 1, 1, tzinfo=dt.UTC), "Bad Input", status=0, quality=0)
        >>> rows_frame([row]).select("value", "text").row(0)
        (None, 'Bad Input')
    """
    records: list[tuple[object, ...]] = []
    for row in rows:
        if row.time.tzinfo is None:
            raise RowRejectedError(f"{row.tag}: {row.time} has no time zone", {"tag": row.tag})
        text = row.value if isinstance(row.value, str) else None
        number = float(row.value) if row.value is not None and not isinstance(row.value, str) else None
        records.append((row.tag, row.time.astimezone(dt.UTC), number, text, row.quality, row.status))
    return pl.DataFrame(records, schema=RAW_ROWS, orient="row")


def unknown_tags(asked: Iterable[str], known: Iterable[str]) -> list[str]:
    """The asked tags that the source does not know, in the order asked."""
    names = set(known)
    return [tag for tag in asked if tag not in names]
