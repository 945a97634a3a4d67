"""Tumbling windows: half open, whole, equal to a plain oracle, in memory and larger than memory."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.compute.telemetry import STATISTICS, tumbling, tumbling_stream

T0 = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
NAN = float("nan")


def frame(rows: Sequence[tuple[str, float, float | None, int]]) -> pl.DataFrame:
    """Point, hours after T0, value, quality."""
    return pl.DataFrame(
        [(point, T0 + hours * HOUR, value, quality) for point, hours, value, quality in rows],
        schema={
            "point_id": pl.String,
            "time": pl.Datetime("us", "UTC"),
            "value": pl.Float64,
            "quality": pl.Int8,
        },
        orient="row",
    ).sort("point_id", "time", maintain_order=True)


def recorded(seed: int, rows: int = 4000, points: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.uniform(0, 200, (points, rows)), axis=1)
    values = 300 + 10 * rng.standard_normal(points * rows)
    values[rng.random(points * rows) < 0.02] = NAN
    quality = np.where(rng.random(points * rows) < 0.1, 0, 2)
    ids = np.repeat([f"P{number}" for number in range(points)], rows).tolist()
    return frame(list(zip(ids, hours.ravel().tolist(), values.tolist(), quality.tolist(), strict=True)))


def test_a_window_holds_its_begin_and_not_its_end() -> None:
    rows = frame([("t", 0, 1.0, 2), ("t", 5.999, 2.0, 2), ("t", 6, 5.0, 2), ("t", 12, 7.0, 2)])
    found = tumbling(rows, grid=6 * HOUR)
    assert found["time"].to_list() == [T0 + 6 * HOUR, T0 + 12 * HOUR]
    assert found["mean"].to_list() == [1.5, 5.0]
    assert found["std"].to_list() == [pytest.approx(np.sqrt(0.5)), None]


def test_the_last_window_is_left_out_until_something_passed_its_end() -> None:
    rows = frame([("t", 1, 1.0, 2), ("t", 7, 2.0, 2)])
    assert tumbling(rows, grid=6 * HOUR).height == 1
    assert tumbling(rows, grid=6 * HOUR, until=T0 + 12 * HOUR).height == 2
    assert tumbling(rows, grid=6 * HOUR, until=T0 + 11 * HOUR).height == 1


def test_bad_missing_and_infinite_values_do_not_count() -> None:
    none: list[tuple[str, float, float | None, int]] = [("t", 1, 9.0, 0), ("t", 2, None, 2), ("t", 3, NAN, 2)]
    rows = frame([*none, ("t", 4, float("inf"), 2), ("t", 5, 4.0, 2), ("t", 7, 8.0, 1), ("t", 20, 1.0, 2)])
    found = tumbling(rows, grid=6 * HOUR)
    assert found.select("count", "mean", "min", "max", "last").rows() == [(1, 4.0, 4.0, 4.0, 4.0)]


def test_points_are_kept_apart_also_when_their_times_follow_each_other() -> None:
    found = tumbling(frame([("a", 1, 1.0, 2), ("b", 2, 3.0, 2), ("b", 9, 0.0, 2)]), grid=6 * HOUR)
    assert found.select("point_id", "mean").rows() == [("a", 1.0), ("b", 3.0)]


@pytest.mark.parametrize("grid", [dt.timedelta(minutes=10), 6 * HOUR, dt.timedelta(days=7)])
def test_in_memory_and_streamed_are_the_plain_statistics(grid: dt.timedelta) -> None:
    rows, until = recorded(1), T0 + 190 * HOUR
    found = tumbling(rows, grid=grid, until=until)
    streamed = tumbling_stream(rows.lazy(), grid=grid, until=until).collect(engine="streaming")
    assert streamed.schema == STATISTICS
    assert_frame_equal(found, streamed.sort("point_id", "time"), rel_tol=1e-12, abs_tol=1e-9)
    good = rows.filter((pl.col("quality") == 2) & pl.col("value").is_finite())
    step = grid // dt.timedelta(microseconds=1)
    for point, time, count, mean, low, high, std, last in found.sample(min(40, found.height), seed=0).rows():
        end = time.timestamp() * 1e6
        us = pl.col("time").dt.epoch("us")
        values = good.filter((pl.col("point_id") == point) & (us >= end - step) & (us < end))["value"].to_numpy()
        assert count == len(values)
        assert (low, high, last) == (values.min(), values.max(), values[-1])
        assert mean == pytest.approx(values.mean(), rel=1e-12)
        assert std is None if count == 1 else std == pytest.approx(np.std(values, ddof=1), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(-500, 500), st.floats(0.1, 10))
def test_statistics_follow_scale_and_shift(seed: int, shift: float, scale: float) -> None:
    rows = recorded(seed, rows=60, points=1)
    moved = rows.with_columns(pl.col("value") * scale + shift)
    one, other = tumbling(rows, grid=6 * HOUR), tumbling(moved, grid=6 * HOUR)
    for name in ("mean", "min", "max", "last"):
        np.testing.assert_allclose(other[name], one[name].to_numpy() * scale + shift, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(other["std"], one["std"].to_numpy() * scale, rtol=1e-7, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 180))
def test_pieces_at_window_borders_give_the_whole(seed: int, cut: int) -> None:
    rows = recorded(seed, rows=100, points=2)
    border, until = T0 + (cut // 6 * 6) * HOUR, T0 + 204 * HOUR
    early, late = (rows.filter(part) for part in (pl.col("time") < border, pl.col("time") >= border))
    pieces = pl.concat([tumbling(part, grid=6 * HOUR, until=until) for part in (early, late)])
    assert_frame_equal(pieces.sort("point_id", "time"), tumbling(rows, grid=6 * HOUR, until=until))


def test_a_large_offset_does_not_eat_the_deviation() -> None:
    rows = frame([("t", hour / 100, 1e8 + hour % 2, 2) for hour in range(200)])
    assert tumbling(rows, grid=HOUR)["std"][0] == pytest.approx(np.std([0, 1] * 50, ddof=1), rel=1e-9)


def test_no_rows_have_no_windows() -> None:
    empty = frame([])
    assert tumbling(empty, grid=HOUR).schema == STATISTICS
    assert tumbling_stream(empty.lazy(), grid=HOUR, until=T0).collect().is_empty()
