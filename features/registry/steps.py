"""What features are computed from, besides waveforms: telemetry on the machine's grid."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["ComponentSteps", "ScalarSteps"]


@dataclass(frozen=True, slots=True)
class ScalarSteps:
    """One scalar measuring point, one entry a grid step; canonical units, NaN where not measured.

    Args:
        mean: Mean of the good values in the step [t - grid, t).
        previous: The same over the step before.
        ambient: Mean of the ambient temperature in the step; all NaN without such a point.
        grid_h: Length of a step in hours.
        sisters: Mean over the points of the same role in other slots; None: there are none.
        warning: The point's warning limit, canonical unit; NaN without one.
        insulation: Thermal class of the component's winding, empty when not declared.
        mean_of: Gives the mean of a function of the good values in each step, NaN without any; None: the
            values are not at hand, the function of the step's mean stands for it.
    """

    mean: np.ndarray
    previous: np.ndarray
    ambient: np.ndarray
    grid_h: float
    sisters: np.ndarray | None = None
    warning: float = math.nan
    insulation: str = ""
    mean_of: Callable[[Callable[[np.ndarray], np.ndarray]], np.ndarray] | None = None

    def averaged(self, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Mean of a function over the good values in each step, [n]; NaN without any."""
        if self.mean_of is not None:
            return self.mean_of(function)
        return np.where(np.isnan(self.mean), np.nan, function(self.mean))


@dataclass(frozen=True, slots=True)
class ComponentSteps:
    """What is known of the component itself, one entry a grid step.

    Args:
        age: In the life unit of its class.
        age_known: Whether the age counts from the installation.
        running_share: Share of the speed values in the step above the machine's limit, NaN without any.
        running: 1 running, 0 stopped, -1 not known; None: not looked at.
        starts: Starts of the machine seen in the present life so far.
        since_start_h: Hours since the end of the latest stop in it, NaN while stopped or without a stop.
        speed: Mean shaft speed and that of the step before, Hz, [2, n].
        load: Mean load and that of the step before, ratio, [2, n]; NaN without such a point.
        grid_h: Length of a step in hours.
    """

    age: np.ndarray
    age_known: np.ndarray
    running_share: np.ndarray
    running: np.ndarray | None = None
    starts: np.ndarray | None = None
    since_start_h: np.ndarray | None = None
    speed: np.ndarray | None = None
    load: np.ndarray | None = None
    grid_h: float = 0.0
