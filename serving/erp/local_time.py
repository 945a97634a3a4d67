"""Stamps without an offset, in the time zone of the ERP's own clock."""

import datetime as dt
from zoneinfo import ZoneInfo

__all__ = ["earliest", "local"]

_HOUR = dt.timedelta(hours=1)


def local(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """A moment as the ERP would stamp it, naive."""
    return moment.astimezone(zone).replace(tzinfo=None)


def earliest(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The earliest stamp, naive, that anything at or after a moment has: clocks may go back soon after it.

    Example:
        >>> earliest(dt.datetime(2026, 10, 25, 0, 40, tzinfo=dt.UTC), ZoneInfo("Europe/Berlin"))
        datetime.datetime(2026, 10, 25, 1, 40)
        >>> earliest(dt.datetime(2026, 10, 26, 0, 40, tzinfo=dt.UTC), ZoneInfo("Europe/Berlin"))
        datetime.datetime(2026, 10, 26, 1, 40)
    """
    offsets = [(moment + _HOUR * hours).astimezone(zone).utcoffset() or dt.timedelta() for hours in range(4)]
    return local(moment - max(offsets[0] - min(offsets), dt.timedelta()), zone)
