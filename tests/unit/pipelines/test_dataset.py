import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import Component, ComponentClass, LifeUnit, Machine, MeasuringPoint, Plant, Site
from features.core.tables import FEATURE_ROWS, FEATURE_SETS, LIVES
from features.core.units import Quantity
from pipelines import dataset
from pipelines.dataset import TrainingSet

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
AS_OF = BEGIN + 1000 * HOUR
Row = dict[str, object]


def plant_of(life_unit: LifeUnit = LifeUnit.RUNNING_H) -> Plant:
    point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
    machine = Machine(
        id="P1",
        grid=HOUR,
        components=(Component(slot="DE", component_class="bearing"),),
        measuring_points=(point,),
    )
    bearing = ComponentClass(id="bearing", life_unit=life_unit)
    return Plant(component_classes=(bearing,), sites=(Site(id="works", machines=(machine,)),))


def life(
    number: int, start: float, end: float | None, ending: str, *, known: float = 0.0, aged: bool = True
) -> Row:
    return {
        "machine_id": "P1",
        "slot": "DE",
        "component_class": "bearing",
        "life_number": number,
        "known_from": BEGIN + known * HOUR,
        "start": BEGIN + start * HOUR,
        "end": None if end is None else BEGIN + end * HOUR,
        "ending": ending,
        "failure_mode": None,
        "age_known": aged,
        "available_at": BEGIN + known * HOUR,
    }


def row(
    hour: float, age: float | None, *, running: bool = True, known: float | None = None, value: float = 0.0
) -> Row:
    time = BEGIN + hour * HOUR
    return {
        "group": "area-1",
        "date": time.date(),
        "machine_id": "P1",
        "slot": "DE",
        "component_class": "bearing",
        "fingerprint": "f1",
        "time": time,
        "available_at": time if known is None else BEGIN + known * HOUR,
        "running": running,
        "age": age,
        "age_known": age is not None,
        "values": [value, None],
        "refusals": ["b: empty"],
    }


Read = Callable[..., TrainingSet]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes rows and lives to a lake and reads a training set back."""

    def run(
        rows: list[Row],
        lives: list[Row],
        *,
        life_unit: LifeUnit = LifeUnit.RUNNING_H,
        as_of: dt.datetime = AS_OF,
        folder: str = "lake",
    ) -> TrainingSet:
        lake = Lake(tmp_path / folder)
        named = {
            "fingerprint": "f1",
            "component_class": "bearing",
            "names": ["a", "b"],
            "units": ["1", "1"],
            "available_at": AS_OF,
        }
        lake.upsert(FEATURE_SETS, FEATURE_SETS.frame([named]), writer="scoring")
        lake.upsert(FEATURE_ROWS, FEATURE_ROWS.frame(rows), writer="scoring")
        lake.upsert(LIVES, LIVES.frame(lives), writer="labels")
        return dataset.training_set(lake, plant_of(life_unit), "bearing", as_of=as_of)

    return run


def test_rul_is_zero_at_the_failure_and_counts_running_hours_back(read: Read) -> None:
    rows = [row(hour, age) for hour, age in ((1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0))]
    data = read(rows, [life(1, 0, 4, "failure")])
    assert data.rul.tolist() == [3.0, 2.0, 1.0, 0.0]
    assert data.lives == (dataset.Life("P1/DE#1", "P1", "DE", "failure", 1.0, 4.0),)


def test_a_life_tells_the_failure_mode_that_ended_it(read: Read) -> None:
    rows = [row(hour, float(hour)) for hour in (1, 2)]
    data = read(rows, [life(1, 0, 2, "failure") | {"failure_mode": "cage"}])
    assert [one.failure_mode for one in data.lives] == ["cage"]


def test_hours_at_rest_do_not_count_and_their_rows_are_not_taught(read: Read) -> None:
    rows = [row(1, 1.0), row(2, 1.0, running=False), row(3, 1.0, running=False), row(4, 2.0)]
    data = read(rows, [life(1, 0, 4, "failure")])
    assert data.rul.tolist() == [1.0, 0.0]


def test_rest_until_the_failure_is_at_most_one_running_step(read: Read) -> None:
    data = read([row(1, 1.0), row(2, 2.0)], [life(1, 0, 2.5, "failure")])
    assert data.rul.tolist() == [1.5, 0.5]
    late = read([row(1, 1.0), row(2, 2.0)], [life(1, 0, 50, "failure")], folder="late")
    assert late.rul.tolist() == [2.0, 1.0]


def test_calendar_hours_run_on_at_rest(read: Read) -> None:
    rows = [row(1, 1.0), row(2, 2.0, running=False), row(3, 3.0)]
    data = read(rows, [life(1, 0, 10, "failure")], life_unit=LifeUnit.CALENDAR_H)
    assert data.rul.tolist() == [9.0, 7.0]
    assert data.lives[0].duration == 10.0


def test_cycles_are_numbers_of_rows(read: Read) -> None:
    rows = [row(hour, float(hour)) for hour in range(1, 6)]
    data = read(rows, [life(1, 0, 5, "failure")], life_unit=LifeUnit.CYCLE)
    assert data.rul.tolist() == [4.0, 3.0, 2.0, 1.0, 0.0]


def test_rul_needs_no_age(read: Read) -> None:
    rows = [row(hour, None) for hour in (1, 2, 3)]
    data = read(rows, [life(1, 0, 3, "failure", aged=False)])
    assert data.rul.tolist() == [2.0, 1.0, 0.0]
    assert np.isnan(data.lives[0].duration)


def test_an_age_counted_from_the_first_row_is_no_age(read: Read) -> None:
    """The rows were made before anybody recorded the installation, 20 h before them."""
    rows = [row(20 + hour, float(hour)) | {"age_known": False} for hour in (1, 2, 3)]
    data = read(rows, [life(1, 0, 23, "failure")])
    assert np.isnan(data.age).all()
    assert np.isnan([data.lives[0].entry, data.lives[0].duration]).all()
    assert data.rul.tolist() == [2.0, 1.0, 0.0]


def test_suspended_and_running_lives_have_no_rul_but_stay_in_the_set(read: Read) -> None:
    rows = [row(hour, float((hour - 1) % 3 + 1)) for hour in range(1, 7)]
    data = read(rows, [life(1, 0, 3, "suspension"), life(2, 3, None, "running")])
    assert np.isnan(data.rul).all()
    assert [(x.ending, x.duration) for x in data.lives] == [("suspension", 3.0), ("running", 3.0)]
    assert data.failed_units == ()


def test_incipient_fault_trains_as_a_failure(read: Read) -> None:
    data = read([row(1, 1.0)], [life(1, 0, 1, "incipient")])
    assert data.rul.tolist() == [0.0]


def test_rows_between_failure_and_new_part_belong_to_no_life(read: Read) -> None:
    rows = [row(hour, float(hour)) for hour in range(1, 8)]
    data = read(rows, [life(1, 0, 3, "failure"), life(2, 5, None, "running")])
    assert data.unit.tolist() == ["P1/DE#1"] * 3 + ["P1/DE#2"] * 2


def test_row_whose_age_was_misjudged_keeps_it_and_gets_the_true_rul(read: Read) -> None:
    """The replacement at hour 3 became known at hour 5: until then age went on counting the old part."""
    rows = [row(4, 4.0, value=4.0), row(5, 5.0, value=5.0), row(6, 3.0, value=3.0), row(7, 4.0, value=4.0)]
    data = read(rows, [life(1, 0, 3, "failure"), life(2, 3, 7, "failure")])
    assert data.rul.tolist() == [3.0, 2.0, 1.0, 0.0]
    assert data.age.tolist() == [4.0, 5.0, 3.0, 4.0]
    assert data.x[:, 0].tolist() == [4.0, 5.0, 3.0, 4.0]


def test_refused_features_are_nan(read: Read) -> None:
    data = read([row(1, 1.0, value=7.0)], [life(1, 0, 1, "failure")])
    assert data.x[0, 0] == 7.0
    assert np.isnan(data.x[0, 1])


@pytest.mark.parametrize("late", ["row", "life"])
def test_what_became_known_after_as_of_changes_nothing(read: Read, late: str) -> None:
    rows = [row(hour, float(hour)) for hour in (1, 2, 3)]
    lives = [life(1, 0, None, "running")]
    as_of = BEGIN + 10 * HOUR
    before = read(rows, lives, as_of=as_of, folder="before")
    later_rows = [row(2.5, 2.5, known=11), row(4, 4.0, known=11)] if late == "row" else []
    later_lives = [life(1, 0, 3, "failure", known=11)] if late == "life" else []
    after = read(rows + later_rows, lives + later_lives, as_of=as_of, folder="after")
    assert after.lives == before.lives
    for name in ("x", "rul", "age", "unit", "time_us"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_newest_word_on_a_component_replaces_all_its_former_lives(read: Read) -> None:
    withdrawn = [life(1, 0, 2, "failure"), life(2, 2, None, "running"), life(1, 0, None, "running", known=5)]
    data = read([row(1, 1.0), row(3, 3.0)], withdrawn)
    assert [x.unit for x in data.lives] == ["P1/DE#1"]


def test_class_without_features_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="compute features first"):
        dataset.training_set(Lake(tmp_path), plant_of(), "bearing", as_of=AS_OF)


def test_left_out_lives_leave_no_row(read: Read) -> None:
    rows = [row(hour, float(hour)) for hour in range(1, 5)]
    data = read(rows, [life(1, 0, 2, "failure"), life(2, 2, 4, "failure")])
    rest = data.without(units={"P1/DE#1"})
    assert rest.unit.tolist() == ["P1/DE#2"] * 2
    assert rest.failed_units == ("P1/DE#2",)
    assert data.without(machines={"P1"}).x.shape == (0, 2)


def test_no_group_is_on_both_sides_of_a_fold_and_folds_are_about_equal() -> None:
    groups = np.repeat(np.array([f"u{i}" for i in range(9)]), [90, 10, 20, 30, 40, 50, 10, 10, 40])
    fold = dataset.grouped_folds(groups, 3)
    spread = pl.DataFrame({"group": groups, "fold": fold}).group_by("group").agg(pl.col("fold").n_unique())
    assert spread["fold"].to_list() == [1] * 9
    assert np.bincount(fold).tolist() == [100, 100, 100]


def test_more_folds_than_groups_leave_one_out() -> None:
    assert sorted(dataset.grouped_folds(np.array(["a", "b", "c"]), 10)) == [0, 1, 2]
