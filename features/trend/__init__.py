"""Trend features: pure functions of the times and values of one life's rows, vectorised over rows.

Nothing is carried from call to call: the same rows give the same numbers whether they come in one batch,
day by day with their history, or from a request.

spans  mean, slope, delta over spans; against the life's own first stretch
onset  since when a level is no longer what it was in that stretch
"""

from features.registry import LifeSeries
from features.trend.onset import change_points, hours_since_onset
from features.trend.spans import delta, difference_to_baseline, mean, ratio_to_baseline, slope

__all__ = [
    "LifeSeries",
    "change_points",
    "delta",
    "difference_to_baseline",
    "hours_since_onset",
    "mean",
    "ratio_to_baseline",
    "slope",
]
