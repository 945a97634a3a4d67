"""The transfer rung: what a handful of failed lives pass on, and the statements that stand on it."""

import dataclasses
import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from features.core.errors import DamagedArtefactError
from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint
from features.core.statements import HealthState, Prediction, Refusal, RefusalReason, Rung
from features.core.tables import FEATURE_ROWS
from features.core.units import Quantity
from features.registry import FeatureSet
from features.rul.artefact import Artefact, Calibration, Domain, load, save
from features.rul.condition import ConditionModel
from features.rul.ladder import Statement
from features.rul.predict import predict, predict_rows
from features.rul.transfer import Stage, TransferModel, spell_begin

Floats = npt.NDArray[np.float64]
WHOLE = Stage(0.0, math.log(100.0), 0.6, 6.0, 5, 6 / 7)
ALARMED = Stage(1.0, math.log(0.05), 0.8, 6.0, 5, 6 / 7)
MODEL = TransferModel((WHOLE, ALARMED), threshold=1.0, longest=180.0, lives=5)
AGE_ONLY = dataclasses.replace(MODEL, stages=(WHOLE,), threshold=0.0)


def life(n: int, alarm: int | None = None) -> tuple[Floats, Floats]:
    """Age and index at rows 1..n hours; the index passes the threshold at row `alarm`."""
    index = np.zeros(n)
    if alarm is not None:
        index[alarm:] = 1.2
    return np.arange(1.0, n + 1.0), index


def p50(model: TransferModel, n: int, alarm: int | None = None) -> float:
    age, index = life(n, alarm)
    return float(model.remaining(age, index, [n - 1]).quantile(0.5)[0])


@pytest.mark.parametrize("age", [1.0, 40.0, 100.0, 400.0])
def test_age_alone_is_the_lifetime_distribution_with_every_life_counted_once(age: float) -> None:
    """Oracle: T weighed by its density and by 1 / T, given T > age, on a fine grid of its own."""
    whole = np.geomspace(age * (1 + 1e-6), 1e5, 200_000)
    density = stats.t(WHOLE.freedom, WHOLE.centre, WHOLE.spread).pdf(np.log(whole)) / whole / whole
    mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(whole))])
    found = AGE_ONLY.remaining(np.array([age]), np.zeros(1), [0])
    for share in (0.1, 0.5, 0.9):
        expected = np.interp(share, mass / mass[-1], whole) - age
        assert found.quantile(share)[0] == pytest.approx(expected, rel=0.05)


def test_alarm_shortens_what_is_promised() -> None:
    assert p50(MODEL, 50, alarm=49) < 0.2 * p50(MODEL, 50)


def test_remaining_life_is_counted_down_after_the_alarm_and_outlived_lives_lengthen_it() -> None:
    # Typical lives fail 2.5 h after an alarm at 50 h; one that does not is of another kind.
    just, outlived = p50(MODEL, 51, alarm=50), p50(MODEL, 90, alarm=50)
    assert just < outlived < 60.0


def test_no_alarm_so_far_makes_a_very_short_remaining_life_unlikely() -> None:
    age, index = life(100)
    least = [model.remaining(age, index, [99]).quantile(0.05)[0] for model in (MODEL, AGE_ONLY)]
    assert least[0] > 1.5 * least[1]


@given(st.integers(1, 60), st.integers(0, 80), st.sampled_from([0.01, 1.0, 500.0]))
def test_answers_are_ordered_finite_and_follow_the_unit(n: int, alarm: int, unit: float) -> None:
    age, index = life(n, alarm)
    scaled = dataclasses.replace(
        MODEL, stages=(dataclasses.replace(WHOLE, centre=WHOLE.centre + math.log(unit)), ALARMED)
    )
    told, other = MODEL.remaining(age, index, range(n)), scaled.remaining(age * unit, index, range(n))
    low, middle, high = (told.quantile(share) for share in (0.1, 0.5, 0.9))
    assert np.isfinite(low).all()
    assert (low > 0).all()
    assert (low < middle).all()
    assert (middle < high).all()
    np.testing.assert_allclose(told.weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(other.quantile(0.5), middle * unit, rtol=1e-9)


def test_rows_to_come_change_nothing() -> None:
    age, index = life(60, alarm=30)
    index[40:50] = 0.1
    whole = MODEL.remaining(age, index, range(60)).quantile(0.5)
    one_by_one = [MODEL.remaining(age[: i + 1], index[: i + 1], [i]).quantile(0.5)[0] for i in range(60)]
    np.testing.assert_array_equal(whole, one_by_one)


def test_a_spell_survives_flicker_and_ends_at_half_the_level() -> None:
    index = np.array([np.nan, 0.4, 1.0, 0.6, 1.1, np.nan, 0.5, 0.9, 1.3])
    assert spell_begin(index, 1.0).tolist() == [-1, -1, 2, 2, 2, 2, -1, -1, 8]
    assert spell_begin(np.zeros(0), 1.0).tolist() == []


def test_unknown_age_gives_no_number() -> None:
    left = MODEL.remaining(np.array([np.nan, 2.0]), np.zeros(2), [0, 1])
    assert np.isnan(left.quantile(0.5)).tolist() == [True, False]
    assert np.isnan(left.mean(180.0)).tolist() == [True, False]


def test_mean_promises_no_more_than_the_longest_life() -> None:
    age, index = life(5)
    left = MODEL.remaining(age, index, range(5))
    assert (left.mean(MODEL.longest) < MODEL.longest).all()
    assert (left.mean(20.0) < left.mean(40.0)).all()


@pytest.mark.parametrize("stages", [(), (ALARMED,), (WHOLE, ALARMED, ALARMED)])
def test_stages_begin_at_installation_and_ascend(stages: tuple[Stage, ...]) -> None:
    with pytest.raises(ValueError, match="stages begin at installation"):
        TransferModel(stages, 1.0, 180.0, 5)


# Statements

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BAND = "vibration_h.octave_500hz_rms_m_s2"
SET = FeatureSet("bearing", ("age", BAND), ("h", "m/s^2"), "set1")
COMPONENT = Component(slot="DE", component_class="bearing")
POINT = MeasuringPoint(id="T", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="K")
MACHINE = Machine(id="P1", grid=HOUR, components=(COMPONENT,), measuring_points=(POINT,))
CLASS = ComponentClass(id="bearing", baseline=5 * HOUR, horizon=dt.timedelta(days=2))
ARTEFACT = Artefact(
    name="wearcast-rul-bearing",
    component_class="bearing",
    life_unit="running_h",
    rul_cap=500.0,
    fingerprint="set1",
    feature_names=SET.names,
    inputs=(BAND,),
    base={},
    forests={},
    calibration=Calibration(5, False),
    domain=Domain(),
    condition=ConditionModel((BAND,), 5, math.log(2.0), 0.0, 0.1, 3),
    class_prior={},
    trained_units=5,
    failed_units=5,
    as_of="2026-01-01T00:00:00+00:00",
    table_versions={},
    min_rows=3,
    transfer=MODEL,
)


def rows(levels: Sequence[float | None], **change: object) -> pl.DataFrame:
    """One feature row an hour with these vibration levels."""
    return FEATURE_ROWS.frame(
        [
            {
                "group": "area-1",
                "date": (START + step * HOUR).date(),
                "machine_id": "P1",
                "slot": "DE",
                "component_class": "bearing",
                "fingerprint": "set1",
                "time": START + step * HOUR,
                "available_at": START + step * HOUR,
                "running": True,
                "age": float(step),
                "age_known": True,
                "values": [float(step), level],
                "refusals": [] if level is not None else [f"{BAND}: saturated"],
            }
            | change
            for step, level in enumerate(levels, start=1)
        ]
    )


def ask(frame: pl.DataFrame, artefact: Artefact = ARTEFACT) -> Statement:
    return predict(
        artefact,
        frame,
        machine=MACHINE,
        component=COMPONENT,
        component_class=CLASS,
        life_number=1,
        model_name=artefact.name,
        model_version="1",
        as_of=frame["available_at"].to_list()[-1],
        features=SET,
    )


def test_a_model_in_rated_lives_refuses_a_part_that_has_no_rating_and_says_so() -> None:
    rated = dataclasses.replace(ARTEFACT, transfer=dataclasses.replace(MODEL, rated=True))
    refused = ask(rows([1.0] * 12), rated)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.MISSING_INPUT
    assert "add rated_life" in refused.detail


def number(statement: Statement) -> Prediction:
    assert isinstance(statement, Prediction)
    return statement


def test_statement_says_that_no_band_is_calibrated_and_how_many_lives_there_are() -> None:
    told = number(ask(rows([1.0] * 30)))
    assert (told.rung, told.calibration) == (Rung.TRANSFER, "not_calibrated(5 units)")
    assert (told.p10, told.p90) == (None, None)
    age = next(item for item in told.evidence if item.feature == "age")
    assert (age.value, age.unit) == (30.0, "h")
    assert age.reference == pytest.approx(100.0)


def test_statement_after_an_alarm_is_shorter() -> None:
    before, after = number(ask(rows([1.0] * 40))), number(ask(rows([1.0] * 30 + [3.0] * 10)))
    assert after.health_state is HealthState.MAINTENANCE_REQUIRED
    assert after.p50 < 0.3 * before.p50


def test_a_dead_sensor_is_refused_though_the_age_is_known() -> None:
    told = ask(rows([1.0] * 30 + [None]))
    assert isinstance(told, Refusal)
    assert told.reason is RefusalReason.SENSOR_FAULT


@pytest.mark.parametrize("level", [100.0, 0.001])
def test_a_machine_of_another_kind_is_refused(level: float) -> None:
    seen = Domain((0.5,), (4.0,), (1.0,), (0.1,), tolerated_share=1.0, names=(BAND,))
    artefact = dataclasses.replace(ARTEFACT, domain=seen)
    assert number(ask(rows([1.0] * 30), artefact)).rung is Rung.TRANSFER
    told = ask(rows([1.0] * 29 + [level]), artefact)
    assert isinstance(told, Refusal)
    assert told.reason is RefusalReason.OUT_OF_DOMAIN


def test_an_unknown_age_is_refused_and_the_condition_still_told() -> None:
    told = ask(rows([1.0] * 30 + [4.0] * 6, age=None))
    assert isinstance(told, Refusal)
    assert (told.reason, told.rung) == (RefusalReason.MISSING_INPUT, Rung.CONDITION)
    assert told.health_state is HealthState.MAINTENANCE_REQUIRED


def test_an_age_counted_from_the_first_row_is_no_age() -> None:
    told = ask(rows([1.0] * 30).with_columns(age_known=False))
    assert isinstance(told, Refusal)
    assert told.reason is RefusalReason.MISSING_INPUT


def test_along_a_life_every_row_is_told_as_if_it_had_been_the_newest() -> None:
    frame = rows([1.0] * 20 + [3.0] * 10)
    along = predict_rows(
        ARTEFACT,
        frame,
        machine=MACHINE,
        component=COMPONENT,
        component_class=CLASS,
        life_number=1,
        model_name=ARTEFACT.name,
        model_version="1",
        features=SET,
    )
    for i in (2, 15, 22, 29):
        newest = number(ask(frame.head(i + 1)))
        assert number(along[i]).p50 == newest.p50
        assert number(along[i]).mean == newest.mean


def test_artefact_comes_back_whole(tmp_path: Path) -> None:
    save(ARTEFACT, tmp_path)
    assert load(tmp_path) == ARTEFACT


def test_a_changed_stage_is_refused(tmp_path: Path) -> None:
    save(ARTEFACT, tmp_path)
    file = tmp_path / "artefact.json"
    text = file.read_text(encoding="utf-8").replace('"longest": 180.0', '"longest": 181.0')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DamagedArtefactError, match="was changed"):
        load(tmp_path)


def test_forests_and_transfer_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        dataclasses.replace(ARTEFACT, forests=dict.fromkeys(("mean", "p10", "p50", "p90"), "text"))
