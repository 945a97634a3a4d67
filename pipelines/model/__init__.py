"""Fits a class's model: forests, calibration, condition, prior. Inference is `features.rul`'s.

parameters   every tunable, logged with the run
examples     what a fit needs of a training set
boosting     the calls to LightGBM
merging      several forests as one
staged/      the model of large classes
dealing      lives into parts, by a seed
crossfit     out-of-fold answers, folds of whole lives only
calibration  conformal offsets of the band from out-of-fold answers
condition    the condition model, from healthy time
prior        Weibull life of the class from failures and suspensions
baselines    what a model must beat
fit          all of it together
"""

from pipelines.model.crossfit import OutOfFold, refuse_leaking
from pipelines.model.examples import UNJUDGED, Examples, LifeSummary
from pipelines.model.fit import CrossValidated, Fitted, cross_validate, fit
from pipelines.model.parameters import FitParameters, StagedParameters

__all__ = [
    "UNJUDGED",
    "CrossValidated",
    "Examples",
    "FitParameters",
    "Fitted",
    "LifeSummary",
    "OutOfFold",
    "StagedParameters",
    "cross_validate",
    "fit",
    "refuse_leaking",
]
