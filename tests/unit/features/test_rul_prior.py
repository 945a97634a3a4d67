"""Remaining life by age alone: the numbers, where they come from, and when they are told."""

import dataclasses
import datetime as dt
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from features.core.errors import PlantError
from features.core.plant import (
    Component,
    ComponentClass,
    LifePrior,
    LifeUnit,
    Limits,
    Machine,
    MeasuringPoint,
    read_plant,
)
from features.core.statements import HealthState, Prediction, Refusal, RefusalReason, Rung
from features.core.tables import FEATURE_ROWS
from features.core.units import Quantity
from features.registry import FeatureSet
from features.rul.artefact import Artefact, Calibration, Domain
from features.rul.predict import predict, predict_rows
from features.rul.prior import AgePrior, age_prior
from features.rul.rows import from_row, to_row

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
COMPONENT = Component(slot="DE", component_class="bearing")
MACHINE = Machine(
    id="P1",
    grid=HOUR,
    components=(COMPONENT,),
    measuring_points=(
        MeasuringPoint(id="T", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="K"),
    ),
)
CLASS = ComponentClass(id="bearing", horizon=dt.timedelta(days=2))
DECLARED = CLASS.model_copy(update={"prior": LifePrior(shape=2.0, median_life=1000.0)})
MODES = {
    "failures.outer_race": 21.0,
    "shape.outer_race": 3.0,
    "scale.outer_race": 1500.0,
    "failures.cage": 12.0,
    "shape.cage": 0.8,
    "scale.cage": 4000.0,
}
FITTED: dict[str, float | None] = {"shape": 2.0, "scale": 1200.0, "median_life": 999.0, "failures": 43.0, **MODES}
ARTEFACT = Artefact(
    name="wearcast-rul-bearing",
    component_class="bearing",
    life_unit="running_h",
    rul_cap=500.0,
    fingerprint="set1",
    feature_names=("x",),
    inputs=(),
    base={},
    forests={},
    calibration=Calibration(43, calibrated=False),
    domain=Domain(),
    condition=None,
    class_prior=FITTED,
    trained_units=60,
    failed_units=44,
    as_of="2026-01-01T00:00:00+00:00",
    table_versions={},
    min_rows=3,
)


def rows(*ages: float | None, **change: object) -> pl.DataFrame:
    made = []
    for step, age in enumerate(ages, 1):
        time = START + step * HOUR
        made.append(
            {
                "group": "area-1",
                "date": time.date(),
                "machine_id": "P1",
                "slot": "DE",
                "component_class": "bearing",
                "fingerprint": "set1",
                "time": time,
                "available_at": time,
                "running": True,
                "age": age,
                "age_known": True,
                "values": [None],
                "refusals": ["x: no_input"],
            }
            | change
        )
    return FEATURE_ROWS.frame(made)


def ask(
    frame: pl.DataFrame,
    component_class: ComponentClass = DECLARED,
    artefact: Artefact | None = None,
    *,
    later: dt.timedelta = dt.timedelta(0),
) -> Prediction | Refusal:
    return predict(
        artefact,
        frame,
        machine=MACHINE,
        component=COMPONENT,
        component_class=component_class,
        life_number=1,
        model_name="",
        model_version="",
        as_of=frame["available_at"].to_list()[-1] + later,
    )


def predicted(statement: Prediction | Refusal) -> Prediction:
    assert isinstance(statement, Prediction)
    return statement


def refused(statement: Prediction | Refusal) -> Refusal:
    assert isinstance(statement, Refusal)
    return statement


def test_exponential_lives_have_no_memory() -> None:
    prior = AgePrior(1.0, 100.0, 5, is_declared=False)
    for age in (0.0, 50.0, 500.0, 50_000.0):
        assert prior.remaining(age) == pytest.approx((100.0, 100.0 * math.log(2.0)))


@pytest.mark.parametrize("shape", [0.5, 1.7, 4.0, 20.0])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0, 2.0, 5.0])
def test_mean_and_median_are_those_of_the_survivors(shape: float, share: float) -> None:
    """Against quantiles of the lives that remain: the cumulative hazard ahead is exponential."""
    prior, age = AgePrior(shape, 100.0, 5, is_declared=False), 100.0 * share
    hazard = -np.log1p(-(np.arange(200_000) + 0.5) / 200_000)
    lives = 100.0 * ((age / 100.0) ** shape + hazard) ** (1 / shape)
    mean, median = prior.remaining(age)
    assert mean == pytest.approx(float(lives.mean()) - age, rel=2e-3)
    assert median == pytest.approx(float(np.median(lives)) - age, rel=1e-4)


@settings(deadline=None)
@given(st.floats(0.2, 20), st.floats(1e-2, 1e6), st.floats(0, 1e9))
@example(20.0, 1e-2, 1e9)
@example(0.2, 1e6, 0.0)
@example(20.0, 1e5, 1e-12)
@example(1.0, 2.0, 5e-324)
def test_what_is_left_is_finite_and_never_negative(shape: float, scale: float, age: float) -> None:
    mean, median = AgePrior(shape, scale, 5, is_declared=False).remaining(age)
    assert math.isfinite(mean)
    assert math.isfinite(median)
    assert mean >= 0
    assert median >= 0


@pytest.mark.parametrize("shape", [0.4, 1.5, 6.0])
def test_both_ways_to_the_mean_agree_where_they_meet(shape: float) -> None:
    prior = AgePrior(shape, 100.0, 5, is_declared=False)
    before, after = (prior.remaining(100.0 * spent ** (1 / shape))[0] for spent in (99.999, 100.001))
    assert before == pytest.approx(after, rel=1e-4)


def test_a_declared_life_speaks_without_any_model() -> None:
    told = predicted(ask(rows(299.0, 300.0)))

    scale = 1000.0 / math.sqrt(math.log(2.0))
    assert (told.rung, told.life_unit, told.calibration) == (
        Rung.CLASS_PRIOR,
        "running_h",
        "not_calibrated(0 units)",
    )
    assert (told.p10, told.p90, told.health_state, told.condition_index) == (None, None, None, None)
    assert told.p50 == pytest.approx(math.sqrt(300.0**2 + 1000.0**2) - 300.0)
    assert told.mean == pytest.approx(AgePrior(2.0, scale, 0, is_declared=True).remaining(300.0)[0])
    (age,) = told.evidence
    assert (age.feature, age.value, age.unit) == ("age", 300.0, "h")
    assert age.reference == pytest.approx(1000.0)
    assert (age.verdict, age.rung) == ("declared", Rung.CLASS_PRIOR)
    assert age.note == "typical life 1,000 running hours, as the plant file declares it, Weibull shape 2"


def test_a_model_without_forests_tells_its_fitted_life_and_the_modes() -> None:
    told = predicted(ask(rows(100.0), CLASS, ARTEFACT))

    assert told.calibration == "not_calibrated(43 units)"
    age, modes = told.evidence
    assert age.note == "typical life 999 running hours, fitted to 43 failed lives, Weibull shape 2"
    assert (modes.verdict, modes.value) == ("cage", 12 / 43)
    assert modes.note == (
        "of 43 failures 21 outer race fault, 12 cage fault; at this age the likeliest mode is cage fault"
    )


@pytest.mark.parametrize(("age", "mode"), [(0.0, "cage"), (100.0, "cage"), (1500.0, "outer_race")])
def test_the_likeliest_mode_changes_with_age(age: float, mode: str) -> None:
    prior = age_prior(ARTEFACT, CLASS)
    assert prior is not None
    likeliest = prior.likeliest_mode(age)
    assert likeliest is not None
    assert likeliest.mode == mode


def test_a_declared_life_replaces_the_fitted_one_and_keeps_its_modes() -> None:
    prior = age_prior(ARTEFACT, DECLARED)
    assert prior is not None
    assert (prior.shape, prior.failures) == (2.0, 0)
    assert prior.median == pytest.approx(1000.0)
    assert [one.mode for one in prior.modes] == ["cage", "outer_race"]


def test_a_prior_of_before_the_count_stands_on_the_failed_lives_of_its_model() -> None:
    old = dataclasses.replace(ARTEFACT, class_prior={"shape": 2.0, "scale": 1200.0, "median_life": 999.0})
    prior = age_prior(old, CLASS)
    assert prior is not None
    assert (prior.failures, prior.modes, prior.mode_evidence(10.0)) == (44, (), ())


NO_PRIOR = dataclasses.replace(ARTEFACT, class_prior={"shape": None, "scale": None, "median_life": None})
CYCLES = CLASS.model_copy(update={"life_unit": LifeUnit.CYCLE})
SILENT: dict[str, tuple[RefusalReason, Prediction | Refusal]] = {
    "no prior": (RefusalReason.NO_MODEL, ask(rows(5.0), CLASS, NO_PRIOR)),
    "no model and no prior": (RefusalReason.NO_MODEL, ask(rows(5.0), CLASS)),
    "prior in another unit": (RefusalReason.NO_MODEL, ask(rows(5.0), CYCLES, ARTEFACT)),
    "age counted from the first row": (RefusalReason.NO_MODEL, ask(rows(5.0, age_known=False))),
    "no age": (RefusalReason.NO_MODEL, ask(rows(None))),
    "never ran": (RefusalReason.NO_MODEL, ask(rows(5.0, running=False))),
    "stale": (RefusalReason.STALE_DATA, ask(rows(5.0), later=4 * HOUR)),
    "another feature set": (
        RefusalReason.FINGERPRINT_MISMATCH,
        ask(
            rows(5.0, fingerprint="set2"),
            DECLARED,
            dataclasses.replace(ARTEFACT, forests=dict.fromkeys(("mean", "p10", "p50", "p90"), "tree")),
        ),
    ),
}


@pytest.mark.parametrize("case", SILENT)
def test_the_age_speaks_over_no_other_refusal(case: str) -> None:
    reason, told = SILENT[case]
    assert refused(told).reason is reason


def test_a_machine_that_stood_longer_than_plans_look_is_not_answered_by_age() -> None:
    ran = rows(*np.arange(1.0, 4.0))
    stood = rows(*[3.0] * 60).with_columns(running=False)
    frame = pl.concat([ran, stood.slice(3)])
    assert predicted(ask(frame.head(50))).rung is Rung.CLASS_PRIOR
    assert refused(ask(frame)).reason is RefusalReason.NO_MODEL


def test_along_a_life_each_row_has_its_own_age() -> None:
    told = predict_rows(
        None,
        rows(10.0, 200.0, 900.0),
        machine=MACHINE,
        component=COMPONENT,
        component_class=DECLARED,
        life_number=1,
        model_name="",
        model_version="",
    )
    left = [predicted(one).p50 for one in told]
    assert left == sorted(left, reverse=True)
    assert len(set(left)) == 3


def test_a_prediction_without_a_state_survives_the_table() -> None:
    told = predicted(ask(rows(300.0)))
    row = to_row(
        told,
        machine=MACHINE,
        component=COMPONENT,
        available_at=told.as_of,
        life_number=1,
        model_name="",
        model_version="",
        fingerprint="set1",
        utilisation=None,
    )
    assert from_row(row) == told


@pytest.mark.parametrize("wrong", [{"shape": 2}, {"shape": 0, "median_life": 5}, {"shape": 2, "median_life": -1}])
def test_a_plant_file_with_half_a_prior_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="prior"):
        ComponentClass.model_validate({"id": "bearing", "prior": wrong})


def test_a_slip_in_a_prior_is_told_with_the_key_that_was_meant(tmp_path: Path) -> None:
    file = tmp_path / "plant.yaml"
    file.write_text("component_classes: [{id: bearing, prior: {shap: 1.8, median_life: 9}}]\n", encoding="utf-8")
    with pytest.raises(PlantError, match=r"component_classes\[0\].prior.shap = 1.8: .*did you mean 'shape'"):
        read_plant(file)


def test_a_limit_that_is_exceeded_tells_the_state_beside_the_age() -> None:
    point = MACHINE.measuring_points[0].model_copy(update={"limits": Limits(warning=350.0, alarm=360.0)})
    told = predict(
        None,
        rows(1.0, 2.0, 3.0, values=[370.0], refusals=[]),
        machine=MACHINE.model_copy(update={"measuring_points": (point,)}),
        component=COMPONENT,
        component_class=DECLARED,
        life_number=1,
        model_name="",
        model_version="",
        as_of=START + 3 * HOUR,
        features=FeatureSet("bearing", ("bearing_temperature.level_k",), ("K",), "set1"),
    )
    assert (predicted(told).rung, told.health_state) == (Rung.CLASS_PRIOR, HealthState.FAILURE)
    assert [item.verdict for item in told.evidence] == ["alarm", "declared"]
