"""Bearings: designation or geometry, and the orders at which their faults repeat."""

import csv
import functools
import math
from dataclasses import dataclass
from importlib import resources
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["BearingGeometry", "FaultOrders", "catalogue", "fault_orders"]


class BearingGeometry(BaseModel):
    """What the fault orders depend on; lengths in mm, angle in degrees."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    balls: int = Field(ge=3, description="Number of rolling elements in one row.")
    ball_diameter_mm: float = Field(gt=0)
    pitch_diameter_mm: float = Field(gt=0)
    contact_angle_deg: float = Field(0.0, ge=0, lt=90)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.ball_diameter_mm >= self.pitch_diameter_mm:
            raise ValueError("ball_diameter_mm must be smaller than pitch_diameter_mm")
        return self


@dataclass(frozen=True, slots=True)
class FaultOrders:
    """Multiples of the shaft speed at which a defect is struck (dimensionless)."""

    ftf: float
    bpfo: float
    bpfi: float
    bsf: float


def fault_orders(geometry: BearingGeometry) -> FaultOrders:
    """Fault orders of a bearing with rotating inner ring and standing outer ring.

    References:
        R. B. Randall, J. Antoni, "Rolling element bearing diagnostics: a tutorial", Mechanical
        Systems and Signal Processing 25 (2011), eqs. 1 to 4.

    Example:
        >>> orders = fault_orders(BearingGeometry(balls=13, ball_diameter_mm=3.5, pitch_diameter_mm=25.6))
        >>> round(orders.bpfo, 4), round(orders.bpfi, 4), round(orders.bsf, 4), round(orders.ftf, 4)
        (5.6113, 7.3887, 3.5888, 0.4316)
    """
    ratio = geometry.ball_diameter_mm / geometry.pitch_diameter_mm
    ratio *= math.cos(math.radians(geometry.contact_angle_deg))
    return FaultOrders(
        ftf=0.5 * (1 - ratio),
        bpfo=0.5 * geometry.balls * (1 - ratio),
        bpfi=0.5 * geometry.balls * (1 + ratio),
        bsf=0.5 * geometry.pitch_diameter_mm / geometry.ball_diameter_mm * (1 - ratio**2),
    )


@functools.cache
def catalogue() -> dict[str, BearingGeometry]:
    """Designation -> geometry, from `bearings.csv` (each row with its source)."""
    text = resources.files("features.core.plant").joinpath("bearings.csv").read_text(encoding="utf-8")
    return {
        row["designation"]: BearingGeometry(
            balls=int(row["balls"]),
            ball_diameter_mm=float(row["ball_diameter_mm"]),
            pitch_diameter_mm=float(row["pitch_diameter_mm"]),
            contact_angle_deg=float(row["contact_angle_deg"]),
        )
        for row in csv.DictReader(text.splitlines())
    }
