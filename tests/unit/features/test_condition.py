"""Condition from healthy time alone: levels against the best level that the life itself has sustained."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.core.statements import HealthState
from features.rul.condition import RECENT_OBSERVATIONS, ConditionModel, LifeRows, fit_condition, voters

NAMES = (
    "age",
    *(f"vibration_{axis}.octave_{centre}hz_rms_m_s2" for axis in "hv" for centre in (500, 1000, 2000)),
    "bearing_temperature.rise_over_ambient_k",
)
BASELINE = 20


def life_of(levels: np.ndarray, *, names: tuple[str, ...] = NAMES, running: np.ndarray | None = None) -> LifeRows:
    """A life whose voters have these levels [n, voters] (or [n] for all alike)."""
    n = len(levels)
    values = np.full((n, len(names)), 1.0)
    chosen = [names.index(name) for name in voters(names)]
    values[:, chosen] = levels if levels.ndim == 2 else levels[:, None]
    runs = np.ones(n, dtype=bool) if running is None else running
    return LifeRows(np.arange(n, dtype=np.int64) * 10_000_000, np.arange(n, dtype=float), runs, values, names)


def model_of(*lives: LifeRows) -> ConditionModel:
    model = fit_condition(lives, NAMES, baseline_rows=BASELINE)
    assert model is not None
    return model


def ramp(n: int = 200, start: int = 100, factor: float = 9.1) -> np.ndarray:
    """Level 1 until `start`, then growing exponentially to `factor` at the end."""
    return np.exp(np.clip(np.arange(n) - start, 0, None) / (n - 1 - start) * math.log(factor))


def test_octaves_vote_and_temperature_only_without_them() -> None:
    assert len(voters(NAMES)) == 6
    assert voters(("age", "winding_temperature.rise_over_ambient_k")) == (
        "winding_temperature.rise_over_ambient_k",
    )


def test_set_without_a_voter_has_no_condition() -> None:
    assert fit_condition([], ("age", "sensor_01.level"), baseline_rows=BASELINE) is None


def test_index_is_one_where_levels_have_doubled() -> None:
    found = model_of().assess(life_of(np.repeat([1.0, 2.0], 100)))
    assert found.index[-1] == pytest.approx(1.0)
    assert found.index[99] == pytest.approx(0.0)


def test_nothing_is_said_before_there_is_a_reference() -> None:
    found = model_of().assess(life_of(np.ones(BASELINE + 3)))
    assert np.isnan(found.index[: BASELINE - 1]).all()
    assert found.states[: BASELINE - 1] == [None] * (BASELINE - 1)
    assert found.states[BASELINE - 1] is HealthState.NORMAL


def test_maintenance_is_required_once_levels_have_doubled_and_not_before() -> None:
    levels = ramp()
    states = model_of().assess(life_of(levels)).states
    first = states.index(HealthState.MAINTENANCE_REQUIRED)
    assert levels[first] > 2.0
    assert levels[first - RECENT_OBSERVATIONS] < 2.0


@pytest.mark.parametrize("spikes", [1, 2])
def test_spikes_of_single_snapshots_never_reach_the_index(spikes: int) -> None:
    levels = np.ones(100)
    levels[60 : 60 + spikes] = 50.0
    assert HealthState.MAINTENANCE_REQUIRED not in model_of().assess(life_of(levels)).states


def test_few_bands_that_rise_are_no_damage() -> None:
    levels = np.ones((100, 6))
    levels[50:, :2] = 10.0
    assert HealthState.MAINTENANCE_REQUIRED not in model_of().assess(life_of(levels)).states


def test_levels_that_fall_while_running_in_become_the_reference() -> None:
    levels = np.concatenate([np.linspace(4.0, 1.0, 60), np.full(60, 1.0), np.full(20, 2.1)])
    found = model_of().assess(life_of(levels))
    assert found.states[118] is HealthState.NORMAL
    assert found.states[-1] is HealthState.MAINTENANCE_REQUIRED


def test_state_is_held_until_levels_have_clearly_fallen() -> None:
    levels = np.concatenate([np.ones(50), np.full(20, 2.2), np.full(20, 1.8), np.full(20, 1.4)])
    states = model_of().assess(life_of(levels)).states
    assert states[69] is states[89] is HealthState.MAINTENANCE_REQUIRED
    assert states[-1] is HealthState.NORMAL


def test_rows_at_rest_repeat_what_was_known() -> None:
    levels, running = np.repeat([1.0, 0.001], [60, 40]), np.repeat([True, False], [60, 40])
    found = model_of().assess(life_of(levels, running=running))
    assert np.array_equal(found.index[60:], np.full(40, found.index[59]))
    assert set(found.states[60:]) == {HealthState.NORMAL}


def test_missing_and_zero_levels_are_no_votes() -> None:
    levels = np.ones((100, 6))
    levels[:, 0], levels[::2, 1], levels[50:, 2] = np.nan, np.nan, 0.0
    assert model_of().assess(life_of(levels)).index[-1] == pytest.approx(0.0)


def test_scatter_of_healthy_lives_only_raises_the_threshold() -> None:
    calm = life_of(np.ones(300))
    noisy = np.exp(0.4 * np.sin(np.arange(300) * 0.35))
    assert model_of(calm).threshold == pytest.approx(math.log(2.0))
    assert model_of(calm).units == 1
    assert model_of(*[life_of(noisy)] * 3).threshold > math.log(2.0)


def test_reasons_name_the_bands_that_grew_most_with_their_reference() -> None:
    levels = np.ones((100, 6))
    levels[60:] = [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    reasons = model_of().assess(life_of(levels)).evidence[-1]
    assert [(r.feature, round(r.value, 6), r.reference) for r in reasons][:1] == [(voters(NAMES)[5], 7.0, 1.0)]
    assert len(reasons) == 3


@given(st.floats(0.01, 100.0), st.integers(BASELINE, 199))
def test_scale_does_not_matter_and_the_future_changes_nothing(scale: float, cut: int) -> None:
    levels = ramp()
    whole = model_of().assess(life_of(levels))
    part = model_of().assess(life_of(scale * levels[:cut]))
    np.testing.assert_allclose(part.index, whole.index[:cut], atol=1e-9)
    assert part.states == whole.states[:cut]


def test_json_round_trip_is_exact() -> None:
    model = model_of(life_of(np.exp(0.1 * np.sin(np.arange(300.0)))))
    assert ConditionModel.from_json(model.to_json()) == model


def test_set_without_a_voter_that_was_learnt_is_refused() -> None:
    with pytest.raises(KeyError):
        model_of().assess(
            LifeRows(np.zeros(1, np.int64), np.zeros(1), np.ones(1, bool), np.ones((1, 1)), ("age",))
        )
