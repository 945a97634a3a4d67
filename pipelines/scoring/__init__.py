"""Scoring: new measurements -> feature rows -> statements about every component.

rows        `compute_features`   measurements and waveforms -> table `feature_rows`
statements  `score`              feature rows and models -> table `predictions`
diagnosing  `diagnosed`          newest waveforms -> what physics says, in a statement's evidence
"""

from pipelines.scoring.rows import FeatureProgress, compute_features
from pipelines.scoring.statements import Model, score

__all__ = ["FeatureProgress", "Model", "compute_features", "score"]
