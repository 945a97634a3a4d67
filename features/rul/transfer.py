"""Remaining life from a handful of failed lives: what was left to them at the same stage.

A life goes through stages: installed, alarmed (the condition index passed its threshold), and further levels
above the alarm. Each stage has a clock of its own. What remains from the beginning of a stage follows a
Student t distribution of its logarithm, so few lives give wide answers, and a part that outlives the lives
that were seen gets more, not an impossible, remaining life. Three things are known at a row and used:

- the stage's clock has run for some time and the part has not failed;
- the next stage has not been reached, so what remains is likely longer than what is left from there on;
- every life counts once, so an age that a life has for a smaller share of it speaks less for that life (1 / T).

Later stages are told as shares of the age at which they began: short and long lives then look alike.

Where the plant file says what each part is rated for (`rated_life`), whole lives are counted in rated lives, so
that lives under other loads and speeds speak, too; and lives that lie in groups are told as groups.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, stdtr

from features.rul.groups import Groups

__all__ = ["LEVELS", "Remaining", "Stage", "TransferModel", "spell_begin"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Stages after installation begin at these multiples of the condition's alarm threshold.
LEVELS = (1.0, 1.5, 2.0)

# A stage ends without a failure when the index falls to this share of its level.
_LEFT_SHARE = 0.5

# Remaining lives that are weighed, as shares of the typical whole life, and how many: steps of 3 %.
_SHORTEST, _LONGEST, _POINTS = 1e-4, 30.0, 420

# Rows weighed at once: 4096 x 420 float64 are 14 MB.
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Stage:
    """What remained of the lives that came to a stage.

    Attributes:
        level: Multiple of the alarm threshold at which it begins; 0: at installation.
        centre: Mean of log(what remained at its beginning): in life units (rated lives of a rated class) at
            installation, later as a share of the age at which the stage began.
        spread: Scale of the t distribution around it.
        freedom: Its degrees of freedom.
        lives: Failed lives that came to it.
        reached: Share of failed lives that come to it before they fail.
    """

    level: float
    centre: float
    spread: float
    freedom: float
    lives: int
    reached: float


@dataclass(frozen=True, slots=True)
class Remaining:
    """Remaining life of n rows, as weights [n, points] of the values [points], life units; weights sum to 1.

    Rows whose age is not known have NaN weights.
    """

    values: Floats
    weights: Floats

    def quantile(self, share: float) -> Floats:
        """The value [n] below which this share of the weight lies; NaN where the row is."""
        summed = np.cumsum(self.weights, axis=1)
        log = np.log(self.values)
        found = np.full(len(summed), np.nan)
        for row in np.flatnonzero(np.isfinite(summed[:, -1])):
            found[row] = np.exp(np.interp(share, summed[row] - self.weights[row] / 2.0, log))
        return found

    def mean(self, longest: float) -> Floats:
        """Mean [n] of the remaining life, in which no more than `longest` is promised."""
        # Row by row: a matrix product rounds a row by how many others there are.
        return np.asarray((self.weights * np.minimum(self.values, longest)).sum(axis=1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class TransferModel:
    """What a class's failed lives pass on to one that still runs.

    Attributes:
        stages: In order of their levels; the first begins at installation.
        threshold: Condition index at which the alarm is raised, doublings; 0 where the class has no index.
        longest: Longest failed life, life units or rated lives.
        lives: Failed lives behind it.
        rated: Whole lives are counted in rated lives, which each part must then have.
        groups: Whole lives that lie in groups; None: one bell tells them as well.
    """

    stages: tuple[Stage, ...]
    threshold: float
    longest: float
    lives: int
    rated: bool = False
    groups: Groups | None = None

    def __post_init__(self) -> None:
        levels = [stage.level for stage in self.stages]
        if not levels or levels[0] != 0.0 or sorted(set(levels)) != levels:
            raise ValueError(f"stages begin at installation (level 0) and ascend, got levels {levels}")
        if any(stage.spread <= 0 or stage.freedom <= 0 for stage in self.stages):
            raise ValueError("spreads and degrees of freedom are positive")

    def stage_of(self, index: Floats) -> tuple[Ints, Ints]:
        """Stage of each row [n], and the row at which it began (0 for the first stage).

        Args:
            index: Condition index [n] in order of time, doublings; NaN: not known.
        """
        stage, begin = np.zeros(index.size, dtype=np.int64), np.zeros(index.size, dtype=np.int64)
        for place, known in enumerate(self.stages[1:], start=1):
            began = spell_begin(index, known.level * self.threshold)
            stage = np.where(began >= 0, place, stage)
            begin = np.where(began >= 0, began, begin)
        return stage, begin

    def unit(self, rated_life: float | None) -> float:
        """Life units in which this model counts a part's whole life; NaN: it needs a rated life, there is none."""
        if not self.rated:
            return 1.0
        return float("nan") if rated_life is None else rated_life

    def remaining(
        self, age: Floats, index: Floats, which: Sequence[int] | Ints, *, rated_life: float | None = None
    ) -> Remaining:
        """What remains at the rows `which`, each from itself and earlier rows.

        Args:
            age: Age [n] at each row of one life, in order of time, life units; NaN: not known.
            index: Condition index [n], doublings; NaN: not known.
            which: Places of the rows asked for.
            rated_life: Of the part, life units; None: not said, and a model in rated lives then tells nothing.
        """
        unit = self.unit(rated_life)
        age = age / unit
        rows = np.asarray(which, dtype=np.int64)
        stage, begin = (found[rows] for found in self.stage_of(index))
        values = self._values
        weights = np.full((rows.size, values.size), np.nan)
        known = np.isfinite(age[rows]) & (age[rows] > 0) & (np.isfinite(age[begin]) | (stage == 0))
        for place in np.unique(stage):
            mine = np.flatnonzero((stage == place) & known)
            for first in range(0, mine.size, _ROWS_AT_ONCE):
                some = mine[first : first + _ROWS_AT_ONCE]
                weights[some] = self._weights(int(place), age[rows[some]], age[begin[some]])
        return Remaining(values * unit, weights)

    @property
    def _values(self) -> Floats:
        return _grid(float(np.exp(self.stages[0].centre)))

    def _weights(self, place: int, age: Floats, began: Floats) -> Floats:
        """Weights [rows, points] in a stage that began at the age `began`."""
        stage, left = self.stages[place], self._values[None, :]
        clock = (age - began if place else age)[:, None]
        scale = np.maximum(began, left[0, 0])[:, None] if place else 1.0
        whole = np.log((clock + left) / scale)
        log = _log_t(stage, whole)
        if place == 0 and self.groups is not None:
            share = self.groups.share
            log = np.log((1.0 - share) * np.exp(log) + share * self.groups.density(whole))
        # Per step of log(left): density of log(clock + left), and 1 / T for a life of T = age + left.
        log = log + np.log(left / (clock + left)) - np.log(age[:, None] + left)
        if place + 1 < len(self.stages):
            later = self.stages[place + 1]
            z = (np.log(left / age[:, None]) - later.centre) / later.spread
            log = log + np.log(1.0 - later.reached + later.reached * stdtr(later.freedom, z))
        weights = np.exp(log - log.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def _log_t(stage: Stage, log_life: Floats) -> Floats:
    """Logarithm of the density of a stage's t distribution."""
    z, freedom = (log_life - stage.centre) / stage.spread, stage.freedom
    norm = (
        gammaln((freedom + 1.0) / 2.0) - gammaln(freedom / 2.0) - np.log(stage.spread * np.sqrt(freedom * np.pi))
    )
    return np.asarray(norm - (freedom + 1.0) / 2.0 * np.log1p(z**2 / freedom), dtype=np.float64)


def spell_begin(index: Floats, level: float) -> Ints:
    """Row at which the present spell at a level began, per row [n]; -1 where there is none.

    A spell begins when the index reaches the level and ends when it falls to half of it: what flickers around
    the level is one spell.

    Args:
        index: Condition index [n] in order of time, NaN: not known.
        level: In the index's unit, positive.

    Example:
        >>> spell_begin(np.array([0.2, 1.0, 0.8, 1.2, 0.4, 0.9]), 1.0).tolist()
        [-1, 1, 1, 1, -1, -1]
    """
    places = np.arange(index.size)
    ended = np.maximum.accumulate(np.where(index <= level * _LEFT_SHARE, places, -1)) if index.size else places
    reached = np.where(index >= level, places, index.size)
    following = np.append(np.minimum.accumulate(reached[::-1])[::-1], index.size)
    first = following[ended + 1]
    return np.where(first <= places, first, -1)


@functools.lru_cache(maxsize=64)
def _grid(typical: float) -> Floats:
    values = np.geomspace(_SHORTEST * typical, _LONGEST * typical, _POINTS)
    values.setflags(write=False)
    return values
