"""Relative ageing: how fast heat uses up insulation, against the rate at its rated temperature.

A rate of 2 uses up two hours of life in one. Rates are averaged over the values of a step, because ageing at
the mean temperature is less than the mean ageing.

The formulas of paper are those that the IEEE publishes as a program with C57.91-2024 (opensource.ieee.org,
inslife) and that Alliander's transformer-thermal-model has for IEC 60076-7; classes and halving as makers of
motors print them: docs/explanation/standards.md. None of the formulas knows moisture or oxygen.
"""

import numpy as np
import numpy.typing as npt

from features.core.plant import PointKind
from features.core.units import Quantity
from features.registry import Column, FeatureRefusal, Placement, ScalarSteps, feature

__all__ = [
    "insulation_ageing",
    "insulation_ageing_rate",
    "paper_ageing",
    "paper_ageing_rate",
    "upgraded_paper_ageing",
    "upgraded_paper_ageing_rate",
]

Floats = npt.NDArray[np.float64]

# Roles of the points that ageing is told from.
_WINDING = "winding_temperature"
_HOT_SPOT = "hot_spot_temperature"

# Temperature of 0 degC, K.
_ZERO_C = 273.15

# Rated temperatures of the thermal classes, degC: IEC 60085, used by IEC 60034-1 for windings.
_CLASSES_C = {"B": 130.0, "F": 155.0, "H": 180.0}

# Insulation's life halves with that many kelvin: the rule of thumb after V. M. Montsinger, "Loading
# transformers by temperature", Transactions of the AIEE 49 (1930).
_HALVING_K = 10.0


def insulation_ageing_rate(temperature_k: Floats, thermal_class: str) -> Floats:
    """Relative ageing of winding insulation: 1 at the class's rated temperature, double every 10 K.

    Args:
        temperature_k: Of the winding's hottest place, K, any shape; NaN stays NaN.
        thermal_class: B, F or H.

    References:
        Classes: IEC 60034-1 (B 130, F 155, H 180 degC). Halving: Montsinger 1930.

    Example:
        >>> insulation_ageing_rate(np.array([155.0, 165.0, 135.0]) + 273.15, "F").round(6)
        array([1.  , 2.  , 0.25])
    """
    return np.asarray(2.0 ** ((temperature_k - _ZERO_C - _CLASSES_C[thermal_class]) / _HALVING_K))


def paper_ageing_rate(hot_spot_k: Floats) -> Floats:
    """Relative ageing of paper that is not thermally upgraded: 1 at 98 degC, double every 6 K.

    Args:
        hot_spot_k: Hot-spot temperature of an oil-immersed transformer, K, any shape; NaN stays NaN.

    References:
        IEC 60076-7, relative ageing rate V for non-upgraded paper; meant for 80 to 140 degC.

    Example:
        >>> paper_ageing_rate(np.array([98.0, 104.0, 86.0]) + 273.15).round(6)
        array([1.  , 2.  , 0.25])
    """
    return np.asarray(2.0 ** ((hot_spot_k - _ZERO_C - 98.0) / 6.0))


def upgraded_paper_ageing_rate(hot_spot_k: Floats) -> Floats:
    """Ageing acceleration factor of thermally upgraded paper: 1 at 110 degC.

    Args:
        hot_spot_k: Hottest-spot temperature of an oil-immersed transformer, K, any shape; NaN stays NaN.

    References:
        IEEE C57.91, F_AA = exp(15000/383 - 15000/(theta + 273)), theta in degC; the same as IEC 60076-7's V
        for upgraded paper. The program of the 2024 edition adds 273.15 instead: within 0.3 % from 80 to 140 degC.

    Example:
        >>> upgraded_paper_ageing_rate(np.array([110.0, 120.0]) + 273.15).round(2)
        array([1.  , 2.71])
    """
    return np.asarray(np.exp(15000.0 / 383.0 - 15000.0 / (hot_spot_k - _ZERO_C + 273.0)))


def _scalar(placement: Placement, role: str) -> bool:
    temperature = placement.kind is PointKind.SCALAR and placement.quantity is Quantity.TEMPERATURE
    return temperature and placement.role == role


@feature(
    unit="1",
    inputs=("winding temperature", "insulation class"),
    window="one grid step",
    source="IEC 60034-1 thermal classes; life halves per 10 K, Montsinger 1930",
    version=1,
    applies=lambda placement: _scalar(placement, _WINDING) and placement.insulation != "",
)
def insulation_ageing(steps: ScalarSteps) -> Column:
    """Mean relative ageing of the winding's insulation in the step; 1 at the class's rated temperature.

    Refused as `no_input` without a good value in the step.

    Example:
        >>> nan = np.array([np.nan])
        >>> insulation_ageing(ScalarSteps(np.array([438.15]), nan, nan, 1.0, insulation="F")).values
        array([2.])
    """
    rate = steps.averaged(lambda values: insulation_ageing_rate(values, steps.insulation))
    return Column.of(rate, (FeatureRefusal.NO_INPUT, np.isnan(rate)))


@feature(
    unit="1",
    inputs=("hot-spot temperature",),
    window="one grid step",
    source="IEC 60076-7, relative ageing rate of non-upgraded paper",
    version=1,
    applies=lambda placement: _scalar(placement, _HOT_SPOT),
)
def paper_ageing(steps: ScalarSteps) -> Column:
    """Mean relative ageing of normal paper in the step; 1 at 98 degC.

    Refused as `no_input` without a good value in the step.

    Example:
        >>> nan = np.array([np.nan])
        >>> paper_ageing(ScalarSteps(np.array([377.15]), nan, nan, 1.0)).values
        array([2.])
    """
    rate = steps.averaged(paper_ageing_rate)
    return Column.of(rate, (FeatureRefusal.NO_INPUT, np.isnan(rate)))


@feature(
    unit="1",
    inputs=("hot-spot temperature",),
    window="one grid step",
    source="IEEE C57.91, ageing acceleration factor",
    version=1,
    applies=lambda placement: _scalar(placement, _HOT_SPOT),
)
def upgraded_paper_ageing(steps: ScalarSteps) -> Column:
    """Mean ageing acceleration factor of thermally upgraded paper in the step; 1 at 110 degC.

    Refused as `no_input` without a good value in the step.

    Example:
        >>> nan = np.array([np.nan])
        >>> upgraded_paper_ageing(ScalarSteps(np.array([383.15]), nan, nan, 1.0)).values
        array([1.])
    """
    rate = steps.averaged(upgraded_paper_ageing_rate)
    return Column.of(rate, (FeatureRefusal.NO_INPUT, np.isnan(rate)))
