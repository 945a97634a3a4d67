"""Rules that every registered feature keeps, and what the fingerprint stands on.

`Any`: fields of the plant file, by name.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest

from features.core.plant import Plant, PointKind
from features.core.units import Quantity
from features.registry import (
    Column,
    Feature,
    FeatureRefusal,
    Placement,
    Trend,
    catalogue,
    codes_of,
    feature_set,
    reason_of,
    trends,
)
from features.registry.sets import _build

VIBRATION: dict[str, Any] = {
    "id": "v",
    "role": "vibration_h",
    "quantity": "acceleration",
    "unit": "g",
    "kind": "waveform",
    "sample_rate_hz": 8192,
}
TEMPERATURE: dict[str, Any] = {"id": "t", "role": "bearing_temperature", "quantity": "temperature", "unit": "degC"}
AMBIENT: dict[str, Any] = {"id": "a", "role": "ambient_temperature", "quantity": "temperature", "unit": "degC"}
SPEED: dict[str, Any] = {"id": "n", "role": "speed", "quantity": "speed", "unit": "rpm"}
LOAD: dict[str, Any] = {"id": "l", "role": "load", "quantity": "ratio", "unit": "%"}


def plant(points: list[dict[str, Any]], *, component: dict[str, Any] | None = None, **of_class: Any) -> Plant:
    slot = {"slot": "DE", "component_class": "c", **(component or {})}
    speed = {"speed": {"role": "speed"}} if SPEED in points else {}
    machine = {"id": "M1", "grid": "12h", "components": [slot], "measuring_points": points, **speed}
    document = {"component_classes": [{"id": "c", **of_class}], "sites": [{"id": "s", "machines": [machine]}]}
    return Plant.model_validate(document)


BEARING: dict[str, Any] = {"bearing": "6205-2RS"}


@pytest.mark.parametrize("feature", catalogue(), ids=lambda f: f.name)
def test_every_feature_tells_unit_inputs_window_source_version_and_an_example(feature: Feature) -> None:
    assert feature.unit
    assert feature.inputs
    assert feature.window
    assert len(feature.source) > 10
    assert feature.version >= 1
    text = feature.compute.__doc__ or ""
    assert "Example:" in text
    assert text.split("\n")[0].rstrip().endswith(".")


@pytest.mark.parametrize("trend", trends(), ids=lambda t: t.name)
def test_every_trend_tells_unit_source_version_and_an_example(trend: Trend) -> None:
    assert trend.unit
    assert trend.source
    assert trend.version >= 1
    assert "Example:" in (trend.compute.__doc__ or "")


@pytest.mark.parametrize("feature", catalogue(), ids=lambda f: f.name)
def test_names_end_with_their_units(feature: Feature) -> None:
    endings = {"m/s^2": "_m_s2", "mm/s": "_mm_s", "Hz": "_hz", "K": "_k", "K/h": "_k_per_h"}
    assert feature.name.endswith(endings.get(feature.unit, ""))


def test_a_rolling_bearing_has_about_a_hundred_features() -> None:
    found = feature_set(plant([VIBRATION, TEMPERATURE, AMBIENT, SPEED, LOAD], component=BEARING), "c")
    assert 60 <= len(found.names) <= 120
    assert len(set(found.names)) == len(found.names) == len(found.units)
    assert found.names[0] == "age"
    for name in (
        "vibration_h.rms_m_s2",
        "vibration_h.rms_m_s2.ratio_to_baseline",
        "vibration_h.envelope_bpfo_m_s2.slope_7d",
        "bearing_temperature.rise_over_ambient_k.delta_2d",
        "bearing_temperature.rise_over_ambient_k.difference_to_baseline",
        "load.load",
        "running_share",
    ):
        assert name in found.names


def test_any_other_scalar_has_a_level_in_its_unit_and_its_trends() -> None:
    points: list[dict[str, Any]] = [
        {"id": "p", "role": "discharge", "quantity": "pressure", "unit": "bar"},
        {"id": "s", "role": "sensor_01", "quantity": "other", "unit": "1"},
    ]
    found = feature_set(plant(points, memory=["15h"], life_unit="cycle"), "c")
    assert dict(zip(found.names, found.units, strict=True))["discharge.level_pa"] == "Pa"
    assert [name for name in found.names if name.startswith("sensor_01")] == [
        "sensor_01.level",
        "sensor_01.level.mean_15h",
        "sensor_01.level.slope_15h",
        "sensor_01.level.delta_15h",
        "sensor_01.level.difference_to_baseline",
    ]
    assert found.units[0] == "cycle"


def test_features_without_their_inputs_are_not_in_the_set() -> None:
    names = feature_set(plant([VIBRATION, TEMPERATURE]), "c").names
    assert not [name for name in names if "envelope" in name or "ambient" in name or "running" in name]


def test_the_set_is_the_union_over_the_components_of_a_class() -> None:
    one, other = plant([VIBRATION], component=BEARING), plant([TEMPERATURE])
    site = one.sites[0].model_copy(
        update={"machines": (*one.machines, other.machines[0].model_copy(update={"id": "M2"}))}
    )
    both = one.model_copy(update={"sites": (site,)})
    expected = set(feature_set(one, "c").names) | set(feature_set(other, "c").names)
    assert set(feature_set(both, "c").names) == expected


def test_the_fingerprint_is_the_same_for_an_equal_plant() -> None:
    assert feature_set(plant([VIBRATION]), "c") == feature_set(plant([VIBRATION]), "c")
    assert len(feature_set(plant([VIBRATION]), "c").fingerprint) == 16


@pytest.mark.parametrize("change", [{"memory": ["3d"]}, {"baseline": "10d"}, {"run_in": "1d"}])
def test_the_fingerprint_changes_with_what_trends_look_back_on(change: dict[str, Any]) -> None:
    one, other = feature_set(plant([VIBRATION]), "c"), feature_set(plant([VIBRATION], **change), "c")
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize("change", [{"version": 2}, {"unit": "g"}, {"window": "another"}])
def test_the_fingerprint_changes_with_a_feature_s_version_unit_and_window(change: dict[str, Any]) -> None:
    where = (Placement("vibration_h", PointKind.WAVEFORM, Quantity.ACCELERATION),)
    of = plant([VIBRATION]).component_class("c")
    changed = tuple(dataclasses.replace(f, **change) if f.name == "rms_m_s2" else f for f in catalogue())
    assert _build(where, of)[1].fingerprint != _build(where, of, changed)[1].fingerprint


def test_codes_and_reasons_are_one_to_one() -> None:
    assert [reason_of(codes_of(reason)) for reason in FeatureRefusal] == list(FeatureRefusal)


def test_a_refused_value_is_never_a_number() -> None:
    column = Column.of(np.array([1.0, 2.0]), (FeatureRefusal.STOPPED, np.array([True, False])))
    assert np.isnan(column.values[0])
    assert column.reasons() == ["stopped", ""]
