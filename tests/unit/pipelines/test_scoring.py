"""From the lake's measurements to feature rows and statements, and back into the lake."""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.core.lake import Lake
from features.core.plant import Component, ComponentClass, LifeUnit, Machine, MeasuringPoint, Plant, Site
from features.core.statements import EventKind, MaintenanceEvent, Refusal, RefusalReason
from features.core.tables import (
    FEATURE_ROWS,
    FEATURE_SETS,
    LIVES,
    MAINTENANCE_EVENTS,
    MEASUREMENTS,
    PREDICTIONS,
    Table,
)
from features.core.units import Quantity
from features.registry import feature_set
from features.rul.artefact import Artefact, Calibration, Domain
from features.rul.rows import from_row
from pipelines import labels
from pipelines.scoring import FeatureProgress, compute_features, score

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
STEPS = 48
END = START + STEPS * HOUR
CLASS = ComponentClass(
    id="winding",
    life_unit=LifeUnit.CALENDAR_H,
    memory=(6 * HOUR,),
    baseline=6 * HOUR,
    horizon=dt.timedelta(days=9),
)


def machine(name: str, group: str = "area-1") -> Machine:
    return Machine(
        id=name,
        group=group,
        grid=HOUR,
        components=(Component(slot="W", component_class="winding", installed=START),),
        measuring_points=(
            MeasuringPoint(id="T", role="winding_temperature", quantity=Quantity.TEMPERATURE, unit="K"),
            MeasuringPoint(id="A", role="ambient_temperature", quantity=Quantity.TEMPERATURE, unit="K"),
            MeasuringPoint(id="L", role="load", quantity=Quantity.RATIO, unit="1"),
        ),
    )


PLANT = Plant(
    component_classes=(CLASS,),
    sites=(Site(id="s", machines=(machine("M1"), machine("M2"), machine("M3", "area-2"))),),
)


def measurements(first: int = 0, last: int = STEPS) -> pl.DataFrame:
    """Three points of each machine every half hour, known ten minutes later."""
    rows: list[dict[str, object]] = []
    for place, m in enumerate(PLANT.machines):
        for half in range(2 * first, 2 * last):
            time = START + half * HOUR / 2
            values = {
                "T": 300.0 + place + half % 5 + 0.05 * half,
                "A": 290.0 + half % 3,
                "L": 0.5 + 0.01 * (half % 7),
            }
            for point, value in values.items():
                rows.append(
                    {
                        "group": m.group,
                        "date": time.date(),
                        "machine_id": m.id,
                        "point_id": point,
                        "source": "test",
                        "time": time,
                        "available_at": time + HOUR / 6,
                        "revision": 0,
                        "value": value,
                        "quality": 2,
                        "status": 0,
                        "origin": "backfill",
                    }
                )
    return MEASUREMENTS.frame(rows)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.append(MEASUREMENTS, measurements(), writer="ingest")
    return lake


def rows_in(lake: Lake) -> pl.DataFrame:
    return lake.read(FEATURE_ROWS).collect().sort("machine_id", "slot", "time")


def lives_in(lake: Lake, as_of: dt.datetime = END) -> pl.DataFrame:
    return labels.lives(lake.read(MAINTENANCE_EVENTS).collect(), PLANT, as_of=as_of)


def replaced(hours: float, entered_after: dt.timedelta = HOUR) -> MaintenanceEvent:
    moment = START + hours * HOUR
    return MaintenanceEvent(
        "log", "1", 0, "M1", "W", EventKind.REPLACEMENT, None, None, moment, moment + entered_after
    )


@dataclass(frozen=True)
class Loaded:
    """A model without forests."""

    artefact: Artefact
    name: str = "wearcast-rul-winding"
    version: str = "3"


def model() -> Loaded:
    features = feature_set(PLANT, "winding")
    return Loaded(
        Artefact(
            name="wearcast-rul-winding",
            component_class="winding",
            life_unit="calendar_h",
            rul_cap=100.0,
            fingerprint=features.fingerprint,
            feature_names=features.names,
            inputs=(),
            base={},
            forests={},
            calibration=Calibration(0, False),
            domain=Domain(),
            condition=None,
            class_prior={},
            trained_units=0,
            failed_units=0,
            as_of=START.isoformat(),
            table_versions={},
            min_rows=1,
        )
    )


def test_rows_are_made_once_and_committed_together(lake: Lake) -> None:
    made = compute_features(lake, PLANT, as_of=END)
    version = lake.version(FEATURE_ROWS)

    assert made == rows_in(lake).height > 3 * (STEPS - 3)
    assert version == 1  # the table, then its rows
    assert compute_features(lake, PLANT, as_of=END) == 0
    assert lake.version(FEATURE_ROWS) == version


class _OvertakenLake(Lake):
    """Another process makes the same rows between this one's look at what is there and its own writing."""

    def read(self, table: Table, **facts: Any) -> pl.LazyFrame:  # Any: passed on as it came
        seen = super().read(table, **facts)
        if table is FEATURE_ROWS and not Path(self.url, FEATURE_ROWS.name).exists():
            compute_features(Lake(self.url), PLANT, as_of=END)
        return seen


def test_two_processes_at_once_make_each_row_once(lake: Lake) -> None:
    compute_features(_OvertakenLake(lake.url), PLANT, as_of=END)

    rows = rows_in(lake)
    assert rows.height == rows.select(FEATURE_ROWS.key).unique().height > 3 * (STEPS - 3)
    assert lake.read(FEATURE_SETS).collect().height == 1


def test_feature_set_is_registered_once(lake: Lake) -> None:
    compute_features(lake, PLANT, as_of=END)
    compute_features(lake, PLANT, as_of=END + HOUR)

    registered = lake.read(FEATURE_SETS).collect()
    assert registered.height == 1
    assert tuple(registered["names"][0]) == feature_set(PLANT, "winding").names


@pytest.mark.parametrize("entered_after", [HOUR, 9 * HOUR])
def test_a_run_a_day_gives_the_rows_of_one_batch(lake: Lake, tmp_path: Path, entered_after: dt.timedelta) -> None:
    daily = Lake(tmp_path / "daily")
    daily.append(MEASUREMENTS, measurements(), writer="ingest")
    for each in (lake, daily):
        each.append_events([replaced(20.5, entered_after)], writer="ingest")

    compute_features(lake, PLANT, as_of=END)
    made = [compute_features(daily, PLANT, as_of=START + hours * HOUR) for hours in (7, 21, 24, 36, 48)]

    assert all(made)
    whole, parts = rows_in(lake), rows_in(daily)
    plain = [name for name in whole.columns if name not in ("values", "age")]
    assert parts.select(plain).equals(whole.select(plain))
    for name in ("age", "values"):
        left, right = parts.select(pl.col(name).explode()), whole.select(pl.col(name).explode())
        assert left[name].null_count() == right[name].null_count() < right.height
        assert not ((left[name] - right[name]).abs() > 1e-9).any()


def test_readings_known_later_change_no_row(lake: Lake, tmp_path: Path) -> None:
    as_of = START + 30 * HOUR
    altered = Lake(tmp_path / "altered")
    later = pl.col("available_at") > as_of
    altered.append(
        MEASUREMENTS,
        measurements().with_columns(value=pl.when(later).then(999.0).otherwise("value")),
        writer="ingest",
    )

    compute_features(lake, PLANT, as_of=as_of)
    compute_features(altered, PLANT, as_of=as_of)

    assert rows_in(altered).equals(rows_in(lake))
    assert rows_in(lake)["available_at"].max() == pytest.approx(as_of, abs=HOUR)


def test_only_asked_machines_are_computed_and_progress_is_told(lake: Lake) -> None:
    seen: list[FeatureProgress] = []

    compute_features(lake, PLANT, as_of=END, machine_ids=["M3", "M1"], on_progress=seen.append)

    assert set(rows_in(lake)["machine_id"]) == {"M1", "M3"}
    assert [(p.machine_id, p.share) for p in seen] == [("M1", 0.5), ("M3", 1.0)]
    assert seen[-1].rows == rows_in(lake).height


def test_statements_of_all_components_are_written(lake: Lake) -> None:
    compute_features(lake, PLANT, as_of=END)

    told = score(lake, PLANT, {}, lives=lives_in(lake), as_of=END)

    written = lake.read(PREDICTIONS).collect().sort("machine_id")
    assert [from_row(row) for row in written.iter_rows(named=True)] == told
    assert [s.component_id for s in told] == ["M1/W", "M2/W", "M3/W"]
    assert {s.reason for s in told if isinstance(s, Refusal)} == {RefusalReason.NO_MODEL}
    assert written["utilisation"].to_list() == [1.0, 1.0, 1.0]
    assert written["p50"].null_count() == 3


def test_scoring_again_replaces_the_statement(lake: Lake) -> None:
    compute_features(lake, PLANT, as_of=END)
    for _ in range(2):
        score(lake, PLANT, {"winding": model()}, lives=lives_in(lake), as_of=END)

    written = lake.read(PREDICTIONS).collect()
    assert written.height == 3
    assert set(written["model_version"]) == {"3"}


def test_along_equals_scoring_at_every_moment(lake: Lake) -> None:
    lake.append_events([replaced(30.5)], writer="ingest")
    compute_features(lake, PLANT, as_of=END)
    lives, models = lives_in(lake), {"winding": model()}

    along = score(lake, PLANT, models, lives=lives, as_of=END, along=True, machine_ids=["M1"])

    again = [
        score(lake, PLANT, models, lives=lives, as_of=moment, machine_ids=["M1"])[0]
        for moment in (s.as_of for s in along[::6])
    ]
    assert along[::6] == again
    numbers = lake.read(PREDICTIONS).collect().sort("time")["life_number"].to_list()
    assert numbers == sorted(numbers)
    assert set(numbers) == {1, 2}


def test_statement_along_the_past_says_when_it_was_made(lake: Lake) -> None:
    compute_features(lake, PLANT, as_of=END)

    score(lake, PLANT, {}, lives=lives_in(lake), as_of=END, along=True, machine_ids=["M1"])

    assert set(lake.read(PREDICTIONS).collect()["available_at"]) == {END}


def test_new_part_is_judged_by_its_own_rows_only(lake: Lake) -> None:
    lake.append_events([replaced(47.0, HOUR / 2)], writer="ingest")
    compute_features(lake, PLANT, as_of=END)
    lives = lives_in(lake)

    told = score(lake, PLANT, {}, lives=lives, as_of=END, machine_ids=["M1"])[0]

    assert lives.filter(pl.col("machine_id") == "M1")["life_number"].to_list() == [1, 2]
    assert told.condition_index is None


def test_silent_machine_gets_a_stale_refusal(lake: Lake) -> None:
    compute_features(lake, PLANT, as_of=END + 9 * HOUR)
    loaded = model()
    told = score(lake, PLANT, {"winding": loaded}, lives=lives_in(lake), as_of=END + 9 * HOUR)

    assert {s.reason for s in told if isinstance(s, Refusal)} == {RefusalReason.STALE_DATA}


def test_component_without_a_known_life_is_refused(lake: Lake) -> None:
    compute_features(lake, PLANT, as_of=END)

    told = score(lake, PLANT, {}, lives=LIVES.empty(), as_of=END, machine_ids=["M1"])[0]

    assert isinstance(told, Refusal)
    assert told.reason is RefusalReason.NO_LIFE


def test_model_of_another_feature_set_is_refused(lake: Lake) -> None:
    compute_features(lake, PLANT, as_of=END)
    stump = dataclasses.replace(
        model().artefact, fingerprint="other", forests=dict.fromkeys(("mean", "p10", "p50", "p90"), "x")
    )

    told = score(lake, PLANT, {"winding": Loaded(stump)}, lives=lives_in(lake), as_of=END, machine_ids=["M1"])[0]

    assert isinstance(told, Refusal)
    assert told.reason is RefusalReason.FINGERPRINT_MISMATCH


def test_empty_lake_gives_refusals_and_no_rows(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")

    assert compute_features(lake, PLANT, as_of=END) == 0
    told = score(lake, PLANT, {}, lives=lives_in(lake), as_of=END)

    assert [type(s) for s in told] == [Refusal] * 3


def test_classes_with_the_same_features_are_both_registered(lake: Lake) -> None:
    twin = CLASS.model_copy(update={"id": "twin"})
    (first, *others) = PLANT.machines
    both = (*first.components, Component(slot="W2", component_class="twin", installed=START))
    site = PLANT.sites[0].model_copy(update={"machines": (first.model_copy(update={"components": both}), *others)})
    plant = PLANT.model_copy(update={"component_classes": (CLASS, twin), "sites": (site,)})
    assert feature_set(plant, "twin").fingerprint == feature_set(plant, "winding").fingerprint
    for _ in range(2):
        compute_features(lake, plant, as_of=END)
    assert sorted(lake.read(FEATURE_SETS).collect()["component_class"]) == ["twin", "winding"]
