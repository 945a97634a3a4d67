"""Condition of classes without vibration: readings against what their settings account for."""

import json

import numpy as np
import pytest

from features.core.statements import HealthState
from features.rul.condition import Assessment, ConditionModel, LifeRows, fit_condition

NAMES = ("age", "setting_1.level", "pressure.level_pa", "flow.level_m3_s", "count.level", "fixed.level")
BASELINE = 20


def life(rows: int = 300, *, seed: int = 0, drift_pa: float = 0.0, begin: int = 150) -> LifeRows:
    """Two regimes of the setting, an offset of its own, and from `begin` on a pressure that drifts."""
    rng = np.random.default_rng(seed)
    setting = np.where(rng.random(rows) < 0.5, 10.0, 20.0) + rng.normal(0, 0.01, rows)
    high = setting > 15
    grown = np.clip(np.arange(rows) - begin, 0, None) / (rows - begin)
    pressure = np.where(high, 5e5, 2e5) + rng.normal(0, 1000, rows)
    pressure += rng.normal(0, 300) + drift_pa * grown
    flow = np.where(high, 0.03, 0.01) + rng.normal(0, 0.0005, rows)
    count = np.round(390 + rng.normal(0, 1, rows))
    values = np.column_stack([np.arange(rows), setting, pressure, flow, count, np.full(rows, 7.0)])
    times = np.arange(1, rows + 1) * 3600 * 10**6
    return LifeRows(times, np.arange(rows, dtype=np.float64), np.ones(rows, dtype=bool), values, NAMES)


def learnt(lives: int = 6) -> ConditionModel:
    model = fit_condition([life(seed=seed) for seed in range(lives)], NAMES, baseline_rows=BASELINE)
    assert model is not None
    return model


def asked(found: Assessment) -> np.ndarray:
    return np.array([state is HealthState.MAINTENANCE_REQUIRED for state in found.states])


def test_readings_are_channels_and_settings_and_standing_ones_are_not() -> None:
    process = learnt().process
    assert process is not None
    found = {channel.feature: channel.unit for channel in process.channels}
    assert found == {"pressure.level_pa": "Pa", "flow.level_m3_s": "m^3/s", "count.level": "1"}
    assert learnt().operation.count == 2


def test_a_counter_is_no_reading() -> None:
    def counted(rows: LifeRows) -> LifeRows:
        rows.values[:, 4] = np.cumsum(rows.values[:, 4])
        return rows

    model = fit_condition([counted(life(seed=seed)) for seed in range(6)], NAMES, baseline_rows=BASELINE)
    assert model is not None
    assert model.process is not None
    assert "count.level" not in {channel.feature for channel in model.process.channels}


def test_rows_that_are_never_comparable_teach_nothing() -> None:
    rows = life()
    still = LifeRows(rows.time_us, rows.age, np.zeros(300, dtype=bool), rows.values, NAMES)
    assert fit_condition([still], NAMES, baseline_rows=BASELINE) is None


def test_healthy_lives_stay_low_through_changes_of_regime() -> None:
    for seed in range(20, 30):
        found = learnt().assess(life(seed=seed))
        assert not asked(found).any()
        assert np.nanmedian(found.index) < 0.5


def test_a_drift_rises_along_life_and_is_told_in_its_unit() -> None:
    found = learnt().assess(life(seed=50, drift_pa=10_000.0))
    assert not asked(found)[:150].any()
    assert asked(found)[-1]
    early, middle, late = (float(np.median(found.index[at : at + 30])) for at in (150, 200, 270))
    assert late > middle > early
    first = found.evidence[-1][0]
    assert (first.feature, first.unit) == ("pressure.level_pa", "Pa")
    assert first.reference is not None
    assert first.value - first.reference == pytest.approx(10_000, rel=0.2)


def test_nothing_is_said_before_the_first_stretch_is_over() -> None:
    found = learnt().assess(life(seed=50))
    assert found.states[: BASELINE - 1] == [None] * (BASELINE - 1)
    assert found.states[BASELINE] is HealthState.NORMAL


def test_one_broken_reading_does_not_need_the_others_to_agree() -> None:
    rows = life(seed=50)
    rows.values[200:, 3] += 0.05
    assert asked(learnt().assess(rows))[-1]


def test_spikes_of_two_rows_never_reach_the_index() -> None:
    rows = life(seed=50)
    rows.values[[200, 201], 2] += 1e7
    assert not asked(learnt().assess(rows)).any()


def test_a_setting_that_was_never_learnt_repeats_what_was_known() -> None:
    rows = life(seed=50)
    rows.values[200:, 1] = 99.0
    rows.values[200:, 2] = 9e6
    found = learnt().assess(rows)
    assert np.all(found.index[200:] == found.index[199])
    assert not asked(found).any()


def test_a_part_that_begins_outside_of_its_class_is_not_its_own_reference() -> None:
    rows = life(seed=50)
    rows.values[:, 2] += 30_000.0
    assert asked(learnt().assess(rows))[BASELINE + 5]


def test_later_rows_change_nothing() -> None:
    rows = life(seed=50, drift_pa=10_000.0)
    part = LifeRows(rows.time_us[:222], rows.age[:222], rows.running[:222], rows.values[:222], NAMES)
    one, whole = learnt().assess(part), learnt().assess(rows)
    np.testing.assert_array_equal(one.index, whole.index[:222])
    assert one.evidence == whole.evidence[:222]


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_unit_of_a_reading_does_not_matter(factor: float) -> None:
    def scaled(rows: LifeRows) -> LifeRows:
        values = rows.values.copy()
        values[:, 2] *= factor
        return LifeRows(rows.time_us, rows.age, rows.running, values, NAMES)

    model = fit_condition([scaled(life(seed=seed)) for seed in range(6)], NAMES, baseline_rows=BASELINE)
    assert model is not None
    rows = life(seed=50, drift_pa=10_000.0)
    np.testing.assert_allclose(model.assess(scaled(rows)).index, learnt().assess(rows).index, rtol=1e-6)


def test_too_little_healthy_time_is_refused() -> None:
    assert fit_condition([life(40)], NAMES, baseline_rows=BASELINE) is None
    assert fit_condition([], NAMES, baseline_rows=BASELINE) is None


def test_healthy_time_alone_is_enough_and_the_end_of_a_life_teaches_nothing() -> None:
    worn = [life(seed=seed, drift_pa=50_000.0) for seed in range(6)]
    assert fit_condition(worn, NAMES, baseline_rows=BASELINE) == learnt()


def test_what_was_learnt_survives_the_artefact_s_document() -> None:
    assert ConditionModel.from_json(json.loads(json.dumps(learnt().to_json()))) == learnt()
