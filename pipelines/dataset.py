"""What a model may learn from: feature rows joined to lives as of a moment, split by unit, never by row."""

import datetime as dt
from collections.abc import Container
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from features.core.clock import require_utc
from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import LifeUnit, Plant
from features.core.tables import FEATURE_ROWS, FEATURE_SETS, LIVES, MAINTENANCE_EVENTS
from pipelines.labels import outside_sensor_faults, sensor_faults
from pipelines.splits import grouped_folds, together

__all__ = ["Life", "TrainingSet", "grouped_folds", "split_groups", "training_set"]

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

# Endings that train as failures; an incipient fault counts as one at its repair.
_FAILED = ("failure", "incipient")

# Two ages of one installation may differ by rounding of sums over many steps, life units.
_AGE_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Life:
    """One life as a whole, ages in life units: at its first row, and at its end or last row; NaN unknown.

    `failure_mode` is what the log named at its end, None where nothing did; `rated_life` is the plant file's.
    """

    unit: str
    machine_id: str
    slot: str
    ending: str
    entry: float
    duration: float
    failure_mode: str | None = None
    rated_life: float | None = None

    @property
    def failed(self) -> bool:
        """It ended in failure, or in the repair of an incipient fault."""
        return self.ending in _FAILED


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows of all lives of a class in which the machine ran, in order of unit and time.

    Attributes:
        component_class: Class id.
        life_unit: Unit of `rul`, `age` and durations.
        fingerprint: Of the feature set.
        names: Names of the columns of `x`.
        x: float64 [n, features], NaN where refused.
        rul: float64 [n], life units to the end of the life, not capped; NaN in lives that did not fail.
        survived: float64 [n], life units that the part is known to have lived on; NaN in lives that failed.
        age: float64 [n], as stored with the row, NaN where it did not count from the installation.
        unit: str [n], life a row belongs to.
        machine: str [n].
        time_us: int64 [n], microseconds since 1970 UTC.
        declared_cap: `rul_cap` of the class; None: the median failed life of the training lives.
        lives: All lives with rows, whether they failed or not.
        as_of: Nothing that became known later is in here.
        table_versions: Lake table -> version read.
    """

    component_class: str
    life_unit: str
    fingerprint: str
    names: tuple[str, ...]
    x: Floats
    rul: Floats
    survived: Floats
    age: Floats
    unit: Strings
    machine: Strings
    time_us: npt.NDArray[np.int64]
    declared_cap: float | None
    lives: tuple[Life, ...]
    as_of: dt.datetime
    table_versions: dict[str, int | None]

    @property
    def failed_units(self) -> tuple[str, ...]:
        """Lives whose rows have a RUL."""
        return tuple(life.unit for life in self.lives if life.failed)

    def without(self, units: Container[str] = (), machines: Container[str] = ()) -> "TrainingSet":
        """The set without those lives and all lives of those machines."""
        lives = tuple(life for life in self.lives if life.unit not in units and life.machine_id not in machines)
        kept = np.isin(self.unit, [life.unit for life in lives])
        return replace(
            self,
            x=self.x[kept],
            rul=self.rul[kept],
            survived=self.survived[kept],
            age=self.age[kept],
            unit=self.unit[kept],
            machine=self.machine[kept],
            time_us=self.time_us[kept],
            lives=lives,
        )


def training_set(
    lake: Lake, plant: Plant, class_id: str, *, as_of: dt.datetime, fingerprint: str | None = None
) -> TrainingSet:
    """Feature rows and lives of a class as they were known at `as_of`.

    A row belongs to the life in whose (start, end] its time lies, whatever was believed then; its features
    stay as they were stored, which is what serving saw. Rows of a time in which a closed order found the sensor
    to be wrong are left out.

    Args:
        lake: Holds `feature_rows`, `feature_sets`, `lives` and `maintenance_events`.
        plant: Says life unit, cap and grid.
        class_id: Component class.
        as_of: Rows, and lives, with a later `available_at` are not read.
        fingerprint: Feature set; None: the newest of the class.

    Raises:
        ConfigError: No features were computed for the class yet.
    """
    as_of = require_utc(as_of)
    component_class = plant.component_class(class_id)
    fingerprint, names = _feature_set(lake, class_id, fingerprint)
    rows = (
        lake.read(FEATURE_ROWS, as_of=as_of)
        .filter(pl.col("component_class") == class_id, pl.col("fingerprint") == fingerprint)
        .select(
            "machine_id", "slot", "time", "running", "age", "values", pl.col("age_known").alias("row_age_known")
        )
        .collect()
    )
    rows = _with_clock(_joined(rows, _known_lives(lake, class_id, as_of)), plant, component_class.life_unit)
    lives = _lives(rows, plant)
    faults = sensor_faults(lake.read(MAINTENANCE_EVENTS, as_of=as_of).collect(), as_of=as_of)
    rows = outside_sensor_faults(rows.filter(pl.col("running")), faults)
    with_rows = set(rows["unit"].unique())
    return TrainingSet(
        component_class=class_id,
        life_unit=component_class.life_unit.value,
        fingerprint=fingerprint,
        names=names,
        x=_matrix(rows, len(names)),
        rul=_floats(rows, pl.when(pl.col("ending").is_in(_FAILED)).then("rul")),
        survived=_floats(rows, pl.when(~pl.col("ending").is_in(_FAILED)).then("rul")),
        age=_floats(rows, pl.when("row_age_known").then("age")),
        unit=np.asarray(rows["unit"].to_list(), dtype=np.str_),
        machine=np.asarray(rows["machine_id"].to_list(), dtype=np.str_),
        time_us=rows["time"].dt.epoch("us").to_numpy(),
        declared_cap=component_class.rul_cap,
        lives=tuple(life for life in lives if life.unit in with_rows),
        as_of=as_of,
        table_versions={t.name: lake.version(t) for t in (FEATURE_ROWS, LIVES, MAINTENANCE_EVENTS)},
    )


def split_groups(data: TrainingSet, k: int, memory: dt.timedelta | None = None) -> Strings:
    """What must not be torn apart, per row: the machine where enough machines failed, else what shared a time.

    Args:
        data: Rows and lives.
        k: Folds to be made.
        memory: Longest window of a feature. With it lives of one machine that were measured at the same time stay
            together; without it, or where that leaves fewer than three groups that failed, each life is a group.
    """
    failed = np.isfinite(data.rul)
    if np.unique(data.machine[failed]).size >= 2 * k:
        return data.machine
    if memory is not None:
        groups = together(data.machine, data.unit, data.time_us, memory=memory)
        if np.unique(groups[failed]).size >= max(3, k):
            return groups
    return data.unit


def _feature_set(lake: Lake, class_id: str, fingerprint: str | None) -> tuple[str, tuple[str, ...]]:
    # Not as of: what a fingerprint means never changes, and a late registration tells nothing of the future.
    sets = lake.read(FEATURE_SETS).filter(pl.col("component_class") == class_id)
    if fingerprint is not None:
        sets = sets.filter(pl.col("fingerprint") == fingerprint)
    found = sets.sort("available_at", "fingerprint").collect()
    if found.is_empty():
        raise ConfigError(
            f"no features of class {class_id!r} are in the lake; compute features first",
            {"component_class": class_id, "fingerprint": fingerprint},
        )
    newest = found.row(-1, named=True)
    return str(newest["fingerprint"]), tuple(newest["names"])


def _known_lives(lake: Lake, class_id: str, as_of: dt.datetime) -> pl.DataFrame:
    """The newest word on each component at `as_of`; all its lives have the same `known_from`."""
    known = lake.read(LIVES, as_of=as_of).filter(pl.col("component_class") == class_id)
    newest = known.filter(pl.col("known_from") == pl.col("known_from").max().over("machine_id", "slot"))
    unit = pl.format("{}/{}#{}", "machine_id", "slot", "life_number").alias("unit")
    return newest.select(
        "machine_id", "slot", unit, "start", "end", "ending", "failure_mode", "age_known"
    ).collect()


def _joined(rows: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    """Each row with the life in whose (start, end] it lies; rows between lives are dropped."""
    return (
        rows.sort("time")
        .join_asof(
            lives.sort("start"),
            left_on="time",
            right_on="start",
            by=["machine_id", "slot"],
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,
            coalesce=False,
        )
        .filter(pl.col("unit").is_not_null(), pl.col("end").is_null() | (pl.col("time") <= pl.col("end")))
        .sort("machine_id", "slot", "time")
    )


def _with_clock(rows: pl.DataFrame, plant: Plant, life_unit: LifeUnit) -> pl.DataFrame:
    """Adds `clock` (life units since the life's first row), `first` (the life's age there) and `rul`.

    The step between two rows is the difference of their ages where both are of one installation, else what
    the row itself says: a running step, the hours, or one cycle. After the last row at most one step runs.
    """
    grid = pl.DataFrame(
        [(m.id, m.grid / dt.timedelta(hours=1)) for m in plant.machines],
        schema={"machine_id": pl.String, "grid_h": pl.Float64},
        orient="row",
    )
    rows = rows.join(grid, on="machine_id", how="left", maintain_order="left")
    elapsed = _hours(pl.col("time") - pl.col("time").shift(1).over("unit"))
    since_start = _hours(pl.col("time") - pl.col("start"))
    to_end = _hours(pl.col("end") - pl.col("time"))
    if life_unit is LifeUnit.CALENDAR_H:
        step, first, rest = elapsed, since_start, to_end
    else:
        counted = _counted_age(elapsed, life_unit)
        first = (
            pl.when("row_age_known", pl.col("age") <= _bound(since_start, life_unit))
            .then("age")
            .when(since_start <= pl.col("grid_h"))
            .then(_own_step(since_start, life_unit))
        )
        step = pl.coalesce(counted, _own_step(elapsed, life_unit))
        rest = _own_step(to_end, life_unit) if life_unit is LifeUnit.RUNNING_H else pl.lit(0.0)
    rows = rows.with_columns(
        clock=step.fill_null(0.0).cum_sum().over("unit"),
        first=pl.when("age_known").then(first).first().over("unit"),
        rest=rest.last().over("unit").fill_null(0.0),
    )
    total = pl.col("clock").last().over("unit") + pl.col("rest")
    return rows.with_columns(rul=total - pl.col("clock"), duration=pl.col("first") + total)


def _hours(duration: pl.Expr) -> pl.Expr:
    return duration.dt.total_microseconds() / 3.6e9


def _bound(elapsed: pl.Expr, life_unit: LifeUnit) -> pl.Expr:
    """The most life units that can pass in `elapsed` hours."""
    return (elapsed if life_unit is LifeUnit.RUNNING_H else elapsed / pl.col("grid_h")) + _AGE_EPSILON


def _counted_age(elapsed: pl.Expr, life_unit: LifeUnit) -> pl.Expr:
    difference = pl.col("age") - pl.col("age").shift(1).over("unit")
    return pl.when((difference >= 0) & (difference <= _bound(elapsed, life_unit))).then(difference)


def _own_step(elapsed: pl.Expr, life_unit: LifeUnit) -> pl.Expr:
    """What the row says of the `elapsed` hours; null where there are none (first row, no end yet)."""
    if life_unit is LifeUnit.CYCLE:
        step: pl.Expr = pl.lit(1.0)
    else:
        step = pl.when("running").then(pl.min_horizontal(elapsed, "grid_h")).otherwise(0.0)
    return pl.when(elapsed.is_not_null()).then(step)


def _lives(rows: pl.DataFrame, plant: Plant) -> list[Life]:
    last = rows.group_by("unit", maintain_order=True).last()
    ages = pl.col("first", "duration").fill_null(float("nan"))
    columns = last.select("unit", "machine_id", "slot", "ending", ages, "failure_mode")
    rated = {(m.id, c.slot): c.rated_life for m in plant.machines for c in m.components}
    lives = [Life(*row) for row in columns.iter_rows()]
    return [replace(life, rated_life=rated.get((life.machine_id, life.slot))) for life in lives]


def _floats(rows: pl.DataFrame, column: pl.Expr) -> Floats:
    return rows.select(column.cast(pl.Float64).fill_null(float("nan")).alias("value"))["value"].to_numpy()


def _matrix(rows: pl.DataFrame, width: int) -> Floats:
    """Values [n, width], NaN where null."""
    if rows.is_empty():
        return np.empty((0, width))
    flat = rows["values"].explode().fill_null(float("nan")).to_numpy()
    return np.ascontiguousarray(flat).reshape(rows.height, width)
