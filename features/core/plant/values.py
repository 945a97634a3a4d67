"""The small values that the nouns of a plant file are made of."""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "Costs",
    "Criticality",
    "Duration",
    "InsulationClass",
    "LifePrior",
    "LifeUnit",
    "Limits",
    "Noun",
    "PointKind",
    "Slug",
    "Span",
    "Spare",
    "Speed",
    "VibrationClass",
]

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def _duration(value: object) -> object:
    """Reads `10s`, `15min`, `12h`, `30d`, `4w`."""
    if isinstance(value, str):
        number = value.rstrip("abcdefghijklmnopqrstuvwxyz ")
        suffix = value[len(number) :].strip()
        if suffix not in _SECONDS:
            raise ValueError(f"duration {value!r} needs a unit of {', '.join(_SECONDS)}, e.g. 12h")
        try:
            return dt.timedelta(seconds=float(number) * _SECONDS[suffix])
        except (ValueError, OverflowError):
            raise ValueError(f"duration {value!r} is no number and unit; write e.g. 12h") from None
    if isinstance(value, int | float):
        raise ValueError(f"duration {value!r} has no unit; write e.g. {value}h")
    return value


_ZERO = dt.timedelta(0)
Duration = Annotated[dt.timedelta, BeforeValidator(_duration), Field(ge=_ZERO)]
Span = Annotated[dt.timedelta, BeforeValidator(_duration), Field(gt=_ZERO)]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]


class Noun(BaseModel):
    """A frozen value of a plant file; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Criticality(StrEnum):
    """What stops when the machine stops: A production, B part of it, C nothing at once."""

    A = "A"
    B = "B"
    C = "C"


class LifeUnit(StrEnum):
    """The unit in which a component class ages and in which its RUL is told."""

    RUNNING_H = "running_h"
    CALENDAR_H = "calendar_h"
    CYCLE = "cycle"


class InsulationClass(StrEnum):
    """Thermal class of a winding's insulation, as on the machine's rating plate."""

    B = "B"
    F = "F"
    H = "H"


class PointKind(StrEnum):
    """A single value per time, or a burst of samples."""

    SCALAR = "scalar"
    WAVEFORM = "waveform"


class Limits(Noun):
    """Limits of a measuring point, in the point's own unit."""

    warning: float | None = None
    alarm: float | None = None
    low: float | None = Field(None, description="Smallest physically possible value; lower ones are refused.")
    high: float | None = Field(None, description="Largest physically possible value; higher ones are refused.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}")
        return self


class Costs(Noun):
    """What a stop costs."""

    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")
    planned: float = Field(ge=0, description="Work and parts of a planned replacement.")
    unplanned: float = Field(ge=0, description="Work, parts and damage after a failure, without downtime.")
    downtime_per_hour: float = Field(0.0, ge=0)
    planned_hours: float = Field(8.0, gt=0, description="Downtime of a planned replacement.")
    unplanned_hours: float = Field(24.0, gt=0, description="Downtime of an unplanned one.")


class LifePrior(Noun):
    """Weibull life of a class as somebody knows it: from a maker's data, a handbook or experience."""

    # Lives of machines lie between early failures (0.5) and regular wear (5); outside is a slip of the pen.
    shape: float = Field(ge=0.2, le=20, description="Weibull shape; 1: no ageing, 2 to 4: wear.")
    median_life: float = Field(gt=0, description="Age that half of the parts reach, in the life unit.")


class Spare(Noun):
    """The part that a repair needs."""

    part_number: str
    lead_time_days: float = Field(0.0, ge=0)


class Speed(Noun):
    """Shaft speed: a constant, or the role of the measuring point that measures it."""

    hz: float | None = Field(None, gt=0, description="Constant speed in revolutions per second.")
    role: str | None = Field(None, description="Role of a scalar measuring point of quantity speed.")

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.hz is None) == (self.role is None):
            raise ValueError("give either hz (a constant) or role (a measuring point)")
        return self


class VibrationClass(Noun):
    """How ISO 20816-3 judges a machine's broad-band vibration: by its group and its foundation."""

    group: Literal[1, 2] = Field(
        description="1: above 300 kW or a shaft height of 315 mm and more; 2: above 15 kW up to 300 kW."
    )
    foundation: Literal["rigid", "flexible"] = "rigid"
