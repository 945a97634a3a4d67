"""The compiled walk against LightGBM itself."""

import functools

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.core.errors import DamagedArtefactError, UnfitError
from features.rul.scorer import Scorer

Floats = npt.NDArray[np.float64]

COLUMNS = 5
CATEGORIES = 2
KINDS: dict[str, dict[str, object]] = {
    "plain": {},
    "zero_as_missing": {"zero_as_missing": True},
    "no_missing": {"use_missing": False},
    "quantile": {"objective": "quantile", "alpha": 0.9},
    "dart": {"boosting": "dart"},
    "stumps": {"num_leaves": 2},
    "constant": {"min_data_in_leaf": 100_000},
    "categories": {"categories": CATEGORIES},
    "categories_zero_as_missing": {"categories": CATEGORIES, "zero_as_missing": True},
}
# Zero of LightGBM is everything up to float32 1e-35.
SPECIAL = [
    float("nan"),
    float("inf"),
    float("-inf"),
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    1e-35,
    float(np.float32(1e-35)),
    -1e-35,
    1.1e-35,
    1e300,
    -1e300,
    2.0**31,
    2.0**31 - 1,
    -1.0,
    -0.5,
    0.5,
    3.0,
    31.0,
    32.0,
    70.0,
]


def rows_of(rng: np.random.Generator, n: int) -> Floats:
    rows = rng.normal(size=(n, COLUMNS))
    rows[:, :CATEGORIES] = rng.integers(-2, 70, size=(n, CATEGORIES))
    special = rng.random(rows.shape) < 0.3
    rows[special] = rng.choice(SPECIAL, size=int(special.sum()))
    return rows


@functools.cache
def booster(kind: str) -> lgb.Booster:
    parameters = {
        "verbosity": -1,
        "num_threads": 1,
        "num_leaves": 12,
        "min_data_in_leaf": 5,
        "seed": 1,
        **KINDS[kind],
    }
    categories = int(str(parameters.pop("categories", 0)))
    rng = np.random.default_rng(5)
    rows = rows_of(rng, 600)
    # LightGBM keeps one bit for every number up to the largest category of the training rows.
    rows[:, :CATEGORIES] = np.where(np.abs(rows[:, :CATEGORIES]) < 100, rows[:, :CATEGORIES], np.nan)
    bounded = np.nan_to_num(np.clip(rows, -5, 5), nan=1.0)
    target = bounded[:, 2] + np.sin(bounded[:, 3]) + (bounded[:, 0] % 3) + (rows[:, 4] == 0)
    names: list[int] | str = list(range(categories)) if categories else "auto"
    data = lgb.Dataset(rows, target, params=parameters, categorical_feature=names)
    return lgb.train(parameters, data, num_boost_round=21)


@functools.cache
def scorer(kind: str) -> Scorer:
    return Scorer(booster(kind).model_to_string())


def same_bits(left: Floats, right: Floats) -> bool:
    return left.tobytes() == right.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_lightgbm_bit_for_bit(kind: str) -> None:
    rows = rows_of(np.random.default_rng(6), 700)

    assert not scorer(kind).native
    assert same_bits(scorer(kind).predict(rows), np.asarray(booster(kind).predict(rows, raw_score=True)))


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    row=st.lists(st.one_of(st.sampled_from(SPECIAL), st.floats()), min_size=COLUMNS, max_size=COLUMNS),
)
def test_any_single_row_scores_as_lightgbm_scores_it(kind: str, row: list[float]) -> None:
    rows = np.array([row])

    assert same_bits(scorer(kind).predict(rows), np.asarray(booster(kind).predict(rows, raw_score=True)))


def test_rows_do_not_influence_each_other() -> None:
    rows = rows_of(np.random.default_rng(7), 130)

    single = np.concatenate([scorer("plain").predict(rows[i : i + 1]) for i in range(len(rows))])

    assert same_bits(scorer("plain").predict(rows), single)


def test_random_forest_gives_the_mean_of_its_trees() -> None:
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(300, 3))
    parameters = {"verbosity": -1, "boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1, "num_threads": 1}
    forest = lgb.train(parameters, lgb.Dataset(rows, rows[:, 0]), num_boost_round=10)

    assert same_bits(Scorer(forest.model_to_string()).predict(rows), np.asarray(forest.predict(rows)))


def test_linear_trees_are_answered_by_lightgbm_itself() -> None:
    rows = np.random.default_rng(9).normal(size=(300, 2))
    parameters = {"verbosity": -1, "linear_tree": True, "num_threads": 1}
    forest = lgb.train(parameters, lgb.Dataset(rows, rows[:, 0], params=parameters), num_boost_round=3)
    linear = Scorer(forest.model_to_string())

    assert linear.native
    assert linear.features == 2
    assert same_bits(linear.predict(rows), np.asarray(forest.predict(rows, raw_score=True)))
    assert linear.contributions(rows) is None


def test_several_outputs_are_refused() -> None:
    rows = np.random.default_rng(9).normal(size=(90, 2))
    parameters = {"verbosity": -1, "objective": "multiclass", "num_class": 3, "num_threads": 1}
    forest = lgb.train(parameters, lgb.Dataset(rows, np.arange(90) % 3), num_boost_round=2)

    with pytest.raises(UnfitError, match="one output"):
        Scorer(forest.model_to_string())


def changed(kind: str, key: str, change: str) -> str:
    """The text of a model with the first value of the first `key` line replaced."""
    lines = booster(kind).model_to_string().split("\n")
    place = next(i for i, line in enumerate(lines) if line.startswith(f"{key}="))
    rest = lines[place].partition("=")[2].split(" ")
    lines[place] = f"{key}=" + " ".join([change, *rest[1:]])
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("kind", "key", "change"),
    [
        ("plain", "left_child", "0"),
        ("plain", "left_child", "99"),
        ("plain", "right_child", "-99"),
        ("plain", "split_feature", "5"),
        ("plain", "split_feature", "-1"),
        ("plain", "decision_type", "14"),
        ("plain", "leaf_value", ""),
        ("plain", "threshold", "0x"),
        ("plain", "num_leaves", "3"),
        ("plain", "max_feature_idx", "x"),
        ("categories", "cat_boundaries", "1"),
        ("categories", "cat_threshold", "1 2"),
    ],
)
def test_damaged_tree_is_an_error_and_never_a_walk(kind: str, key: str, change: str) -> None:
    with pytest.raises(DamagedArtefactError):
        Scorer(changed(kind, key, change))


def test_text_that_was_cut_is_an_error() -> None:
    text = booster("plain").model_to_string()

    for end in (0, 100, len(text) // 2, text.index("end of trees")):
        with pytest.raises(DamagedArtefactError):
            Scorer(text[:end])


def test_another_number_of_columns_is_refused() -> None:
    with pytest.raises(UnfitError, match="5 inputs"):
        scorer("plain").predict(np.zeros((2, 4)))


def test_no_rows_give_no_scores() -> None:
    assert scorer("plain").predict(np.zeros((0, COLUMNS))).shape == (0,)


@pytest.mark.parametrize("kind", ["plain", "zero_as_missing", "categories"])
def test_contributions_and_a_constant_add_up_to_the_score(kind: str) -> None:
    rows = rows_of(np.random.default_rng(10), 50)
    parts = scorer(kind).contributions(rows)
    assert parts is not None

    constant = scorer(kind).predict(rows) - parts.sum(axis=1)

    # LightGBM prints inner values with about six digits; 21 trees of values below 10.
    np.testing.assert_allclose(constant, constant[0], atol=1e-4)


def test_an_input_that_no_tree_uses_contributes_nothing() -> None:
    rng = np.random.default_rng(11)
    rows = rng.normal(size=(200, 2))
    rows[:, 1] = 1.0
    parameters = {"verbosity": -1, "num_threads": 1}
    forest = lgb.train(parameters, lgb.Dataset(rows, rows[:, 0]), num_boost_round=5)
    parts = Scorer(forest.model_to_string()).contributions(rows)
    assert parts is not None

    assert not parts[:, 1].any()
    assert parts[:, 0].any()
