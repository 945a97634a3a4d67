import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.core.errors import LeakageError
from features.rul.artefact import load, save
from features.rul.outputs import Engine
from features.rul.prior import fitted_prior
from pipelines.evaluation import evaluate
from pipelines.model import FitParameters, Fitted, fit, refuse_leaking
from pipelines.model.baselines import constant_median
from pipelines.model.boosting import life_weights
from pipelines.model.calibration import calibrate
from pipelines.model.crossfit import Labelled, held_out_answers
from pipelines.model.examples import cap_of, thinned
from pipelines.model.prior import Weibull, fit_weibull
from tests.unit.pipelines._examples import Examples, Floats, Life

AS_OF = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
SMALL = FitParameters(trees=40, quantile_trees=20, folds=4, leaves=7, feature_share=1.0, units_per_bin=5)
OCTAVE = "vibration_h.octave_1000hz_rms_m_s2"


def examples(lives: int = 28, *, suspended: int = 4, seed: int = 7) -> Examples:
    """Lives with a noisy precursor in the first input; the last ones are suspended."""
    rng = np.random.default_rng(seed)
    parts, rul, survived, age, unit, summary = [], [], [], [], [], []
    for number in range(lives):
        n = int(rng.integers(40, 100))
        left = np.arange(n, dtype=np.float64)[::-1]
        failed = number < lives - suspended
        level = np.exp(-left / 25 + 0.2 * rng.normal(size=n) + 0.1 * rng.normal())
        parts.append(np.stack([level, n - left, rng.normal(size=n), np.ones(n)], axis=1))
        rul.append(left if failed else np.full(n, np.nan))
        survived.append(np.full(n, np.nan) if failed else left)
        age.append(n - left)
        unit += [f"u{number:02d}"] * n
        summary.append(Life(f"u{number:02d}", 1.0, float(n), failed))
    x = np.concatenate(parts)
    time_us = np.arange(x.shape[0], dtype=np.int64) * 3_600_000_000
    return Examples(
        x,
        np.concatenate(rul),
        np.concatenate(survived),
        np.concatenate(age),
        np.array(unit),
        time_us,
        tuple(summary),
        names=(OCTAVE, "age", "noise", "constant"),
    )


def folds(data: Examples, k: int = 4) -> npt.NDArray[np.int64]:
    return np.asarray(np.unique(data.unit, return_inverse=True)[1] % k, dtype=np.int64)


def fitted(data: Examples, parameters: FitParameters = SMALL, fold: npt.NDArray[np.int64] | None = None) -> Fitted:
    return fit(
        data,
        parameters,
        fold=folds(data) if fold is None else fold,
        name="m",
        baseline_rows=10,
        as_of=AS_OF,
        table_versions={"feature_rows": 3},
    )


@pytest.fixture(scope="module")
def model() -> Fitted:
    return fitted(examples())


def test_random_row_split_is_refused() -> None:
    data = examples(lives=6, suspended=0)
    by_row = np.random.default_rng(0).integers(0, 4, data.unit.size)
    with pytest.raises(LeakageError, match="life u00"):
        fitted(data, fold=by_row)


def test_split_by_life_is_accepted() -> None:
    refuse_leaking(np.array(["a", "a", "b"]), np.array([1, 1, 0]))


def test_answers_to_unseen_lives_beat_the_baselines_and_are_covered(model: Fitted) -> None:
    assert model.out_of_fold is not None
    figures = evaluate(model.out_of_fold)
    assert figures["cv_rmse"] < 0.8 * min(
        figures["baseline_constant_median_rmse"], figures["baseline_weibull_age_rmse"]
    )
    assert 0.7 <= figures["cv_coverage80"] <= 0.97
    assert figures["units"] == 24


def test_quantiles_do_not_cross_and_are_never_negative(model: Fitted) -> None:
    said = Engine(model.artefact).answer(examples(seed=8).x[:, :3])
    assert (said.p10 >= 0).all()
    assert (said.p10 <= said.p50).all()
    assert (said.p50 <= said.p90).all()


def test_ten_thousand_random_rows_cross_no_quantiles(model: Fitted) -> None:
    # Offsets that narrow the band by more than it is wide: without care P10 would lie above P50.
    narrow = dataclasses.replace(model.artefact.calibration, edges=(), low=(-9.0,), high=(-9.0,))
    rng = np.random.default_rng(1)
    # Half of them where lives were, half far outside.
    rows = np.stack([rng.exponential(0.5, 10_000), rng.uniform(0, 100, 10_000), rng.normal(size=10_000)], axis=1)
    rows[5000:] *= 10.0 ** rng.uniform(-2, 4, size=(5000, 3))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    for artefact in (model.artefact, dataclasses.replace(model.artefact, calibration=narrow)):
        told = Engine(artefact).answer(rows)
        assert np.count_nonzero((told.p10 > told.p50) | (told.p50 > told.p90)) == 0
        assert (np.isfinite(told.p10) & np.isfinite(told.p90) & (told.p10 >= 0)).all()


def test_artefact_says_what_it_stands_on(model: Fitted) -> None:
    artefact = model.artefact
    assert artefact.inputs == (OCTAVE, "age", "noise")
    assert (artefact.trained_units, artefact.failed_units) == (28, 24)
    assert artefact.calibration.calibrated
    assert artefact.calibration.units == 24
    assert artefact.rul_cap == 60.0
    assert artefact.condition is not None
    assert artefact.condition.voters == (OCTAVE,)


def test_artefact_survives_the_disk(model: Fitted, tmp_path: Path) -> None:
    save(model.artefact, tmp_path)
    assert load(tmp_path) == model.artefact


def test_same_examples_give_the_same_bytes(model: Fitted) -> None:
    again = fitted(examples())
    assert again.artefact == model.artefact


@pytest.mark.parametrize("number", [0, 3])
def test_fold_answered_is_untouched_by_its_own_truth(model: Fitted, number: int) -> None:
    """Truths of one fold are spoilt: no answer to that fold may notice, at no step of the fit."""
    data = examples()
    fold = folds(data)
    spoilt = dataclasses.replace(data, rul=np.where(fold == number, 59.0 - np.minimum(data.rul, 59.0), data.rul))
    other = fitted(spoilt).out_of_fold
    assert other is not None
    assert model.out_of_fold is not None
    held = other.fold == number
    for output in ("mean", "p50"):
        np.testing.assert_array_equal(getattr(other, output)[held], getattr(model.out_of_fold, output)[held])
        assert not np.array_equal(getattr(other, output)[~held], getattr(model.out_of_fold, output)[~held])


def test_band_of_a_fold_is_calibrated_by_the_other_folds_only() -> None:
    data = examples(suspended=0)
    rows = Labelled(data.x, data.rul, np.isfinite(data.rul), data.age, data.unit, folds(data), data.lives, 60.0)
    guess = np.full(data.unit.size, 30.0)
    scores = {"mean": guess, "p10": guess - 1, "p50": guess, "p90": guess + 1}
    quantiles = np.stack([scores["p10"], scores["p50"], scores["p90"]])
    spoilt = dataclasses.replace(rows, rul=np.where(rows.fold == 1, 30.0, rows.rul))
    before = held_out_answers(rows, scores, quantiles, 60.0, SMALL)
    after = held_out_answers(spoilt, scores, quantiles, 60.0, SMALL)
    held = rows.fold == 1
    np.testing.assert_array_equal(after["p10"][held], before["p10"][held])
    assert (after["p10"][~held] > before["p10"][~held]).all()


def test_domain_is_the_range_of_failed_lives(model: Fitted) -> None:
    data = examples()
    failed = np.isfinite(data.rul)
    assert model.artefact.domain.high[1] == data.age[failed].max()
    assert model.artefact.domain.low[1] == data.age[failed].min()
    assert model.artefact.domain.present == (1.0, 1.0, 1.0)


def test_few_failed_lives_give_numbers_but_no_band() -> None:
    model = fitted(examples(lives=8, suspended=0))
    assert model.artefact.forests
    assert not model.artefact.calibration.calibrated
    assert model.out_of_fold is not None
    assert model.out_of_fold.p10 is None


def test_fewer_than_three_failed_lives_give_no_forest() -> None:
    model = fitted(examples(lives=6, suspended=4))
    assert (model.artefact.forests, model.artefact.inputs, model.out_of_fold) == ({}, (), None)
    assert model.artefact.condition is not None
    assert model.artefact.failed_units == 2
    # What is left to say is the life of the class by age.
    prior = fitted_prior(model.artefact)
    assert prior is not None
    assert (prior.shape, prior.failures) == (10 / 9, 2)


def test_cap_is_learnt_from_lives_outside_the_fold_only() -> None:
    data = dataclasses.replace(examples(), declared_cap=None)
    rows = Labelled(data.x, data.rul, np.isfinite(data.rul), data.age, data.unit, folds(data), data.lives, None)
    outside = [life.duration for life in data.lives if life.failed and int(life.unit[1:]) % 4 != 1]
    assert rows.cap_without(1) == np.median(outside)


def test_cap_without_any_failure_is_the_longest_life() -> None:
    lives = [Life("a", 0.0, 5.0, False), Life("b", 0.0, 9.0, False), Life("c", 0.0, float("nan"), True)]
    assert cap_of(lives, None) == 9.0
    assert cap_of([], None) == float("inf")


def test_thinning_keeps_the_end_of_every_life() -> None:
    unit = np.array(["a"] * 10 + ["b"] * 3)
    assert np.flatnonzero(thinned(unit, 4)).tolist() == [0, 3, 6, 9, 10, 11, 12]


def test_every_life_weighs_the_same() -> None:
    weights = life_weights(np.array(["a", "a", "a", "b"]))
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2.0])


def band(n: int, *, units: int, half_width: float) -> tuple[Floats, Floats, npt.NDArray[np.str_]]:
    """Truth 0..n spread over units, P50 equal to it, P10 and P90 half_width away."""
    truth = np.linspace(0, 100, n)
    quantiles = np.stack([truth - half_width, truth, truth + half_width])
    return truth, quantiles, np.array([f"u{i % units:02d}" for i in range(n)])


def test_offsets_widen_a_band_that_misses_by_a_known_distance() -> None:
    truth, quantiles, unit = band(200, units=25, half_width=-3.0)
    found = calibrate(truth, quantiles, unit, 100.0, SMALL, np.unique(unit).size)
    assert found.calibrated
    assert found.edges == (20.0, 40.0)
    np.testing.assert_allclose(found.low + found.high, 3.0)


def test_offsets_narrow_a_band_that_is_too_wide() -> None:
    truth, quantiles, unit = band(200, units=25, half_width=5.0)
    np.testing.assert_allclose(calibrate(truth, quantiles, unit, 100.0, SMALL, np.unique(unit).size).low, -5.0)


def test_bins_with_too_few_lives_are_joined() -> None:
    truth, quantiles, unit = band(200, units=25, half_width=1.0)
    few = dataclasses.replace(SMALL, units_per_bin=26)
    assert calibrate(truth, quantiles, unit, 100.0, few, np.unique(unit).size).edges == ()


def test_too_few_lives_are_not_calibrated() -> None:
    truth, quantiles, unit = band(200, units=19, half_width=1.0)
    found = calibrate(truth, quantiles, unit, 100.0, SMALL, np.unique(unit).size)
    assert (found.calibrated, found.units, found.low, found.high) == (False, 19, (0.0,), (0.0,))


def test_one_long_life_does_not_set_the_offset() -> None:
    """24 lives miss by 1 with one row each, one life misses by 9 with 76 rows: it is one life of 25."""
    unit = np.array([f"u{i:02d}" for i in range(24)] + ["long"] * 76)
    truth = np.full(100, 50.0)
    miss = np.array([1.0] * 24 + [9.0] * 76)
    found = calibrate(
        truth, np.stack([truth + miss, truth + miss, truth + miss]), unit, 100.0, SMALL, np.unique(unit).size
    )
    assert found.low == (1.0,)


def test_weibull_without_censoring_finds_the_parameters_of_its_quantiles() -> None:
    share = (np.arange(400) + 0.5) / 400
    ages = 1000.0 * (-np.log1p(-share)) ** (1 / 2.5)
    found = fit_weibull([Life(str(i), 0.0, float(age), True) for i, age in enumerate(ages)])
    assert found is not None
    assert found.shape == pytest.approx(2.5, rel=0.02)
    assert found.scale == pytest.approx(1000.0, rel=0.01)


def test_weibull_takes_suspensions_as_survived_and_late_entries_as_given() -> None:
    """Quantiles of a known Weibull, suspended at 800 or first seen at 400: both leave the parameters."""
    share = (np.arange(2000) + 0.5) / 2000
    ages = 1000.0 * (-np.log1p(-share)) ** (1 / 2.5)
    censored = [Life(str(i), 0.0, min(float(age), 800.0), bool(age <= 800)) for i, age in enumerate(ages)]
    truncated = [Life(str(i), 400.0, float(age), True) for i, age in enumerate(ages) if age > 400]
    for lives in (censored, truncated):
        found = fit_weibull(lives)
        assert found is not None
        assert found.shape == pytest.approx(2.5, rel=0.03)
        assert found.scale == pytest.approx(1000.0, rel=0.02)


def test_weibull_needs_three_failures_of_known_age() -> None:
    lives = [Life("a", 0.0, 5.0, True), Life("b", 0.0, 6.0, True), Life("c", 0.0, float("nan"), True)]
    assert fit_weibull(lives) is None


def test_exponential_life_has_no_memory() -> None:
    residual = Weibull(1.0, 100.0).mean_residual(np.array([0.0, 50.0, 500.0]), 1e4)
    np.testing.assert_allclose(residual, 100.0, rtol=0.02)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.5, 5), st.floats(10, 1e5), st.floats(0, 3))
def test_mean_residual_life_lies_between_nothing_and_the_cap(shape: float, scale: float, share: float) -> None:
    cap = scale / 2
    (found,) = Weibull(shape, scale).mean_residual(np.array([share * scale]), cap)
    assert 0 <= found <= cap * (1 + 1e-9)


def test_constant_baseline_is_the_median_over_lives() -> None:
    unit = np.array(["a", "a", "a", "b"])
    assert constant_median(np.array([1.0, 1.0, 1.0, 9.0]), np.array([1.0, 1.0, 1.0, 4.0]), 2).tolist() == [
        9.0,
        9.0,
    ]
    assert life_weights(unit).sum() == pytest.approx(4.0)


def test_parts_that_lived_on_past_the_cap_teach_that_they_did() -> None:
    data = examples(suspended=0)
    spoilt = np.isin(data.unit, [life.unit for life in data.lives[14:]])
    long = dataclasses.replace(
        data,
        rul=np.where(spoilt, np.nan, data.rul),
        survived=np.where(spoilt, 1000.0, np.nan),
        x=np.where(spoilt[:, None], np.array([9.0, 1.0, 0.0, 1.0]), data.x),
        lives=tuple(dataclasses.replace(life, failed=number < 14) for number, life in enumerate(data.lives)),
    )
    lived = np.array([[9.0, 1.0, 0.0]])
    assert Engine(fitted(long).artefact).answer(lived).p50[0] > 50.0
    short = dataclasses.replace(long, survived=np.where(spoilt, 30.0, np.nan))
    assert Engine(fitted(short).artefact).answer(lived).p50[0] < 20.0


def test_parts_that_did_not_fail_are_no_evidence_behind_a_band() -> None:
    truth, unit = np.arange(60.0), np.repeat(np.arange(30), 2).astype(str)
    found = calibrate(truth, np.stack([truth] * 3), unit, 100.0, SMALL, SMALL.calibrated_from - 1)
    assert (found.calibrated, found.units) == (False, SMALL.calibrated_from - 1)
