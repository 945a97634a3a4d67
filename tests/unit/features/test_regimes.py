"""Regimes: clusters that are there are found, those that are not are not."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.process import Regimes, fit_regimes

NAN = float("nan")
DATA = Path(os.environ.get("PUBLIC_DATA", "../shared/data")) / "cmapss"
# Altitude in 1000 ft, Mach number, throttle resolver angle: A. Saxena et al., "Damage propagation modeling for
# aircraft engine run-to-failure simulation", PHM 2008, and the data set's readme: six conditions in FD002.
SIX = [(0, 0, 100), (10, 0.25, 100), (20, 0.7, 100), (25, 0.62, 60), (35, 0.84, 100), (42, 0.84, 100)]


def clusters(centres: list[tuple[float, ...]], rows: int = 200, noise: float = 0.01) -> np.ndarray:
    rng = np.random.default_rng(4)
    points = np.repeat(np.array(centres, dtype=np.float64), rows, axis=0)
    return np.asarray(points + noise * np.ptp(points, axis=0) * rng.standard_normal(points.shape))


@pytest.mark.public_data
@pytest.mark.skipif(not DATA.exists(), reason="no public data")
@pytest.mark.parametrize(("name", "expected"), [("FD001", SIX[:1]), ("FD002", SIX), ("FD004", SIX)])
def test_the_six_conditions_of_the_turbofans_are_found_exactly(
    name: str, expected: list[tuple[float, ...]]
) -> None:
    settings_of = np.loadtxt(DATA / f"train_{name}.txt", usecols=(2, 3, 4))
    found = fit_regimes(settings_of, ("setting_1", "setting_2", "setting_3"))
    np.testing.assert_allclose(found.centres, expected, atol=0.01)
    assigned = found.assign(settings_of)
    nearest = np.abs(settings_of[:, None] - np.array(expected)).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(assigned, nearest)


def test_clusters_are_found_in_ascending_order_and_rows_belong_to_them() -> None:
    rows = clusters([(20.0, 1.0), (10.0, 5.0), (10.0, 1.0)])
    found = fit_regimes(rows, ("speed", "pressure"))
    np.testing.assert_allclose(found.centres, [(10, 1), (10, 5), (20, 1)], atol=0.05)
    assert np.bincount(found.assign(rows)).tolist() == [200, 200, 200]


@pytest.mark.parametrize("shape", ["uniform", "normal", "constant"])
def test_noise_around_one_setting_is_one_regime(shape: str) -> None:
    rng = np.random.default_rng(1)
    of = {
        "uniform": rng.uniform(0, 1, (2000, 2)),
        "normal": rng.normal(0, 1, (2000, 2)),
        "constant": np.ones((50, 2)),
    }
    found = fit_regimes(of[shape], ("a", "b"))
    assert len(found.centres) == 1
    assert np.mean(found.assign(of[shape]) == 0) > 0.99


def test_rows_far_from_every_regime_and_rows_with_holes_belong_to_none() -> None:
    found = fit_regimes(clusters([(10.0, 1.0), (20.0, 1.5)]), ("a", "b"))
    assert found.assign(np.array([[15.0, 1.2], [20.0, NAN], [200.0, 1.5], [10.0, 1.0]])).tolist() == [
        -1,
        -1,
        -1,
        0,
    ]


def test_a_few_outliers_are_no_regime() -> None:
    rows = np.concatenate([clusters([(10.0,), (20.0,)]), [[500.0]]])
    found = fit_regimes(rows, ("a",))
    np.testing.assert_allclose(found.centres, [(10,), (20,)], atol=0.1)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 1000), st.floats(-100, 100), st.integers(0, 1000))
def test_regimes_do_not_depend_on_scale_shift_or_order(scale: float, shift: float, seed: int) -> None:
    rows = clusters([(1.0, 0.0), (2.0, 0.0), (2.0, 3.0)], rows=40)
    order = np.random.default_rng(seed).permutation(len(rows))
    one, other = fit_regimes(rows, ("a", "b")), fit_regimes(scale * (rows[order] + shift), ("a", "b"))
    np.testing.assert_allclose(
        scale * (np.array(one.centres) + shift), other.centres, rtol=1e-6, atol=1e-6 * scale
    )
    np.testing.assert_array_equal(one.assign(rows)[order], other.assign(scale * (rows[order] + shift)))


def test_regimes_survive_their_document() -> None:
    found = fit_regimes(clusters([(1.0,), (2.0,)]), ("a",))
    assert Regimes.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_nothing_is_learnt_from_nothing() -> None:
    with pytest.raises(ValueError, match="no row"):
        fit_regimes(np.full((3, 1), NAN), ("a",))
    with pytest.raises(ValueError, match=r"must be \[n, 2\]"):
        fit_regimes(np.ones((3, 1)), ("a", "b"))
