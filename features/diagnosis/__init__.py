"""Diagnosis from physics alone, without any learning: waveforms and geometry in, a named fault out.

Where do I go to...
    see what a diagnosis holds?           `features.diagnosis.verdicts`
    know what it is made from?            `features.diagnosis.recording`
    see how bearing lines are found?      `features.diagnosis.envelope`, `features.diagnosis.bearing`
    see how the true speed is read?       `features.diagnosis.speed`
    see the pattern of other faults?      `features.diagnosis.shaft`, `features.diagnosis.gear`,
                                          `features.diagnosis.lubrication`
    see how evidence is weighed?          `features.diagnosis.judge`
    diagnose a component of the plant?    `features.diagnosis.component`
    choose the band of the envelope?      `features.diagnosis.band`
"""

from features.diagnosis.bearing import BearingLimits
from features.diagnosis.component import diagnose_component
from features.diagnosis.judge import SEVERE_MM_S, diagnose
from features.diagnosis.recording import Geometry, Recording
from features.diagnosis.verdicts import Diagnosis, Fault, Finding, MatchedLine

__all__ = [
    "SEVERE_MM_S",
    "BearingLimits",
    "Diagnosis",
    "Fault",
    "Finding",
    "Geometry",
    "MatchedLine",
    "Recording",
    "diagnose",
    "diagnose_component",
]
