"""Condition of a component from healthy time alone: no failure needs to have been seen.

rows       what is assessed, and what comes out
operation  which rows can be compared, and with which: operating states and regimes
medians    medians along time
bands      octave bands of vibration against the best level that the life has sustained
channels   process readings and temperatures against what their operation accounts for
thermal    expected temperature from load, speed and the air around
model      all of it together; its state travels in the artefact
"""

from features.rul.condition.bands import ALARM_RATIO, SCATTER_SIGMAS, voters
from features.rul.condition.medians import RECENT_OBSERVATIONS
from features.rul.condition.model import ConditionModel, fit_condition
from features.rul.condition.rows import Assessment, LifeRows

__all__ = [
    "ALARM_RATIO",
    "RECENT_OBSERVATIONS",
    "SCATTER_SIGMAS",
    "Assessment",
    "ConditionModel",
    "LifeRows",
    "fit_condition",
    "voters",
]
