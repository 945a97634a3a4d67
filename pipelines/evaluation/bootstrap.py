"""How far a figure would move with other lives: whole lives drawn again and again, with a seed that is told."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pipelines.evaluation.errors import Floats, Strings

__all__ = ["DRAWS", "Interval", "Resampled", "resampled"]

# Draws of a 95 % interval: its ends then move by less than a tenth of its width from seed to seed.
DRAWS = 1000

# Lives below which an interval says nothing: two lives give three different draws.
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where 95 of 100 draws of lives lie, in the figure's unit; NaN with too few lives."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Resampled:
    """Rows gathered by life: any mean over lives or rows, with its interval.

    Attributes:
        place: int64 [n], number of each row's life.
        sizes: int64 [lives], rows of each life.
        draws: float64 [draws, lives], how often each life was drawn.
    """

    place: np.typing.NDArray[np.int64]
    sizes: np.typing.NDArray[np.int64]
    draws: Floats

    def mean(self, values: Floats, *, root: bool = False, pooled: bool = False) -> Interval:
        """Mean of values [n], with an interval by the percentiles 2.5 and 97.5 over the draws.

        Args:
            values: One a row; NaN makes the figure NaN.
            root: The square root of the mean.
            pooled: Every row weighs the same instead of every life.
        """
        if not self.sizes.size:
            return Interval(float("nan"), float("nan"), float("nan"))
        sums: Floats = np.bincount(self.place, weights=values, minlength=self.sizes.size).astype(np.float64)
        weight = self.sizes.astype(np.float64) if pooled else np.ones(self.sizes.size)
        return self.ratio(sums if pooled else sums / self.sizes, weight, root=root)

    def ratio(self, part: Floats, whole: Floats, *, root: bool = False) -> Interval:
        """Sum of `part` over sum of `whole`, both one a life [lives], e.g. cost over time."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value = part.sum() / whole.sum()
            drawn = (self.draws @ part) / (self.draws @ whole)
        if root:
            value, drawn = np.sqrt(value), np.sqrt(drawn)
        if self.sizes.size < FEWEST or not np.isfinite(drawn).any():
            return Interval(float(value), float("nan"), float("nan"))
        low, high = np.nanpercentile(drawn, [2.5, 97.5])
        return Interval(float(value), float(low), float(high))


def resampled(unit: Strings, *, seed: int, draws: int = DRAWS) -> Resampled:
    """Draws of the lives [n rows] with replacement; the same lives and seed give the same draws.

    References:
        B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993, section 13.3 (percentiles). Rows of
        one life resemble each other, so lives are drawn, not rows.
    """
    names, place, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    counts = _counts(names.size, seed, draws) if names.size else np.zeros((draws, 0))
    return Resampled(np.asarray(place, np.int64), np.asarray(sizes, np.int64), counts)


@lru_cache(maxsize=16)
def _counts(lives: int, seed: int, draws: int) -> Floats:
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.multinomial(lives, np.full(lives, 1.0 / lives), size=draws).astype(np.float64)
