"""Progress and result of an ingestion."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["IngestProgress", "IngestReport", "Stage"]


class Stage(StrEnum):
    """What was just finished; the first four once a page, in this order."""

    READ = "read"
    QUARANTINE = "quarantine"
    WAVEFORMS = "waveforms"
    MEASUREMENTS = "measurements"
    SENSORS = "sensors"


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """Where an ingestion is.

    Attributes:
        source: The historian's name.
        group: The area that is being read.
        stage: What was just finished.
        page: Number of the page in this group, from 1.
        rows: Measurements written so far in this run, all groups.
        waveforms: Waveforms written so far.
        quarantined: Items refused so far.
        until: Up to when the page delivered.
        share: Share of the run that is done, 0 to 1.
    """

    source: str
    group: str
    stage: Stage
    page: int
    rows: int
    waveforms: int
    quarantined: int
    until: dt.datetime
    share: float


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingestion brought.

    Attributes:
        source: The historian's name.
        rows: New measurements, new revisions included.
        waveforms: New waveforms.
        quarantined: Refused items that were not in the quarantine yet.
        duplicates: Rows and waveforms that were there already or came twice.
        gaps: Gaps that are new in the register.
        events: New maintenance events.
        missing_tags: Tags of the plant file that the source does not have.
    """

    source: str
    rows: int = 0
    waveforms: int = 0
    quarantined: int = 0
    duplicates: int = 0
    gaps: int = 0
    events: int = 0
    missing_tags: tuple[str, ...] = ()
