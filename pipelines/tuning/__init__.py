"""Looks for a class's fit parameters, and says honestly whether they are any better.

space      which parameters are looked for, and between which bounds
objective  the quick error of a trial, by folds of whole lives
search     one search after another trial, kept on disk: Optuna's only place
nested     what the searches chose, judged on lives that they never saw
record     the chosen parameters as a file that training reads
tuning     all of it within a budget of minutes
"""

from pipelines.tuning.record import TuningRecord, parameters_of, read_record
from pipelines.tuning.tuning import Progress, Tuned, tune

__all__ = ["Progress", "Tuned", "TuningRecord", "parameters_of", "read_record", "tune"]
