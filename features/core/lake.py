"""The lake: Delta tables, appended, upserted and read as of a moment."""

import datetime as dt
import os
from collections.abc import Iterable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from features.core.clock import require_utc
from features.core.commits import Watermark, held, missing, moved, persist, told, turn, unknown
from features.core.errors import RowRejectedError
from features.core.statements import MaintenanceEvent
from features.core.tables import MAINTENANCE_EVENTS, Table

__all__ = ["Lake", "Watermark", "join_backward"]


class Lake:
    """Tables under one folder or object-store URL.

    Args:
        url: Local folder or URL, e.g. `data/lake` or `s3://bucket/lake`.
        storage_options: Passed to the object store.
    """

    def __init__(self, url: str | Path, storage_options: dict[str, str] | None = None) -> None:
        self.url = str(url).rstrip("/")
        self._options = storage_options

    def append(self, table: Table, frame: pl.DataFrame, *, writer: str, watermark: Watermark | None = None) -> int:
        """Add rows, and move the source's watermark in the same commit.

        With a watermark an empty frame is committed too, so that progress over an empty stretch is kept.

        Returns:
            Number of rows written.

        Raises:
            RowRejectedError: The frame is not of the table's schema, or the writer is not declared.
            LakeConflictError: Another writer moved the same watermark, or the watermark would go back.
        """
        frame = self._checked(table, frame, writer)
        if frame.is_empty() and watermark is None:
            return 0
        # Checked and written on one snapshot: a commit in between that moved the watermark conflicts.
        delta = self._ready(table)
        self._write(table, delta, frame, [] if watermark is None else [moved(delta, watermark)])
        return frame.height

    def insert(
        self,
        table: Table,
        frame: pl.DataFrame,
        *,
        writer: str,
        watermark: Watermark | None = None,
        seen: int | None = None,
    ) -> int:
        """Add rows whose key is not there yet, whoever writes at the same time; of a repeated key the first.

        Args:
            table: Where to.
            frame: Of the table's schema.
            writer: Who writes.
            watermark: As for `append`.
            seen: Version of the table whose keys the caller has left out already; None: none.

        Returns:
            Number of rows written.

        Raises:
            RowRejectedError, LakeConflictError: As for `append`; without a watermark collisions are tried again.
        """
        frame = self._checked(table, frame, writer).unique(list(table.key), keep="first", maintain_order=True)
        if frame.is_empty() and watermark is None:
            return 0

        def insert() -> int:
            delta = self._ready(table)
            new = frame if seen is not None and delta.version() == seen else unknown(delta, table, frame)
            if not new.is_empty() or watermark is not None:
                self._write(table, delta, new, [turn(delta) if watermark is None else moved(delta, watermark)])
            return new.height

        return insert() if watermark is not None else persist(insert)

    def upsert(self, table: Table, frame: pl.DataFrame, *, writer: str) -> int:
        """Insert rows with a new key, replace rows whose key is there; within `frame` the last one wins.

        Returns:
            Number of rows in the frame after its own repetitions were dropped.

        Raises:
            RowRejectedError, LakeConflictError: As for `insert`.
        """
        frame = self._checked(table, frame, writer).unique(list(table.key), keep="last", maintain_order=True)
        if frame.is_empty():
            return 0
        match = [*dict.fromkeys([*table.partitions, *table.key])]
        terms = [f"t.`{name}` = s.`{name}`" for name in match]
        for partition in table.partitions:
            values = frame.get_column(partition).unique()
            listed = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
            terms.append(f"t.`{partition}` IN ({listed})")

        def merge() -> int:
            delta = self._ready(table)
            with told(table):
                (
                    delta.merge(
                        frame.to_arrow(),
                        " AND ".join(terms),
                        source_alias="s",
                        target_alias="t",
                        commit_properties=CommitProperties(app_transactions=[turn(delta)]),
                    )
                    .when_matched_update_all()
                    .when_not_matched_insert_all()
                    .execute()
                )
            return frame.height

        return persist(merge)

    def append_events(self, events: Iterable[MaintenanceEvent], *, writer: str) -> int:
        """Add maintenance events that are not there yet; the only way into `maintenance_events`.

        Returns:
            Number of events that were new.
        """
        rows = [{k: v.value if isinstance(v, StrEnum) else v for k, v in asdict(e).items()} for e in events]
        return self.insert(MAINTENANCE_EVENTS, MAINTENANCE_EVENTS.frame(rows), writer=writer) if rows else 0

    def read(
        self,
        table: Table,
        *,
        as_of: dt.datetime | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        machine_ids: Iterable[str] | None = None,
        group: str | None = None,
        version: int | None = None,
        all_revisions: bool = False,
    ) -> pl.LazyFrame:
        """Rows of a table, each key in its newest revision.

        Args:
            table: Which one.
            as_of: Only what could be known then (`available_at <= as_of`); None: everything.
            since: Only rows with `time >= since`.
            until: Only rows with `time < until`.
            machine_ids: Only these machines.
            group: Only this area.
            version: The table as it was at that version, to rebuild a training set.
            all_revisions: The superseded revisions too.
        """
        delta = self._open(table, version)
        if delta is None:
            return table.empty().lazy()
        frame = pl.scan_delta(delta)
        # A lake of before a column was declared: nothing is known of it there.
        frame = frame.with_columns(pl.lit(None, table.columns[name]).alias(name) for name in missing(delta, table))
        if group is not None:
            frame = frame.filter(pl.col("group") == group)
        if machine_ids is not None:
            frame = frame.filter(pl.col("machine_id").is_in(list(machine_ids)))
        for bound, is_lower in ((since, True), (until, False)):
            if bound is None:
                continue
            moment = require_utc(bound)
            if "date" in table.columns:
                day = pl.lit(moment.date())
                frame = frame.filter(pl.col("date") >= day if is_lower else pl.col("date") <= day)
            frame = frame.filter(pl.col("time") >= moment if is_lower else pl.col("time") < moment)
        if as_of is not None and table.available is not None:
            frame = frame.filter(pl.col(table.available) <= require_utc(as_of))
        if table.revised and not all_revisions:
            key = [name for name in table.key if name != "revision"]
            frame = frame.filter(pl.col("revision") == pl.col("revision").max().over(key))
        return frame.select(list(table.columns))

    def watermark(self, table: Table, source: str, group: str) -> dt.datetime | None:
        """Up to when `source` has been read for `group`; None: never."""
        return held(self._open(table), f"{source}/{group}")

    def version(self, table: Table) -> int | None:
        """Present version of a table; None: it does not exist yet."""
        delta = self._open(table)
        return None if delta is None else delta.version()

    def compact(self, table: Table) -> None:
        """Join small files; run nightly."""
        delta = self._open(table)
        if delta is not None:
            delta.optimize.compact()

    def _checked(self, table: Table, frame: pl.DataFrame, writer: str) -> pl.DataFrame:
        if writer not in table.writers:
            raise RowRejectedError(
                f"{writer!r} may not write table {table.name}; its writers are {', '.join(table.writers)}",
                {"table": table.name, "writer": writer},
            )
        return table.check(frame)

    def _write(self, table: Table, delta: DeltaTable, frame: pl.DataFrame, marks: list[Transaction]) -> None:
        with told(table):
            write_deltalake(
                delta,
                frame.to_arrow(),
                mode="append",
                commit_properties=CommitProperties(app_transactions=marks) if marks else None,
            )

    def _ready(self, table: Table) -> DeltaTable:
        """The table, made if need be: empty and by itself, so that two first writers collide like any two."""
        delta = self._open(table)
        if delta is not None:
            if new := missing(delta, table):
                with told(table):
                    delta.alter.add_columns(
                        list(Schema.from_arrow(table.empty().select(new).to_arrow().schema).fields)
                    )
            return delta
        path = f"{self.url}/{table.name}"
        with told(table):
            if "://" not in path:
                os.makedirs(path, exist_ok=True)
            schema = table.empty().to_arrow().schema
            try:
                return DeltaTable.create(
                    path, schema, partition_by=list(table.partitions) or None, storage_options=self._options
                )
            except DeltaError:
                delta = self._open(table)
                if delta is None:
                    raise
                return delta

    def _open(self, table: Table, version: int | None = None) -> DeltaTable | None:
        path = f"{self.url}/{table.name}"
        if "://" not in path and not Path(path, "_delta_log").exists():
            return None
        with told(table):
            try:
                return DeltaTable(path, version=version, storage_options=self._options)
            except TableNotFoundError:
                return None


def join_backward(
    left: pl.DataFrame, right: pl.DataFrame, *, by: str | list[str] | None, tolerance: dt.timedelta
) -> pl.DataFrame:
    """Each left row with the newest right row at or before its `time`, not older than `tolerance`.

    Args:
        left: Has `time`.
        right: Has `time`; its own time comes back as `time_right`.
        by: Columns that must be equal; None: one series.
        tolerance: Largest age of the right row.
    """
    stamped = right.with_columns(time_right=pl.col("time")).sort("time")
    return left.sort("time").join_asof(
        stamped, on="time", by=by, strategy="backward", tolerance=tolerance, check_sortedness=False
    )
