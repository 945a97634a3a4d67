"""What trend features are computed from: the rows of one life, in order of time."""

from dataclasses import dataclass, field, replace

import numpy as np

__all__ = ["LifeSeries", "window_sum"]

# Length of the exponential mean's window in spans.
_MEMORY_SPANS = 4

# Time constant of the exponential mean in spans: the mean age of its weights is then that of an
# exponential mean of the same span in the usual sense (weight 2/(span + 1) for the newest step).
_TIME_CONSTANT = 0.5

# Fewer values give no baseline.
_MIN_VALUES = 3


@dataclass(frozen=True, slots=True)
class LifeSeries:
    """Rows of one life, in order of time.

    Args:
        time_us: Row times, int64 [n], n at least 1, strictly increasing.
        values: float64 [f, n], one row a level-1 feature, NaN where there is no value.
        start_us: Begin of the life.
        run_in_us: Time after it that is no reference.
        baseline_us: Length of the reference stretch after that.
        shortest_us: The shortest span of the class's memory, used to smooth deltas and ratios.
        grid_us: The machine's grid step.
        running: int8 [n]: 1 running, 0 stopped, -1 not known; None: not known at any row.
    """

    time_us: np.ndarray
    values: np.ndarray
    start_us: int
    run_in_us: int
    baseline_us: int
    shortest_us: int
    grid_us: int
    running: np.ndarray | None = None
    _means: dict[int, np.ndarray] = field(default_factory=dict)

    def only(self, feature: int) -> "LifeSeries":
        """The same rows with the values of one level-1 feature alone."""
        return replace(self, values=self.values[[feature]], _means={})

    def mean(self, span_us: int) -> np.ndarray:
        """Exponential mean of that span at each row, [f, n]; NaN without a value in the last span."""
        if span_us not in self._means:
            self._means[span_us] = _exponential_mean(self.time_us, self.values, span_us)
        return self._means[span_us]

    def first_within(self, span_us: int) -> np.ndarray:
        """Index of the first row later than `time - span`, for each row."""
        return np.searchsorted(self.time_us, self.time_us - span_us, side="right")

    def in_baseline(self) -> np.ndarray:
        """Whether each row lies in the life's own first stretch, bool [n]."""
        first = self.start_us + self.run_in_us
        return np.asarray((self.time_us > first) & (self.time_us <= first + self.baseline_us))

    def after_baseline(self) -> np.ndarray:
        """Whether that stretch is over at each row, bool [n]."""
        return np.asarray(self.time_us >= self.start_us + self.run_in_us + self.baseline_us)

    def baseline(self) -> np.ndarray:
        """Median of the life's own first stretch, [f, n]; NaN until it is over or with too few values."""
        inside = self.values[:, self.in_baseline()]
        enough = np.count_nonzero(~np.isnan(inside), axis=1) >= _MIN_VALUES
        reference = np.full(len(self.values), np.nan)
        if enough.any():
            reference[enough] = np.nanmedian(inside[enough], axis=1)
        return np.where(self.after_baseline(), reference[:, None], np.nan)


def window_sum(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Sum over the rows from `first` to each row, [f, n]."""
    cumulated = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    return np.asarray(cumulated[:, 1:] - cumulated[:, first])


def _exponential_mean(time_us: np.ndarray, values: np.ndarray, span_us: int) -> np.ndarray:
    """Mean with weights exp(-age / time constant) over the last four spans, [f, n]."""
    n = len(time_us)
    if n == 0:
        return values.copy()
    gaps = np.diff(time_us)
    step = int(np.gcd.reduce(gaps)) if n > 1 else span_us
    window = -(-_MEMORY_SPANS * span_us // step)
    # Rows on an even axis; gaps beyond the window are all the same.
    at = np.concatenate([[0], np.cumsum(np.minimum(gaps // step, window + 1))])
    valid = ~np.isnan(values)
    axis = np.zeros((2, len(values), int(at[-1]) + 1))
    axis[0][:, at] = np.where(valid, values, 0.0)
    axis[1][:, at] = valid
    decay = np.exp(-step / (_TIME_CONSTANT * span_us))
    sums = _decayed_sum(axis, decay, window)
    found = window_sum(valid.astype(np.float64), np.searchsorted(time_us, time_us - span_us, side="right")) > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(found, sums[0][:, at] / sums[1][:, at], np.nan)


def _decayed_sum(values: np.ndarray, decay: float, window: int) -> np.ndarray:
    """Sum of `decay ** k` times the value k places before, over k < window, along the last axis.

    By doubling: the sum over 2 m places is the one over m places plus its decayed self m places before.
    Nothing is subtracted, so that no rounding is left behind by values outside the window.
    """
    total, block = np.zeros_like(values), values.copy()
    covered, size, rest = 0, 1, min(window, values.shape[-1])
    while rest:
        if rest & 1:
            total[..., covered:] += decay**covered * block[..., : block.shape[-1] - covered]
            covered += size
        rest >>= 1
        if rest:
            earlier = decay**size * block[..., :-size]
            block[..., size:] += earlier
            size *= 2
    return total
