"""Every table of the lake: columns, types, key, partitions, and who may write it."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.core.errors import RowRejectedError

__all__ = ["TABLES", "Table", "table"]

TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Table:
    """A declared table; `columns` is the schema, in order.

    `available` names the column that says when a row could be known; None: the table has no as-of.
    """

    name: str
    columns: dict[str, pl.DataType | type[pl.DataType]]
    key: tuple[str, ...]
    partitions: tuple[str, ...]
    writers: tuple[str, ...]
    available: str | None = "available_at"
    revised: bool = False

    @property
    def schema(self) -> pl.Schema:
        """The columns as a Polars schema."""
        return pl.Schema(self.columns)

    def empty(self) -> pl.DataFrame:
        """A frame of that schema without rows."""
        return pl.DataFrame(schema=self.schema)

    def frame(self, rows: Sequence[dict[str, object]]) -> pl.DataFrame:
        """Rows as a frame of that schema."""
        return pl.DataFrame(rows, schema=self.schema, orient="row")

    def check(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with columns in declared order.

        Raises:
            RowRejectedError: A column is missing, unknown or of another type.
        """
        declared, found = dict(self.schema), dict(frame.schema)
        wrong = [
            f"{name}: {found.get(name, 'missing')} instead of {declared.get(name, 'nothing')}"
            for name in dict.fromkeys([*declared, *found])
            if declared.get(name) != found.get(name)
        ]
        if wrong:
            raise RowRejectedError(f"table {self.name}: {'; '.join(wrong)}", {"table": self.name})
        return frame.select(list(declared))


MEASUREMENTS = Table(
    "measurements",
    {
        "group": pl.String,
        "date": pl.Date,
        "machine_id": pl.String,
        "point_id": pl.String,
        "source": pl.String,
        "time": TIME,
        "available_at": TIME,
        "revision": pl.Int32,
        "value": pl.Float64,  # canonical unit of the point's quantity
        "quality": pl.Int8,  # 0 bad, 1 uncertain, 2 good
        "status": pl.Int64,  # the source's own code
        "origin": pl.String,  # live or backfill
    },
    key=("machine_id", "point_id", "time", "revision"),
    partitions=("group", "date"),
    writers=("ingest",),
    revised=True,
)

WAVEFORMS = Table(
    "waveforms",
    {
        "group": pl.String,
        "date": pl.Date,
        "machine_id": pl.String,
        "point_id": pl.String,
        "source": pl.String,
        "time": TIME,  # end of the snapshot
        "available_at": TIME,
        "revision": pl.Int32,
        "sample_rate_hz": pl.Float64,
        "samples": pl.Int32,
        "speed_hz": pl.Float64,  # as recorded with the snapshot; null: not recorded
        "quality": pl.Int8,
        "status": pl.Int64,
        "origin": pl.String,
        "wave": pl.Binary,  # little-endian float32, canonical unit
        "sha256": pl.String,  # of `wave`
    },
    key=("machine_id", "point_id", "time", "revision"),
    partitions=("group", "date"),
    writers=("ingest",),
    revised=True,
)

QUARANTINE = Table(
    "quarantine",
    {
        "row_hash": pl.String,  # sha256 of source, tag, time and raw: the same bad row is kept once
        "source": pl.String,
        "tag": pl.String,
        "time": TIME,  # null when the time itself is what is wrong
        "raw": pl.String,
        "reason": pl.String,
        "detail": pl.String,
        "available_at": TIME,
    },
    key=("row_hash",),
    partitions=("source",),
    writers=("ingest",),
)

GAPS = Table(
    "gaps",
    {
        "group": pl.String,
        "machine_id": pl.String,
        "point_id": pl.String,
        "start": TIME,
        "end": TIME,
        "reason": pl.String,
        "available_at": TIME,
    },
    key=("machine_id", "point_id", "start"),
    partitions=("group",),
    writers=("ingest",),
)

SENSOR_STATES = Table(
    "sensor_states",
    {
        "group": pl.String,
        "date": pl.Date,
        "machine_id": pl.String,
        "point_id": pl.String,
        "time": TIME,
        "available_at": TIME,
        "state": pl.String,  # HealthState
        "reason": pl.String,  # ok, flat_line, bad_quality, gap, out_of_range, ...
        "share_bad": pl.Float64,
    },
    key=("machine_id", "point_id", "time"),
    partitions=("group", "date"),
    writers=("ingest",),
)

FEATURE_SETS = Table(
    "feature_sets",
    {
        "fingerprint": pl.String,
        "component_class": pl.String,
        "names": pl.List(pl.String),
        "units": pl.List(pl.String),
        "available_at": TIME,
    },
    # Classes may have the same features: each of them is registered.
    key=("fingerprint", "component_class"),
    partitions=(),
    writers=("scoring", "imports"),
)

FEATURE_ROWS = Table(
    "feature_rows",
    {
        "group": pl.String,
        "date": pl.Date,
        "machine_id": pl.String,
        "slot": pl.String,
        "component_class": pl.String,
        "fingerprint": pl.String,
        "time": TIME,
        "available_at": TIME,
        "running": pl.Boolean,
        "age": pl.Float64,  # in the class's life unit; counted from the life's first row where it is not known
        "age_known": pl.Boolean,
        "values": pl.List(pl.Float64),  # in the order of the feature set; null where refused
        "refusals": pl.List(pl.String),  # "feature: reason", one a null value
    },
    key=("machine_id", "slot", "time", "fingerprint"),
    partitions=("group", "date"),
    writers=("scoring", "imports"),
)

LIVES = Table(
    "lives",
    {
        "machine_id": pl.String,
        "slot": pl.String,
        "component_class": pl.String,
        "life_number": pl.Int32,
        "known_from": TIME,
        "start": TIME,
        "end": TIME,  # null: still running
        "ending": pl.String,  # failure, incipient, suspension, running
        "failure_mode": pl.String,
        "age_known": pl.Boolean,
        "available_at": TIME,
        "detected_at": TIME,  # when what ended it first showed; null: not told, or still running
    },
    key=("machine_id", "slot", "life_number", "known_from"),
    partitions=(),
    writers=("labels",),
)

MAINTENANCE_EVENTS = Table(
    "maintenance_events",
    {
        "source": pl.String,
        "source_event_id": pl.String,
        "revision": pl.Int32,
        "machine_id": pl.String,
        "slot": pl.String,
        "kind": pl.String,  # EventKind
        "outcome": pl.String,  # Outcome, null when nobody said
        "failure_mode": pl.String,
        "occurred_at": TIME,
        "available_at": TIME,
        "order_key": pl.String,
        "text": pl.String,
        "raw": pl.String,
        "detected_at": TIME,  # when what was found first showed; null: not told
    },
    key=("source", "source_event_id", "revision"),
    partitions=(),
    writers=("sync", "events", "imports", "ingest"),
)

PREDICTIONS = Table(
    "predictions",
    {
        "group": pl.String,
        "date": pl.Date,
        "machine_id": pl.String,
        "slot": pl.String,
        "component_class": pl.String,
        "time": TIME,  # as_of of the prediction
        "available_at": TIME,
        "data_time": TIME,
        "life_number": pl.Int32,
        "life_unit": pl.String,
        "rung": pl.String,  # Rung
        "mean": pl.Float64,
        "p10": pl.Float64,
        "p50": pl.Float64,
        "p90": pl.Float64,
        "calibrated": pl.Boolean,
        "calibration_units": pl.Int32,
        "refusal": pl.String,  # RefusalReason; null when there is a number
        "detail": pl.String,
        "health_state": pl.String,
        "condition_index": pl.Float64,
        "utilisation": pl.Float64,  # life units per calendar hour, last 28 days; null: not known
        "evidence": pl.String,  # JSON list of Evidence
        "model_name": pl.String,
        "model_version": pl.String,
        "fingerprint": pl.String,
    },
    key=("machine_id", "slot", "time", "model_name", "model_version"),
    partitions=("group", "date"),
    writers=("scoring",),
)

# What a challenger says, beside the champion: compared, never acted on. Nothing of `serving` reads it.
SHADOW_PREDICTIONS = Table(
    "shadow_predictions",
    PREDICTIONS.columns,
    key=PREDICTIONS.key,
    partitions=PREDICTIONS.partitions,
    writers=PREDICTIONS.writers,
)

TEST_LOOKS = Table(
    "test_looks",
    {
        "component_class": pl.String,
        "digest": pl.String,  # of the names of the lives: the same lives are the same test set
        "number": pl.Int32,  # counts from 1 for each test set
        "test_set": pl.String,
        "lives": pl.Int32,
        "by": pl.String,  # who looked, e.g. model and version
        "available_at": TIME,
    },
    key=("component_class", "digest", "number"),
    partitions=(),
    writers=("evaluation",),
)

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        MEASUREMENTS,
        WAVEFORMS,
        QUARANTINE,
        GAPS,
        SENSOR_STATES,
        FEATURE_SETS,
        FEATURE_ROWS,
        LIVES,
        MAINTENANCE_EVENTS,
        PREDICTIONS,
        SHADOW_PREDICTIONS,
        TEST_LOOKS,
    )
}


def table(name: str) -> Table:
    """The declared table of that name.

    Raises:
        KeyError: No such table.
    """
    return TABLES[name]
