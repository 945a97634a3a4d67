"""A baseline that measures but does not remember: a straight line through the newest row."""

from collections.abc import Sequence

import numpy as np

from pipelines.evaluation.errors import Floats, Strings

__all__ = ["last_row", "levels"]

# Penalty on slopes of standardised inputs, in rows: enough to keep a column that repeats another finite.
_RIDGE = 1.0


def levels(names: Sequence[str]) -> np.typing.NDArray[np.int64]:
    """Columns that look at their own row only: `age` and `role.feature`, not their trends.

    Example:
        >>> levels(["age", "t.level_k", "t.level_k.slope_7d"]).tolist()
        [0, 1]
    """
    return np.array([i for i, name in enumerate(names) if name.count(".") < 2], dtype=np.int64)


def last_row(x: Floats, y: Floats, unit: Strings, asked: Floats) -> Floats:
    """Answers [m] of a ridge regression on these rows, each life weighing the same.

    Args:
        x: Inputs [n, inputs], NaN where missing: the mean stands in, for what only a baseline may do.
        y: Capped RUL [n], life units.
        unit: Life [n] of each row.
        asked: Inputs [m, inputs] of rows of other lives.

    References:
        A. Hoerl, R. Kennard, "Ridge regression", Technometrics 12 (1970), eq. 2.1.
    """
    _, place, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    weight = 1.0 / sizes[place]
    weight = weight * (unit.size / weight.sum())
    seen = np.isfinite(x)
    total = np.maximum((seen * weight[:, None]).sum(axis=0), 1e-12)
    middle = (np.where(seen, x, 0.0) * weight[:, None]).sum(axis=0) / total
    centred = np.where(seen, x - middle, 0.0)
    scale = np.sqrt((centred**2 * weight[:, None]).sum(axis=0) / unit.size)
    scale[scale == 0.0] = np.inf
    z = centred / scale
    level = float(np.average(y, weights=weight))
    gram = (z * weight[:, None]).T @ z + _RIDGE * np.eye(x.shape[1])
    slope = np.linalg.solve(gram, (z * weight[:, None]).T @ (y - level))
    answers = level + np.where(np.isfinite(asked), asked - middle, 0.0) / scale @ slope
    return np.asarray(np.clip(answers, 0.0, y.max()), dtype=np.float64)
