"""What every historian must do; an adapter joins by one line in SUBJECTS."""

import datetime as dt
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.core.clock import LATEST, DemoClock
from features.core.errors import ConfigError
from pipelines.historian.csv import CsvConfig, CsvFolder
from pipelines.historian.memory import MemoryHistorian
from pipelines.historian.port import RAW_ROWS, Historian, Page, RawRow, RawWaveform
from pipelines.historian.simulator import Simulator, read_config

START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
END = START + dt.timedelta(days=6)
CONFIG = Path(__file__).parents[2] / "data" / "simulator" / "tiny.yaml"


@dataclass(frozen=True)
class Subject:
    """An opened historian that has rows of `tags` in [START, END)."""

    historian: Historian
    tags: tuple[str, ...]


def sample_rows() -> list[RawRow]:
    """Two hourly tags over ten days, each fifth row of T.A two hours late: what stored adapters hold."""
    rows = []
    for hour in range(240):
        stamp = START - dt.timedelta(days=2) + dt.timedelta(hours=hour)
        rows.append(RawRow("T.A", stamp - dt.timedelta(hours=2 * (hour % 5 == 4)), 20.0 + hour % 24, unit="degC"))
        rows.append(RawRow("T.B", stamp, 1500.0, unit="rpm"))
    return rows


def sample_waveforms() -> list[RawWaveform]:
    """One burst every twelve hours."""
    samples = np.sin(np.arange(256, dtype=np.float32))
    return [RawWaveform("T.W", START + dt.timedelta(hours=12 * n), samples, 8192.0) for n in range(8)]


def simulator(_: Path) -> Subject:
    historian = Simulator("simulator", read_config(CONFIG), DemoClock(END + dt.timedelta(days=30)))
    return Subject(historian, ("P101.LOAD", "M101.BEARING_TEMPERATURE", "M101.VIBRATION_H"))


def memory(_: Path) -> Subject:
    historian = MemoryHistorian("memory", sample_rows(), waveforms=sample_waveforms(), lag=dt.timedelta(hours=2))
    return Subject(historian, ("T.A", "T.B", "T.W"))


def csv(folder: Path) -> Subject:
    lines = [f"{row.tag},{row.time.isoformat()},{row.value}" for row in sample_rows()]
    (folder / "rows.csv").write_text("\n".join(["tag,time,value", *lines]), encoding="utf-8")
    waves = [(w.tag, w.time, w.sample_rate_hz, w.samples.tolist()) for w in sample_waveforms()]
    schema = pl.Schema(
        {
            "tag": pl.String(),
            "time": pl.Datetime("us", "UTC"),
            "sample_rate_hz": pl.Float64(),
            "samples": pl.List(pl.Float32()),
        }
    )
    frame = pl.DataFrame(waves, schema=schema, orient="row")
    frame.write_parquet(folder / "waves.parquet")
    return Subject(CsvFolder("csv", CsvConfig(folder=folder)), ("T.A", "T.B", "T.W"))


SUBJECTS: dict[str, Callable[[Path], Subject]] = {
    "simulator": simulator,
    "memory": memory,
    "csv": csv,
}


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    return SUBJECTS[request.param](tmp_path)


def pages(subject: Subject, *, page_rows: int = 50) -> list[Page]:
    return list(subject.historian.read(subject.tags, START, END, page_rows))


def content(read: list[Page]) -> list[str]:
    """Every row and waveform as text, in an order of its own."""
    rows = [str(row) for page in read for row in page.rows.rows()]
    waves = [
        f"{w.tag} {w.time} {w.speed_hz} {w.quality} {hashlib.sha256(w.samples.tobytes()).hexdigest()}"
        for page in read
        for w in page.waveforms
    ]
    return sorted(rows + waves)


def test_pages_come_in_order_and_reach_the_end(subject: Subject) -> None:
    untils = [page.until for page in pages(subject)]

    assert len(untils) > 1
    assert untils == sorted(untils)
    assert untils[-1] == END


def test_no_row_lies_outside_the_interval_but_a_late_one(subject: Subject) -> None:
    earliest = START - subject.historian.lag
    for page in pages(subject):
        stamps = page.rows.get_column("time").to_list() + [w.time for w in page.waveforms]
        assert all(earliest <= stamp < END for stamp in stamps)


def test_the_row_at_the_end_belongs_to_the_next_read(subject: Subject) -> None:
    tag = subject.tags[0]
    first = list(subject.historian.read([tag], START, END, 1000))
    middle = first[0].rows.get_column("time").sort()[20]

    before = pl.concat([p.rows for p in subject.historian.read([tag], START, middle, 1000)])
    after = pl.concat([p.rows for p in subject.historian.read([tag], middle, END, 1000)])

    assert before.height + after.height == sum(page.rows.height for page in first)
    assert middle in after.get_column("time")


def test_a_page_keeps_its_promise_about_what_was_delivered(subject: Subject) -> None:
    read = pages(subject)
    for earlier, later in itertools.pairwise(read):
        if not later.rows.is_empty():
            oldest = later.rows.get_column("time").min()
            assert isinstance(oldest, dt.datetime)
            assert oldest >= earlier.until - subject.historian.lag


def test_page_size_changes_no_row(subject: Subject) -> None:
    assert content(pages(subject, page_rows=17)) == content(pages(subject, page_rows=100_000))


def test_reading_twice_gives_the_same_rows(subject: Subject) -> None:
    assert content(pages(subject)) == content(pages(subject))


def test_only_the_tags_that_were_asked_for_are_delivered(subject: Subject) -> None:
    read = list(subject.historian.read([subject.tags[1]], START, END, 1000))

    assert {tag for page in read for tag in page.rows.get_column("tag")} == {subject.tags[1]}
    assert not any(page.waveforms for page in read)


def test_an_unknown_tag_is_named(subject: Subject) -> None:
    with pytest.raises(ConfigError, match=r"NO\.SUCH\.TAG"):
        list(subject.historian.read(["NO.SUCH.TAG"], START, END, 1000))


def test_pages_have_the_declared_schema(subject: Subject) -> None:
    for page in pages(subject):
        assert page.rows.schema == RAW_ROWS
        assert all(wave.samples.dtype == np.float32 and wave.samples.ndim == 1 for wave in page.waveforms)


def test_an_empty_interval_gives_no_rows(subject: Subject) -> None:
    assert content(list(subject.historian.read(subject.tags, START, START, 1000))) == []


def test_what_is_stamped_later_than_everything_may_be_asked_for(subject: Subject) -> None:
    assert content(list(subject.historian.read(subject.tags, END + dt.timedelta(days=90), LATEST, 1000))) == []


def test_tags_and_check_describe_the_source(subject: Subject) -> None:
    assert set(subject.tags) <= {info.tag for info in subject.historian.tags()}
    assert subject.historian.check().strip()


def test_events_are_split_by_when_they_became_known(subject: Subject) -> None:
    middle = START + dt.timedelta(days=3)
    whole = subject.historian.events(START, END)
    parts = subject.historian.events(START, middle) + subject.historian.events(middle, END)

    assert whole == parts
    assert all(START <= event.available_at < END for event in whole)
    subject.historian.close()
