"""Diagnosis of a component of the plant, from rows of the lake."""

import datetime as dt

import numpy as np
import polars as pl

from features.compute import installations_of
from features.core.lake import join_backward
from features.core.plant import Component, ComponentClass, Machine, PointKind
from features.core.tables import WAVEFORMS
from features.core.units import Quantity
from features.diagnosis.judge import SEVERE_MM_S, diagnose
from features.diagnosis.recording import Geometry, Recording
from features.diagnosis.verdicts import Diagnosis
from features.registry import FeatureRefusal
from features.vibration.severity import limits_mm_s

__all__ = ["GOOD", "diagnose_component", "healthy_rows", "points_of_role", "with_speed"]

# Quality code of a good row; only these are used.
GOOD = 2

# Newest snapshots of each point that are averaged: enough to calm the noise, few enough to be one condition.
_SNAPSHOTS = 4


def diagnose_component(
    machine: Machine,
    component: Component,
    waveforms: pl.DataFrame,
    speed_hz: float | None = None,
    *,
    reference: pl.DataFrame | None = None,
    snapshots: int = _SNAPSHOTS,
    severe_mm_s: float | None = None,
) -> Diagnosis | FeatureRefusal:
    """The fault that the newest waveforms of a component support, from physics alone.

    Args:
        machine: The machine.
        component: One of its components.
        waveforms: Rows of the table `waveforms`, also of other points and machines; the newest ones with
            good quality of each acceleration point count.
        speed_hz: Shaft speed for rows that carry none; None: the machine's constant speed, if it has one.
        reference: Rows of the component's healthy time, see `healthy_rows`; only lubrication needs them.
        snapshots: How many of each point are averaged.
        severe_mm_s: As in `diagnose`; None: the boundary of zones B and C of the machine's vibration class, of
            group 2 on a rigid foundation where the plant file names none.

    Returns:
        As `diagnose`; `stopped` when all rows were taken below the machine's `running_above_hz`.
    """
    if speed_hz is None and machine.speed is not None:
        speed_hz = machine.speed.hz
    geometry = Geometry(component.fault_orders, component.gear_teeth, component.blades)
    rows = _good(machine, component, waveforms).sort("time")
    recordings = _recordings(rows.group_by("point_id", maintain_order=True).tail(snapshots), speed_hz)
    running = [r for r in recordings if r.speed_hz is None or r.speed_hz > machine.running_above_hz]
    if recordings and not running:
        return FeatureRefusal.STOPPED
    healthy = [] if reference is None else _recordings(_good(machine, component, reference), speed_hz)
    of = machine.vibration_class
    if severe_mm_s is None:
        severe_mm_s = SEVERE_MM_S if of is None else limits_mm_s(of.group, of.foundation)[1]
    return diagnose(running, geometry, reference=healthy, severe_mm_s=severe_mm_s)


def healthy_rows(
    waveforms: pl.DataFrame,
    events: pl.DataFrame,
    machine: Machine,
    component: Component,
    component_class: ComponentClass,
) -> pl.DataFrame:
    """Waveforms of the present life's own first stretch: `run_in` after installation, `baseline` long.

    Empty when it is not known when the present one was installed.
    """
    installed = installations_of(events, machine, component).filter(pl.col("withdrawn_at").is_null())
    if installed.is_empty():
        return waveforms.clear()
    newest = installed["installed_at"].max()
    begin = pl.lit(newest) + component_class.run_in
    return waveforms.filter(pl.col("time") >= begin, pl.col("time") < begin + component_class.baseline)


def points_of_role(machine: Machine, role: str) -> list[str]:
    """Measuring points that measure the speed under that role."""
    return [p.id for p in machine.measuring_points if p.role == role and p.quantity is Quantity.SPEED]


def with_speed(waveforms: pl.DataFrame, speeds: pl.DataFrame, *, tolerance: dt.timedelta) -> pl.DataFrame:
    """Waveform rows whose empty `speed_hz` is filled from the machine's measured speed.

    Args:
        waveforms: Rows of the table `waveforms` of one machine.
        speeds: Rows of the table `measurements` of the point that measures its speed.
        tolerance: Largest age of the measured value at the end of the waveform.
    """
    good = speeds.filter(pl.col("quality") == GOOD).select("time", pl.col("value").alias("measured_hz"))
    joined = join_backward(waveforms, good, by=None, tolerance=tolerance)
    filled = joined.with_columns(speed_hz=pl.coalesce("speed_hz", "measured_hz"))
    return WAVEFORMS.check(filled.drop("measured_hz", "time_right"))


def _good(machine: Machine, component: Component, rows: pl.DataFrame) -> pl.DataFrame:
    points = [
        point.id
        for point in machine.points_of(component)
        if point.kind is PointKind.WAVEFORM and point.quantity is Quantity.ACCELERATION
    ]
    return rows.filter(
        pl.col("machine_id") == machine.id, pl.col("point_id").is_in(points), pl.col("quality") == GOOD
    )


def _recordings(rows: pl.DataFrame, speed_hz: float | None) -> list[Recording]:
    return [
        Recording(
            point=row["point_id"],
            samples=np.frombuffer(row["wave"], dtype="<f4").astype(np.float64),
            sample_rate_hz=row["sample_rate_hz"],
            speed_hz=speed_hz if row["speed_hz"] is None else row["speed_hz"],
        )
        for row in rows.iter_rows(named=True)
    ]
