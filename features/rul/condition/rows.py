"""What is assessed, and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.core.statements import Evidence, HealthState

__all__ = ["Assessment", "Bools", "Floats", "LifeRows", "Longs", "column"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LifeRows:
    """Feature rows of one life in order of time.

    `time_us` int64 [n], microseconds since 1970 UTC; `age` float64 [n], life units, NaN unknown;
    `running` bool [n]; `values` float64 [n, features], NaN where refused; `names` [features].
    """

    time_us: Longs
    age: Floats
    running: Bools
    values: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Condition at each row: `index` float64 [n], NaN while there is no reference yet; 1 asks for maintenance."""

    index: Floats
    states: list[HealthState | None]
    evidence: list[tuple[Evidence, ...]]


def column(values: Floats, names: Sequence[str], name: str | None) -> Floats:
    """One feature of rows [n, features]; NaN without a name.

    Raises:
        KeyError: The set has no such feature.
    """
    if name is None:
        return np.full(len(values), np.nan)
    if name not in names:
        raise KeyError(name)
    return np.asarray(values[:, names.index(name)], dtype=np.float64)
