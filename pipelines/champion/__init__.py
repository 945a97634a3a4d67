"""The champion of a class: the version that predicts, and why another one does or does not replace it.

contender   a version, its out-of-fold answers and the lives it has seen
judged      what both are judged by: lives and rows as known now
honest      answers to rows that a model has not seen, and by which right they count
comparison  both side by side, paired life by life
verdict     rules and words
gate        `judge`: comparison and leak probe -> verdict
noted       a verdict from the notes of two trainings alone
promotion   `promote`, `rollback`: the registry's alias moves
moves       where the champion has been
versions    the champion, a candidate, the one in shadow
shadow      what a challenger said beside the champion
"""

from pipelines.champion.comparison import Comparison, Paired
from pipelines.champion.contender import Contender, LoadedModel, load, of_training, of_version
from pipelines.champion.gate import judge
from pipelines.champion.judged import Judged, judged_from_lake
from pipelines.champion.moves import Move, history
from pipelines.champion.promotion import Promotion, compare, promote, promote_version, rollback
from pipelines.champion.shadow import ShadowReport, shadow_report
from pipelines.champion.verdict import RULES, Rules, Verdict
from pipelines.champion.versions import candidate_of, champion_of, set_shadow, standing

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
