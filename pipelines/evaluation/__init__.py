"""Judges answers to lives that the model had not seen. Every life weighs the same, whatever its length.

errors      RMSE, MAE, bias and the PHM08 score
intervals   coverage, width and interval score of the band
report      all figures of a run, per band and beside the baselines
"""

from pipelines.evaluation.report import Band, Scored, bands_of, evaluate

__all__ = ["Band", "Scored", "bands_of", "evaluate"]
