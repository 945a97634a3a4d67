"""The loop over groups and pages of one historian."""

import datetime as dt
from collections.abc import Callable

import polars as pl

from features.core.clock import EARLIEST, LATEST, Clock, require_utc
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import MaintenanceEvent, Origin
from features.core.tables import MEASUREMENTS
from features.core.telemetry import log
from pipelines.historian.port import Historian, Rejected
from pipelines.ingest.pages import WRITER, Counts, PageWriter, quarantine
from pipelines.ingest.report import IngestProgress, IngestReport, Stage
from pipelines.ingest.watch import watch_sensors
from pipelines.quality.bindings import bind
from pipelines.quality.rows import quarantine_frame

__all__ = ["SKEW", "ingest"]

# How far a source's clock may be ahead of ours without a word.
SKEW = dt.timedelta(minutes=5)

# A maintenance log may reach further back than any measurement.
_LOG_BEGIN = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def ingest(
    lake: Lake,
    plant: Plant,
    historian: Historian,
    *,
    clock: Clock,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    overlap: dt.timedelta,
    page_rows: int,
    origin: str = "backfill",
    skew: dt.timedelta | None = SKEW,
    sensors: bool = True,
    on_progress: Callable[[IngestProgress], None] | None = None,
) -> IngestReport:
    """Reads a historian into the lake, group by group, from where the last run came to.

    May be interrupted at any moment, by kill too: the next run goes on from the last committed page.

    Args:
        lake: Where the rows go.
        plant: Which tags are which measuring points.
        historian: The source; only read from.
        clock: What is known when; rows later than its now are refused.
        since: Read again from here although the watermark is further; None: go on from the watermark.
            Later than the watermark it is ignored, because a stretch would be left out for good.
        until: Up to here, exclusive; None or later than now: now.
        overlap: How far before the watermark to read again, for rows that the source got late.
        page_rows: Rows asked for in one page.
        origin: `backfill`: a row could be known at its time plus the source's lag. `live`: now.
        skew: What is stamped later than this after now goes to the quarantine at once; it is read as any other
            row when its time has come, because the wrong clock may be ours. None: not looked for, as in a
            replay, where all that is later is only not there yet.
        sensors: Whether to write gap register and sensor states after the pages.
        on_progress: Called after each stage of each page.

    Raises:
        SourceUnavailableError: The historian does not answer; what was committed stays.
        LakeConflictError: Another ingestion of the same source and group was faster.
    """
    now = clock.now()
    end = now if until is None else min(require_utc(until), now)
    known = historian.tags()
    bindings = bind(plant, historian.name, known)
    missing = _missing(plant, historian.name, {info.tag for info in known})
    groups = bindings.get_column("group").unique(maintain_order=True).to_list()
    marks = {group: lake.watermark(MEASUREMENTS, historian.name, group) for group in groups}
    starts = {group: _start(marks[group], since, overlap) for group in groups}
    events = _take_events(lake, plant, historian, min(starts.values(), default=EARLIEST), end, now)
    counts = Counts(quarantined=events[1])
    for number, group in enumerate(groups):
        writer = PageWriter(
            lake=lake,
            source=historian.name,
            group=group,
            bindings=bindings.filter(pl.col("group") == group),
            lag=historian.lag,
            origin=Origin(origin),
            counts=counts,
            watermark=marks[group],
        )
        tell = _Teller(writer, number, len(groups), end, on_progress)
        _read_group(historian, writer, starts[group], end, page_rows, clock, tell)
        if skew is not None:
            _refuse_future(historian, writer, now, skew, page_rows)
        if sensors:
            watch_sensors(writer, now=clock.now())
            tell(Stage.SENSORS)
    report = IngestReport(
        source=historian.name,
        rows=counts.rows,
        waveforms=counts.waveforms,
        quarantined=counts.quarantined,
        duplicates=counts.duplicates,
        gaps=counts.gaps,
        events=events[0],
        missing_tags=missing,
    )
    log("ingest").info(
        "ingest.finished",
        source=report.source,
        rows=report.rows,
        waveforms=report.waveforms,
        quarantined=report.quarantined,
        duplicates=report.duplicates,
        missing_tags=len(missing),
    )
    return report


def _read_group(
    historian: Historian,
    writer: PageWriter,
    start: dt.datetime,
    end: dt.datetime,
    page_rows: int,
    clock: Clock,
    tell: "_Teller",
) -> None:
    if start >= end:
        return
    for page in historian.read(_tags(writer), start, end, page_rows):
        tell.until = min(page.until, end)
        tell.page += 1
        writer.write(page, tell.until, clock.now(), tell)


def _refuse_future(
    historian: Historian, writer: PageWriter, now: dt.datetime, skew: dt.timedelta, page_rows: int
) -> None:
    """Nobody else asks for such times: a wrong clock or zone would stay unseen until they come."""
    for page in historian.read(_tags(writer), now + skew, LATEST, page_rows):
        writer.refuse(page, now)


def _tags(writer: PageWriter) -> list[str]:
    return writer.bindings.get_column("tag").unique(maintain_order=True).to_list()


def _start(mark: dt.datetime | None, since: dt.datetime | None, overlap: dt.timedelta) -> dt.datetime:
    if mark is None:
        return EARLIEST if since is None else require_utc(since)
    resumed = max(mark - overlap, EARLIEST)
    return resumed if since is None else min(require_utc(since), resumed)


def _missing(plant: Plant, source: str, known: set[str]) -> tuple[str, ...]:
    tags = (p.tags.get(source) for machine in plant.machines for p in machine.measuring_points)
    return tuple(sorted({tag for tag in tags if tag is not None} - known))


def _take_events(
    lake: Lake, plant: Plant, historian: Historian, start: dt.datetime, end: dt.datetime, now: dt.datetime
) -> tuple[int, int]:
    """New events and newly refused ones; before the pages, because their commits move the watermark."""
    found = historian.events(_LOG_BEGIN if start <= EARLIEST else start, end)
    slots = {machine.id: {c.slot for c in machine.components} for machine in plant.machines}
    good: list[MaintenanceEvent] = []
    refused: list[Rejected] = []
    for event in found:
        if event.machine_id not in slots:
            refused.append(_refuse(event, "unknown_machine"))
        elif event.slot is not None and event.slot not in slots[event.machine_id]:
            refused.append(_refuse(event, "unknown_slot"))
        else:
            good.append(event)
    bad = quarantine(lake, quarantine_frame(refused, source=historian.name, now=now))
    return lake.append_events(good, writer=WRITER), bad


def _refuse(event: MaintenanceEvent, reason: str) -> Rejected:
    raw = f"{event.source_event_id}/{event.revision} {event.kind.value} {event.text}".strip()
    place = event.machine_id if event.slot is None else f"{event.machine_id}/{event.slot}"
    return Rejected("(event)", event.occurred_at, raw, reason, f"{place} is not in the plant file")


class _Teller:
    """Tells how far a group is; `page` and `until` are moved by the loop."""

    def __init__(
        self,
        writer: PageWriter,
        number: int,
        groups: int,
        end: dt.datetime,
        on_progress: Callable[[IngestProgress], None] | None,
    ) -> None:
        self._writer, self._number, self._groups, self._end = writer, number, groups, end
        self._tell = on_progress
        self.page, self.until = 0, end

    def __call__(self, stage: Stage) -> None:
        if self._tell is None:
            return
        counts = self._writer.counts
        self._tell(
            IngestProgress(
                source=self._writer.source,
                group=self._writer.group,
                stage=stage,
                page=self.page,
                rows=counts.rows,
                waveforms=counts.waveforms,
                quarantined=counts.quarantined,
                until=self.until,
                share=(self._number + self._done(stage)) / self._groups,
            )
        )

    def _done(self, stage: Stage) -> float:
        if stage is Stage.SENSORS:
            return 1.0
        begin = self._writer.earliest
        if begin is None or begin >= self._end:
            return 0.0
        return max(0.0, min((self.until - begin) / (self._end - begin), 1.0))
