"""The one source of now, and the way from naive source stamps to UTC."""

import datetime as dt
import json
import math
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from features.core.errors import ConfigError, RowRejectedError

# Stamps before this are clock defaults of devices (1970, 1980, 2000), not measurements.
EARLIEST = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
# As late as a stamp can be written.
LATEST = dt.datetime.max.replace(tzinfo=dt.UTC)


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> dt.datetime:
        """The current moment, UTC and timezone-aware."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        """The current moment, UTC."""
        return dt.datetime.now(dt.UTC)


class DemoClock:
    """A clock that stands still until it is moved: for replays, the demo and tests."""

    def __init__(self, start: dt.datetime) -> None:
        self._now = require_utc(start)

    def now(self) -> dt.datetime:
        """The moment that was set last, UTC."""
        return self._now

    def move_to(self, moment: dt.datetime) -> None:
        """Set the clock.

        Raises:
            ValueError: `moment` has no time zone or lies before the current one.
        """
        moment = require_utc(moment)
        if moment < self._now:
            raise ValueError(f"a clock cannot go back from {self._now} to {moment}")
        self._now = moment


def require_utc(moment: dt.datetime) -> dt.datetime:
    """The same moment in UTC.

    Raises:
        ValueError: `moment` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; every time in Wearcast is UTC-aware")
    return moment.astimezone(dt.UTC)


def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name.

    Raises:
        ConfigError: No such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as err:
        raise ConfigError(
            f"time zone {name!r} is not known; use an IANA name such as Europe/Berlin", {"zone": name}
        ) from err


def localize(naive: dt.datetime, source_zone: ZoneInfo, *, monotone: bool) -> dt.datetime:
    """UTC for a naive source stamp.

    Args:
        naive: What the source wrote, without a zone.
        source_zone: The zone the source is declared to write in.
        monotone: The source never repeats an hour (it writes standard time order), so the first of
            two possible readings of an ambiguous stamp is taken.

    Raises:
        ValueError: `naive` has a time zone already.
        RowRejectedError: The stamp falls into the ambiguous hour of a DST change and the source is
            not monotone, or it falls into the hour that does not exist.
    """
    if naive.tzinfo is not None:
        raise ValueError(f"{naive} has a time zone already")
    early = naive.replace(tzinfo=source_zone, fold=0)
    late = naive.replace(tzinfo=source_zone, fold=1)
    same = early.utcoffset() == late.utcoffset()
    if not same:
        exists = early.astimezone(dt.UTC).astimezone(source_zone).replace(tzinfo=None) == naive
        if not exists:
            raise RowRejectedError(
                f"{naive} does not exist in {source_zone.key} (clocks went forward)",
                {"reason": "nonexistent_time", "time": naive, "zone": source_zone.key},
            )
        if not monotone:
            raise RowRejectedError(
                f"{naive} happened twice in {source_zone.key} (clocks went back)",
                {"reason": "ambiguous_time", "time": naive, "zone": source_zone.key},
            )
    return early.astimezone(dt.UTC)


class ReplayClock:
    """A clock that runs faster than the wall from a fixed moment of the past, never beyond now.

    Args:
        real_start: Wall-clock moment at which the replay began, UTC.
        replay_start: The moment that was replayed then, UTC.
        speed: Replayed seconds per real second, finite; 0 stands still.

    Raises:
        ValueError: The speed is negative or not finite, or a moment has no time zone.
    """

    def __init__(self, real_start: dt.datetime, replay_start: dt.datetime, speed: float) -> None:
        if not (0 <= speed < math.inf):
            raise ValueError(f"replay speed {speed} is not a finite number from 0 on")
        self._real, self._replay, self._speed = require_utc(real_start), require_utc(replay_start), speed

    def now(self) -> dt.datetime:
        """The replayed moment, UTC."""
        real = dt.datetime.now(dt.UTC)
        return min(self._replay + (real - self._real) * self._speed, real)


def clock_from(replay: Path | None) -> Clock:
    """The system's clock, or the replay that a file describes.

    Args:
        replay: JSON file with `real_start`, `replay_start` (ISO 8601 with offset) and `speed`.

    Raises:
        ConfigError: The file is missing or not of that form.
    """
    if replay is None:
        return SystemClock()
    try:
        document = json.loads(replay.read_text(encoding="utf-8"))
        return ReplayClock(
            dt.datetime.fromisoformat(document["real_start"]),
            dt.datetime.fromisoformat(document["replay_start"]),
            float(document["speed"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ConfigError(
            f"replay file {replay}: {err!r}; it needs real_start, replay_start and speed",
            {"file": str(replay)},
        ) from err
