"""Process features: how the machine is run.

levels   age, running, speed, load, and the level of any other scalar
states   stopped, starting, steady or ramp at each step; starts and hours since the latest one
regimes  clusters of settings, learnt on healthy time; their state is data
"""

from features.process.levels import LOAD, age, level, load, running_share, speed_hz
from features.process.regimes import Regimes, fit_regimes
from features.process.states import (
    OperatingState,
    hours_since_start_h,
    operating_state,
    starts,
    starts_and_hours,
)

__all__ = [
    "LOAD",
    "OperatingState",
    "Regimes",
    "age",
    "fit_regimes",
    "hours_since_start_h",
    "level",
    "load",
    "operating_state",
    "running_share",
    "speed_hz",
    "starts",
    "starts_and_hours",
]
