"""Tables, intervals and test figures of the evaluation."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.core.errors import LeakageError
from features.core.lake import Lake
from pipelines.evaluation import Answers, bands_of
from pipelines.evaluation.bootstrap import resampled
from pipelines.evaluation.held_out import binomial_interval, figures_of_test
from pipelines.evaluation.last_row import last_row, levels
from pipelines.evaluation.looks import looks_so_far, take_look
from pipelines.evaluation.tables import accuracy, folds, honesty, lives, wins

Floats = npt.NDArray[np.float64]
NOW = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)


def answers(*, miss: float = 4.0, lives: int = 30, half_width: float | None = 5.0) -> Answers:
    """Lives of 100 down to 1, every one answered `miss` too late; a baseline that always says 30."""
    left = np.arange(100.0, 0.0, -1.0)
    rul = np.tile(left, lives)
    unit = np.repeat([f"M{i:02d}/DE#1" for i in range(lives)], left.size)
    said = np.minimum(rul, 80.0) + miss
    low, high = (None, None) if half_width is None else (said - half_width, said + half_width)
    return Answers(unit, rul, 80.0, said, low, said, high, {"constant": np.full(rul.size, 30.0)})


def test_interval_of_equal_lives_is_a_point() -> None:
    row = accuracy(answers(), seed=1).row(
        by_predicate=(pl.col("who") == "model") & (pl.col("truth") == "clipped"), named=True
    )
    assert (row["rmse"], row["rmse_low95"], row["rmse_high95"]) == pytest.approx((4.0, 4.0, 4.0))
    assert (row["mae"], row["bias"], row["lives"]) == pytest.approx((4.0, 4.0, 30))


def test_interval_covers_the_mean_of_lives_it_was_drawn_from() -> None:
    """Means of 40 lives, known spread: the half-width is near 1.96 sd / sqrt(40)."""
    unit = np.array([f"u{i:02d}" for i in range(40)])
    values = np.linspace(-1.0, 1.0, 40)
    found = resampled(unit, seed=3).mean(values)
    half = 1.96 * values.std() / math.sqrt(40)
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((-half, half), rel=0.1)


def test_rows_of_one_life_are_drawn_together() -> None:
    """Ten equal rows a life are no more evidence than one."""
    unit = np.array([f"u{i:02d}" for i in range(20)])
    values = np.arange(20.0)
    one, ten = (
        resampled(unit, seed=1).mean(values),
        resampled(np.repeat(unit, 10), seed=1).mean(np.repeat(values, 10)),
    )
    assert (ten.low, ten.high) == pytest.approx((one.low, one.high))


def test_same_seed_gives_the_same_interval_and_another_one_does_not() -> None:
    unit, values = np.array([f"u{i}" for i in range(9)]), np.arange(9.0) ** 2
    assert resampled(unit, seed=5).mean(values) == resampled(unit, seed=5).mean(values)
    assert resampled(unit, seed=5).mean(values) != resampled(unit, seed=6).mean(values)


@pytest.mark.parametrize("lives", [1, 2])
def test_too_few_lives_give_no_interval(lives: int) -> None:
    found = resampled(np.array(["a", "b"])[:lives], seed=1).mean(np.ones(lives))
    assert found.value == 1.0
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_long_life_weighs_more_only_where_rows_are_pooled() -> None:
    unit = np.array(["a", "b", "b", "b"])
    boot = resampled(unit, seed=1)
    assert boot.mean(np.array([4.0, 0.0, 0.0, 0.0])).value == 2.0
    assert boot.mean(np.array([4.0, 0.0, 0.0, 0.0]), pooled=True).value == 1.0


def test_rows_at_the_cap_do_not_flatter_the_highest_band() -> None:
    table = honesty(answers(), bands_of(80.0), seed=1)
    rows = {row["band"]: row for row in table.iter_rows(named=True)}
    assert list(rows) == ["low", "middle", "high", "cap", "below the cap", "all"]
    assert (rows["cap"]["rows"], rows["below the cap"]["rows"]) == (30 * 21, 30 * 79)
    assert rows["all"]["lives"] == 30
    assert rows["all"]["enough"]


def test_coverage_is_null_without_a_band_and_its_lives_are_counted() -> None:
    table = honesty(answers(half_width=None, lives=5), bands_of(80.0), seed=1)
    assert table["coverage80"].is_nan().all()
    assert not table["enough"].any()


def test_baseline_is_named_where_it_wins() -> None:
    assert set(wins(answers(), bands_of(80.0))["best"]) == {"model"}
    near = wins(answers(miss=25.0), bands_of(80.0))
    row = near.row(by_predicate=pl.col("band") == "middle", named=True)
    assert (row["best"], row["lives_won_by_constant"], row["lives_won_by_model"]) == ("constant", 30, 0)


def test_lives_are_listed_worst_first() -> None:
    said = answers(lives=3)
    worse = np.where(said.unit == "M01/DE#1", said.mean + 10.0, said.mean)
    table = lives(Answers(said.unit, said.rul, said.cap, worse, said.p10, said.p50, said.p90, said.baselines))
    assert table["life"][0] == "M01/DE#1"
    assert table["bias_model"][0] == pytest.approx(14.0)


def test_every_fold_of_every_repeat_has_a_row() -> None:
    said = answers(lives=4)
    fold = np.repeat(["0", "1", "0", "1"], 100)
    table = folds([(said, fold), (said, fold)])
    assert table.select("repeat", "fold").rows() == [(n, f) for n in (1, 2) for f in ("all", "0", "1")]
    assert table["lives"].to_list() == [4, 2, 2] * 2


def test_straight_line_is_found_through_its_own_row_only() -> None:
    names = ("age", "t.level_k", "t.level_k.slope_7d")
    x = np.column_stack([np.arange(50.0), np.full(50, 7.0)])
    unit = np.repeat(["a", "b"], 25)
    told = last_row(x, 60.0 - np.arange(50.0), unit, np.array([[10.0, 7.0], [np.nan, np.nan], [-500.0, 7.0]]))
    assert levels(names).tolist() == [0, 1]
    assert told[0] == pytest.approx(50.0, abs=1.0)
    assert told[1] == pytest.approx(60.0 - 24.5, abs=0.1)
    assert told[2] == 60.0, "never beyond what was taught"


def test_each_look_at_the_same_lives_is_counted_once_more(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    asked = {"test_set": "north", "by": "model 1", "now": NOW}
    first = take_look(lake, "bearing", units=["a", "b"], **asked)  # type: ignore[arg-type]
    again = take_look(lake, "bearing", units=["b", "a"], **asked)  # type: ignore[arg-type]
    other = take_look(lake, "bearing", units=["c"], **asked)  # type: ignore[arg-type]
    assert (first.number, again.number, other.number) == (1, 2, 1)
    assert (looks_so_far(lake, "bearing"), looks_so_far(lake, "gear")) == (3, 0)


def test_test_figures_are_not_had_for_lives_that_were_not_looked_at(tmp_path: Path) -> None:
    said = answers(lives=3)
    look = take_look(Lake(tmp_path), "bearing", test_set="t", units=["M00/DE#1"], by="m", now=NOW)
    with pytest.raises(LeakageError, match="M01/DE#1 is not in it"):
        figures_of_test(said, look, seed=1)


def test_test_figures_say_how_often_the_set_was_seen(tmp_path: Path) -> None:
    said = answers(lives=25)
    one = said.at(np.arange(99, 2500, 100))
    look = take_look(Lake(tmp_path), "bearing", test_set="t", units=one.unit.tolist(), by="m", now=NOW)
    found = figures_of_test(one, look, seed=1)
    assert (found["test_looks"], found["units_test"]) == (1, 25)
    assert (found["test_rmse_clip"], found["test_coverage80"]) == pytest.approx((4.0, 1.0))
    assert found["test_coverage80_low"] == pytest.approx(0.863, abs=0.001)
    assert found["test_score_clip"] == pytest.approx(25 * math.expm1(4.0 * 125 / 80 / 10))


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 40))
def test_binomial_interval_holds_the_share_that_was_seen(hits: int, n: int) -> None:
    hits = min(hits, n)
    low, high = binomial_interval(hits, n)
    assert 0.0 <= low <= hits / n <= high <= 1.0
    assert low < high
