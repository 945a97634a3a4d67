"""Operating states and regimes: transient rows say nothing, and like is compared with like."""

import json

import numpy as np
import pytest

from features.core.statements import HealthState
from features.process import OperatingState
from features.rul.condition import ConditionModel, LifeRows, fit_condition
from features.rul.condition.operation import fit_operation, settings_of

OCTAVES = tuple(f"vibration_h.octave_{hz}hz_rms_m_s2" for hz in (500, 1000, 2000))
NAMES = ("operating_state", "speed.speed_hz", *OCTAVES)
BASELINE = 20
SLOW, FAST = 10.0, 25.0


def life_of(speed: np.ndarray, level: np.ndarray, state: np.ndarray | None = None) -> LifeRows:
    """Vibration of that level [n] at that speed [n], steady where no state [n] is given."""
    n = len(speed)
    steady = np.full(n, float(OperatingState.STEADY)) if state is None else state
    values = np.column_stack([steady, speed, level, level, level])
    return LifeRows(np.arange(n) * 10**9, np.arange(n, dtype=np.float64), np.ones(n, dtype=bool), values, NAMES)


def alternating(n: int = 600, block: int = 30) -> np.ndarray:
    """Speeds in blocks, slow first."""
    return np.where((np.arange(n) // block) % 2 == 0, SLOW, FAST)


def usual(speed: np.ndarray) -> np.ndarray:
    """Healthy vibration: four times as high at the higher speed."""
    return np.where(speed == FAST, 4.0, 1.0) * (1 + 0.02 * np.sin(np.arange(len(speed))))


def learnt() -> ConditionModel:
    speed = alternating()
    model = fit_condition([life_of(speed, usual(speed))] * 2, NAMES, baseline_rows=BASELINE)
    assert model is not None
    return model


def asked(model: ConditionModel, rows: LifeRows) -> np.ndarray:
    return np.array([state is HealthState.MAINTENANCE_REQUIRED for state in model.assess(rows).states])


@pytest.mark.parametrize("state", [OperatingState.STARTING, OperatingState.RAMP])
def test_rows_that_start_or_ramp_raise_no_alarm(state: OperatingState) -> None:
    level, states = np.ones(120), np.full(120, float(OperatingState.STEADY))
    level[60:80], states[60:80] = 50.0, float(state)
    rows = life_of(np.full(120, FAST), level, states)
    model = fit_condition([], NAMES, baseline_rows=BASELINE)
    assert model is not None
    assert not asked(model, rows).any()
    steady = life_of(np.full(120, FAST), level)
    assert asked(model, steady).any()


def test_rows_that_ramp_are_no_reference() -> None:
    level, states = np.ones(120), np.full(120, float(OperatingState.STEADY))
    level[30:60], states[30:60] = 0.1, float(OperatingState.RAMP)
    model = fit_condition([], NAMES, baseline_rows=BASELINE)
    assert model is not None
    assert not asked(model, life_of(np.full(120, FAST), level, states)).any()


def test_a_class_that_is_hardly_ever_steady_is_not_gated() -> None:
    states = np.where(np.arange(200) % 4 == 0, float(OperatingState.STEADY), float(OperatingState.RAMP))
    rows = life_of(np.full(200, FAST), np.ones(200), states)
    assert not fit_operation([rows], NAMES).gated
    assert fit_operation([], NAMES).gated


def test_a_state_that_is_not_known_counts() -> None:
    rows = life_of(np.full(5, FAST), np.ones(5), np.array([np.nan, 2.0, 1.0, 3.0, np.nan]))
    assert fit_operation([], NAMES).comparable(rows).tolist() == [True, True, False, False, True]


def test_a_change_of_regime_is_no_damage() -> None:
    model, speed = learnt(), alternating(block=40)
    assert model.operation.count == 2
    assert not asked(model, life_of(speed, usual(speed))).any()


def test_without_regimes_the_same_change_would_be_an_alarm() -> None:
    document = learnt().to_json() | {"operation": {"gated": True, "regimes": None}, "levels": []}
    speed = alternating(block=40)
    assert asked(ConditionModel.from_json(document), life_of(speed, usual(speed))).any()


def test_damage_is_seen_across_regimes_as_soon_as_in_one() -> None:
    speed = alternating(block=3)
    level = usual(speed) * np.where(np.arange(600) >= 400, 3.0, 1.0)
    found = asked(learnt(), life_of(speed, level))
    assert not found[:400].any()
    assert found[405:].all()


def test_first_hours_in_a_regime_are_judged_by_what_is_usual_between_regimes() -> None:
    speed = np.repeat([SLOW, FAST], [60, 15])
    worn = usual(speed) * np.where(np.arange(75) >= 60, 3.0, 1.0)
    assert not asked(learnt(), life_of(speed, usual(speed))).any()
    assert asked(learnt(), life_of(speed, worn))[-1]


def test_a_regime_that_was_never_learnt_gets_a_reference_of_its_own() -> None:
    speed = np.repeat([SLOW, 60.0], [60, 100])
    level = np.concatenate([np.ones(60), np.full(60, 30.0), np.full(40, 90.0)])
    found = asked(learnt(), life_of(speed, level))
    assert not found[:120].any()
    assert found[-1]


def test_later_rows_change_nothing_in_several_regimes() -> None:
    speed = alternating(block=7)
    rows = life_of(speed, usual(speed) * np.exp(np.arange(600) / 300))
    part = LifeRows(rows.time_us[:333], rows.age[:333], rows.running[:333], rows.values[:333], NAMES)
    whole = learnt().assess(rows)
    np.testing.assert_allclose(learnt().assess(part).index, whole.index[:333], atol=1e-12)


def test_regimes_travel_in_the_artefact_s_document() -> None:
    model = learnt()
    assert ConditionModel.from_json(json.loads(json.dumps(model.to_json()))) == model


def test_set_points_load_and_speed_are_settings_and_what_follows_them_is_none() -> None:
    names = ("setting_1.level", "setting_1.level.mean_15h", "set_point.level_k", "load.load", "speed.speed_hz")
    others = ("age", "flow.level_m3_s", "speed.speed_hz.slope_2d", "ambient_temperature.level_k")
    assert settings_of((*names, *others)) == (names[0], *names[2:])
    assert settings_of(others, ambient=True) == ("ambient_temperature.level_k",)
