"""Fitting the transfer rung, and who has the word when lives are few."""

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest

from features.core.errors import LeakageError
from pipelines.model import FitParameters, Fitted, fit
from pipelines.model.transfer import Passage, fit_stages, fit_transfer
from tests.unit.pipelines._examples import Examples, Life

BANDS = tuple(f"vibration_h.octave_{hz}hz_rms_m_s2" for hz in (500, 1000, 2000))
SMALL = FitParameters(trees=40, quantile_trees=10, folds=4, leaves=7, feature_share=1.0)


def passage(name: str, hours: float, alarm_at: float | None, *, failed: bool = True, n: int = 200) -> Passage:
    age = np.linspace(hours / n, hours, n)
    index = np.zeros(n) if alarm_at is None else np.where(age >= alarm_at, 1.2, 0.0)
    return Passage(name, age, index, hours, failed)


LIVES = [passage("a", 100.0, 95.0), passage("b", 200.0, 180.0), passage("c", 50.0, 48.0)]


def test_stages_are_the_logarithms_of_what_was_left() -> None:
    found = fit_stages(LIVES, 1.0)
    assert found is not None
    assert [stage.level for stage in found.stages] == [0.0, 1.0]
    assert found.stages[0].centre == pytest.approx(np.log([100.0, 200.0, 50.0]).mean())
    shares = [5.0 / 95.0, 20.0 / 180.0, 2.0 / 48.0]
    assert found.stages[1].centre == pytest.approx(np.log(shares).mean(), abs=0.02)
    assert (found.lives, found.longest) == (3, 200.0)


def test_spread_is_the_prior_and_the_lives_and_how_well_their_mean_is_known() -> None:
    found = fit_stages(LIVES, 0.0)
    assert found is not None
    logs = np.log([100.0, 200.0, 50.0])
    # Three lives and a prior of two with the spread of a Weibull slope of 10/9: four degrees of freedom.
    prior = math.pi / math.sqrt(6.0) * 0.9
    squares = ((logs - logs.mean()) ** 2).sum() + 2 * prior**2
    assert found.stages[0].freedom == 4.0
    assert found.stages[0].spread == pytest.approx(math.sqrt(squares / 4.0) * math.sqrt(1.0 + 1.0 / 3.0))


def test_few_lives_are_spread_wider_than_many_alike() -> None:
    few, many = fit_stages(LIVES, 0.0), fit_stages(LIVES * 6, 0.0)
    assert few is not None
    assert many is not None
    assert few.stages[0].spread > 1.2 * many.stages[0].spread
    assert few.stages[0].freedom < many.stages[0].freedom


def test_suspended_lives_lengthen_what_is_expected() -> None:
    suspended = [passage(f"s{i}", 150.0, None, failed=False) for i in range(3)]
    with_them, without = fit_stages(LIVES + suspended, 1.0), fit_stages(LIVES, 1.0)
    assert with_them is not None
    assert without is not None
    assert with_them.stages[0].centre > without.stages[0].centre + 0.3
    assert with_them.stages[0].lives == 3
    # None of them was alarmed, so they say nothing of what an alarm leaves.
    assert with_them.stages[1].centre == without.stages[1].centre


def test_a_suspension_at_once_says_nothing() -> None:
    short = passage("s", 1e-3, None, failed=False)
    with_it, without = fit_stages([*LIVES, short], 1.0), fit_stages(LIVES, 1.0)
    assert with_it is not None
    assert without is not None
    assert with_it.stages[0].centre == pytest.approx(without.stages[0].centre, abs=0.05)


def test_lives_without_precursor_make_an_alarm_less_certain() -> None:
    sudden = [passage(f"x{i}", 90.0, None) for i in range(3)]
    found = fit_stages(LIVES + sudden, 1.0)
    assert found is not None
    assert found.stages[1].reached == pytest.approx(4.0 / 8.0)


def test_a_stage_of_one_life_is_not_told_and_one_failure_is_too_few() -> None:
    quiet = [passage("a", 100.0, 95.0), passage("b", 200.0, None)]
    found = fit_stages(quiet, 1.0)
    assert found is not None
    assert len(found.stages) == 1
    assert fit_stages([LIVES[0], passage("b", 200.0, None, failed=False)], 1.0) is None
    assert fit_stages([dataclasses.replace(one, duration=math.nan) for one in LIVES], 1.0) is None


def examples(lives: int, *, told: bool) -> Examples:
    """Lives that double their levels for the last tenth; `told`: one input is the remaining life itself."""
    rng = np.random.default_rng(3)
    parts, rul, age, unit, summary = [], [], [], [], []
    for number in range(lives):
        n = int(rng.integers(60, 160))
        left = np.arange(n, dtype=np.float64)[::-1]
        level = np.where(left < n // 10, 2.5, 1.0)[:, None] * np.exp(0.05 * rng.normal(size=(n, 3)))
        parts.append(np.column_stack([level, left if told else rng.normal(size=n)]))
        rul.append(left)
        age.append(n - left)
        unit += [f"u{number:02d}"] * n
        summary.append(Life(f"u{number:02d}", 1.0, float(n), True))
    x = np.concatenate(parts)
    time_us = np.arange(x.shape[0], dtype=np.int64) * 3_600_000_000
    survived = np.full(x.shape[0], np.nan)
    return Examples(
        x,
        np.concatenate(rul),
        survived,
        np.concatenate(age),
        np.array(unit),
        time_us,
        tuple(summary),
        names=(*BANDS, "tell_tale"),
        declared_cap=None,
    )


def fitted(data: Examples, parameters: FitParameters = SMALL, by_row: bool = False) -> Fitted:
    place = np.arange(data.unit.size) if by_row else np.unique(data.unit, return_inverse=True)[1]
    return fit(
        data,
        parameters,
        fold=np.asarray(place % 4, dtype=np.int64),
        name="m",
        baseline_rows=10,
        as_of=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        table_versions={},
    )


def test_few_lives_speak_by_stages_where_forests_answer_no_better() -> None:
    found = fitted(examples(6, told=False))
    assert found.artefact.transfer is not None
    assert (found.artefact.forests, found.artefact.inputs) == ({}, BANDS)
    assert (found.artefact.calibration.units, found.artefact.calibration.calibrated) == (6, False)
    assert found.artefact.transfer.lives == 6
    assert len(found.artefact.transfer.stages) > 1
    assert found.out_of_fold is not None
    assert set(found.out_of_fold.unit) == {f"u{i:02d}" for i in range(6)}


def test_answers_are_of_rows_of_lives_that_the_stages_did_not_learn_from() -> None:
    data = examples(6, told=False)
    fold = np.asarray(np.unique(data.unit, return_inverse=True)[1] % 4, dtype=np.int64)
    found = fit_transfer(data, SMALL, condition=None, fold=fold, baseline_rows=10, rival=None)
    assert found is not None
    np.testing.assert_array_equal(data.rul[found.rows], found.out_of_fold.rul)
    lives = tuple(
        dataclasses.replace(one, duration=one.duration * 9) if one.unit == "u00" else one for one in data.lives
    )
    longer = dataclasses.replace(data, lives=lives)
    again = fit_transfer(longer, SMALL, condition=None, fold=fold, baseline_rows=10, rival=None)
    assert again is not None
    mine = found.out_of_fold.unit == "u00"
    np.testing.assert_array_equal(again.out_of_fold.p50[mine], found.out_of_fold.p50[mine])


def test_stages_know_where_their_lives_were() -> None:
    data = examples(6, told=False)
    domain = fitted(data).artefact.domain
    assert domain.names == BANDS
    highest = data.x[:, :3].max(axis=0)
    assert (np.array(domain.high) > highest).all()
    assert (np.array(domain.high) < 3 * highest).all()
    assert domain.tolerated_share == 0.5


def test_stages_name_their_lives() -> None:
    past = fitted(examples(6, told=False)).artefact.past
    assert past is not None
    assert (set(past.inputs), len(past.lives)) == (set(BANDS), 6)


def test_a_life_of_unknown_age_tells_no_stage_and_is_given_no_number() -> None:
    data = examples(6, told=False)
    lives = tuple(
        dataclasses.replace(one, entry=math.nan, duration=math.nan) if one.unit == "u02" else one
        for one in data.lives
    )
    found = fitted(dataclasses.replace(data, lives=lives))
    assert found.artefact.transfer is not None
    assert found.artefact.transfer.lives == 5
    assert found.out_of_fold is not None
    assert set(found.out_of_fold.unit) == {"u00", "u01", "u03", "u04", "u05"}


def test_a_stage_that_began_at_an_unknown_age_says_nothing() -> None:
    late = dataclasses.replace(LIVES[0], age=np.where(LIVES[0].age < 96.0, np.nan, LIVES[0].age))
    found, without = fit_stages([late, *LIVES[1:]], 1.0), fit_stages(LIVES[1:], 1.0)
    assert found is not None
    assert without is not None
    assert found.stages[1].centre == without.stages[1].centre
    assert np.isfinite([stage.centre for stage in found.stages]).all()


def test_forests_that_answer_unseen_lives_better_keep_the_word() -> None:
    found = fitted(examples(6, told=True))
    assert found.artefact.transfer is None
    assert found.artefact.forests


def test_no_stages_from_as_many_lives_as_a_band_needs() -> None:
    found = fitted(examples(6, told=False), dataclasses.replace(SMALL, calibrated_from=6))
    assert found.artefact.transfer is None


def test_two_failed_lives_are_too_few() -> None:
    assert fitted(examples(2, told=False)).artefact.transfer is None


def test_a_life_in_two_folds_is_refused() -> None:
    with pytest.raises(LeakageError, match="life u00"):
        fitted(examples(5, told=False), dataclasses.replace(SMALL, forests_from=99), by_row=True)
