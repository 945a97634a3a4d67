"""What keeps a split honest: whole groups, by time with a gap, and no window that both sides have seen.

A row tells of more than its moment: its long memory reaches back, at most to the beginning of its life. Its
window is [time - memory, time], cut at the life's first row. Two rows of one place whose windows overlap were made
from the same measurements, so the one tells of the other.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.core.errors import LeakageError

__all__ = ["TimeSplit", "grouped_folds", "refuse_overlap", "refuse_time_split", "together", "window_starts"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Rows [n] to learn from and rows [n] to be judged by; rows of the gap between are in neither."""

    learn: Bools
    judge: Bools

    @classmethod
    def at(cls, time_us: Ints, cut: dt.datetime, memory: dt.timedelta) -> "TimeSplit":
        """Learn up to the cut, judge from one memory after it on.

        Args:
            time_us: Of each row [n], microseconds since 1970 UTC.
            cut: Last moment that is learnt from.
            memory: Longest window of a feature.
        """
        first = (cut - _EPOCH) // _MICROSECOND
        return cls(time_us <= first, time_us > first + memory // _MICROSECOND)


def window_starts(unit: Strings, time_us: Ints, memory: dt.timedelta) -> Ints:
    """Begin [n] of what each row's features were made from, microseconds; no window reaches into a former life."""
    names, place = np.unique(unit, return_inverse=True)
    begin = np.full(names.size, np.iinfo(np.int64).max)
    np.minimum.at(begin, place, time_us)
    return np.asarray(np.maximum(time_us - memory // _MICROSECOND, begin[place]), dtype=np.int64)


def refuse_overlap(place: Strings, unit: Strings, time_us: Ints, fold: Ints, *, memory: dt.timedelta) -> None:
    """Refuses folds (or sides) of which two have seen the same measurements of one place.

    Args:
        place: Where each row [n] was measured: the machine, or the component where only that is kept together.
        unit: Life of each row.
        time_us: Time of each row, microseconds since 1970 UTC.
        fold: Fold or side of each row; rows with a negative one are in none.
        memory: Longest window of a feature.

    Raises:
        LeakageError: Names the first two lives whose windows overlap across the split.
    """
    used = np.flatnonzero(fold >= 0)
    start = window_starts(unit, time_us, memory)
    order = used[np.lexsort((start[used], place[used]))]
    # Per place: which fold reaches furthest, and how far the furthest of the others reaches.
    here, furthest, other = "", -1, -1
    for row in order.tolist():
        if place[row] != here:
            here, furthest, other = str(place[row]), row, -1
            continue
        rival = furthest if fold[furthest] != fold[row] else other
        if rival >= 0 and time_us[rival] >= start[row]:
            raise LeakageError(
                f"rows of {unit[rival]} and {unit[row]} at {here} are on different sides of the split and were "
                f"made from the same time: the window of {_told(time_us[row])} begins {_told(start[row])}, not "
                f"after {_told(time_us[rival])}; keep a machine together, or leave a gap of {memory} between "
                "the sides",
                {"place": here, "units": sorted({str(unit[rival]), str(unit[row])}), "memory": str(memory)},
            )
        if fold[row] == fold[furthest]:
            furthest = row if time_us[row] > time_us[furthest] else furthest
        elif time_us[row] > time_us[furthest]:
            furthest, other = row, furthest
        elif other < 0 or time_us[row] > time_us[other]:
            other = row


def refuse_time_split(unit: Strings, time_us: Ints, split: TimeSplit, *, memory: dt.timedelta) -> None:
    """Refuses a split by time that judges what came before, or within a memory of, what was learnt.

    Raises:
        LeakageError: A row is on both sides, a judged row is not later than all learnt rows, or windows of
            one life overlap.
    """
    both = np.flatnonzero(split.learn & split.judge)
    if both.size:
        raise LeakageError(
            f"row of {unit[both[0]]} at {_told(time_us[both[0]])} is learnt from and judged by",
            {"unit": str(unit[both[0]])},
        )
    if not split.learn.any() or not split.judge.any():
        return
    last, first = int(time_us[split.learn].max()), int(time_us[split.judge].min())
    if first <= last:
        raise LeakageError(
            f"the split is not by time: it judges a row of {_told(first)} and learns from one of {_told(last)}; "
            "learn up to one moment and judge after it (`splits.TimeSplit.at`)",
            {"judged_from": _told(first), "learnt_to": _told(last)},
        )
    side = np.where(split.learn, 0, np.where(split.judge, 1, -1)).astype(np.int64)
    refuse_overlap(unit, unit, time_us, side, memory=memory)


def together(machine: Strings, unit: Strings, time_us: Ints, *, memory: dt.timedelta) -> Strings:
    """Group [n] of each row: lives of one machine that were measured at the same time stay together.

    Two bearings of one pump share its speed, load and temperatures; lives that follow one another share nothing.
    """
    names, place = np.unique(unit, return_inverse=True)
    first, last = np.full(names.size, np.iinfo(np.int64).max), np.full(names.size, np.iinfo(np.int64).min)
    np.minimum.at(first, place, window_starts(unit, time_us, memory))
    np.maximum.at(last, place, time_us)
    where = np.empty(names.size, dtype=machine.dtype)
    where[place] = machine
    label = np.arange(names.size)
    here, head, end = "", -1, -1
    for life in np.lexsort((first, where)).tolist():
        if where[life] != here or first[life] > end:
            here, head, end = str(where[life]), life, int(last[life])
        label[life], end = head, max(end, int(last[life]))
    return names[label][place]


def grouped_folds(groups: Strings, k: int, kept: Mapping[str, int] | None = None) -> Ints:
    """Fold of each row: whole groups, dealt so that the folds have about equal numbers of rows.

    Args:
        groups: str [n], what must stay together.
        k: Number of folds; not more than there are groups are made.
        kept: Group -> fold of an earlier split; such groups stay in it, so that two models can be compared on
            the same folds.

    Example:
        >>> grouped_folds(np.array(["a", "a", "b", "c"]), 2).tolist()
        [0, 0, 1, 1]
        >>> grouped_folds(np.array(["a", "a", "b", "c"]), 2, {"a": 1}).tolist()
        [1, 1, 0, 0]
    """
    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    number = max(1, min(k, names.size))
    load = np.zeros(number, dtype=np.int64)
    fold = np.full(names.size, -1, dtype=np.int64)
    for group, name in enumerate(names.tolist()):
        if kept is not None and 0 <= kept.get(name, -1) < number:
            fold[group] = kept[name]
            load[fold[group]] += sizes[group]
    for group in np.argsort(-sizes, kind="stable"):
        if fold[group] < 0:
            fold[group] = np.argmin(load)
            load[fold[group]] += sizes[group]
    return np.asarray(fold[place], dtype=np.int64)


def _told(time_us: int) -> str:
    return f"{_EPOCH + dt.timedelta(microseconds=int(time_us)):%Y-%m-%d %H:%M}"
