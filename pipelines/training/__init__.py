"""Trains, judges and registers a class's model; everything about it is one MLflow run.

train       the whole of it
folds       of lives, and the same lives dealt again
tracking    the run: parameters, metrics, files, the registered version
card        the model card
plots       pictures of the out-of-fold answers
mlflow_model  what MLflow's own users load; Wearcast never does
"""

from pipelines.training.train import TrainedModel, train

__all__ = ["TrainedModel", "train"]
