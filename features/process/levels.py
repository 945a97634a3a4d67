"""Process features: age, running, speed, load, and the level of any other scalar."""

import numpy as np

from features.core.plant import PointKind
from features.core.units import Quantity
from features.registry import Column, ComponentSteps, FeatureRefusal, Placement, ScalarSteps, feature

__all__ = ["LOAD", "age", "level", "load", "running_share", "speed_hz"]

# Role of the point that tells how hard the machine works.
LOAD = "load"


def _is_load(placement: Placement) -> bool:
    return placement.role == LOAD and placement.quantity is Quantity.RATIO and _is_scalar(placement)


def _is_scalar(placement: Placement) -> bool:
    return placement.kind is PointKind.SCALAR


def _is_other(placement: Placement) -> bool:
    special = placement.quantity is Quantity.TEMPERATURE or placement.is_speed or _is_load(placement)
    return _is_scalar(placement) and not special


@feature(
    unit="life",
    inputs=("installation", "running"),
    window="the present life",
    source="count of running time, calendar time or grid rows, by the class's life unit",
    version=1,
    applies=lambda placement: placement.role == "",
)
def age(steps: ComponentSteps) -> Column:
    """Age of the installed part in the life unit of its class.

    Refused as `age_unknown` when it was installed before the data begins, or nobody said when.

    Example:
        >>> age(ComponentSteps(np.array([12.0, 9.0]), np.array([True, False]), np.ones(2))).reasons()
        ['', 'age_unknown']
    """
    return Column.of(steps.age, (FeatureRefusal.AGE_UNKNOWN, ~steps.age_known))


@feature(
    unit="1",
    inputs=("speed",),
    window="one grid step",
    source="share of good speed values above the machine's running_above_hz",
    version=1,
    applies=lambda placement: placement.role == "" and placement.has_measured_speed,
)
def running_share(steps: ComponentSteps) -> Column:
    """Share of the step in which the machine ran, 0 to 1, from its speed values.

    Refused as `no_speed` when the step has no good speed value.

    Example:
        >>> running_share(ComponentSteps(np.ones(1), np.array([True]), np.array([0.5]))).values
        array([0.5])
    """
    share = steps.running_share
    return Column.of(share, (FeatureRefusal.NO_SPEED, np.isnan(share)))


@feature(
    unit="Hz",
    inputs=("speed",),
    window="one grid step",
    source="arithmetic mean of the good values in the step",
    version=1,
    applies=lambda placement: _is_scalar(placement) and placement.is_speed,
)
def speed_hz(steps: ScalarSteps) -> Column:
    """Mean shaft speed in the step, revolutions per second; `no_input` without a good value.

    Example:
        >>> nan = np.array([np.nan])
        >>> speed_hz(ScalarSteps(np.array([25.0]), nan, nan, 1.0)).values
        array([25.])
    """
    return Column.of(steps.mean, (FeatureRefusal.NO_INPUT, np.isnan(steps.mean)))


@feature(
    unit="1",
    inputs=("load",),
    window="one grid step",
    source="arithmetic mean of the good values in the step",
    version=1,
    applies=_is_load,
)
def load(steps: ScalarSteps) -> Column:
    """Mean load in the step as a ratio of the rated one; `no_input` without a good value.

    Example:
        >>> nan = np.array([np.nan])
        >>> load(ScalarSteps(nan, nan, nan, 1.0)).reasons()
        ['no_input']
    """
    return Column.of(steps.mean, (FeatureRefusal.NO_INPUT, np.isnan(steps.mean)))


@feature(
    unit="canonical",
    inputs=("any other scalar",),
    window="one grid step",
    source="arithmetic mean of the good values in the step",
    version=1,
    applies=_is_other,
    trend=True,
)
def level(steps: ScalarSteps) -> Column:
    """Mean of the point's values in the step, in the canonical unit of its quantity.

    Refused as `no_input` when the step has no good value.

    Example:
        >>> nan = np.array([np.nan])
        >>> level(ScalarSteps(np.array([4.2e5]), nan, nan, 1.0)).values
        array([420000.])
    """
    return Column.of(steps.mean, (FeatureRefusal.NO_INPUT, np.isnan(steps.mean)))
