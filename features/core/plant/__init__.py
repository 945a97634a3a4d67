"""The plant: Site > Machine > Component > MeasuringPoint, read from YAML and validated.

nouns      `features.core.plant.nouns`
windows    `features.core.plant.windows`   local maintenance rules -> UTC intervals
bearings   `features.core.plant.bearings`  designation or geometry -> fault frequencies
document   `features.core.plant.document`  files -> Plant, with errors that name the place
"""

from features.core.plant.bearings import BearingGeometry, FaultOrders, fault_orders
from features.core.plant.document import read_plant
from features.core.plant.nouns import Component, ComponentClass, Machine, MeasuringPoint, Plant, Site
from features.core.plant.values import (
    Costs,
    Criticality,
    InsulationClass,
    LifePrior,
    LifeUnit,
    Limits,
    PointKind,
    Spare,
    Speed,
    VibrationClass,
)
from features.core.plant.windows import MaintenanceWindow, WindowInterval, expand_windows

__all__ = [
    "BearingGeometry",
    "Component",
    "ComponentClass",
    "Costs",
    "Criticality",
    "FaultOrders",
    "InsulationClass",
    "LifePrior",
    "LifeUnit",
    "Limits",
    "Machine",
    "MaintenanceWindow",
    "MeasuringPoint",
    "Plant",
    "PointKind",
    "Site",
    "Spare",
    "Speed",
    "VibrationClass",
    "WindowInterval",
    "expand_windows",
    "fault_orders",
    "read_plant",
]
