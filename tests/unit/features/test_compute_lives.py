"""Feature rows and lives: ages, and what an installed part does to them."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from features.compute import compute, installations_of
from features.core.tables import MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from tests.unit.features._feature_rows import (
    LATER,
    NAN,
    T0,
    H,
    event,
    events,
    made,
    parts,
    plant,
    recorded,
    scalar,
    value,
)


@pytest.mark.parametrize(
    ("unit", "ages"),
    [("running_h", [4, 10, 10, 16]), ("calendar_h", [4, 10, 16, 22]), ("cycle", [1, 2, 3, 4])],
)
def test_age_counts_in_the_unit_of_the_class(unit: str, ages: list[float]) -> None:
    hours = range(24)
    rows = [scalar("t", h, 330.0) for h in hours] + [scalar("n", h, 0.0 if 12 <= h < 18 else 25.0) for h in hours]
    found = made(plant(life_unit=unit), rows, installed=[(2, 2)])
    assert found["age"].to_list() == ages
    assert found["age_known"].to_list() == [True] * 4


def test_an_installation_counts_from_when_it_became_known() -> None:
    rows = [scalar("t", h, 330.0) for h in range(49)] + [scalar("n", h, 25.0) for h in range(49)]
    found = made(plant(), rows, installed=[(0, 0), (12, 30)])
    assert found["age"].to_list()[:6] == [6, 12, 18, 24, 18, 24]


def test_age_from_before_the_data_is_counted_but_not_known() -> None:
    of = plant()
    found = made(of, [scalar("n", h, 25.0) for h in range(13)], installed=[(-500, -500)])
    assert found["age_known"].to_list()[:2] == [False, False]
    assert found["age"].to_list()[:2] == [6, 12]
    assert "age: age_unknown" in found["refusals"][0].to_list()
    assert np.isnan(value(of, found, "age")).all()


def test_trends_and_waveforms_stop_at_an_installation() -> None:
    of = plant()
    measured, waves = recorded(8)
    loud = waves.filter(pl.col("time") <= T0 + 97 * H)
    found = made(of, measured, loud, installed=[(0, 0), (98, 98)])
    after = found.filter(pl.col("time") > T0 + 98 * H)
    assert np.isnan(value(of, after, "vibration_h.rms_m_s2")).all()
    assert np.isnan(value(of, after, "vibration_h.rms_m_s2.mean_3d")).all()
    assert np.isnan(value(of, after, "vibration_h.rms_m_s2.ratio_to_baseline")).all()


def test_the_step_in_which_a_part_was_installed_does_not_count_in_its_trends() -> None:
    of = plant()
    rows = [scalar("t", h, 400.0 if h < 12 else 340.0) for h in range(48)]
    rows += [scalar("a", h, 290.0) for h in range(48)] + [scalar("n", h, 25.0) for h in range(48)]
    means = value(of, made(of, rows, installed=[(8, 8)]), "bearing_temperature.rise_over_ambient_k.mean_1d")
    np.testing.assert_allclose(means, [110, NAN, 50, 50, 50, 50, 50, 50])


def test_the_row_at_a_failure_belongs_to_the_life_that_failed() -> None:
    rows = [scalar("n", h + 0.5, 25.0) for h in range(24)]
    assert made(plant(), rows, installed=[(0, 0), (12, 12)])["age"].to_list() == [6, 12, 6, 12]


def test_stopped_rows_do_not_count_in_trends() -> None:
    of = plant()
    hours = range(72)
    speed = [scalar("n", h, 0.0 if 36 <= h < 48 else 25.0) for h in hours]
    warm = [scalar("t", h, 300.0 if 36 <= h < 48 else 340.0) for h in hours]
    found = made(of, warm + speed + [scalar("a", h, 290.0) for h in hours])
    means = value(of, found, "bearing_temperature.rise_over_ambient_k.mean_3d")
    np.testing.assert_allclose(means, 50.0)


def test_installations_come_from_events_that_changed_something() -> None:
    rows = [
        event(1, 2, kind="installation"),
        event(3, 4, kind="failure"),
        event(5, 6, kind="inspection"),
        event(7, 8, outcome="no_fault_found"),
        event(9, 10, slot="NDE"),
        event(11, 12, machine_id="P2"),
        event(13, 14, kind="machine_swap", slot=None),
    ]
    found = installations_of(MAINTENANCE_EVENTS.frame(rows), *parts(plant())[1:])
    assert [(at - T0) / H for at in found["installed_at"]] == [1, 3, 13]
    assert [(at - T0) / H for at in found["available_at"]] == [2, 4, 14]


def test_a_corrected_event_is_withdrawn_when_the_correction_became_known() -> None:
    first = event(6, 6)
    corrected = event(12, 31, source_event_id="E6", revision=1)
    frame = MAINTENANCE_EVENTS.frame([first, corrected])
    found = installations_of(frame, *parts(plant())[1:])
    assert found["withdrawn_at"].to_list() == [T0 + 31 * H, None]
    of = plant()
    speed = MEASUREMENTS.frame([scalar("n", h, 25.0) for h in range(49)])
    rows = compute(*parts(of), measurements=speed, waveforms=WAVEFORMS.empty(), installations=found, as_of=LATER)
    assert rows["age"].to_list()[:8] == [6, 6, 12, 18, 24, 24, 30, 36]


def test_the_plant_file_s_installation_is_known_from_the_beginning() -> None:
    of, machine, component = parts(plant())
    fresh = component.model_copy(update={"installed": T0})
    assert installations_of(events(), machine, fresh)["installed_at"].to_list() == [T0]
    assert installations_of(events((0.0, 9.0)), machine, fresh).height == 1
    assert of.component_class("c").baseline == dt.timedelta(days=2)
