"""Temperatures of one step: level, rise rate, rise over the air around and over sister points, limits."""

import numpy as np

from features.core.plant import PointKind
from features.core.units import Quantity
from features.registry import Column, FeatureRefusal, Placement, ScalarSteps, feature

__all__ = ["level_k", "over_warning_share", "rise_over_ambient_k", "rise_over_sisters_k", "rise_rate_k_per_h"]


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


@feature(
    unit="K",
    inputs=("temperature", "temperatures of the same role in other slots"),
    window="one grid step",
    source="difference of step means",
    version=1,
    applies=lambda placement: _of_the_machine(placement) and placement.has_sisters,
)
def rise_over_sisters_k(steps: ScalarSteps) -> Column:
    """Mean temperature in the step less the mean of the sister points' means in it, K.

    Sister points have the same role in other slots of the machine: what heats all of them alike (load, air,
    oil) drops out. Refused as `no_input` when the point, or every sister, was not measured.

    Example:
        >>> here, nan = np.array([350.0]), np.array([np.nan])
        >>> rise_over_sisters_k(ScalarSteps(here, nan, nan, 1.0, sisters=np.array([341.0]))).values
        array([9.])
    """
    sisters = np.full(len(steps.mean), np.nan) if steps.sisters is None else steps.sisters
    rise = steps.mean - sisters
    return Column.of(rise, (FeatureRefusal.NO_INPUT, ~_measured(rise)))


@feature(
    unit="1",
    inputs=("temperature", "warning limit"),
    window="one grid step",
    source="share of the good values in the step; the limit is the plant file's",
    version=1,
    applies=lambda placement: _temperature(placement) and placement.has_warning,
)
def over_warning_share(steps: ScalarSteps) -> Column:
    """Share of the step above the point's warning limit, 0 to 1; times the step's length it is a time.

    Refused as `no_input` without a good value in the step.

    Example:
        >>> nan = np.array([np.nan, np.nan])
        >>> over_warning_share(ScalarSteps(np.array([350.0, 360.0]), nan, nan, 1.0, warning=355.0)).values
        array([0., 1.])
    """
    share = steps.averaged(lambda values: (values > steps.warning).astype(np.float64))
    return Column.of(share, (FeatureRefusal.NO_INPUT, ~_measured(share)))


def _measured(values: np.ndarray) -> np.ndarray:
    return np.asarray(~np.isnan(values))
