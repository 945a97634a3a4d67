"""What a diagnosis says: a named fault with the lines that speak for it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Diagnosis", "Fault", "Finding", "MatchedLine"]


class Fault(StrEnum):
    """What the spectrum supports; `unknown`: something stands out, but no pattern fits well enough."""

    NORMAL = "normal"
    UNKNOWN = "unknown"
    UNBALANCE = "unbalance"
    MISALIGNMENT = "misalignment"
    LOOSENESS = "looseness"
    OUTER_RACE = "outer_race"
    INNER_RACE = "inner_race"
    BALL = "ball"
    CAGE = "cage"
    GEAR = "gear"
    LUBRICATION = "lubrication"


@dataclass(frozen=True, slots=True)
class MatchedLine:
    """A spectral line where a fault would put one.

    `harmonic` counts multiples of the line named by `name`, `sideband` the distance from it in steps of
    the modulating rate. `amplitude` is in `unit`: for the envelope spectrum the depth of modulation
    (1 = as large as the mean squared envelope), for others m/s^2 or mm/s. `snr_db` is the power of the
    line over the median of its neighbourhood.
    """

    name: str
    point: str
    spectrum: str
    harmonic: int
    sideband: int
    order: float
    frequency_hz: float
    expected_hz: float
    amplitude: float
    unit: str
    snr_db: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that the lines support; `margin_db`: by how much they exceed what naming it asks for."""

    fault: Fault
    margin_db: float
    point: str
    lines: tuple[MatchedLine, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The fault that the evidence supports best, with its lines; `findings` holds all that are supported.

    `margin_db` is not a probability: it is the distance of the weakest required line from the threshold
    of naming, 0 for `normal` and `unknown`. `reason` says in a sentence why.
    """

    fault: Fault
    margin_db: float
    lines: tuple[MatchedLine, ...]
    findings: tuple[Finding, ...]
    reason: str
    speed_hz: float
