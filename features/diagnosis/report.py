"""A diagnosis for people and programs: from the lake to a table of matched lines."""

import datetime as dt
from dataclasses import asdict, dataclass

import polars as pl
from rich.console import Console
from rich.table import Table

from features.core.lake import Lake
from features.core.plant import Component, Machine, Plant
from features.core.tables import MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from features.diagnosis.component import GOOD, diagnose_component, healthy_rows, points_of_role, with_speed
from features.diagnosis.verdicts import Diagnosis, MatchedLine
from features.registry import FeatureRefusal

__all__ = ["Report", "as_json", "report", "show"]

# Waveforms of healthy time that are read at most: enough for the median of a spectrum's floor.
_MOST_HEALTHY = 50


@dataclass(frozen=True, slots=True)
class Report:
    """A diagnosis with what it was made from."""

    component_id: str
    time: dt.datetime | None
    said: Diagnosis | FeatureRefusal


def report(
    plant: Plant,
    lake: Lake,
    machine: Machine,
    component: Component,
    *,
    as_of: dt.datetime | None = None,
    snapshots: int = 4,
    severe_mm_s: float | None = None,
    since: dt.datetime | None = None,
) -> Report:
    """Diagnosis of a component from its newest waveforms in the lake.

    Args:
        plant: Says how the component's class ages.
        lake: Where the waveforms are.
        machine: The machine.
        component: One of its components.
        as_of: Only what could be known then; None: everything.
        snapshots: How many of the newest waveforms of each point are averaged.
        severe_mm_s: As in `features.diagnosis.diagnose_component`.
        since: Earlier waveforms do not count, e.g. those of the part that was there before; None: all do.
    """
    points = [point.id for point in machine.points_of(component)]
    held = lake.read(WAVEFORMS, as_of=as_of, since=since, machine_ids=[machine.id], group=machine.group)
    held = held.filter(pl.col("point_id").is_in(points), pl.col("quality") == GOOD)
    times = held.select("point_id", "time").collect().sort("time")
    component_id = machine.component_id(component)
    if times.is_empty():
        return Report(component_id, None, diagnose_component(machine, component, WAVEFORMS.empty()))
    oldest = times.group_by("point_id").tail(snapshots)["time"].min()
    rows = held.filter(pl.col("time") >= pl.lit(oldest)).collect()
    events = lake.read(MAINTENANCE_EVENTS, as_of=as_of, machine_ids=[machine.id]).collect()
    component_class = plant.component_class(component.component_class)
    healthy = healthy_rows(times, events, machine, component, component_class)
    every = max(1, len(healthy) // _MOST_HEALTHY)
    reference = held.join(healthy.gather_every(every).lazy(), on=["point_id", "time"], how="semi").collect()
    if machine.speed is not None and machine.speed.role is not None:
        role, tolerance = machine.speed.role, machine.tolerance or 2 * machine.grid
        speeds = lake.read(MEASUREMENTS, as_of=as_of, machine_ids=[machine.id], group=machine.group)
        known = speeds.filter(pl.col("point_id").is_in(points_of_role(machine, role))).collect()
        rows = with_speed(rows, known, tolerance=tolerance)
        reference = with_speed(reference, known, tolerance=tolerance)
    said = diagnose_component(
        machine, component, rows, reference=reference, snapshots=snapshots, severe_mm_s=severe_mm_s
    )
    newest = rows["time"].max()
    return Report(component_id, newest if isinstance(newest, dt.datetime) else None, said)


def as_json(found: Report) -> dict[str, object]:
    """The report as plain values."""
    about: dict[str, object] = {
        "component_id": found.component_id,
        "time": None if found.time is None else found.time.isoformat(),
    }
    if isinstance(found.said, FeatureRefusal):
        return about | {"fault": None, "refusal": found.said.value}
    return about | {"refusal": None} | asdict(found.said)


def show(found: Report, console: Console) -> None:
    """Print the report: the fault, why, and the matched lines."""
    stamp = "no waveform" if found.time is None else f"waveforms until {found.time:%Y-%m-%d %H:%M} UTC"
    if isinstance(found.said, FeatureRefusal):
        console.print(f"{found.component_id}: no diagnosis ({found.said.value}); {stamp}")
        return
    said = found.said
    console.print(f"{found.component_id}: {said.fault.value}; {stamp}, shaft at {said.speed_hz:.2f} Hz")
    console.print(said.reason)
    others = [finding for finding in said.findings if finding.fault is not said.fault]
    if said.lines:
        console.print(_table(said.lines))
    for finding in others:
        console.print(f"also supported: {finding.fault.value}, {finding.margin_db:.0f} dB above naming")


def _table(lines: tuple[MatchedLine, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("line", "point", "spectrum"):
        table.add_column(title)
    for title in ("Hz", "expected", "order", "amplitude", "dB"):
        table.add_column(title, justify="right")
    for line in lines:
        sideband = f" {line.sideband:+d}" if line.sideband else ""
        harmonic = f"{line.harmonic} x " if line.harmonic > 1 else ""
        unit = "" if line.unit == "1" else f" {line.unit}"
        table.add_row(
            f"{harmonic}{line.name}{sideband}",
            line.point,
            line.spectrum,
            f"{line.frequency_hz:.1f}",
            f"{line.expected_hz:.1f}",
            f"{line.order:.3f}",
            f"{line.amplitude:.3g}{unit}",
            f"{line.snr_db:.0f}",
        )
    return table
