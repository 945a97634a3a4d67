"""What features are computed from, besides waveforms: telemetry on the machine's grid."""

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
    """

    mean: np.ndarray
    previous: np.ndarray
    ambient: np.ndarray
    grid_h: float


@dataclass(frozen=True, slots=True)
class ComponentSteps:
    """What is known of the component itself, one entry a grid step.

    Args:
        age: In the life unit of its class.
        age_known: Whether the age counts from the installation.
        running_share: Share of the speed values in the step above the machine's limit, NaN without any.
    """

    age: np.ndarray
    age_known: np.ndarray
    running_share: np.ndarray
