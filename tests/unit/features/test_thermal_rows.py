"""Thermal and process features in feature rows: sisters, limits, ageing, starts; batch equals daily runs.

`Any`: fields of the plant file and columns of rows, by name.
"""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.compute import compute, installations_of, lookback, matrix
from features.core.plant import Plant
from features.core.tables import FEATURE_ROWS, MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from features.registry import feature_set

T0 = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
H = dt.timedelta(hours=1)
NAN = float("nan")
STEP_H = 0.5


def plant() -> Plant:
    def temperature(name: str, role: str, **more: Any) -> dict[str, Any]:
        return {"id": name, "role": role, "quantity": "temperature", "unit": "degC"} | more

    winding = {"slot": "winding", "component_class": "c", "insulation": "F"}
    machine = {
        "id": "M1",
        "grid": "30min",
        "speed": {"role": "speed"},
        "components": [winding, {"slot": "DE", "component_class": "b"}, {"slot": "NDE", "component_class": "b"}],
        "measuring_points": [
            temperature("w", "winding_temperature", slot="winding", limits={"warning": 60}),
            temperature("d", "bearing_temperature", slot="DE"),
            temperature("n", "bearing_temperature", slot="NDE"),
            temperature("a", "ambient_temperature"),
            {"id": "s", "role": "speed", "quantity": "speed", "unit": "rpm"},
            {"id": "l", "role": "load", "quantity": "ratio", "unit": "%"},
        ],
    }
    classes = [{"id": name, "memory": ["6h"], "baseline": "12h", "life_unit": "calendar_h"} for name in "cb"]
    return Plant.model_validate({"component_classes": classes, "sites": [{"id": "s", "machines": [machine]}]})


def scalar(point: str, hours: float, value: float) -> dict[str, object]:
    time = T0 + hours * H
    return {
        "group": "area-1",
        "date": time.date(),
        "machine_id": "M1",
        "point_id": point,
        "source": "x",
        "time": time,
        "available_at": time,
        "revision": 0,
        "quality": 2,
        "status": 192,
        "origin": "live",
        "value": value,
    }


def recorded(days: int) -> pl.DataFrame:
    """A machine that stops every night for six hours; the winding follows load with a constant of 1.5 h."""
    rng, rows, level = np.random.default_rng(0), [], 300.0
    for index in range(days * 24 * 6):
        hours = index / 6
        on = hours % 24 >= 6
        target = 340.0 if on else 300.0
        level = target + (level - target) * np.exp(-(1 / 6) / 1.5)
        rows += [scalar("w", hours, level), scalar("s", hours, 25.0 if on else 0.0), scalar("a", hours, 293.0)]
        rows += [scalar("d", hours, 320 + rng.normal()), scalar("n", hours, 310 + rng.normal())]
        rows += [scalar("l", hours, 0.8 if on else 0.0)]
    return MEASUREMENTS.frame(rows)


def made(slot: str, measured: pl.DataFrame, *, as_of: dt.datetime, **more: Any) -> pl.DataFrame:
    of = plant()
    machine = of.machines[0]
    component = machine.component(slot)
    known = installations_of(MAINTENANCE_EVENTS.empty(), machine, component)
    return compute(
        of,
        machine,
        component,
        measurements=measured,
        waveforms=WAVEFORMS.empty(),
        installations=known,
        as_of=as_of,
        **more,
    )


def value(rows: pl.DataFrame, name: str, of_class: str = "c") -> np.ndarray:
    return matrix(rows)[:, feature_set(plant(), of_class).names.index(name)]


MEASURED = recorded(3)
LATER = T0 + 100 * H


@pytest.mark.parametrize("slot", ["winding", "DE"])
def test_a_run_every_five_hours_makes_the_rows_of_one_batch(slot: str) -> None:
    once = made(slot, MEASURED, as_of=T0 + 72 * H)
    history = FEATURE_ROWS.empty()
    for hours in [*range(5, 72, 5), 72]:
        as_of = T0 + hours * H
        begin = None if history.is_empty() else history["time"][-1] + dt.timedelta(microseconds=1)
        start = T0 if begin is None else begin - lookback(plant().machines[0])
        recent = MEASURED.filter(pl.col("time") >= start, pl.col("available_at") <= as_of)
        history = pl.concat([history, made(slot, recent, as_of=as_of, since=begin, history=history)])
    assert once.height > 140
    assert once.drop("values").equals(history.drop("values"))
    np.testing.assert_allclose(matrix(once), matrix(history), rtol=1e-9)


def test_sisters_are_the_points_of_the_role_in_other_slots() -> None:
    drive, other = (made(slot, MEASURED, as_of=LATER) for slot in ("DE", "NDE"))
    name = "bearing_temperature.rise_over_sisters_k"
    assert np.nanmean(value(drive, name, "b")) == pytest.approx(10.0, abs=0.2)
    np.testing.assert_allclose(value(drive, name, "b"), -value(other, name, "b"), atol=1e-9)
    assert "winding_temperature.rise_over_sisters_k" not in feature_set(plant(), "c").names


def test_what_a_sister_says_after_the_closing_is_not_used() -> None:
    late = MEASURED.with_columns(
        pl.when(pl.col("point_id") == "n")
        .then(pl.col("available_at") + 3 * H)
        .otherwise("available_at")
        .alias("available_at")
    )
    found = value(made("DE", late, as_of=LATER), "bearing_temperature.rise_over_sisters_k", "b")
    assert np.isnan(found[:100]).all()


def test_limits_are_in_the_point_s_unit_and_shares_are_of_single_values() -> None:
    rows = made("winding", MEASURED, as_of=LATER)
    share, level = (
        value(rows, "winding_temperature.over_warning_share"),
        value(rows, "winding_temperature.level_k"),
    )
    warm = 60 + 273.15
    assert set(share[level > warm + 3]) == {1.0}
    assert set(share[level < warm - 8]) == {0.0}
    assert set(np.round(share * 3) / 3 - share) == {0.0}


def test_insulation_ages_by_the_class_of_the_plant_file() -> None:
    rows = [scalar("w", 0.1, 273.15 + 145), scalar("w", 0.2, 273.15 + 165), scalar("w", 0.6, 300.0)]
    found = made("winding", MEASUREMENTS.frame(rows), as_of=LATER)
    assert value(found, "winding_temperature.insulation_ageing")[0] == pytest.approx((0.5 + 2.0) / 2)


def test_starts_states_and_transients_of_a_machine_that_stops_every_night() -> None:
    rows = made("winding", MEASURED, as_of=LATER)
    hours = ((rows["time"] - T0).dt.total_minutes() / 60).to_numpy()
    starts = value(rows, "starts")
    assert starts[hours == 10].tolist() == [1.0]
    assert starts[hours == 60].tolist() == [3.0]
    since = value(rows, "hours_since_start_h")
    np.testing.assert_allclose(since[hours == 10], 4.0)
    assert np.isnan(since[hours == 3]).all()
    state = value(rows, "operating_state")
    assert state[hours == 3].tolist() == [0]
    assert state[hours == 6.5].tolist() == [1]
    assert state[hours == 12].tolist() == [2]
    tau = value(rows, "winding_temperature.level_k.startup_time_constant_h")
    assert np.isnan(tau[hours < 13.9]).all()
    np.testing.assert_allclose(tau[hours > 14.1], 1.5, rtol=0.05)
    cycles = value(rows, "winding_temperature.level_k.thermal_cycles")
    assert cycles[-1] == pytest.approx(2.5, abs=0.5)
    assert (np.diff(cycles) >= 0).all()
