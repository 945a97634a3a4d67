"""From feature rows to a prediction, or to the refusal that fits."""

import dataclasses
import datetime as dt

import polars as pl
import pytest

from features.core.plant import Component, ComponentClass, LifeUnit, Machine, MeasuringPoint
from features.core.statements import PAST_LIFE, HealthState, Prediction, Refusal, RefusalReason, Rung
from features.core.tables import FEATURE_ROWS, PREDICTIONS
from features.core.units import Quantity
from features.registry import FeatureSet
from features.rul.artefact import OUTPUTS, Artefact, Calibration, Domain
from features.rul.condition import ConditionModel
from features.rul.ladder import Statement
from features.rul.life import Usage
from features.rul.past import PastLife, PastLives
from features.rul.predict import predict, predict_rows
from features.rul.rows import from_row, to_row

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BAND = "vibration_h.octave_500hz_rms_m_s2"
NAMES = ("age", BAND, "bearing_temperature.level_k")
SET = FeatureSet("bearing", NAMES, ("h", "m/s^2", "K"), "set1")
COMPONENT = Component(slot="DE", component_class="bearing")
MACHINE = Machine(
    id="P1",
    grid=HOUR,
    components=(COMPONENT,),
    measuring_points=(
        MeasuringPoint(id="T", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="K"),
    ),
)
CLASS = ComponentClass(id="bearing", baseline=5 * HOUR, horizon=dt.timedelta(days=2))


def stump(feature: int, threshold: float, left: float, right: float) -> str:
    """A LightGBM text of one tree with one split."""
    return "\n".join(
        [
            "tree",
            "num_tree_per_iteration=1",
            f"max_feature_idx={len(NAMES) - 1}",
            "tree_sizes=1",
            "",
            "Tree=0",
            "num_leaves=2",
            "num_cat=0",
            f"split_feature={feature}",
            f"threshold={threshold}",
            "decision_type=8",
            "left_child=-1",
            "right_child=-2",
            f"leaf_value={left} {right}",
            f"internal_value={(left + right) / 2}",
            "is_linear=0",
            "",
            "end of trees",
        ]
    )


ARTEFACT = Artefact(
    name="wearcast-rul-bearing",
    component_class="bearing",
    life_unit="running_h",
    rul_cap=500.0,
    fingerprint="set1",
    feature_names=NAMES,
    inputs=NAMES,
    base={"mean": 10.0, "p10": -30.0, "p90": 30.0},
    forests={
        "mean": stump(1, 1.5, 200.0, 50.0),
        **dict.fromkeys(OUTPUTS[1:], stump(0, 20.5, 5.0, -5.0)),
    },
    calibration=Calibration(25, True, 0.8),
    domain=Domain((0.0, 0.0, 250.0), (1000.0, 10.0, 400.0), tolerated_share=0.4),
    condition=ConditionModel((BAND,), 5, 0.69, 0.0, 0.1, 3),
    class_prior={},
    trained_units=30,
    failed_units=25,
    as_of="2026-01-01T00:00:00+00:00",
    table_versions={},
    min_rows=3,
)


def row(
    step: int, *, level: float | None = 1.0, kelvin: float | None = 300.0, **change: object
) -> dict[str, object]:
    values = [float(step), level, kelvin]
    refusals = [f"{name}: no_input" for name, value in zip(NAMES, values, strict=True) if value is None]
    time = START + step * HOUR
    return {
        "group": "area-1",
        "date": time.date(),
        "machine_id": "P1",
        "slot": "DE",
        "component_class": "bearing",
        "fingerprint": "set1",
        "time": time,
        "available_at": time + HOUR,
        "running": True,
        "age": float(step),
        "age_known": True,
        "values": values,
        "refusals": refusals,
    } | change


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return FEATURE_ROWS.frame(rows)


def healthy(n: int) -> list[dict[str, object]]:
    return [row(step) for step in range(1, n + 1)]


def ask(
    rows: pl.DataFrame,
    *,
    artefact: Artefact | None = ARTEFACT,
    as_of: dt.datetime | None = None,
    life: int | None = 2,
    component_class: ComponentClass = CLASS,
    features: FeatureSet | None = SET,
) -> Statement:
    last = START if rows.is_empty() else rows["available_at"].to_list()[-1]
    return predict(
        artefact,
        rows,
        machine=MACHINE,
        component=COMPONENT,
        component_class=component_class,
        life_number=life,
        model_name="wearcast-rul-bearing",
        model_version="7",
        as_of=as_of or last,
        features=features,
    )


def along(rows: pl.DataFrame, artefact: Artefact | None = ARTEFACT) -> list[Statement]:
    return predict_rows(
        artefact,
        rows,
        machine=MACHINE,
        component=COMPONENT,
        component_class=CLASS,
        life_number=2,
        model_name="wearcast-rul-bearing",
        model_version="7",
        features=SET,
        evidence=True,
    )


def refused(statement: Statement) -> Refusal:
    assert isinstance(statement, Refusal)
    return statement


def predicted(statement: Statement) -> Prediction:
    assert isinstance(statement, Prediction)
    return statement


def test_prediction_is_the_sum_of_base_mean_and_own_forest() -> None:
    told = predicted(ask(frame(*healthy(12))))

    assert told.mean == 210.0
    assert (told.p10, told.p50, told.p90) == (210.0 + 5 - 30, 210.0 + 5, 210.0 + 5 + 30)
    assert (told.rung, told.calibration) == (Rung.CALIBRATED_RUL, "calibrated(25 units)")
    assert (told.health_state, told.condition_index) == (HealthState.NORMAL, 0.0)
    assert (told.data_time, told.life_number, told.model_version) == (START + 12 * HOUR, 2, "7")


def test_without_calibration_there_is_no_band() -> None:
    told = predicted(
        ask(frame(*healthy(12)), artefact=dataclasses.replace(ARTEFACT, calibration=Calibration(4, False)))
    )

    assert (told.p10, told.p90, told.rung) == (None, None, Rung.UNCALIBRATED_RUL)
    assert told.p50 == 215.0


def test_evidence_names_what_moved_the_number_in_its_unit() -> None:
    told = predicted(ask(frame(*healthy(12), row(13, level=3.0))))

    moved = told.evidence[-1]
    assert (moved.feature, moved.value, moved.unit, moved.share) == (BAND, 3.0, "m/s^2", -1.0)


def test_worn_component_requires_maintenance() -> None:
    rows = healthy(12) + [row(step, level=4.0) for step in range(13, 20)]

    told = predicted(ask(frame(*rows)))

    assert told.health_state is HealthState.MAINTENANCE_REQUIRED
    assert told.condition_index == pytest.approx(2.0)  # 4 times: doubled twice


LATER = dt.timedelta(hours=4)
OTHER_UNIT = CLASS.model_copy(update={"life_unit": LifeUnit.CYCLE})
REFUSALS: dict[str, tuple[RefusalReason, str, Statement]] = {
    "no model": (RefusalReason.NO_MODEL, "bearing", ask(frame(*healthy(12)), artefact=None)),
    "no forest": (
        RefusalReason.NO_MODEL,
        "too few failed lives",
        ask(frame(*healthy(12)), artefact=dataclasses.replace(ARTEFACT, forests={})),
    ),
    "no rows and no model": (RefusalReason.NO_MODEL, "no feature row", ask(frame(), artefact=None)),
    "fingerprint": (
        RefusalReason.FINGERPRINT_MISMATCH,
        "set0",
        ask(frame(*healthy(12)), artefact=dataclasses.replace(ARTEFACT, fingerprint="set0")),
    ),
    "life unit": (
        RefusalReason.FINGERPRINT_MISMATCH,
        "running_h",
        ask(frame(*healthy(12)), component_class=OTHER_UNIT),
    ),
    "few rows": (RefusalReason.TOO_FEW_WINDOWS, "2 running rows", ask(frame(*healthy(2)))),
    "no rows": (RefusalReason.TOO_FEW_WINDOWS, "no feature row", ask(frame())),
    "stale": (
        RefusalReason.STALE_DATA,
        "limit 3:00:00",
        ask(frame(*healthy(12)), as_of=START + 12 * HOUR + LATER),
    ),
    "no life": (RefusalReason.NO_LIFE, "installation", ask(frame(*healthy(12)), life=None)),
    "outside": (
        RefusalReason.OUT_OF_DOMAIN,
        "bearing_temperature.level_k = 500",
        ask(frame(*healthy(12), row(13, kelvin=500.0, level=20.0))),
    ),
    "missing": (
        RefusalReason.MISSING_INPUT,
        "vibration_h, bearing_temperature",
        ask(frame(*healthy(12), row(13, kelvin=None, level=None))),
    ),
    "sensor": (
        RefusalReason.SENSOR_FAULT,
        "saturated",
        ask(
            frame(*healthy(12), row(13, kelvin=None, level=None, refusals=[f"{n}: saturated" for n in NAMES[1:]]))
        ),
    ),
    "young": (
        RefusalReason.TOO_FEW_WINDOWS,
        "too_few_windows",
        ask(
            frame(
                *healthy(12), row(13, kelvin=None, level=None, refusals=[f"{n}: too_few_windows" for n in NAMES])
            )
        ),
    ),
    "never ran": (
        RefusalReason.MACHINE_STOPPED,
        "has not run",
        ask(frame(*[row(step, running=False) for step in range(1, 9)])),
    ),
    "stopped for long": (
        RefusalReason.MACHINE_STOPPED,
        "2.1 days",
        ask(frame(*healthy(12), *[row(step, running=False, age=12.0) for step in range(13, 63)])),
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_has_its_reason_and_the_facts(case: str) -> None:
    reason, words, statement = REFUSALS[case]

    assert refused(statement).reason is reason
    assert words in refused(statement).detail


@pytest.mark.parametrize(
    "case", ["no model", "no forest", "stale", "outside", "missing", "sensor", "stopped for long"]
)
def test_refusal_still_tells_the_condition(case: str) -> None:
    told = refused(REFUSALS[case][2])

    assert (told.rung, told.health_state) == (Rung.CONDITION, HealthState.NORMAL)
    assert told.condition_index is not None


@pytest.mark.parametrize("case", ["few rows", "no rows", "no life", "never ran"])
def test_refusal_without_a_reference_tells_no_condition(case: str) -> None:
    told = refused(REFUSALS[case][2])

    assert (told.rung, told.health_state, told.condition_index) == (Rung.NONE, None, None)


def test_one_input_outside_is_tolerated_when_the_model_says_so() -> None:
    assert predicted(ask(frame(*healthy(12), row(13, kelvin=500.0))))


def test_one_input_further_outside_than_lives_strayed_is_refused() -> None:
    domain = dataclasses.replace(ARTEFACT.domain, reach=(2.0, 2.0, 0.5))  # of 250 to 400 K: up to 475 K
    artefact = dataclasses.replace(ARTEFACT, domain=domain)
    assert predicted(ask(frame(*healthy(12), row(13, kelvin=470.0)), artefact=artefact))

    told = ask(frame(*healthy(12), row(13, kelvin=500.0)), artefact=artefact)

    assert isinstance(told, Refusal)
    assert told.reason is RefusalReason.OUT_OF_DOMAIN
    assert "500 (trained on 250 to 400)" in told.detail


def test_stopped_machine_keeps_the_number_of_its_newest_running_row() -> None:
    stopped = [row(step, running=False, age=12.0, level=None) for step in range(13, 20)]

    told = predicted(ask(frame(*healthy(12), *stopped)))

    assert told.p50 == predicted(ask(frame(*healthy(12)))).p50
    assert told.data_time == START + 19 * HOUR


def test_component_that_ages_while_stopped_loses_that_time() -> None:
    calendar = CLASS.model_copy(update={"life_unit": LifeUnit.CALENDAR_H})
    artefact = dataclasses.replace(ARTEFACT, life_unit="calendar_h")
    for age in (19.0, None):
        stopped = [row(step, running=False, age=age, level=None) for step in range(13, 20)]

        told = predicted(ask(frame(*healthy(12), *stopped), artefact=artefact, component_class=calendar))

        assert told.p50 == 215.0 - 7


def test_rows_known_later_change_nothing() -> None:
    rows = healthy(12)
    as_of = START + 13 * HOUR
    late = row(11, level=9.0, time=START + 11.5 * HOUR, available_at=as_of + HOUR)
    ahead = row(14, available_at=as_of)

    assert ask(frame(*rows, late, ahead), as_of=as_of) == ask(frame(*rows), as_of=as_of)


def test_along_a_life_equals_asking_again_and_again() -> None:
    levels = [1.0] * 12 + [1.0 + 0.2 * i for i in range(20)]
    rows = [row(i + 1, level=level, running=i % 7 != 3) for i, level in enumerate(levels)]
    known = frame(*rows)

    assert along(known) == [ask(known, as_of=r["available_at"]) for r in known.iter_rows(named=True)]


def test_along_a_life_a_late_row_is_seen_only_from_its_arrival() -> None:
    rows = healthy(20)
    rows[9] = row(10, level=50.0, available_at=START + 15 * HOUR + HOUR)
    known = frame(*rows)

    told = along(known)

    assert told[10:14] == [ask(known, as_of=known["available_at"][i]) for i in range(10, 14)]
    assert told[-1] == ask(known)


def test_order_of_rows_does_not_matter() -> None:
    known = frame(*healthy(12))

    assert along(known.reverse()) == along(known)
    assert ask(known.reverse(), as_of=START + 13 * HOUR) == ask(known)


def test_rows_of_an_older_feature_set_are_not_mixed_in() -> None:
    old = [row(step, fingerprint="set0", values=[1.0], refusals=[]) for step in range(1, 9)]
    new = [row(step) for step in range(9, 21)]

    assert ask(frame(*old, *new)) == ask(frame(*new))


def test_no_rows_give_no_statements() -> None:
    assert along(frame()) == []


PAST = PastLives(
    (BAND,),
    ((0.0, 10.0),),
    ((0.0, 1.0),),
    0.5,
    (PastLife("P9/DE#4", True, "cage", 300.0, (250.0, 20.0), ((0.1,), (0.4,))),),
)
REMEMBERING = dataclasses.replace(ARTEFACT, past=PAST)


def test_prediction_names_past_lives_and_a_refusal_none() -> None:
    told = predicted(ask(frame(*healthy(12)), artefact=REMEMBERING))
    (past,) = (item for item in told.evidence if item.feature == PAST_LIFE)
    assert past.note == "looked like P9/DE, life 4, 250 running hours before its failure (cage fault)"
    assert (past.rung, past.distance, past.share) == (Rung.CALIBRATED_RUL, 0.0, None)
    assert along(frame(*healthy(12)), REMEMBERING)[-1].evidence == told.evidence
    for rows in (healthy(2), [row(step, running=False) for step in range(1, 9)]):
        assert not any(
            item.feature == PAST_LIFE for item in refused(ask(frame(*rows), artefact=REMEMBERING)).evidence
        )


def test_past_lives_change_no_number() -> None:
    one, other = (predicted(ask(frame(*healthy(12)), artefact=model)) for model in (ARTEFACT, REMEMBERING))
    assert dataclasses.replace(other, evidence=one.evidence) == one


def test_past_lives_are_told_by_inputs_of_the_model_only() -> None:
    with pytest.raises(ValueError, match="no input"):
        dataclasses.replace(ARTEFACT, past=dataclasses.replace(PAST, inputs=("unknown",)))


@pytest.mark.parametrize(
    "statement",
    [
        ask(frame(*healthy(12))),
        ask(frame(*healthy(12)), artefact=REMEMBERING),
        *(case[2] for case in REFUSALS.values()),
    ],
)
def test_statement_comes_back_from_its_row(statement: Statement) -> None:
    if isinstance(statement, Prediction):
        statement = dataclasses.replace(statement, life_number=2)
    written = to_row(
        statement,
        machine=MACHINE,
        component=COMPONENT,
        available_at=statement.as_of,
        life_number=2,
        model_name="wearcast-rul-bearing",
        model_version="7",
        fingerprint="set1",
        utilisation=0.5,
    )

    assert from_row(PREDICTIONS.frame([written]).row(0, named=True)) == statement


def test_refusal_has_no_numbers_in_its_row() -> None:
    statement = REFUSALS["outside"][2]
    written = to_row(
        statement,
        machine=MACHINE,
        component=COMPONENT,
        available_at=statement.as_of,
        life_number=2,
        model_name="m",
        model_version="7",
        fingerprint="set1",
        utilisation=None,
    )

    assert all(written[name] is None for name in ("mean", "p10", "p50", "p90", "calibrated", "life_unit"))


def test_utilisation_is_age_per_calendar_hour() -> None:
    ages = [0.5 * step for step in range(50)]
    usage = Usage(frame(*[row(step, age=age) for step, age in enumerate(ages)]))

    assert usage.at(START + 49 * HOUR) == 0.5
    assert usage.at(START + 20 * HOUR) == 0.5
    assert usage.at(START) is None


def test_utilisation_looks_back_four_weeks_and_leaves_the_change_of_parts_out() -> None:
    day = 24
    ages = [float(step * day) for step in range(40)] + [0.0, 12.0, 24.0]
    usage = Usage(frame(*[row(step * day, age=age) for step, age in enumerate(ages)]))

    assert usage.at(START + 39 * day * HOUR) == 1.0
    # Of 28 steps up to day 42: 25 at full use, one change of parts, two at half use.
    assert usage.at(START + 42 * day * HOUR) == pytest.approx((25 * 24 + 2 * 12) / (27 * 24))


def test_utilisation_is_not_known_without_ages() -> None:
    assert Usage(frame(*[row(step, age=None) for step in range(9)])).at(START + 9 * HOUR) is None
    assert Usage(frame()).at(START) is None
