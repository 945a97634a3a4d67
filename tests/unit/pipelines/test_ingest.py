"""Ingestion: what of a source's pages ends up in the lake, once, and when it could be known."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.core.errors import LakeConflictError, SourceUnavailableError
from features.core.lake import Lake
from features.core.tables import GAPS, MEASUREMENTS, QUARANTINE, WAVEFORMS, Table
from pipelines.historian.memory import MemoryHistorian
from pipelines.historian.port import Page, RawRow, TagInfo
from pipelines.ingest import IngestProgress, IngestReport, Stage
from tests.unit.pipelines._source import DAY, HOUR, NOW, START, plant, row, source, take, values, wave


def test_rows_arrive_in_canonical_units_with_their_provenance(lake: Lake) -> None:
    take(lake, source([row(5, 20.0, status=193, quality=1)]))
    held = lake.read(MEASUREMENTS).collect().row(0, named=True)
    assert held["value"] == pytest.approx(293.15)
    assert (held["group"], held["machine_id"], held["point_id"], held["source"]) == ("area-1", "P1", "t", "s")
    assert (held["status"], held["quality"], held["origin"], held["date"]) == (193, 1, "backfill", START.date())


def test_backfilled_rows_could_be_known_after_the_sources_lag(lake: Lake) -> None:
    take(lake, source([row(1), row(239.5)], lag=HOUR))
    known = lake.read(MEASUREMENTS).sort("time").collect().get_column("available_at").to_list()
    assert known == [START + 2 * HOUR, NOW]


def test_live_rows_could_be_known_when_they_were_read(lake: Lake) -> None:
    take(lake, source([row(1)], lag=HOUR), origin="live")
    held = lake.read(MEASUREMENTS).collect()
    assert held.select("available_at", "origin").row(0) == (NOW, "live")


def test_unordered_rows_and_repetitions_are_held_once(lake: Lake) -> None:
    report = take(lake, source([row(3), row(1), row(2), row(1), row(3), row(0)]))
    assert [hour for hour, _, _ in values(lake)] == [0, 1, 2, 3]
    assert (report.rows, report.duplicates) == (4, 2)


def test_reading_again_changes_nothing(lake: Lake) -> None:
    historian = source([row(h, 20 + h) for h in range(20)], waveforms=[wave(4), wave(16)])
    take(lake, historian)
    before = {table.name: lake.version(table) for table in (MEASUREMENTS, WAVEFORMS, QUARANTINE, GAPS)}
    report = take(lake, historian, since=START)
    assert (report.rows, report.waveforms, report.duplicates) == (0, 0, 22)
    assert {table.name: lake.version(table) for table in (MEASUREMENTS, WAVEFORMS, QUARANTINE, GAPS)} == before


def test_a_late_row_inside_the_overlap_is_found(lake: Lake) -> None:
    take(lake, source([row(h) for h in range(48) if h != 40]), now=START + 2 * DAY)
    report = take(lake, source([row(h) for h in range(60)]), now=START + 60 * HOUR)
    assert report.rows == 13
    assert [hour for hour, _, _ in values(lake)] == list(range(60))


def test_a_row_later_than_the_overlap_needs_an_explicit_since(lake: Lake) -> None:
    take(lake, source([row(h) for h in range(1, 48)]), now=START + 2 * DAY)
    complete = source([row(h) for h in range(48)])
    assert take(lake, complete, now=START + 2 * DAY).rows == 0
    assert take(lake, complete, now=START + 2 * DAY, since=START).rows == 1


def test_a_changed_value_is_a_new_revision(lake: Lake) -> None:
    take(lake, source([row(1, 20.0), row(2, 20.0)]))
    report = take(lake, source([row(1, 21.0), row(2, 20.0)]), since=START)
    assert report.rows == 1
    assert values(lake) == [(1, 20, 0), (1, 21, 1), (2, 20, 0)]
    newest = lake.read(MEASUREMENTS).sort("time").collect().get_column("value").to_list()
    assert newest == [pytest.approx(294.15), pytest.approx(293.15)]


def test_a_correction_is_known_no_earlier_than_it_was_read(lake: Lake) -> None:
    take(lake, source([row(1, 20.0)]), origin="live", now=START + DAY)
    take(lake, source([row(1, 21.0)]), origin="live", now=START + 2 * DAY)
    then = lake.read(MEASUREMENTS, as_of=START + DAY).collect().get_column("value").to_list()
    assert then == [pytest.approx(293.15)]


def test_a_correction_that_a_backfill_brings_was_not_known_before_it(lake: Lake) -> None:
    take(lake, source([row(1, 20.0)]), now=START + DAY)
    take(lake, source([row(1, 21.0)]), now=START + 2 * DAY)
    held = lake.read(MEASUREMENTS, all_revisions=True).sort("revision").collect()
    assert held.get_column("available_at").to_list() == [START + HOUR, START + 2 * DAY]


def test_a_changed_quality_is_a_new_revision(lake: Lake) -> None:
    take(lake, source([row(1, 20.0)]))
    take(lake, source([row(1, 20.0, quality=0, status=0)]), since=START)
    assert values(lake) == [(1, 20, 0), (1, 20, 1)]
    assert lake.read(MEASUREMENTS).collect().get_column("quality").to_list() == [0]


@pytest.mark.parametrize("page_rows", [1, 2, 3, 100])
def test_revisions_do_not_depend_on_page_boundaries(lake: Lake, page_rows: int) -> None:
    historian = source([row(1, 20.0), row(2), row(1, 21.0), row(3), row(1, 22.0)])
    take(lake, historian, page_rows=page_rows)
    take(lake, historian, page_rows=2, since=START)
    assert values(lake) == [(1, 20, 0), (1, 21, 1), (1, 22, 2), (2, 20, 0), (3, 20, 0)]


def test_wrong_rows_are_kept_in_the_quarantine_once(lake: Lake) -> None:
    wrong = [
        row(1, float("nan")),
        row(2, float("inf")),
        row(3, "Bad Input"),
        row(4, 301.0),
        RawRow("T1", dt.datetime(1970, 1, 1, tzinfo=dt.UTC), 1.0),
    ]
    historian = source([*wrong, row(5)])
    first = take(lake, historian, since=dt.datetime(1960, 1, 1, tzinfo=dt.UTC))
    again = take(lake, historian, since=dt.datetime(1960, 1, 1, tzinfo=dt.UTC))
    assert (first.quarantined, again.quarantined, first.rows) == (5, 0, 1)
    reasons = lake.read(QUARANTINE).collect().get_column("reason").sort().to_list()
    assert reasons == ["not_finite", "not_finite", "out_of_range", "text_value", "too_early"]


class Careless(MemoryHistorian):
    """Delivers everything it has, whatever was asked for: other tags and the future too."""

    def read(self, tags: Sequence[str], start: dt.datetime, end: dt.datetime, page_rows: int) -> Iterator[Page]:
        everything = [info.tag for info in self.tags()]
        for page in super().read(everything, start, END_OF_TIME, page_rows):
            yield Page(page.rows, min(page.until, end), page.waveforms, page.rejected)


END_OF_TIME = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def test_unknown_tags_and_the_future_go_to_the_quarantine(lake: Lake) -> None:
    report = take(lake, Careless("s", [row(1), row(2, tag="T9"), row(10_000)]))
    assert report.rows == 1
    assert set(lake.read(QUARANTINE).collect().get_column("reason")) == {"unknown_tag", "future"}
    mark = lake.watermark(MEASUREMENTS, "s", "area-1")
    assert mark is not None
    assert mark <= NOW


def test_waveforms_are_held_once_and_changed_ones_are_revisions(lake: Lake) -> None:
    first = take(lake, source(waveforms=[wave(6), wave(18), wave(6)]))
    again = take(lake, source(waveforms=[wave(6, 2.0), wave(18)]), since=START)
    assert (first.waveforms, first.duplicates) == (2, 1)
    assert (again.waveforms, again.duplicates) == (1, 1)
    held = lake.read(WAVEFORMS).sort("time").collect()
    assert held.get_column("revision").to_list() == [1, 0]
    assert np.frombuffer(held.get_column("wave")[0], "<f4")[0] == pytest.approx(2 * 9.80665)


def test_the_watermark_moves_in_the_same_commit_as_the_rows(lake: Lake) -> None:
    seen: list[tuple[int, dt.datetime | None, int]] = []

    def note(step: IngestProgress) -> None:
        if step.stage is Stage.MEASUREMENTS:
            mark = lake.watermark(MEASUREMENTS, "s", "area-1")
            version = lake.version(MEASUREMENTS)
            assert version is not None
            seen.append((lake.read(MEASUREMENTS).collect().height, mark, version))

    take(lake, source([row(h) for h in range(9)]), on_progress=note)
    assert seen == [(3, START + 3 * HOUR, 1), (6, START + 6 * HOUR, 2), (9, NOW, 3)]


class _OvertakenLake(Lake):
    """Another process reads the same source into the lake, right before this one writes to a table first."""

    def __init__(self, url: str, table: Table, other: Callable[[], object]) -> None:
        super().__init__(url)
        self._before, self._other = table, [other]

    def insert(self, table: Table, frame: pl.DataFrame, **facts: Any) -> int:  # Any: passed on as it came
        if table is self._before and self._other:
            self._other.pop()()
        return super().insert(table, frame, **facts)


@pytest.mark.parametrize("table", [QUARANTINE, WAVEFORMS, MEASUREMENTS], ids=lambda table: table.name)
def test_two_runs_over_one_source_at_once_double_nothing(lake: Lake, table: Table) -> None:
    take(lake, source([row(h) for h in range(9)], waveforms=[wave(1)]))
    historian = source([row(h) for h in range(20)] + [row(6, "text")], waveforms=[wave(1), wave(3)])
    slow = _OvertakenLake(lake.url, table, lambda: take(lake, historian, since=START))
    with contextlib.suppress(LakeConflictError):
        take(slow, historian, since=START)
    assert [hour for hour, _, _ in values(lake)] == list(range(20))
    held = {each.name: lake.read(each, all_revisions=True).collect().height for each in (WAVEFORMS, QUARANTINE)}
    assert held == {"waveforms": 2, "quarantine": 1}


def test_a_run_goes_on_from_its_watermark(lake: Lake) -> None:
    asked: list[dt.datetime] = []

    class Noting(MemoryHistorian):
        def read(
            self, tags: Sequence[str], start: dt.datetime, end: dt.datetime, page_rows: int
        ) -> Iterator[Page]:
            asked.append(start)
            return super().read(tags, start, end, page_rows)

    tags = [TagInfo("T1", None), TagInfo("W1", None)]
    take(lake, Noting("s", [row(h) for h in range(48)], tags=tags), now=START + 2 * DAY, since=START, skew=None)
    longer = Noting("s", [row(h) for h in range(72)], tags=tags)
    take(lake, longer, now=START + 3 * DAY, overlap=6 * HOUR, skew=None)
    take(lake, longer, now=START + 3 * DAY, since=START + 90 * DAY, skew=None)
    assert asked == [START, START + 2 * DAY - 6 * HOUR, START + 2 * DAY]


def test_a_source_that_fails_keeps_what_was_committed(lake: Lake) -> None:
    class Failing(MemoryHistorian):
        def read(
            self, tags: Sequence[str], start: dt.datetime, end: dt.datetime, page_rows: int
        ) -> Iterator[Page]:
            pages = super().read(tags, start, end, page_rows)
            yield next(pages)
            raise SourceUnavailableError("gone")

    rows = [row(h) for h in range(9)]
    with pytest.raises(SourceUnavailableError):
        take(lake, Failing("s", rows, tags=[TagInfo("T1", None)]))
    assert len(values(lake)) == 3
    take(lake, source(rows))
    assert [hour for hour, _, _ in values(lake)] == list(range(9))


def test_an_empty_historian_moves_the_watermark_only(lake: Lake) -> None:
    report = take(lake, source())
    assert report == IngestReport(source="s")
    assert lake.watermark(MEASUREMENTS, "s", "area-1") == NOW
    assert values(lake) == []


def test_a_plant_without_tags_of_the_source_reads_nothing(lake: Lake) -> None:
    report = take(lake, MemoryHistorian("other", [row(1)]))
    assert report == IngestReport(source="other")


def test_tags_that_the_source_lacks_are_reported(lake: Lake) -> None:
    report = take(lake, MemoryHistorian("s", [row(1)]))
    assert report.missing_tags == ("W1",)
    assert report.rows == 1


def test_every_group_has_its_own_watermark(lake: Lake) -> None:
    rows = [row(h, tag=f"T{n}") for h in range(4) for n in (1, 2, 3)]
    shares: list[float] = []
    take(
        lake,
        source(rows),
        plant=plant(machines=3),
        on_progress=lambda step: shares.append(step.share),
        sensors=True,
    )
    counts = lake.read(MEASUREMENTS).collect().group_by("group").len().sort("group").rows()
    assert counts == [("area-1", 8), ("area-2", 4)]
    assert lake.watermark(MEASUREMENTS, "s", "area-2") == NOW
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@settings(max_examples=6, deadline=None)
@given(
    cells=st.lists(st.tuples(st.integers(0, 100), st.integers(0, 3)), min_size=1, max_size=25),
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_what_is_held_depends_on_the_rows_alone(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[int, int]], sizes: tuple[int, int]
) -> None:
    historian = source([row(hour, float(value)) for hour, value in cells])
    whole, parts = (Lake(tmp_path_factory.mktemp("lake")) for _ in range(2))
    take(whole, historian, page_rows=1000)
    take(parts, historian, page_rows=sizes[0], now=START + 50 * HOUR)
    take(parts, historian, page_rows=sizes[1], overlap=10 * HOUR)
    assert {cell[:2] for cell in values(whole)} == {cell[:2] for cell in values(parts)}
    assert len(values(whole)) == len(set(cells)) == len(values(parts))
