"""Temperatures against what load, speed and the air account for: in kelvin, in the index, in the artefact."""

import json

import numpy as np
import pytest

from features.core.statements import HealthState
from features.rul.condition import ConditionModel, LifeRows, fit_condition

RISE = "winding_temperature.rise_over_ambient_k"
LEVEL = "winding_temperature.level_k"
NAMES = ("ambient_temperature.level_k", "load.load", LEVEL, RISE, "speed.speed_hz")


def life(rows: int = 600, *, seed: int = 0, warmer_k: float = 0.0, begin: int = 400) -> LifeRows:
    """Operation that varies, and from `begin` on a winding that is warmer than it accounts for."""
    rng = np.random.default_rng(seed)
    load, speed = rng.uniform(0.4, 1.0, rows), rng.uniform(24, 26, rows)
    ambient = 292 + 4 * np.sin(np.arange(rows) / 20)
    rise = 20 + 30 * load**2 + 0.3 * speed + rng.normal(0, 0.2, rows)
    rise = rise + warmer_k * (np.arange(rows) >= begin)
    values = np.stack([ambient, load, ambient + rise, rise, speed], axis=1)
    return LifeRows(
        np.arange(rows) * 10**9, np.arange(rows, dtype=float), np.ones(rows, dtype=bool), values, NAMES
    )


def learnt() -> ConditionModel:
    model = fit_condition([life(seed=seed) for seed in range(3)], NAMES, baseline_rows=20)
    assert model is not None
    return model


def asked(model: ConditionModel, rows: LifeRows) -> np.ndarray:
    """Rows that ask for maintenance."""
    return np.array([state is HealthState.MAINTENANCE_REQUIRED for state in model.assess(rows).states])


def with_octaves(rows: LifeRows, level: float = 1.0) -> LifeRows:
    """The same rows beside vibration of that level."""
    octaves = np.full((len(rows.values), 3), level)
    names = (*NAMES, *(f"vibration_h.octave_{hz}hz_rms_m_s2" for hz in (500, 1000, 2000)))
    bearing = tuple(name.replace("winding", "bearing") for name in names)
    return LifeRows(rows.time_us, rows.age, rows.running, np.hstack([rows.values, octaves]), bearing)


def test_a_winding_warmer_than_its_operation_accounts_for_is_told_in_kelvin() -> None:
    model, rows = learnt(), life(seed=9, warmer_k=8.0)
    found = asked(model, rows)
    assert not found[:400].any()
    assert found[410:].all()
    assert model.voters == ()
    last = next(item for item in model.assess(rows).evidence[-1] if item.feature == LEVEL)
    assert last.reference is not None
    assert last.value - last.reference == pytest.approx(8.0, abs=0.5)
    assert last.unit == "K"


def test_more_load_and_a_hotter_day_are_not_told() -> None:
    rows = life(seed=9)
    hot = rows.values.copy()
    hot[:, [0, 2]] += 1.0
    hot[:, 1] = np.clip(hot[:, 1], 0.9, 1.0)
    hot[:, 3] = 20 + 30 * hot[:, 1] ** 2 + 0.3 * hot[:, 4]
    hot[:, 2] = hot[:, 0] + hot[:, 3]
    busy = LifeRows(rows.time_us, rows.age, rows.running, hot, NAMES)
    assert not asked(learnt(), busy).any()


def test_a_spike_of_two_rows_is_not_told() -> None:
    rows = life(seed=9)
    rows.values[[300, 301], 2] += 50.0
    assert not asked(learnt(), rows).any()


def test_later_rows_change_no_evidence() -> None:
    model, rows = learnt(), life(seed=9, warmer_k=8.0)
    part = LifeRows(rows.time_us[:450], rows.age[:450], rows.running[:450], rows.values[:450], NAMES)
    np.testing.assert_allclose(model.assess(part).index, model.assess(rows).index[:450], atol=1e-12)
    assert model.assess(part).evidence == model.assess(rows).evidence[:450]


def test_beside_vibration_a_temperature_lifts_the_index_and_asks_for_nothing() -> None:
    lives = [with_octaves(life(seed=seed)) for seed in range(3)]
    model = fit_condition(lives, lives[0].names, baseline_rows=20)
    assert model is not None
    found = model.assess(with_octaves(life(seed=9, warmer_k=8.0)))
    assert found.index[399] < 0.5
    assert found.index[-1] == pytest.approx(0.9)
    assert set(found.states[20:]) == {HealthState.NORMAL}
    assert found.evidence[-1][0].feature == "bearing_temperature.level_k"


def test_an_artefact_from_before_only_tells_the_temperature() -> None:
    lives = [with_octaves(life(seed=seed)) for seed in range(3)]
    model = fit_condition(lives, lives[0].names, baseline_rows=20)
    assert model is not None
    document = model.to_json()
    for later in ("operation", "levels", "process"):
        del document[later]
    found = ConditionModel.from_json(document).assess(with_octaves(life(seed=9, warmer_k=8.0)))
    assert found.index[-1] == pytest.approx(0.0)
    assert found.evidence[-1][-1].unit == "K"


def test_the_baseline_survives_the_artefact_s_document() -> None:
    model = learnt()
    assert model.thermal
    assert ConditionModel.from_json(json.loads(json.dumps(model.to_json()))) == model


def test_without_load_and_speed_nothing_is_learnt() -> None:
    names = ("ambient_temperature.level_k", "winding_temperature.level_k", RISE)
    rows = life()
    bare = LifeRows(rows.time_us, rows.age, rows.running, rows.values[:, [0, 2, 3]], names)
    model = fit_condition([bare], names, baseline_rows=20)
    assert model is not None
    assert model.thermal == ()
    assert "thermal" not in model.to_json()
    assert model.process is not None
    assert [channel.feature for channel in model.process.channels] == ["winding_temperature.level_k"]
