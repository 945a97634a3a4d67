"""What a calculator is, and the list of all: from windows [n, m] to one number a window."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from features.core.errors import ConfigError
from features.core.settings import nearest

__all__ = ["Calculator", "Parameter", "calculator", "calculators", "find"]

Parameter = float | int | bool | str
# Any: calculators have parameters of their own.
Function = TypeVar("Function", bound=Callable[..., np.ndarray])


@dataclass(frozen=True, slots=True)
class Calculator:
    """One calculator.

    Attributes:
        name: As tsfresh calls it.
        unit: Of the result, a pattern over the unit of the values, e.g. `{unit}^2`; 1 for ratios and counts.
        varies: It says nothing of a window whose values are all equal, which is then refused as `constant`.
        version: Raised when the numbers change; enters the fingerprint.
        compute: Windows float64 [n, m], m at least 1, all finite -> float64 [n], NaN where not defined.
    """

    name: str
    unit: str
    varies: bool
    version: int
    compute: Callable[..., np.ndarray]

    @property
    def summary(self) -> str:
        """What it gives, in one sentence."""
        return (self.compute.__doc__ or "").strip().split("\n")[0]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters besides the windows."""
        return tuple(inspect.signature(self.compute).parameters)[1:]

    def of(self, windows: np.ndarray, parameters: Mapping[str, Parameter]) -> np.ndarray:
        """One number a window, float64 [n]; NaN where the calculator is not defined."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(self.compute(windows, **parameters), dtype=np.float64)


_CALCULATORS: dict[str, Calculator] = {}


def calculator(*, unit: str, varies: bool = False, version: int = 1) -> Callable[[Function], Function]:
    """Register a function as a calculator under its own name; arguments as in `Calculator`."""

    def register(function: Function) -> Function:
        name = function.__name__
        _CALCULATORS[name] = Calculator(name, unit, varies, version, function)
        return function

    return register


def calculators() -> tuple[Calculator, ...]:
    """All calculators, in the order of their definition."""
    return tuple(_CALCULATORS.values())


def find(name: str, parameters: Mapping[str, Any]) -> Calculator:
    """The calculator of that name, if it has these parameters.

    Raises:
        ConfigError: There is none, or it has others.
    """
    found = _CALCULATORS.get(name)
    if found is None:
        raise ConfigError(
            f"no generic calculator {name!r}; {nearest(name, list(_CALCULATORS))}", {"calculator": name}
        )
    if set(parameters) != set(found.parameters):
        raise ConfigError(
            f"calculator {name!r} has the parameters {sorted(found.parameters)}, not {sorted(parameters)}",
            {"calculator": name, "parameters": sorted(parameters)},
        )
    return found
