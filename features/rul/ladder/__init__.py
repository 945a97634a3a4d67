"""The ladder of evidence for one life: a calibrated RUL, an uncalibrated one, the age, the condition, limits.

Limits and zones (`features.rul.limits`) speak on every rung: the state is the worst of theirs and the condition's.
What physics says (`features.rul.physics`) is put in by whoever has waveforms.

A machine that stands still keeps its last statement: the number comes from the newest running row, less what
the component aged since (nothing in running hours). Only when that row is older than the class's planning
horizon, or there is none, the answer is `machine_stopped`.

case        what is asked about, and what its rows are called
engines     parsed forests, kept while in use
answers     what a model says of rows, and why
basis       what a number stands on
statements  one life's rows -> statements
"""

from features.rul.ladder.case import Case, Statement, moment_of
from features.rul.ladder.engines import engine_of
from features.rul.ladder.statements import STALE_STEPS, Ladder

__all__ = ["STALE_STEPS", "Case", "Ladder", "Statement", "engine_of", "moment_of"]
