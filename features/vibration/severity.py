"""Zones of broad-band vibration severity."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

__all__ = ["Severity", "Zone", "limits_mm_s", "zone"]


class Zone(StrEnum):
    """ISO 20816-1:2016, clause 6: evaluation zones."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


@dataclass(frozen=True, slots=True)
class Severity:
    """A zone, the machine class it was judged by, and where the limits come from."""

    zone: Zone
    machine_class: str
    clause: str
    limits_mm_s: tuple[float, float, float]


# Group and foundation -> limits A/B, B/C and C/D on velocity RMS, mm/s. Those of GB/T 6075.3-2011, which is
# ISO 10816-3:2009, and of tables A.1 and A.2 of 2022 as public programs tell them: docs/explanation/standards.md.
_LIMITS: dict[tuple[int, str], tuple[float, float, float]] = {
    (1, "rigid"): (2.3, 4.5, 7.1),
    (1, "flexible"): (3.5, 7.1, 11.0),
    (2, "rigid"): (1.4, 2.8, 4.5),
    (2, "flexible"): (2.3, 4.5, 7.1),
}
_POWER = {
    1: "above 300 kW, or shaft height from 315 mm",
    2: "above 15 kW up to 300 kW, shaft height 160 to 315 mm",
}


def limits_mm_s(machine_group: int, foundation: Literal["rigid", "flexible"]) -> tuple[float, float, float]:
    """Limits between zones A and B, B and C, C and D on velocity RMS, mm/s.

    Args:
        machine_group: 1 or 2 of ISO 20816-3.
        foundation: Of the machine and its support in the measured direction.

    Raises:
        ValueError: No such group or foundation.

    References:
        As `zone`.

    Example:
        >>> limits_mm_s(2, "rigid")
        (1.4, 2.8, 4.5)
    """
    limits = _LIMITS.get((machine_group, foundation))
    if limits is None:
        raise ValueError(
            f"machine group {machine_group!r}, foundation {foundation!r}: need 1 or 2, rigid or flexible"
        )
    return limits


def zone(velocity_rms_mm_s: float, machine_group: int, foundation: Literal["rigid", "flexible"]) -> Severity:
    """Zone of a velocity RMS measured on a non-rotating part; a value on a limit belongs to the lower zone.

    Args:
        velocity_rms_mm_s: Broad-band velocity RMS, 10 to 1000 Hz, mm/s.
        machine_group: 1 or 2 of ISO 20816-3.
        foundation: Of the machine and its support in the measured direction.

    Raises:
        ValueError: No such group or foundation, or a value that is not a velocity RMS.

    References:
        ISO 20816-3:2022, annex A, tables A.1 (group 1) and A.2 (group 2), as ISO 10816-3:2009 before.

    Example:
        >>> found = zone(3.0, 2, "rigid")
        >>> found.zone.value, found.clause
        ('C', 'ISO 20816-3:2022, table A.2')
    """
    limits = limits_mm_s(machine_group, foundation)
    if not 0.0 <= velocity_rms_mm_s < float("inf"):
        raise ValueError(f"velocity RMS of {velocity_rms_mm_s} mm/s is no velocity RMS")
    above = sum(velocity_rms_mm_s > limit for limit in limits)
    told = f"group {machine_group} ({_POWER[machine_group]}), {foundation} foundation"
    return Severity(tuple(Zone)[above], told, f"ISO 20816-3:2022, table A.{machine_group}", limits)
