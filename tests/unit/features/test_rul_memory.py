"""Memory of a life: closed forms, nothing from later rows, the same in any batch."""

import datetime as dt
import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.process import fit_regimes
from features.rul.memory import Memory, Spans, kernels

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NAMES = ("setting_1.level", "a.level", "b.level")


def life(values: list[float]) -> tuple[Floats, Floats, Ints]:
    """One signal, one row an hour."""
    n = len(values)
    return np.array(values)[:, None], np.arange(1.0, n + 1), np.zeros(n, dtype=np.int64)


def memory(*, regimes: bool = False) -> Memory:
    rows = np.repeat([[0.0], [10.0]], 20, axis=0)
    return Memory(
        spans=Spans((5.0, 10.0, 20.0, 40.0), (15.0, 30.0), 15.0),
        regimes=fit_regimes(rows, NAMES[:1]) if regimes else None,
        signals=NAMES[1:],
        centre=((1.0, 2.0), (101.0, 2.0)) if regimes else ((1.0, 2.0),),
        scale=((1.0, 4.0), (2.0, 4.0)) if regimes else ((1.0, 4.0),),
        weights=(((1.0, 0.0), (1.0, 2.0)),) * (2 if regimes else 1),
        offset=((0.0, 3.0),) * (2 if regimes else 1),
        remaining=(1,),
        cap=100.0,
    )


def test_slope_of_a_line_is_its_slope() -> None:
    found = kernels.slope(*life([3.0 + 0.5 * i for i in range(40)]), 15.0)
    np.testing.assert_allclose(found[20:, 0], 0.5, rtol=1e-9)
    assert np.isnan(found[:6]).all()


def test_slope_forgets_what_is_older_than_its_span() -> None:
    found = kernels.slope(*life([1e3] * 30 + [float(i) for i in range(20)]), 10.0)
    np.testing.assert_allclose(found[-1], 1.0, rtol=1e-9)


def test_mean_weighs_a_value_of_half_a_span_ago_by_e_to_the_minus_one() -> None:
    x, hours, first = life([1.0, 0.0])
    found = kernels.mean(x, hours * 5.0, first, 10.0)
    assert found[1, 0] == pytest.approx(np.exp(-1) / (1 + np.exp(-1)))


def test_spread_of_alternating_values_is_half_their_distance() -> None:
    np.testing.assert_allclose(kernels.spread(*life([0.0, 2.0] * 10), 10.0)[-1], 1.0)


def test_lag_takes_the_value_one_span_ago_and_none_that_is_too_old() -> None:
    x, hours, first = life([float(i) for i in range(10)])
    assert kernels.lagged(x, hours, first, 4.0)[:, 0].tolist()[4:] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    gap = np.array([1.0, 2.0, 30.0])
    assert np.isnan(kernels.lagged(x[:3], gap, first[:3], 4.0)).all()


def test_first_stretch_stands_still_when_it_is_over() -> None:
    assert kernels.first_stretch(*life([1.0, 3.0, 50.0, 70.0]), 2.0)[:, 0].tolist() == [1.0, 2.0, 2.0, 2.0]


def test_hours_below_a_step_are_counted() -> None:
    assert kernels.below(*life([5.0, 5.0, 1.0, 1.0, 9.0]), 3.0)[:, 0].tolist() == [0.0, 0.0, 1.0, 2.0, 2.0]


def test_missing_values_are_passed_over() -> None:
    x, hours, first = life([1.0, np.nan, 1.0, np.nan, 1.0])
    for kernel in (kernels.mean, kernels.expanding_mean, kernels.first_stretch):
        assert kernel(x, hours, first, 5.0)[:, 0].tolist() == [1.0] * 5
    assert np.isnan(kernels.mean(np.full((2, 1), np.nan), hours[:2], first[:2], 5.0)).all()


def test_a_signal_is_told_in_healthy_deviations_of_its_regime() -> None:
    rows = np.array([[0.0, 3.0, 2.0], [10.0, 105.0, 6.0], [5.0, 3.0, 2.0]])
    found = memory(regimes=True).normal(rows, NAMES)
    np.testing.assert_allclose(found[:2], [[2.0, 0.0], [2.0, 1.0]])
    assert np.isnan(found[2]).all()


def test_a_signal_that_never_moved_is_no_deviation() -> None:
    still = memory().from_json({**memory().to_json(), "scale": [[0.0, 4.0]]})
    assert still.normal(np.array([[0.0, 7.0, 2.0]]), NAMES).tolist() == [[0.0, 0.0]]


def test_linear_indices_weigh_by_the_regime_and_know_nothing_outside_of_it() -> None:
    weights, offset = np.array([[[1.0, 2.0]], [[10.0, 0.0]]]), np.array([[0.5], [0.0]])
    found = kernels.project(np.array([[1.0, 1.0]] * 3), np.array([0, 1, -1]), weights, offset)
    np.testing.assert_array_equal(found, [[3.5], [10.0], [np.nan]])


def test_every_column_has_a_name_of_its_own() -> None:
    one = memory()
    rows = np.ones((3, 3))
    hours, first = np.arange(3.0), np.zeros(3, dtype=np.int64)
    assert one.columns(rows, NAMES, hours, first).shape == (3, len(set(one.column_names())))
    assert one.index_columns(hours, hours, first).shape == (3, len(set(one.index_names())))
    assert "a.level.normal.slope_15h" in one.column_names()


def test_memory_survives_json() -> None:
    one = memory(regimes=True)
    assert Memory.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_spans_follow_the_class() -> None:
    spans = Spans.of_class((dt.timedelta(hours=30), dt.timedelta(hours=15)), dt.timedelta(hours=20))
    assert spans == Spans((5.0, 10.0, 20.0, 40.0), (15.0, 30.0), 20.0)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=3),
    cut=st.integers(1, 60),
)
def test_a_row_is_told_the_same_alone_in_a_batch_and_whatever_comes_later(
    seed: int, sizes: list[int], cut: int
) -> None:
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    values = np.where(rng.random((n, 3)) < 0.1, np.nan, rng.normal(size=(n, 3)))
    hours = np.concatenate([np.cumsum(rng.choice([1.0, 2.0, 20.0], size)) for size in sizes])
    starts = np.cumsum([0, *sizes[:-1]])
    first = np.repeat(starts, sizes).astype(np.int64)
    one = memory()
    whole = one.columns(values, NAMES, hours, first)
    for start, size in zip(starts, sizes, strict=True):
        end = start + min(cut, size)
        alone = one.columns(values[start:end], NAMES, hours[start:end], np.zeros(end - start, dtype=np.int64))
        np.testing.assert_array_equal(alone, whole[start:end])
