"""A million rows at and around every threshold of trained forests: the walk has LightGBM's bits."""

import functools
import itertools

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest

from features.rul.scorer import Scorer

Floats = npt.NDArray[np.float64]

INPUTS, CATEGORIES, ROWS = 4, 1, 250_000
# Missing types of LightGBM's decision types (bits 2 and 3): 0 none, 1 zero, 2 NaN.
KINDS: dict[str, tuple[dict[str, object], set[int]]] = {
    "none": ({"use_missing": False}, {0}),
    "zero": ({"zero_as_missing": True}, {1}),
    "nan": ({}, {2}),
    "categories": ({}, {2}),
}
TINY = float(np.float32(1e-35))
SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, TINY, -TINY, np.nextafter(TINY, 1), np.nextafter(-TINY, -1), 5e-324,
     np.finfo(np.float64).max, np.finfo(np.float64).min, np.finfo(np.float32).max, 2.0**31, 2.0**31 - 1, -1.0]
)  # fmt: skip


@functools.cache
def forest(kind: str) -> lgb.Booster:
    """A quantile forest of two columns with gaps and zeros, one without, and one of categories where wanted."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(900, INPUTS))
    x[:, 0] = rng.integers(0, 40, 900)
    x[rng.random(x.shape) < [0.2, 0.2, 0.2, 0.0]] = np.nan
    x[rng.random(x.shape) < [0.0, 0.2, 0.2, 0.0]] = 0.0
    y = np.nan_to_num(x, nan=0.7).sum(axis=1) + (x[:, 0] % 5) + np.isnan(x[:, 1]) + 2 * (x[:, 2] == 0)
    settings = {"verbosity": -1, "num_threads": 1, "num_leaves": 15, "min_data_in_leaf": 5, **KINDS[kind][0]}
    categories = list(range(CATEGORIES)) if kind == "categories" else "auto"
    data = lgb.Dataset(x, np.nan_to_num(y, nan=1.0), params=settings, categorical_feature=categories)
    return lgb.train(settings, data, num_boost_round=20)


def splits(text: str) -> list[tuple[int, float, int]]:
    """Input, threshold and decision type of every inner node."""
    lines = {
        key: [line.partition("=")[2].split() for line in text.splitlines() if line.startswith(f"{key}=")]
        for key in ("split_feature", "threshold", "decision_type")
    }
    columns = [itertools.chain.from_iterable(found) for found in lines.values()]
    return [(int(one), float(cut), int(kind)) for one, cut, kind in zip(*columns, strict=True)]


def edges(text: str, n: int) -> Floats:
    """Rows [n] in which every input goes through each of its thresholds, their neighbours and what is special.

    The inputs go at different paces, so that each meets all values of the others.
    """
    rows = np.empty((n, INPUTS))
    for number in range(INPUTS):
        cuts = np.unique([cut for one, cut, kind in splits(text) if one == number and not kind & 1])
        values = np.concatenate([cuts, np.nextafter(cuts, -np.inf), np.nextafter(cuts, np.inf), SPECIAL])
        if number < CATEGORIES:
            values = np.concatenate([values, np.arange(-2.0, 70.0), np.arange(40) + 0.5])
        pace = 2 * number + 1
        while np.gcd(pace, len(values)) != 1:
            pace += 2
        # One step more after each round: never the same company twice.
        steps = np.arange(n)
        rows[:, number] = values[(steps * pace + steps // len(values) * (number + 1)) % len(values)]
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_a_million_rows_at_every_threshold_score_as_lightgbm_scores_them(kind: str) -> None:
    booster = forest(kind)
    text = booster.model_to_string()
    numerical = {kind >> 2 & 3 for _, _, kind in splits(text) if not kind & 1}
    assert KINDS[kind][1] <= numerical
    assert any(kind & 1 for _, _, kind in splits(text)) == (kind == "categories")
    rows, scorer = edges(text, ROWS), Scorer(text)

    told = scorer.predict(rows)

    assert not scorer.native
    assert len(KINDS) * ROWS == 1_000_000
    assert np.unique(told).size > 1000
    assert told.tobytes() == np.asarray(booster.predict(rows, raw_score=True, num_threads=2)).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_32_bits_score_as_lightgbm_scores_them(kind: str) -> None:
    with np.errstate(over="ignore"):
        rows = edges(forest(kind).model_to_string(), 20_000).astype(np.float32)

    told = Scorer(forest(kind).model_to_string()).predict(np.asarray(rows, dtype=np.float64))

    assert told.tobytes() == np.asarray(forest(kind).predict(rows, raw_score=True, num_threads=1)).tobytes()
