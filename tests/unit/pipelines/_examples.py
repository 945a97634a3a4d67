"""What a fit is given, as plain data: lives and their rows."""

import dataclasses

import numpy as np
import numpy.typing as npt

__all__ = ["Examples", "Floats", "Life"]

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Life:
    """One life: known from `entry` on, ended at `duration`."""

    unit: str
    entry: float
    duration: float
    failed: bool = True


@dataclasses.dataclass(frozen=True)
class Examples:
    """Rows of lives, oldest first in each."""

    x: Floats
    rul: Floats
    survived: Floats
    age: Floats
    unit: npt.NDArray[np.str_]
    time_us: npt.NDArray[np.int64]
    lives: tuple[Life, ...]
    names: tuple[str, ...]
    declared_cap: float | None = 60.0
    component_class: str = "bearing"
    life_unit: str = "running_h"
    fingerprint: str = "f"
