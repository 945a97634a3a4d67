"""Every tunable of a fit; logged with the run."""

from dataclasses import dataclass

__all__ = ["FitParameters", "StagedParameters"]


@dataclass(frozen=True, slots=True)
class StagedParameters:
    """Defaults as chosen by cross-validation on public run-to-failure data; see `docs/explanation/rul.md`.

    Attributes:
        failed_lives: Failed lives from which on a class is modelled in stages; below, by the features alone.
        rows_per_life: Longer lives are thinned to every n-th row, counted back from their end.
        bags: Parts of the lives; each forest of a stage is fitted without one of them.
        signals: Most level-1 features that are followed.
        kept: Inputs of the last stage that come from the first one, by gain.
        index_trees: Of each forest of `rul_index`.
        index_rate: Its learning rate.
        trees: Of each forest of the mean.
        rate: Its learning rate.
        quantile_trees: Of each quantile.
        quantile_rate: Their learning rate.
        quantile_leaves: Their leaves per tree.
        leaves: Per tree of the index and the mean.
        min_rows_in_leaf: Smallest leaf.
        row_share: Share of the rows drawn for each tree: neighbouring rows tell the same.
        feature_share: Share of the inputs tried for each tree.
        l2: Penalty on leaf values.
        max_bins: Histogram bins per input.
        ridge: Penalty of the linear indices, on unit variance.
    """

    failed_lives: int = 80
    rows_per_life: int = 600
    bags: int = 4
    signals: int = 24
    kept: int = 60
    index_trees: int = 80
    index_rate: float = 0.1
    trees: int = 120
    rate: float = 0.08
    quantile_trees: int = 100
    quantile_rate: float = 0.08
    quantile_leaves: int = 31
    leaves: int = 63
    min_rows_in_leaf: int = 20
    row_share: float = 0.15
    feature_share: float = 0.4
    l2: float = 1.0
    max_bins: int = 63
    ridge: float = 10.0


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
        threads: Folds of a staged model, or its forests, that are fitted at once; each forest on one thread.
        nominal: Share of truths that the band P10 to P90 should cover.
        calibrated_from: Failed lives below which no band is given.
        strict_from: Failed lives from which on the band is made for lives that fail: only these rows count, for
            P10 only those below the cap. Fewer lives leave so few of these rows that P10 would fall to nothing.
        units_per_bin: Lives below which a bin of the calibration is joined with its neighbour.
        band_shares: Edges of the RUL bands as shares of the cap.
        forests_from: Failed lives below which no forest is fitted.
        min_rows: Feature rows of a life before a number is given.
        staged: Of the staged model, which large classes get.
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
    strict_from: int = 80
    units_per_bin: int = 10
    band_shares: tuple[float, ...] = (0.2, 0.4)
    forests_from: int = 3
    min_rows: int = 5
    staged: StagedParameters = StagedParameters()
