"""The calls to LightGBM: deterministic, every life counts alike."""

import lightgbm as lgb
import numpy as np

from pipelines.model.examples import Floats, Strings
from pipelines.model.parameters import FitParameters

__all__ = ["QUANTILES", "answer", "boost", "life_weights"]

# Output -> quantile of the artefact's forests.
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


def life_weights(unit: Strings) -> Floats:
    """Weights [n] with mean 1 under which every life has the same sum."""
    _, place, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    weights = 1.0 / sizes[place]
    return np.asarray(weights * (unit.size / weights.sum()), dtype=np.float64)


def boost(
    x: Floats, y: Floats, unit: Strings, parameters: FitParameters, *, output: str, start: Floats | None = None
) -> lgb.Booster:
    """A forest for one output.

    Args:
        x: Inputs [n, inputs], NaN where missing.
        y: Target [n], life units.
        unit: Life [n] of each row.
        parameters: Of the fit.
        output: `mean` (squared error) or a quantile.
        start: Where boosting starts [n]; it is not part of the forest's answer.
    """
    settings: dict[str, object] = {
        "objective": "regression",
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": min(parameters.min_rows_in_leaf, max(1, y.size // 10)),
        "feature_fraction": parameters.feature_share,
        "lambda_l2": parameters.l2,
        "max_bin": parameters.max_bins,
        "feature_pre_filter": False,
        "force_row_wise": True,
        "deterministic": True,
        "seed": parameters.seed,
        # One thread a forest, so that the text never depends on threads; on busy machines more cost time.
        "num_threads": 1,
        "verbosity": -1,
    }
    trees = parameters.trees
    if output in QUANTILES:
        settings |= {
            "objective": "quantile",
            "alpha": QUANTILES[output],
            "learning_rate": parameters.quantile_learning_rate,
        }
        trees = parameters.quantile_trees
    data = lgb.Dataset(x, y, weight=life_weights(unit), init_score=start, params=settings, free_raw_data=True)
    return lgb.train(settings, data, num_boost_round=trees)


def answer(forest: lgb.Booster, x: Floats, parameters: FitParameters) -> Floats:
    """The forest's answers [n], without where its boosting started."""
    return np.asarray(forest.predict(x, raw_score=True, num_threads=1), dtype=np.float64)
