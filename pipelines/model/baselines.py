"""What a model must beat: answers that use no measurement."""

from collections.abc import Sequence

import numpy as np

from pipelines.model.examples import Floats, LifeSummary
from pipelines.model.prior import fit_weibull

__all__ = ["constant_median", "weibull_by_age"]


def constant_median(y: Floats, weight: Floats, size: int) -> Floats:
    """The weighted median of the training targets [m], for every one of `size` rows."""
    order = np.argsort(y, kind="stable")
    share = np.cumsum(weight[order])
    return np.full(size, y[order][int(np.searchsorted(share, share[-1] / 2))])


def weibull_by_age(lives: Sequence[LifeSummary], age: Floats, cap: float, otherwise: Floats) -> Floats:
    """Conditional mean residual life at each age [n]; `otherwise` where the age or the distribution is unknown."""
    weibull = fit_weibull(lives)
    if weibull is None or not np.isfinite(cap):
        return otherwise
    known = np.isfinite(age)
    return np.where(known, weibull.mean_residual(np.where(known, age, 0.0), cap), otherwise)
