"""The champion of a class: the version that predicts, and why another one does or does not replace it.

contender   a version, its out-of-fold answers and the lives it has seen
judged      what both are judged by: lives and rows as known now
honest      answers to rows that a model has not seen, and by which right they count
comparison  both side by side, paired life by life
verdict     rules and words
gate        `judge`: comparison and leak probe -> verdict
promotion   `promote`, `rollback`, history, shadow: the registry's aliases and notes
shadow      what a challenger said beside the champion
"""

from pipelines.champion.comparison import Comparison, Paired
from pipelines.champion.contender import Contender, LoadedModel, load, of_training, of_version
from pipelines.champion.gate import judge
from pipelines.champion.judged import Judged, judged_from_lake
from pipelines.champion.promotion import (
    Move,
    Promotion,
    candidate_of,
    champion_of,
    compare,
    history,
    promote,
    promote_version,
    rollback,
    set_shadow,
    standing,
)
from pipelines.champion.shadow import ShadowReport, shadow_report
from pipelines.champion.verdict import RULES, Rules, Verdict

__all__ = [
    "RULES",
    "Comparison",
    "Contender",
    "Judged",
    "LoadedModel",
    "Move",
    "Paired",
    "Promotion",
    "Rules",
    "ShadowReport",
    "Verdict",
    "candidate_of",
    "champion_of",
    "compare",
    "history",
    "judge",
    "judged_from_lake",
    "load",
    "of_training",
    "of_version",
    "promote",
    "promote_version",
    "rollback",
    "set_shadow",
    "shadow_report",
    "standing",
]
