"""Fits a class's model: forests, calibration, condition, prior. Inference is `features.rul`'s.

parameters   every tunable, logged with the run
examples     what a fit needs of a training set
boosting     the calls to LightGBM
crossfit     out-of-fold answers, folds of whole lives only
calibration  conformal offsets of the band from out-of-fold answers
condition    the condition model, from healthy time
prior        Weibull life of the class from failures and suspensions
baselines    what a model must beat
fit          all of it together
"""

from pipelines.model.crossfit import OutOfFold, refuse_leaking
from pipelines.model.examples import Examples, LifeSummary
from pipelines.model.fit import Fitted, fit
from pipelines.model.parameters import FitParameters

__all__ = ["Examples", "FitParameters", "Fitted", "LifeSummary", "OutOfFold", "fit", "refuse_leaking"]
