"""What was last said about each component, and which machine is at most risk."""

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from features.core.lake import Lake
from features.core.plant import Component, LifeUnit, Machine, Plant, Site
from features.core.statements import HealthState, Prediction, Refusal
from features.core.tables import MEASUREMENTS, PREDICTIONS
from features.rul.rows import from_row

__all__ = ["ComponentStatus", "Fleet", "MachineStatus", "Told", "by_risk"]

# Grid steps after which data are called stale, as the refusal `stale_data` counts them.
STALE_STEPS = 3
# The worst first; a component that nobody could judge stands before a healthy one.
_SEVERITY: dict[HealthState | None, int] = {
    HealthState.FAILURE: 0,
    HealthState.MAINTENANCE_REQUIRED: 1,
    HealthState.OFF_SPEC: 2,
    HealthState.CHECK_FUNCTION: 3,
    None: 4,
    HealthState.NORMAL: 5,
}


@dataclass(frozen=True, slots=True)
class Told:
    """A statement of the table `predictions`, with the utilisation at that time."""

    machine_id: str
    slot: str
    statement: Prediction | Refusal
    utilisation: float | None

    def date_of(self, remaining: float | None) -> dt.datetime | None:
        """When `remaining` life units will be used up, UTC; None: not told, or the utilisation is not known."""
        statement = self.statement
        if remaining is None or not isinstance(statement, Prediction):
            return None
        per_hour = 1.0 if statement.life_unit == LifeUnit.CALENDAR_H else self.utilisation
        if per_hour is None or per_hour <= 0.0:
            return None
        try:
            return statement.data_time + dt.timedelta(hours=remaining / per_hour)
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """A component and what was last said about it; `told` is None when nothing ever was."""

    machine: Machine
    component: Component
    told: Told | None
    stale: bool

    @property
    def component_id(self) -> str:
        """Machine and slot."""
        return self.machine.component_id(self.component)

    @property
    def health_state(self) -> HealthState | None:
        """Its state; None: nobody could judge."""
        return None if self.told is None else self.told.statement.health_state

    def date(self, quantile: str) -> dt.datetime | None:
        """`p10`, `p50` or `p90` as a date, UTC."""
        return None if self.told is None else self.told.date_of(getattr(self.told.statement, quantile, None))

    @property
    def risk(self) -> tuple[int, float, str]:
        """Sorts the worst first: state, then the earliest P10 (else P50), then criticality."""
        date = self.date("p10") or self.date("p50")
        return _SEVERITY[self.health_state], date.timestamp() if date else float("inf"), self.machine.criticality


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """A machine and its components, the worst first."""

    site: Site
    machine: Machine
    components: tuple[ComponentStatus, ...]

    @property
    def worst(self) -> ComponentStatus:
        """The component at most risk."""
        return self.components[0]


def by_risk(machines: Sequence[MachineStatus]) -> list[MachineStatus]:
    """The machine at most risk first."""
    return sorted(machines, key=lambda status: (*status.worst.risk, status.machine.id))


class Fleet:
    """Reads the table `predictions`; the newest row of each component is kept until the table changes."""

    def __init__(self, lake: Lake, plant: Plant) -> None:
        self._lake, self._plant = lake, plant
        self._sites = {machine.id: site for site in plant.sites for machine in site.machines}
        self._reading = threading.Lock()
        self._version: int | None = None
        self._newest: Mapping[tuple[str, str], Told] = {}

    def newest(self) -> Mapping[tuple[str, str], Told]:
        """(machine, slot) -> what was last said."""
        with self._reading:
            version = self._lake.version(PREDICTIONS)
            if version != self._version:
                rows = self._lake.read(PREDICTIONS).sort("time", "available_at")
                last = rows.unique(["machine_id", "slot"], keep="last", maintain_order=True).collect()
                self._newest = {
                    (told.machine_id, told.slot): told for told in map(_told, last.iter_rows(named=True))
                }
                self._version = version
            return self._newest

    def status(self, now: dt.datetime) -> list[MachineStatus]:
        """Every machine of the plant, the one at most risk first."""
        newest = self.newest()
        return by_risk([self._status(machine, newest, now) for machine in self._plant.machines])

    def machine(self, machine_id: str, now: dt.datetime) -> MachineStatus:
        """One machine.

        Raises:
            KeyError: No such machine.
        """
        return self._status(self._plant.machine(machine_id), self.newest(), now)

    def history(
        self,
        machine_id: str,
        *,
        slot: str | None = None,
        since: dt.datetime | None = None,
        most: int | None = None,
    ) -> list[Told]:
        """What was said about a machine's components, newest first."""
        frame = self._lake.read(PREDICTIONS, machine_ids=[machine_id], since=since)
        if slot is not None:
            frame = frame.filter(pl.col("slot") == slot)
        frame = frame.sort("time", "slot", descending=[True, False])
        rows = (frame if most is None else frame.head(most)).collect()
        return [_told(row) for row in rows.iter_rows(named=True)]

    def known_at(self, machine_id: str, slot: str, as_of: dt.datetime) -> Told | None:
        """What was last said about a component as of a moment; None: nothing."""
        told = self.newest().get((machine_id, slot))
        if told is None or told.statement.as_of <= as_of:
            return told
        earlier = (told for told in self.history(machine_id, slot=slot) if told.statement.as_of <= as_of)
        return next(earlier, None)

    def read_until(self) -> dict[tuple[str, str], dt.datetime | None]:
        """(historian, group) -> up to when it was read; None: never."""
        pairs = {
            (source, machine.group)
            for machine in self._plant.machines
            for point in machine.measuring_points
            for source in point.tags
        }
        return {pair: self._lake.watermark(MEASUREMENTS, *pair) for pair in sorted(pairs)}

    def _status(self, machine: Machine, newest: Mapping[tuple[str, str], Told], now: dt.datetime) -> MachineStatus:
        components = [
            ComponentStatus(machine, c, told, _is_stale(told, machine, now))
            for c in machine.components
            for told in [newest.get((machine.id, c.slot))]
        ]
        ordered = sorted(components, key=lambda status: status.risk)
        return MachineStatus(self._sites[machine.id], machine, tuple(ordered))


def _is_stale(told: Told | None, machine: Machine, now: dt.datetime) -> bool:
    if told is None or told.statement.data_time is None:
        return True
    return now - told.statement.data_time > STALE_STEPS * machine.grid


def _told(row: dict[str, Any]) -> Told:  # Any: values as the table declares them
    return Told(row["machine_id"], row["slot"], from_row(row), row["utilisation"])
