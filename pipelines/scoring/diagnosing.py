"""A diagnosis of the newest waveforms for components that need one, as evidence of their statements."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from features.core.clock import EARLIEST
from features.core.lake import Lake
from features.core.plant import Component, Machine, Plant, PointKind
from features.core.statements import Evidence, Prediction, Refusal, Rung
from features.core.tables import MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from features.core.units import Quantity
from features.diagnosis import Diagnosis, MatchedLine, diagnose_component
from features.diagnosis.component import GOOD, healthy_rows, points_of_role, with_speed
from features.rul.physics import wants_diagnosis, with_physics

__all__ = ["Asked", "diagnosed", "evidence_of"]

# Lines that are named as evidence; `wearcast diagnose` shows all.
_LINES = 4
# Newest waveforms of each point that are averaged, and most of healthy time: as `wearcast diagnose` does it.
_SNAPSHOTS, _MOST_HEALTHY = 4, 50
_WAVE = ("machine_id", "point_id", "time")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is said of a component without a diagnosis; `installed_at`: when its present life began, if known.

    Earlier waveforms are of another part.
    """

    machine: Machine
    component: Component
    statement: Prediction | Refusal
    installed_at: dt.datetime | None


def diagnosed(
    lake: Lake, plant: Plant, group: str, asked: Sequence[Asked], *, as_of: dt.datetime
) -> list[Prediction | Refusal]:
    """The statements, with what physics says where they need a diagnosis and one can be made.

    The lake is read once for all of them: opening its tables costs more than a diagnosis.

    Args:
        lake: Where the waveforms are.
        plant: Of the machines.
        group: Of the machines.
        asked: Components of a few machines of that group.
        as_of: Only what could be known then is read.
    """
    wanted = [
        each
        for each in asked
        if wants_diagnosis(each.statement) and _can_be_diagnosed(each.machine, each.component)
    ]
    if not wanted:
        return [each.statement for each in asked]
    read = _Read(lake, plant, group, wanted, as_of)
    found = {id(each): read.diagnose(each) for each in wanted}
    return [found.get(id(each), each.statement) for each in asked]


class _Read:
    """Everything that diagnoses of some components need, read at once: newest and healthy waveforms, speeds."""

    def __init__(self, lake: Lake, plant: Plant, group: str, wanted: Sequence[Asked], as_of: dt.datetime) -> None:
        ids = sorted({each.machine.id for each in wanted})
        since = min(each.installed_at or EARLIEST for each in wanted)
        held = lake.read(WAVEFORMS, as_of=as_of, since=since, machine_ids=ids, group=group)
        held = held.filter(pl.col("quality") == GOOD)
        times = held.select(*_WAVE).collect().sort("time")
        events = lake.read(MAINTENANCE_EVENTS, as_of=as_of, machine_ids=ids).collect()
        self._newest, self._healthy = {}, {}
        for each in wanted:
            own = _own(times, each)
            of = plant.component_class(each.component.component_class)
            healthy = healthy_rows(own, events, each.machine, each.component, of)
            self._newest[id(each)] = own.group_by("point_id").tail(_SNAPSHOTS).select(_WAVE)
            self._healthy[id(each)] = healthy.gather_every(max(1, len(healthy) // _MOST_HEALTHY))
        keys = pl.concat([*self._newest.values(), *self._healthy.values()]).unique().lazy()
        self._waves = held.join(keys, on=list(_WAVE), how="semi").collect()
        self._speeds = self._read_speeds(lake, group, wanted, as_of)

    def diagnose(self, asked: Asked) -> Prediction | Refusal:
        """The statement with its diagnosis; as it was when there is no waveform, or none can be told from them."""
        machine = asked.machine
        rows, healthy = (self._with_speed(kept[id(asked)], machine) for kept in (self._newest, self._healthy))
        newest = rows["time"].max()
        said = diagnose_component(
            machine,
            asked.component,
            rows,
            reference=healthy,
            snapshots=_SNAPSHOTS,
        )
        if not isinstance(said, Diagnosis) or not isinstance(newest, dt.datetime):
            return asked.statement
        return with_physics(asked.statement, evidence_of(said, newest))

    def _read_speeds(
        self, lake: Lake, group: str, wanted: Sequence[Asked], as_of: dt.datetime
    ) -> dict[str, pl.DataFrame]:
        """Machine -> what its speed was, where a waveform was recorded without."""
        roles = {e.machine.id: (e.machine, e.machine.speed.role) for e in wanted if e.machine.speed is not None}
        points = {name: points_of_role(m, role) for name, (m, role) in roles.items() if role is not None}
        lacking = self._waves.filter(pl.col("speed_hz").is_null(), pl.col("machine_id").is_in(list(points)))
        first = lacking["time"].min()
        if not isinstance(first, dt.datetime):
            return {}
        since = first - max(_tolerance(each.machine) for each in wanted)
        frame = lake.read(MEASUREMENTS, as_of=as_of, since=since, machine_ids=sorted(points), group=group)
        known = frame.filter(pl.col("point_id").is_in([p for some in points.values() for p in some])).collect()
        return {
            name: known.filter(pl.col("machine_id") == name, pl.col("point_id").is_in(some))
            for name, some in points.items()
        }

    def _with_speed(self, keys: pl.DataFrame, machine: Machine) -> pl.DataFrame:
        rows = self._waves.join(keys, on=list(_WAVE), how="semi")
        speeds = self._speeds.get(machine.id)
        return rows if speeds is None else with_speed(rows, speeds, tolerance=_tolerance(machine))


def _own(times: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Waveforms of the component's points in its present life."""
    points = [point.id for point in asked.machine.points_of(asked.component)]
    begin = asked.installed_at or EARLIEST
    return times.filter(
        pl.col("machine_id") == asked.machine.id, pl.col("point_id").is_in(points), pl.col("time") >= begin
    )


def _tolerance(machine: Machine) -> dt.timedelta:
    return machine.tolerance or 2 * machine.grid


def evidence_of(said: Diagnosis, time: dt.datetime) -> tuple[Evidence, ...]:
    """A diagnosis as evidence: first what it says, then the lines that speak for it.

    Args:
        said: The diagnosis.
        time: End of the newest waveform that it stands on.
    """
    name = f"diagnosis.{said.fault.value}"
    note = f"{said.reason}; waveforms until {time:%Y-%m-%d %H:%M} UTC"
    head = Evidence(name, said.margin_db, None, "dB", rung=Rung.PHYSICS, verdict=said.fault.value, note=note)
    return head, *(_line(name, said, line) for line in said.lines[:_LINES])


def _line(name: str, said: Diagnosis, line: MatchedLine) -> Evidence:
    times = f"{line.harmonic}_x_" if line.harmonic > 1 else ""
    side = f"_sideband_{line.sideband:+d}" if line.sideband else ""
    return Evidence(
        f"{name}.{times}{line.name}{side}".replace(" ", "_"),
        line.snr_db,
        None,
        "dB",
        rung=Rung.PHYSICS,
        verdict=said.fault.value,
        note=f"expected at {line.expected_hz:.1f} Hz; {line.spectrum}, {line.point}",
        order=line.order,
        frequency_hz=line.frequency_hz,
    )


def _can_be_diagnosed(machine: Machine, component: Component) -> bool:
    """Something turns whose lines are known, and an accelerometer listens."""
    is_known = not (component.fault_orders is None and component.gear_teeth is None and component.blades is None)
    return is_known and any(
        point.kind is PointKind.WAVEFORM and point.quantity is Quantity.ACCELERATION
        for point in machine.points_of(component)
    )
