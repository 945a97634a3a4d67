"""The tables of the lake: a snapshot that a reviewer reads, and rules that hold for every table.

A changed schema is a changed contract with every lake that exists. Regenerate the snapshot with

    WRITE_SNAPSHOT=1 python -m pytest tests/unit/features/test_core_tables.py -k snapshot
"""

import json
import os
from pathlib import Path

import polars as pl
import pytest

from features.core.errors import RowRejectedError
from features.core.tables import MEASUREMENTS, TABLES, Table, table

SNAPSHOT = Path(__file__).parent / "snapshots" / "tables.json"
EVERY = pytest.mark.parametrize("one", list(TABLES.values()), ids=list(TABLES))


def _described(one: Table) -> dict[str, object]:
    return {
        "columns": {name: str(kind) for name, kind in one.schema.items()},
        "key": list(one.key),
        "partitions": list(one.partitions),
        "writers": list(one.writers),
        "available": one.available,
        "revised": one.revised,
    }


def test_tables_are_those_of_the_snapshot() -> None:
    now = {name: _described(one) for name, one in TABLES.items()}
    if os.environ.get("WRITE_SNAPSHOT"):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    assert now == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


@EVERY
def test_key_partitions_and_availability_are_columns(one: Table) -> None:
    assert {*one.key, *one.partitions, one.available} <= set(one.columns)


@EVERY
def test_somebody_may_write_it(one: Table) -> None:
    assert one.writers


@EVERY
def test_every_moment_is_utc_in_microseconds(one: Table) -> None:
    moments = [kind for kind in one.schema.values() if isinstance(kind, pl.Datetime)]
    assert moments
    assert set(moments) == {pl.Datetime("us", "UTC")}


@EVERY
def test_every_table_can_be_asked_as_of_a_moment(one: Table) -> None:
    assert one.available == "available_at"


@EVERY
def test_a_table_with_revisions_has_them_last_in_its_key(one: Table) -> None:
    assert one.revised == (one.name in ("measurements", "waveforms"))
    assert not one.revised or one.key[-1] == "revision"


@EVERY
def test_an_empty_frame_is_of_the_tables_schema(one: Table) -> None:
    assert one.check(one.empty()).schema == one.schema


def test_columns_come_back_in_declared_order() -> None:
    turned = MEASUREMENTS.empty().select(list(reversed(list(MEASUREMENTS.columns))))
    assert MEASUREMENTS.check(turned).columns == list(MEASUREMENTS.columns)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (MEASUREMENTS.empty().drop("value"), "value: missing instead of Float64"),
        (MEASUREMENTS.empty().with_columns(extra=pl.lit(1)), "extra: Int32 instead of nothing"),
        (MEASUREMENTS.empty().with_columns(pl.col("value").cast(pl.Float32)), "value: Float32 instead of Float64"),
        (
            MEASUREMENTS.empty().with_columns(pl.col("time").dt.convert_time_zone("Europe/Berlin")),
            "time: Datetime(time_unit='us', time_zone='Europe/Berlin') instead of Datetime",
        ),
    ],
)
def test_a_frame_of_another_schema_is_refused_with_its_column(frame: pl.DataFrame, said: str) -> None:
    with pytest.raises(RowRejectedError) as caught:
        MEASUREMENTS.check(frame)
    assert said in str(caught.value)
    assert caught.value.context == {"table": "measurements"}


def test_a_table_is_found_by_its_name() -> None:
    assert table("measurements") is MEASUREMENTS
    with pytest.raises(KeyError):
        table("measurement")
