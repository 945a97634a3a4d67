"""Finds features that know what they cannot know.

alone     what each feature tells by itself, across lives: a leaked label tells nearly everything
withheld  rows made again with everything later withheld: a value that changes came from the future
probe     both, as a list of suspects in words
"""

from pipelines.leakage.alone import Told, told_alone
from pipelines.leakage.probe import LIMITS, Limits, Suspect, suspects
from pipelines.leakage.withheld import Remake, changed_features, remake_from_lake

__all__ = [
    "LIMITS",
    "Limits",
    "Remake",
    "Suspect",
    "Told",
    "changed_features",
    "remake_from_lake",
    "suspects",
    "told_alone",
]
