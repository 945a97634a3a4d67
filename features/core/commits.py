"""Commits to the lake: what makes two writers at once leave what one after the other would have left."""

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl
from deltalake import DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError

from features.core.clock import require_utc
from features.core.errors import LakeConflictError, LakeUnavailableError
from features.core.tables import Table

__all__ = ["Watermark", "held", "missing", "moved", "persist", "told", "turn", "unknown"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

# Of writers that collide one always gets through, so as many tries serve as many writers at once.
_TRIES = 12
# First pause after a collision, in seconds; it doubles up to the cap.
_PAUSE_S, _PAUSE_CAP_S = 0.02, 1.0


@dataclass(frozen=True, slots=True)
class Watermark:
    """Up to when a source has been read for a group of machines; committed with the rows themselves."""

    source: str
    group: str
    time: dt.datetime

    @property
    def app_id(self) -> str:
        """Its name in the table's log."""
        return f"{self.source}/{self.group}"

    @property
    def version(self) -> int:
        """Its time as the log keeps it: microseconds since 1970."""
        return (require_utc(self.time) - _EPOCH) // dt.timedelta(microseconds=1)


def held(delta: DeltaTable | None, app_id: str) -> dt.datetime | None:
    """Where the watermark of that name stands; None: nowhere yet."""
    version = None if delta is None else delta.transaction_version(app_id)
    return None if version is None else _EPOCH + dt.timedelta(microseconds=version)


def missing(delta: DeltaTable, table: Table) -> list[str]:
    """Columns that were declared after this lake's table was made, in declared order."""
    there = {field.name for field in delta.schema().fields}
    return [name for name in table.columns if name not in there]


def moved(delta: DeltaTable, watermark: Watermark) -> Transaction:
    """What moves a watermark in the commit that carries it.

    Raises:
        LakeConflictError: It would go back.
    """
    present = held(delta, watermark.app_id)
    if present is not None and watermark.time < present:
        raise LakeConflictError(
            f"watermark of {watermark.source}/{watermark.group} is at {present}, "
            f"it cannot go back to {watermark.time}",
            {"held": present, "asked": watermark.time},
        )
    return Transaction(app_id=watermark.app_id, version=watermark.version)


def turn(delta: DeltaTable) -> Transaction:
    """What two writers that looked at one snapshot both carry: the slower collides and looks again."""
    return Transaction(app_id="keys", version=delta.version() + 1)


def unknown(delta: DeltaTable, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of the frame whose key the table does not hold."""
    keys = pl.scan_delta(delta)
    for partition in table.partitions:
        keys = keys.filter(pl.col(partition).is_in(frame.get_column(partition).unique().to_list()))
    return frame.join(keys.select(table.key).collect(), on=list(table.key), how="anti", nulls_equal=True)


def persist(write: Callable[[], int]) -> int:
    """Tries again while another writer is faster."""
    for number in range(_TRIES - 1):
        try:
            return write()
        except LakeConflictError:
            # Processes that collided go on at different moments.
            time.sleep(min(_PAUSE_S * 2**number, _PAUSE_CAP_S) * (1 + os.getpid() % 8 / 8))
    return write()


@contextmanager
def told(table: Table) -> Iterator[None]:
    """Errors of Delta Lake and of the disk in our words."""
    try:
        yield
    except CommitFailedError as err:
        raise LakeConflictError(f"table {table.name}: another writer was faster", {"table": table.name}) from err
    except (OSError, DeltaError) as err:
        raise LakeUnavailableError(
            f"table {table.name}: {err}; look at the lake's rights and free space", {"table": table.name}
        ) from err
