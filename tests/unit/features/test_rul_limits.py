"""Zones and limits of the plant file: what they say of feature rows, without any model."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.core.plant import ComponentClass, Machine
from features.core.statements import HealthState, Rung
from features.rul.life import KnownRows
from features.rul.limits import Judgement, Limits, worst

HOUR = dt.timedelta(hours=1)
CLASS = ComponentClass(id="bearing", memory=(6 * HOUR,))
VELOCITY, KELVIN, PASCAL = "vibration_h.velocity_rms_mm_s", "bearing_temperature.level_k", "oil_pressure.level_pa"
PIPE, SPEED = "vibration_v.level_m_s", "flow_speed.level_m_s"
NAMES = ("age", VELOCITY, KELVIN, PASCAL, PIPE, SPEED)
POINTS: list[dict[str, object]] = [
    {
        "id": "V",
        "role": "vibration_h",
        "quantity": "acceleration",
        "unit": "g",
        "kind": "waveform",
        "sample_rate_hz": 8192,
    },
    {
        "id": "T",
        "role": "bearing_temperature",
        "quantity": "temperature",
        "unit": "degC",
        "limits": {"warning": 80, "alarm": 95},
    },
    {
        "id": "P",
        "role": "oil_pressure",
        "quantity": "pressure",
        "unit": "bar",
        "limits": {"warning": 1.2, "alarm": 0.8},
    },
    {"id": "S", "role": "vibration_v", "quantity": "velocity", "unit": "mm/s"},
    {"id": "F", "role": "flow_speed", "quantity": "velocity", "unit": "m/s"},
]


def machine(**changes: object) -> Machine:
    document = {
        "id": "M",
        "grid": "1h",
        "vibration_class": {"group": 2, "foundation": "rigid"},
        "components": [{"slot": "DE", "component_class": "bearing"}],
        "measuring_points": POINTS,
    }
    return Machine.model_validate(document | changes)


def rows(column: str, *values: float, running: list[bool] | None = None) -> KnownRows:
    n = len(values)
    table = np.full((n, len(NAMES)), np.nan)
    table[:, NAMES.index(column)] = values
    time_us = np.arange(n, dtype=np.int64) * 3_600_000_000
    runs = np.array([True] * n if running is None else running)
    return KnownRows(time_us, time_us, np.arange(float(n)), runs, np.arange(n), table, [[]] * n, runs)


def judged(of: KnownRows, on: Machine | None = None) -> Judgement:
    on = on or machine()
    return Limits(on, on.components[0], CLASS, NAMES).judge(of, [len(of) - 1])[0]


@pytest.mark.parametrize(
    ("velocity", "zone", "state"),
    [
        (1.0, "zone A", HealthState.NORMAL),
        (2.0, "zone B", HealthState.NORMAL),
        (4.0, "zone C", HealthState.MAINTENANCE_REQUIRED),
        (9.0, "zone D", HealthState.FAILURE),
    ],
)
def test_one_row_is_enough_for_a_zone(velocity: float, zone: str, state: HealthState) -> None:
    found = judged(rows(VELOCITY, velocity))
    (item,) = (*found.exceeded, *found.kept)
    assert (found.state, item.verdict, item.value, item.unit) == (state, zone, velocity, "mm/s")
    assert item.rung is Rung.LIMITS
    assert "group 2" in item.note
    assert "table A.2" in item.note
    assert bool(found.exceeded) == (state is not HealthState.NORMAL)


def test_without_a_vibration_class_no_zone_is_told() -> None:
    assert judged(rows(VELOCITY, 9.0), machine(vibration_class=None)) == Judgement(None)


def test_a_transmitter_of_velocity_has_a_zone_and_the_speed_of_a_flow_has_none() -> None:
    (item,) = judged(rows(PIPE, 5e-3)).exceeded
    assert (item.verdict, item.unit) == ("zone D", "mm/s")
    assert item.value == pytest.approx(5.0)
    assert judged(rows(SPEED, 5.0)) == Judgement(None)


@pytest.mark.parametrize(
    ("column", "value", "verdict", "state"),
    [
        (KELVIN, 300.0, "within limits", HealthState.NORMAL),
        (KELVIN, 360.0, "warning", HealthState.MAINTENANCE_REQUIRED),
        (KELVIN, 380.0, "alarm", HealthState.FAILURE),
        (PASCAL, 2e5, "within limits", HealthState.NORMAL),
        (PASCAL, 1e5, "warning", HealthState.MAINTENANCE_REQUIRED),
        (PASCAL, 0.5e5, "alarm", HealthState.FAILURE),
    ],
)
def test_declared_limits_count_upwards_or_downwards(
    column: str, value: float, verdict: str, state: HealthState
) -> None:
    found = judged(rows(column, value))
    (item,) = (*found.exceeded, *found.kept)
    assert (found.state, item.verdict, item.value) == (state, verdict, value)
    assert item.reference is not None
    assert (item.value > item.reference) == ((column == KELVIN) == (verdict != "within limits"))


def test_a_limit_is_told_in_the_unit_of_the_plant_file() -> None:
    (item,) = judged(rows(KELVIN, 380.0)).exceeded
    assert item.note.startswith("above the alarm limit of 95 degC, T")
    assert item.reference == pytest.approx(368.15)
    assert item.unit == "K"


def test_a_waveform_s_limit_is_one_on_its_rms() -> None:
    names = ("vibration_h.rms_m_s2",)
    on = machine(measuring_points=[POINTS[0] | {"limits": {"warning": 0.5, "alarm": 1.0}}])
    one = KnownRows(
        *(np.zeros(1, dtype=np.int64),) * 2,
        np.zeros(1),
        np.ones(1, bool),
        np.zeros(1, int),
        np.array([[6.0]]),
        [[]],
        np.ones(1, bool),
    )
    (item,) = Limits(on, on.components[0], CLASS, names).judge(one, [0])[0].exceeded
    assert (item.verdict, item.unit) == ("warning", "m/s^2")
    assert item.reference == pytest.approx(4.903325)


def test_one_spike_of_three_is_no_verdict_and_two_are() -> None:
    assert judged(rows(VELOCITY, 1.0, 1.0, 9.0)).state is HealthState.NORMAL
    assert judged(rows(VELOCITY, 1.0, 9.0, 9.0)).state is HealthState.FAILURE


def test_values_of_standstill_and_old_ones_say_nothing_of_now() -> None:
    stopped = rows(VELOCITY, 9.0, 9.0, 9.0, 0.0, 0.0, running=[True, True, True, False, False])
    assert judged(stopped).state is HealthState.FAILURE
    gone = rows(VELOCITY, 9.0, *[np.nan] * 7)
    assert judged(gone) == Judgement(None)


def test_the_worst_comes_first_and_makes_the_state() -> None:
    both = rows(VELOCITY, 4.0)
    both.values[0, NAMES.index(KELVIN)] = 380.0
    found = judged(both)
    assert [item.verdict for item in found.exceeded] == ["alarm", "zone C"]
    assert found.state is HealthState.FAILURE


@given(st.lists(st.floats(0.0, 20.0) | st.just(float("nan")), min_size=1, max_size=12))
def test_a_judgement_stands_on_that_row_and_earlier_ones_only(values: list[float]) -> None:
    whole, on = rows(VELOCITY, *values), machine()
    limits = Limits(on, on.components[0], CLASS, NAMES)
    along = limits.judge(whole, range(len(values)))
    assert along == [judged(rows(VELOCITY, *values[: i + 1])) for i in range(len(values))]
    if not np.isfinite(values).any():
        assert along[-1] == Judgement(None)


def test_a_known_state_is_worse_than_none() -> None:
    assert worst(None, None) is None
    assert worst(HealthState.NORMAL, None) is HealthState.NORMAL
