"""Whole lives that lie in groups: most parts of a class die early or late, and few in between.

One bell over the logarithms of all lives puts its middle where no part fails. Here every past life keeps its
place, with a bell of its own around it. How wide those are is not decided but weighed: each width by how well
every life is told by the others. `share` says how far this is believed beside the one bell.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Groups"]

Floats = npt.NDArray[np.float64]

# The density is tabulated this finely: a tenth of a narrow bell's width, which is some 0.05.
_STEP = 0.005
# Widths beyond the outermost lives at which the table ends; further out the density is as good as nothing.
_REACH = 6.0


@dataclass(frozen=True, slots=True)
class Groups:
    """Bells around past lives, in logarithms.

    Attributes:
        logs: Logarithms of whole lives, as the first stage counts them.
        widths: Standard deviations of a bell, ascending.
        weights: Of each width; they sum to 1.
        share: How far the groups are believed, 0 to below 1; the rest is the one bell's.
    """

    logs: tuple[float, ...]
    widths: tuple[float, ...]
    weights: tuple[float, ...]
    share: float

    def __post_init__(self) -> None:
        if not self.logs or len(self.widths) != len(self.weights) or min(self.widths, default=0.0) <= 0:
            raise ValueError("groups have lives, and as many weights as positive widths")
        if not 0.0 <= self.share < 1.0:
            raise ValueError(f"a share lies in 0 to 1, 1 excluded, got {self.share}")

    def density(self, log_life: Floats) -> Floats:
        """Probability density of the logarithm of a life, same shape; NaN where that is NaN.

        Example:
            >>> found = Groups((0.0, 1.0), (0.1,), (1.0,), 0.5).density(np.array([0.0, 0.5, 1.0]))
            >>> [round(float(value), 2) for value in found]
            [1.99, 0.0, 1.99]
        """
        places, table = _tabulated(self)
        return np.interp(log_life, places, table, left=0.0, right=0.0)


@functools.lru_cache(maxsize=64)
def _tabulated(groups: Groups) -> tuple[Floats, Floats]:
    reach = _REACH * max(groups.widths)
    places = np.arange(min(groups.logs) - reach, max(groups.logs) + reach, _STEP)
    table = np.zeros(places.size)
    for width, weight in zip(groups.widths, groups.weights, strict=True):
        for centre in groups.logs:
            z = (places - centre) / width
            table += weight / len(groups.logs) * np.exp(-(z**2) / 2.0) / (width * np.sqrt(2.0 * np.pi))
    places.setflags(write=False)
    table.setflags(write=False)
    return places, table
