"""Every tunable of a fit; logged with the run."""

from dataclasses import dataclass

__all__ = ["FitParameters"]


@dataclass(frozen=True, slots=True)
class FitParameters:
    """Defaults are small and quick: a class of 60 lives is cross-fitted in some seconds.

    Attributes:
        folds: Folds of whole lives; fewer lives than that are left out one by one.
        rows_per_life: Longer lives are thinned to every n-th row, counted back from their end.
        trees: Of the mean.
        quantile_trees: Of each quantile; their boosting starts from the out-of-fold mean.
        learning_rate: Of the mean.
        quantile_learning_rate: Of the quantiles.
        leaves: Per tree.
        min_rows_in_leaf: Smallest leaf.
        feature_share: Share of the inputs tried for each tree.
        l2: Penalty on leaf values.
        max_bins: Histogram bins per input.
        seed: Of the choice of inputs per tree.
        threads: Of LightGBM; more than one costs time on small sets and on busy machines.
        nominal: Share of truths that the band P10 to P90 should cover.
        calibrated_from: Failed lives below which no band is given.
        units_per_bin: Lives below which a bin of the calibration is joined with its neighbour.
        band_shares: Edges of the RUL bands as shares of the cap.
        forests_from: Failed lives below which no forest is fitted.
        min_rows: Feature rows of a life before a number is given.
    """

    folds: int = 5
    rows_per_life: int = 150
    trees: int = 120
    quantile_trees: int = 60
    learning_rate: float = 0.07
    quantile_learning_rate: float = 0.08
    leaves: int = 15
    min_rows_in_leaf: int = 20
    feature_share: float = 0.3
    l2: float = 1.0
    max_bins: int = 63
    seed: int = 20250101
    threads: int = 1
    nominal: float = 0.8
    calibrated_from: int = 20
    units_per_bin: int = 10
    band_shares: tuple[float, ...] = (0.2, 0.4)
    forests_from: int = 3
    min_rows: int = 5
