"""The registry: what features exist, where they apply, and which of them a component class has.

refusals   `FeatureRefusal`, `Column`        values that carry why there is none
steps      `ScalarSteps`, `ComponentSteps`   what scalar features are computed from
series     `LifeSeries`                      what trend features are computed from
catalogue  `feature`, `trend`                the decorators, and the lists they fill
sets       `FeatureSet`, `feature_set`       names, units, order and fingerprint of a component class
"""

from features.registry.catalogue import (
    AMBIENT,
    Feature,
    Placement,
    Trend,
    catalogue,
    chooses,
    feature,
    span_text,
    trend,
    trends,
)
from features.registry.refusals import Column, FeatureRefusal, codes_of, reason_of
from features.registry.series import LifeSeries, window_sum
from features.registry.sets import (
    Entry,
    FeatureSet,
    entries,
    feature_set,
    placements,
    points_by_role,
    sisters,
)
from features.registry.steps import ComponentSteps, ScalarSteps

__all__ = [
    "AMBIENT",
    "Column",
    "ComponentSteps",
    "Entry",
    "Feature",
    "FeatureRefusal",
    "FeatureSet",
    "LifeSeries",
    "Placement",
    "ScalarSteps",
    "Trend",
    "catalogue",
    "chooses",
    "codes_of",
    "entries",
    "feature",
    "feature_set",
    "placements",
    "points_by_role",
    "reason_of",
    "sisters",
    "span_text",
    "trend",
    "trends",
    "window_sum",
]
