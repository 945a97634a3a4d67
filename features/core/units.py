"""Units: from what a source writes to what the lake stores, once, at ingestion."""

import functools
import math
from enum import StrEnum
from typing import Any

import numpy as np
import pint

from features.core.errors import ConfigError

__all__ = ["Quantity", "canonical_unit", "to_canonical", "unit_problem"]


class Quantity(StrEnum):
    """Kinds of quantity a measuring point can have."""

    ACCELERATION = "acceleration"
    VELOCITY = "velocity"
    DISPLACEMENT = "displacement"
    TEMPERATURE = "temperature"
    SPEED = "speed"
    PRESSURE = "pressure"
    FLOW = "flow"
    CURRENT = "current"
    VOLTAGE = "voltage"
    POWER = "power"
    TORQUE = "torque"
    FORCE = "force"
    RATIO = "ratio"
    COUNT = "count"
    DURATION = "duration"
    OTHER = "other"


# Canonical (SI) unit of each quantity, as stored. Speed is stored in Hz: revolutions per second.
_CANONICAL = {
    Quantity.ACCELERATION: "m/s^2",
    Quantity.VELOCITY: "m/s",
    Quantity.DISPLACEMENT: "m",
    Quantity.TEMPERATURE: "K",
    Quantity.SPEED: "Hz",
    Quantity.PRESSURE: "Pa",
    Quantity.FLOW: "m^3/s",
    Quantity.CURRENT: "A",
    Quantity.VOLTAGE: "V",
    Quantity.POWER: "W",
    Quantity.TORQUE: "N*m",
    Quantity.FORCE: "N",
    Quantity.RATIO: "1",
    Quantity.COUNT: "1",
    Quantity.DURATION: "s",
    Quantity.OTHER: "1",
}

# How plants write units, in pint's words. pint reads rpm as an angular speed (2 pi rad/min): a shaft
# speed is a count of revolutions, so it is mapped to a frequency here.
_SPELLINGS = {
    "degC": "degC",
    "°C": "degC",
    "C": "degC",
    "degF": "degF",
    "°F": "degF",
    "F": "degF",
    "degR": "degR",
    "g": "standard_gravity",
    "mg": "millistandard_gravity",
    "%": "percent",
    "1": "dimensionless",
    "": "dimensionless",
    "rpm": "1/min",
    "r/min": "1/min",
    "RPM": "1/min",
    "rev/min": "1/min",
    "1/min": "1/min",
    "rev/s": "1/s",
    "l/min": "liter/min",
    "bar": "bar",
    "mils": "thou",
}


@functools.cache
def _registry() -> Any:  # Any: pint ships no types that strict checking accepts
    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=None)


def canonical_unit(quantity: Quantity) -> str:
    """The unit in which values of that quantity are stored."""
    return _CANONICAL[quantity]


@functools.lru_cache(maxsize=512)
def _affine(unit: str, quantity: Quantity) -> tuple[float, float]:
    if quantity is Quantity.OTHER:
        return 1.0, 0.0
    registry = _registry()
    source = registry.Unit(_SPELLINGS.get(unit, unit))
    target = registry.Unit(_SPELLINGS.get(_CANONICAL[quantity], _CANONICAL[quantity]))
    if quantity is Quantity.SPEED and "radian" in str(registry.Quantity(1.0, source).to_root_units().units):
        # pint counts an angle as dimensionless, so that rad/s would pass for Hz: count turns instead.
        target = registry.Unit("turn/s")
    zero, one, two = (float(registry.Quantity(x, source).to(target).magnitude) for x in (0.0, 1.0, 2.0))
    if not math.isclose(two - one, one - zero, rel_tol=1e-6):
        raise ValueError("a logarithmic scale has no factor")
    return one - zero, zero


def unit_problem(unit: str, quantity: Quantity) -> str | None:
    """Why `unit` does not fit `quantity`, or None when it does."""
    try:
        _affine(unit, quantity)
    except Exception as err:  # noqa: BLE001 - pint raises tokenizer, attribute and own errors
        return (
            f"unit {unit!r} is no unit of {quantity.value} ({type(err).__name__}); "
            f"e.g. {canonical_unit(quantity)!r}"
        )
    return None


def to_canonical(values: np.ndarray, unit: str, quantity: Quantity) -> np.ndarray:
    """Values in the canonical unit of their quantity.

    Args:
        values: Any shape, in `unit`; NaN stays NaN.
        unit: As the plant file names it, e.g. `mm/s`, `degC`, `rpm`, `g`.
        quantity: What is measured.

    Returns:
        float64, same shape. `Quantity.OTHER` is passed on unchanged.

    Raises:
        ConfigError: The unit does not fit the quantity.

    Example:
        >>> to_canonical(np.array([1500.0]), "rpm", Quantity.SPEED)
        array([25.])
        >>> to_canonical(np.array([20.0]), "degC", Quantity.TEMPERATURE)
        array([293.15])
    """
    problem = unit_problem(unit, quantity)
    if problem is not None:
        raise ConfigError(problem, {"unit": unit, "quantity": quantity.value})
    scale, offset = _affine(unit, quantity)
    return np.asarray(values, dtype=np.float64) * scale + offset
