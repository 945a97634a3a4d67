"""Maintenance windows: local weekly rules, expanded to UTC intervals."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.core.clock import require_utc

__all__ = ["MaintenanceWindow", "WindowInterval", "expand_windows"]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class MaintenanceWindow(BaseModel):
    """A recurring time in which the site can stop machines, in local time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    weekday: Weekday
    start: dt.time = Field(description="Local wall-clock time, e.g. 06:00.")
    hours: float = Field(gt=0, le=168)
    every_weeks: int = Field(1, ge=1, le=52, description="1: every week; counted from ISO week 1 of 2024.")

    @field_validator("start", mode="before")
    @classmethod
    def _written_as_text(cls, value: object) -> object:
        if isinstance(value, int | float):
            raise ValueError('write the local time in quotes, e.g. "10:00"')
        return value

    @field_validator("start")
    @classmethod
    def _local(cls, value: dt.time) -> dt.time:
        if value.tzinfo is not None:
            raise ValueError("the time is local to the site: write it without an offset")
        return value


@dataclass(frozen=True, slots=True)
class WindowInterval:
    """One occurrence of a window, UTC."""

    window_id: str
    start: dt.datetime
    end: dt.datetime


# Monday of ISO week 1 of 2024: windows of more than one week count from here.
_WEEK_ZERO = dt.date(2024, 1, 1)


def expand_windows(
    windows: tuple[MaintenanceWindow, ...], site_zone: ZoneInfo, since: dt.datetime, until: dt.datetime
) -> list[WindowInterval]:
    """Occurrences that start in [since, until), in order of start.

    Wall-clock start and duration are local: across a DST change a window of 8 hours still lasts 8 hours.
    """
    since, until = require_utc(since), require_utc(until)
    day = since.astimezone(site_zone).date() - dt.timedelta(days=1)
    last = until.astimezone(site_zone).date()
    found = []
    while day <= last:
        for window in windows:
            weeks = (day - _WEEK_ZERO).days // 7
            if _WEEKDAYS[day.weekday()] != window.weekday or weeks % window.every_weeks:
                continue
            start = dt.datetime.combine(day, window.start, tzinfo=site_zone).astimezone(dt.UTC)
            if since <= start < until:
                found.append(WindowInterval(window.id, start, start + dt.timedelta(hours=window.hours)))
        day += dt.timedelta(days=1)
    return sorted(found, key=lambda interval: (interval.start, interval.window_id))
