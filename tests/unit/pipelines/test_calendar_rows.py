"""Rows on the calendar: the clock of a life, its end, and how fast it ages."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint, Plant, Site
from features.core.units import Quantity
from pipelines.dataset import Life, TrainingSet
from pipelines.evaluation.decisions import CalendarRows
from pipelines.model import OutOfFold
from pipelines.training.calendar import calendar_rows

HOUR_US = 3_600_000_000
NAMES = ("age", "t.level_k", "t.level_k.slope_2d")


def plant() -> Plant:
    point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
    machines = tuple(
        Machine(id=name, components=(Component(slot="DE", component_class="bearing"),), measuring_points=(point,))
        for name in ("M1", "M2")
    )
    return Plant(component_classes=(ComponentClass(id="bearing"),), sites=(Site(id="s", machines=machines),))


def data(*, hours_a_row: float = 2.0, rest: float = 1.0) -> TrainingSet:
    """M1 failed after ten rows, of which each is one running hour; M2 still runs."""
    n = 10
    rul = np.concatenate([np.arange(n - 1.0, -1.0, -1.0) + rest, np.full(n, np.nan)])
    lives = (
        Life("M1/DE#1", "M1", "DE", "failure", 1.0, n + rest),
        Life("M2/DE#1", "M2", "DE", "running", 1.0, float(n)),
    )
    return TrainingSet(
        component_class="bearing",
        life_unit="running_h",
        fingerprint="f",
        names=NAMES,
        x=np.tile(np.arange(2.0 * n)[:, None], (1, 3)),
        rul=rul,
        survived=np.full(2 * n, np.nan),
        age=np.tile(np.arange(1.0, n + 1), 2),
        unit=np.repeat(["M1/DE#1", "M2/DE#1"], n),
        machine=np.repeat(["M1", "M2"], n),
        time_us=np.tile(np.arange(n) * int(hours_a_row * HOUR_US), 2),
        declared_cap=None,
        lives=lives,
        as_of=dt.datetime(2025, 1, 1, tzinfo=dt.UTC),
        table_versions={},
    )


def answers(*rul: float) -> OutOfFold:
    left = np.array(rul)
    fold = np.zeros(left.size, dtype=np.int64)
    return OutOfFold(np.full(left.size, "M1/DE#1"), fold, left, left, 20.0, left, None, left, None, {})


def rows(*rul: float, of: TrainingSet | None = None) -> CalendarRows:
    return calendar_rows(data() if of is None else of, answers(*rul), plant())


def test_answered_rows_are_found_by_life_and_what_was_left() -> None:
    found = rows(10.0, 7.0, 1.0)
    assert found.time_us.tolist() == [0, 6 * HOUR_US, 18 * HOUR_US]
    assert found.levels[:, 1].tolist() == [0.0, 3.0, 9.0]


def test_levels_are_what_is_measured_at_the_row_itself() -> None:
    assert rows(10.0).level_names == ("age", "t.level_k")


def test_utilisation_is_what_the_life_lost_over_the_hours_before_the_row() -> None:
    """One running hour every two hours; before the first row nothing is known."""
    found = rows(10.0, 7.0).utilisation
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(0.5)


def test_failure_lies_after_the_last_row_at_the_last_utilisation() -> None:
    found = rows(5.0)
    assert found.start_us.tolist() == [0]
    assert found.end_us.tolist() == [20 * HOUR_US], "one running hour is left at 18 h, at a half"
    assert rows(5.0, of=data(rest=0.0)).end_us.tolist() == [18 * HOUR_US]


def test_row_that_is_not_of_the_training_set_is_refused() -> None:
    with pytest.raises(ValueError, match="is not in the training set"):
        rows(3.25)


def test_place_of_a_life_is_that_of_the_plant_file() -> None:
    context = rows(5.0).contexts["M1/DE#1"]
    assert (context.machine.id, context.component.slot, context.utilisation) == ("M1", "DE", None)
    with pytest.raises(KeyError):
        calendar_rows(dataclasses.replace(data(), component_class="gear"), answers(5.0), plant())
