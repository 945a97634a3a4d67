"""A bearing of three features, a model of stumps, and what is asked of them; REFUSALS: what gets no number."""

import dataclasses
import datetime as dt

import polars as pl

from features.core.plant import Component, ComponentClass, LifeUnit, Machine, MeasuringPoint
from features.core.statements import Prediction, Refusal, RefusalReason
from features.core.tables import FEATURE_ROWS
from features.core.units import Quantity
from features.registry import FeatureSet
from features.rul.artefact import OUTPUTS, Artefact, Calibration, Domain
from features.rul.condition import ConditionModel
from features.rul.ladder import Statement
from features.rul.past import PastLife, PastLives
from features.rul.predict import predict, predict_rows

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


PAST = PastLives(
    (BAND,),
    ((0.0, 10.0),),
    ((0.0, 1.0),),
    0.5,
    (PastLife("P9/DE#4", True, "cage", 300.0, (250.0, 20.0), ((0.1,), (0.4,))),),
)
REMEMBERING = dataclasses.replace(ARTEFACT, past=PAST)

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
