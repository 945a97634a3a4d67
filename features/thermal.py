"""Thermal features: level, rise rate, rise over the air around the machine."""

import numpy as np

from features.core.plant import PointKind
from features.core.units import Quantity
from features.registry import Column, FeatureRefusal, Placement, ScalarSteps, feature

__all__ = ["level_k", "rise_over_ambient_k", "rise_rate_k_per_h"]


def _temperature(placement: Placement) -> bool:
    return placement.kind is PointKind.SCALAR and placement.quantity is Quantity.TEMPERATURE


def _of_the_machine(placement: Placement) -> bool:
    return _temperature(placement) and not placement.is_ambient


@feature(
    unit="K",
    inputs=("temperature",),
    window="one grid step",
    source="arithmetic mean of the good values in the step",
    version=1,
    applies=_temperature,
)
def level_k(steps: ScalarSteps) -> Column:
    """Mean temperature in the step, K.

    Refused as `no_input` when the step has no good value.

    Example:
        >>> import numpy as np
        >>> nan = np.array([np.nan])
        >>> level_k(ScalarSteps(np.array([330.0]), nan, nan, 1.0)).values
        array([330.])
    """
    return Column.of(steps.mean, (FeatureRefusal.NO_INPUT, ~_measured(steps.mean)))


@feature(
    unit="K/h",
    inputs=("temperature",),
    window="two grid steps",
    source="first difference of step means",
    version=1,
    applies=_of_the_machine,
)
def rise_rate_k_per_h(steps: ScalarSteps) -> Column:
    """Change of the mean temperature against the step before, K per hour.

    Refused as `no_input` without a value in this step, as `too_few_windows` without one in the step before.

    Example:
        >>> import numpy as np
        >>> rise_rate_k_per_h(ScalarSteps(np.array([331.0]), np.array([330.0]), np.array([np.nan]), 0.5)).values
        array([2.])
    """
    return Column.of(
        (steps.mean - steps.previous) / steps.grid_h,
        (FeatureRefusal.NO_INPUT, ~_measured(steps.mean)),
        (FeatureRefusal.TOO_FEW_WINDOWS, ~_measured(steps.previous)),
    )


@feature(
    unit="K",
    inputs=("temperature", "ambient temperature"),
    window="one grid step",
    source="difference of step means",
    version=1,
    applies=lambda placement: _of_the_machine(placement) and placement.has_ambient,
    trend=True,
)
def rise_over_ambient_k(steps: ScalarSteps) -> Column:
    """Mean temperature in the step less the mean ambient temperature in it, K.

    Refused as `no_input` when either was not measured.

    Example:
        >>> import numpy as np
        >>> rise_over_ambient_k(ScalarSteps(np.array([330.0]), np.array([330.0]), np.array([293.0]), 1.0)).values
        array([37.])
    """
    rise = steps.mean - steps.ambient
    return Column.of(rise, (FeatureRefusal.NO_INPUT, ~_measured(rise)))


def _measured(values: np.ndarray) -> np.ndarray:
    return np.asarray(~np.isnan(values))
