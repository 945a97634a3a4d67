"""Thermal features: how warm, against what, how fast, and what it does to the material.

levels    level, rise rate, rise over ambient and over sister points, share of time over the limit
ageing    relative ageing of insulation and of transformer paper
startup   rise and time constant after a start
cycles    thermal cycles by rainflow counting; `counting` is its compiled form
residual  what load, speed and air do not explain; learnt on healthy time, its state is data
"""

from features.thermal.ageing import (
    insulation_ageing,
    insulation_ageing_rate,
    paper_ageing,
    paper_ageing_rate,
    upgraded_paper_ageing,
    upgraded_paper_ageing_rate,
)
from features.thermal.cycles import rainflow, reversals, thermal_cycles
from features.thermal.levels import (
    level_k,
    over_warning_share,
    rise_over_ambient_k,
    rise_over_sisters_k,
    rise_rate_k_per_h,
)
from features.thermal.residual import ThermalResidual, fit_residual
from features.thermal.startup import FirstOrder, fit_first_order, startup_rise_k, startup_time_constant_h

__all__ = [
    "FirstOrder",
    "ThermalResidual",
    "fit_first_order",
    "fit_residual",
    "insulation_ageing",
    "insulation_ageing_rate",
    "level_k",
    "over_warning_share",
    "paper_ageing",
    "paper_ageing_rate",
    "rainflow",
    "reversals",
    "rise_over_ambient_k",
    "rise_over_sisters_k",
    "rise_rate_k_per_h",
    "startup_rise_k",
    "startup_time_constant_h",
    "thermal_cycles",
    "upgraded_paper_ageing",
    "upgraded_paper_ageing_rate",
]
