"""Moments as an ERP writes them: ISO 8601, seconds, a pattern, or an object of parts; naive ones in its zone."""

import datetime as dt
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict

__all__ = ["TimeForm"]

_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as err:
        raise ValueError("not a time zone; e.g. UTC or Europe/Berlin") from err
    return name


def _form(form: str) -> str:
    if form not in ("iso", "epoch_s", "epoch_ms", "parts") and "%" not in form:
        raise ValueError("not a time format; iso, epoch_s, epoch_ms, parts, or a pattern such as %Y-%m-%d")
    return form


class TimeForm(BaseModel):
    """How an ERP writes a moment.

    Attributes:
        format: `iso`, `epoch_s`, `epoch_ms`, `parts` (an object of year, month, day, ...), or a pattern of
            strftime; `%3f` in a pattern is milliseconds.
        zone: Of moments without an offset, and of what is written.
        constants: Members that an object of parts has besides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Annotated[str, AfterValidator(_form)] = "iso"
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    constants: dict[str, str] = {}

    def write(self, moment: dt.datetime) -> object:
        """The moment as the ERP wants it; finer than its format can say is cut off, never rounded up."""
        local = moment.astimezone(ZoneInfo(self.zone))
        if self.format == "iso":
            return local.isoformat()
        if self.format == "epoch_s":
            return int(moment.timestamp())
        if self.format == "epoch_ms":
            return int(moment.timestamp() * 1000)
        if self.format == "parts":
            return {**self.constants, **{name: getattr(local, name) for name in _PARTS}}
        return local.strftime(self.format.replace("%3f", f"{local.microsecond // 1000:03d}"))

    def read(self, value: object) -> dt.datetime:
        """The moment that the ERP tells, UTC.

        Raises:
            ValueError: It is none of this form.
        """
        try:
            return self._read(value)
        except (TypeError, KeyError, OverflowError, OSError) as err:
            raise ValueError(f"{value!r} is not a moment of format {self.format}") from err

    def _read(self, value: object) -> dt.datetime:
        if self.format in ("epoch_s", "epoch_ms"):
            scale = 1 if self.format == "epoch_s" else 1000
            return dt.datetime.fromtimestamp(float(str(value)) / scale, dt.UTC)
        if self.format == "parts":
            if not isinstance(value, dict):
                raise TypeError
            day = dt.date(value["year"], value["month"], value["day"])
            hour, minute, second, microsecond = (int(value.get(name, 0)) for name in _PARTS[3:])
            naive = dt.datetime.combine(day, dt.time(hour, minute, second, microsecond))
        elif self.format == "iso":
            naive = dt.datetime.fromisoformat(str(value))
        else:
            naive = dt.datetime.strptime(str(value), self.format.replace("%3f", "%f"))  # noqa: DTZ007  zone below
        aware = naive if naive.tzinfo is not None else naive.replace(tzinfo=ZoneInfo(self.zone))
        return aware.astimezone(dt.UTC)
