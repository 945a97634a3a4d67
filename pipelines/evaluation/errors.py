"""Errors of a point answer; positive means late: more life was promised than there was."""

import numpy as np
import numpy.typing as npt

__all__ = ["bias", "jackknife_error", "mae", "per_life", "phm08", "phm08_rows", "rmse"]

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

# Cap of the RUL, in cycles, of the benchmark that the PHM08 score was made for.
PHM08_CAP = 125.0

# Time constants of the PHM08 score for early and late answers, cycles.
PHM08_EARLY, PHM08_LATE = 13.0, 10.0

# Beyond this exponent a score says nothing more; it only keeps the sum finite.
_LARGEST_EXPONENT = 100.0


def per_life(values: Floats, unit: Strings) -> Floats:
    """Mean of the values [n] in each life, in order of the lives' names; empty without rows."""
    _, place, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    return np.bincount(place, weights=values, minlength=sizes.size) / np.maximum(sizes, 1)


def rmse(error: Floats, unit: Strings) -> float:
    """Root of the mean over lives of the mean squared error [n], in the error's unit; NaN without rows."""
    squares = per_life(error**2, unit)
    return float(np.sqrt(squares.mean())) if squares.size else float("nan")


def mae(error: Floats, unit: Strings) -> float:
    """Mean over lives of the mean absolute error; NaN without rows."""
    return bias(np.abs(error), unit)


def bias(error: Floats, unit: Strings) -> float:
    """Mean over lives of the mean error, positive: late; NaN without rows."""
    means = per_life(error, unit)
    return float(means.mean()) if means.size else float("nan")


def jackknife_error(error: Floats, unit: Strings) -> float:
    """Standard error of `rmse` when whole lives are left out one by one; NaN below two lives.

    References:
        B. Efron, C. Stein, "The jackknife estimate of variance", Annals of Statistics 9 (1981), eq. 1.2.
    """
    squares = per_life(error**2, unit)
    m = squares.size
    if m < 2:
        return float("nan")
    without = np.sqrt((squares.sum() - squares) / (m - 1))
    return float(np.sqrt((m - 1) / m * np.sum((without - without.mean()) ** 2)))


def phm08(error: Floats, unit: Strings, *, cap: float) -> float:
    """Mean over lives of the mean PHM08 score: late answers cost more than early ones.

    Args:
        error: Answer minus truth [n], life units.
        unit: Life [n] of each row.
        cap: Cap of the RUL; errors are scaled by 125 / cap, so that a cap of 125 gives the published score.

    References:
        A. Saxena, K. Goebel, D. Simon, N. Eklund, "Damage propagation modeling for aircraft engine
        run-to-failure simulation", PHM 2008, eq. 11 (there a sum over engines).
    """
    return bias(phm08_rows(error, cap=cap), unit)


def phm08_rows(error: Floats, *, cap: float) -> Floats:
    """PHM08 score of each error [n]: what `phm08` is the mean of."""
    scaled = error * (PHM08_CAP / cap)
    exponent = np.where(scaled < 0, -scaled / PHM08_EARLY, scaled / PHM08_LATE)
    return np.asarray(np.expm1(np.minimum(exponent, _LARGEST_EXPONENT)), dtype=np.float64)
