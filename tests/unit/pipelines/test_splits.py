"""Splits are by unit and by time, and no window lies on both sides."""

import datetime as dt

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.core.errors import LeakageError
from pipelines.splits import (
    TimeSplit,
    grouped_folds,
    refuse_overlap,
    refuse_time_split,
    together,
    window_starts,
)

HOUR = dt.timedelta(hours=1)
HOUR_US = 3_600_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def strings(*values: str) -> npt.NDArray[np.str_]:
    return np.array(values)


def hours(*values: int) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64) * HOUR_US


def test_a_window_never_reaches_into_a_former_life() -> None:
    starts = window_starts(strings("a", "a", "a", "b", "b"), hours(1, 2, 9, 10, 11), 4 * HOUR)
    assert (starts // HOUR_US).tolist() == [1, 1, 5, 10, 10]


def test_windows_of_one_machine_on_two_sides_are_refused_and_named() -> None:
    units, times, fold = strings("P1/DE#1", "P1/NDE#1"), hours(5, 5), np.array([0, 1])
    with pytest.raises(LeakageError, match=r"P1/DE#1 and P1/NDE#1 at P1") as told:
        refuse_overlap(strings("P1", "P1"), units, times, fold, memory=2 * HOUR)
    assert told.value.context["units"] == ["P1/DE#1", "P1/NDE#1"]


def test_the_same_times_at_other_places_are_no_overlap() -> None:
    refuse_overlap(strings("P1", "P2"), strings("a", "b"), hours(5, 5), np.array([0, 1]), memory=9 * HOUR)


def test_lives_that_follow_one_another_may_be_on_two_sides() -> None:
    units, times = strings("a#1", "a#1", "a#2", "a#2"), hours(1, 2, 3, 4)
    refuse_overlap(strings(*"PPPP"), units, times, np.array([0, 0, 1, 1]), memory=9 * HOUR)


@pytest.mark.parametrize(("gap", "is_refused"), [(3, True), (4, True), (5, False)])
def test_a_life_on_two_sides_needs_a_gap_longer_than_the_memory(gap: int, is_refused: bool) -> None:
    units, times = strings(*["a"] * 3), hours(1, 10, 10 + gap)
    arguments = (strings(*"PPP"), units, times, np.array([0, 0, 1]))
    if is_refused:
        with pytest.raises(LeakageError, match="leave a gap"):
            refuse_overlap(*arguments, memory=4 * HOUR)
    else:
        refuse_overlap(*arguments, memory=4 * HOUR)


def test_an_early_long_neighbour_is_not_forgotten_behind_a_later_short_one() -> None:
    """Life a spans everything; b of the same fold lies between a and c."""
    units, times = strings("a", "a", "b", "c"), hours(1, 20, 5, 10)
    with pytest.raises(LeakageError):
        refuse_overlap(strings(*"PPPP"), units, times, np.array([0, 0, 0, 1]), memory=99 * HOUR)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=12))
def test_the_sweep_finds_what_comparing_all_pairs_finds(rows: list[tuple[int, int, int]]) -> None:
    times = hours(*(row[0] for row in rows))
    units = strings(*(f"u{row[1]}" for row in rows))
    fold = np.array([row[2] for row in rows])
    start = window_starts(units, times, 3 * HOUR)
    overlaps = any(
        fold[i] != fold[j] and start[i] <= times[j] and start[j] <= times[i]
        for i in range(len(rows))
        for j in range(i)
    )
    try:
        refuse_overlap(strings(*["P"] * len(rows)), units, times, fold, memory=3 * HOUR)
        found = False
    except LeakageError:
        found = True
    assert found == overlaps


def test_a_split_by_time_leaves_a_gap_of_one_memory() -> None:
    times = hours(*range(1, 13))
    split = TimeSplit.at(times, EPOCH + 5 * HOUR, 3 * HOUR)
    assert (times[split.learn] // HOUR_US).tolist() == [1, 2, 3, 4, 5]
    assert (times[split.judge] // HOUR_US).tolist() == [9, 10, 11, 12]
    refuse_time_split(strings(*["a"] * 12), times, split, memory=3 * HOUR)


@pytest.mark.parametrize(
    ("learn", "judge", "said"),
    [
        ([1, 1, 0, 0], [0, 1, 1, 1], "learnt from and judged by"),
        ([1, 0, 1, 0], [0, 1, 0, 1], "not by time"),
        ([0, 0, 1, 1], [1, 1, 0, 0], "not by time"),
        ([1, 1, 0, 0], [0, 0, 1, 1], "leave a gap"),
    ],
    ids=["both sides", "alternating", "judged before", "no gap"],
)
def test_what_is_not_a_split_by_time_is_refused(learn: list[int], judge: list[int], said: str) -> None:
    split = TimeSplit(np.array(learn, dtype=np.bool_), np.array(judge, dtype=np.bool_))
    with pytest.raises(LeakageError, match=said):
        refuse_time_split(strings(*"aaaa"), hours(1, 2, 3, 4), split, memory=3 * HOUR)


def test_lives_of_one_machine_at_one_time_stay_together() -> None:
    units = strings("P/DE#1", "P/DE#1", "P/NDE#1", "P/NDE#1", "P/DE#2", "Q/DE#1")
    groups = together(strings(*"PPPPPQ"), units, hours(1, 5, 4, 8, 20, 5), memory=HOUR)
    assert groups.tolist() == ["P/DE#1"] * 4 + ["P/DE#2", "Q/DE#1"]


def test_groups_that_stay_together_are_never_refused() -> None:
    rng = np.random.default_rng(3)
    machine = strings(*(f"M{i}" for i in rng.integers(0, 4, 60)))
    unit = strings(*(f"{m}/{s}" for m, s in zip(machine, rng.integers(0, 3, 60), strict=True)))
    times = hours(*rng.integers(0, 400, 60))
    groups = together(machine, unit, times, memory=5 * HOUR)
    refuse_overlap(machine, unit, times, grouped_folds(groups, 3), memory=5 * HOUR)


def test_kept_groups_stay_in_their_fold_and_new_ones_fill_up() -> None:
    groups = np.repeat(np.array(["a", "b", "c", "d"]), [5, 5, 5, 5])
    fold = grouped_folds(groups, 2, {"a": 1, "b": 1, "gone": 0})
    of = dict(pl.DataFrame({"g": groups, "f": fold}).unique().iter_rows())
    assert of == {"a": 1, "b": 1, "c": 0, "d": 0}


def test_a_fold_that_no_longer_exists_is_not_kept() -> None:
    assert sorted(set(grouped_folds(strings("a", "b"), 2, {"a": 4}).tolist())) == [0, 1]
