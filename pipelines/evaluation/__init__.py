"""Judges answers to lives that the model had not seen. Every life weighs the same, whatever its length.

judgement    everything that is told of a run
scored       what can be judged, and the bands it is told by
errors       RMSE, MAE, bias and the PHM08 score
intervals    coverage, width and interval score of the band
report       the figures of a run by name
tables       the same per band, fold and life, beside the baselines and where they win
last_row     a baseline that measures but does not remember
bootstrap    how far a figure would move with other lives
prognostics  horizon, accuracy along the way, convergence
decisions    what acting on the answers would have cost
looks        how often test data was looked at
held_out     figures on test data, which are not had without a look
"""

from pipelines.evaluation.judgement import Judgement, judge
from pipelines.evaluation.report import evaluate
from pipelines.evaluation.scored import Answers, Band, Folded, Scored, bands_of

__all__ = ["Answers", "Band", "Folded", "Judgement", "Scored", "bands_of", "evaluate", "judge"]
