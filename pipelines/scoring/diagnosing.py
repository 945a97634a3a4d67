"""A diagnosis of the newest waveforms for components that need one, as evidence of their statements."""

import datetime as dt

from features.core.lake import Lake
from features.core.plant import Component, Machine, Plant, PointKind
from features.core.statements import Evidence, Prediction, Refusal, Rung
from features.core.units import Quantity
from features.diagnosis import SEVERE_MM_S, Diagnosis, MatchedLine
from features.diagnosis.report import report
from features.rul.physics import wants_diagnosis, with_physics
from features.vibration.severity import limits_mm_s

__all__ = ["diagnosed", "evidence_of"]

# Lines that are named as evidence; `wearcast diagnose` shows all.
_LINES = 4


def diagnosed(
    lake: Lake,
    plant: Plant,
    machine: Machine,
    component: Component,
    statement: Prediction | Refusal,
    *,
    installed_at: dt.datetime | None,
) -> Prediction | Refusal:
    """The statement with what physics says, when it needs a diagnosis and one can be made.

    Args:
        lake: Where the waveforms are; only those known at the statement's `as_of` are read.
        plant: Of the machine.
        machine: The machine.
        component: One of its components.
        statement: What is said of it without a diagnosis.
        installed_at: When its present life began; earlier waveforms are of another part. None: not known.
    """
    if not wants_diagnosis(statement) or not _can_be_diagnosed(machine, component):
        return statement
    of = machine.vibration_class
    found = report(
        plant,
        lake,
        machine,
        component,
        as_of=statement.as_of,
        severe_mm_s=SEVERE_MM_S if of is None else limits_mm_s(of.group, of.foundation)[1],
        since=installed_at,
    )
    if found.time is None or not isinstance(found.said, Diagnosis):
        return statement
    return with_physics(statement, evidence_of(found.said, found.time))


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
