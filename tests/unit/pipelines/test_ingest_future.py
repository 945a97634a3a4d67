"""A stamp that lies in the future is told at once, whatever the historian is."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.tables import QUARANTINE
from pipelines.historian.csv import CsvConfig, CsvFolder
from pipelines.historian.port import Historian, RawRow, RawWaveform
from pipelines.ingest import SKEW, ingest
from tests.unit.pipelines._source import DAY, HOUR, NOW, START, plant, row, source, take, values, wave

AHEAD = 10_000.0  # hours; NOW is 240


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def memory(_: Path, rows: list[RawRow], waves: list[RawWaveform]) -> Historian:
    return source(rows, waveforms=waves)


def csv(folder: Path, rows: list[RawRow], waves: list[RawWaveform]) -> Historian:
    lines = ["tag,time,value", *(f"{r.tag},{r.time.isoformat()},{r.value}" for r in rows)]
    (folder / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    bursts = [(w.tag, w.time, w.sample_rate_hz, w.samples.tolist()) for w in waves]
    columns = {"tag": pl.String(), "time": pl.Datetime("us", "UTC"), "sample_rate_hz": pl.Float64()}
    schema = pl.Schema(columns | {"samples": pl.List(pl.Float32())})
    pl.DataFrame(bursts, schema=schema, orient="row").write_parquet(folder / "waves.parquet")
    return CsvFolder("s", CsvConfig(folder=folder))


def taken(lake: Lake, historian: Historian, skew: dt.timedelta | None = SKEW) -> int:
    """How many were quarantined."""
    clock = DemoClock(NOW)
    report = ingest(lake, plant(), historian, clock=clock, overlap=DAY, page_rows=3, sensors=False, skew=skew)
    return report.quarantined


@pytest.mark.parametrize("kind", [memory, csv])
def test_rows_and_waveforms_of_the_future_are_quarantined_once(
    lake: Lake, tmp_path: Path, kind: Callable[[Path, list[RawRow], list[RawWaveform]], Historian]
) -> None:
    rows = [row(1), row(AHEAD, 21.5), *(row(AHEAD + n) for n in range(1, 5))]
    historian = kind(tmp_path, rows, [wave(1), wave(AHEAD)])
    assert (taken(lake, historian), taken(lake, historian)) == (6, 0)
    kept = lake.read(QUARANTINE).collect()
    assert kept.get_column("reason").unique().to_list() == ["future"]
    assert kept.get_column("time").null_count() == 6, "a wrong time is kept as text only"
    stamp = (START + AHEAD * HOUR).isoformat()[:19]
    assert kept.filter(pl.col("raw").str.contains(stamp) & pl.col("raw").str.contains("21.5")).height == 1
    assert values(lake) == [(1.0, 20.0, 0)]


def test_a_clock_that_is_a_little_ahead_is_no_fault(lake: Lake) -> None:
    minute = 1 / 60
    historian = source([row(240 + 4 * minute), row(240 + 6 * minute)])
    assert taken(lake, historian) == 1
    assert taken(lake, historian, skew=HOUR) == 0


def test_what_is_later_than_the_moment_of_a_replay_is_only_not_there_yet(lake: Lake) -> None:
    assert taken(lake, source([row(AHEAD)]), skew=None) == 0


def test_a_row_is_read_when_its_time_has_come(lake: Lake) -> None:
    """The wrong clock may have been ours."""
    historian = source([row(1), row(300, 25.0)])
    assert taken(lake, historian) == 1
    assert take(lake, historian, now=NOW + 5 * DAY).rows == 1
    assert values(lake)[-1] == (300.0, 25.0, 0)


def test_stopping_earlier_than_now_quarantines_nothing_of_what_happened_since(lake: Lake) -> None:
    assert take(lake, source([row(1), row(200)]), until=START + 2 * HOUR).quarantined == 0
