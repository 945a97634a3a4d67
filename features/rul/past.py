"""Past lives that looked like this one: which ones, how far off, and what was left of them then.

A model keeps some training lives in short: a few points along each, every one told by a handful of leading inputs.
Inputs are told as ranks, the share of training rows below the value, so that units, outliers and skewed levels do
not matter. The distance of two points is the root mean square of the differences of their ranks: 0.05 means that
about 5 % of all training rows lie between the two, input by input.

This is evidence beside a number and has no part in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.core.statements import PAST_LIFE, Evidence, Rung
from features.registry.words import fault_words

__all__ = ["Bank", "Found", "PastLife", "PastLives", "past_reasons", "ranks_of"]

Floats = npt.NDArray[np.float64]

# How many lives are named.
_NAMED = 3

# Share of the inputs that both points must have before they are compared.
_KNOWN = 0.5

# Infinite distances are never near, whatever the reach: no two ranks are further apart.
_FURTHEST = 1.0

_UNITS = {"running_h": "running hours", "calendar_h": "hours", "cycle": "cycles"}


@dataclass(frozen=True, slots=True)
class PastLife:
    """A training life in short.

    Attributes:
        unit: `machine/slot#number`.
        failed: It ended in a failure; False: it was taken out before.
        failure_mode: What the log named at its end; empty: nothing.
        length: Life units from its first row to its end.
        left: What was left at each point, life units, descending; without a failure until it was taken out.
        ranks: [points][inputs], 0 to 1, NaN where the input was missing.
    """

    unit: str
    failed: bool
    failure_mode: str
    length: float
    left: tuple[float, ...]
    ranks: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class PastLives:
    """Training lives in short, and how their inputs are told.

    Attributes:
        inputs: What is compared, of what the model is told (`Artefact.compared`).
        values: [inputs][knots] values, ascending.
        shares: [inputs][knots] share of training rows below each, ascending, 0 to 1.
        reach: A life further off than that does not look alike: within it 95 % of the lives' own points find as
            many others as are named.
        lives: In short.
    """

    inputs: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    shares: tuple[tuple[float, ...], ...]
    reach: float
    lives: tuple[PastLife, ...]

    def __post_init__(self) -> None:
        width = len(self.inputs)
        if not width or len(self.values) != width or len(self.shares) != width:
            raise ValueError(f"{width} compared inputs with {len(self.values)} and {len(self.shares)} scales")
        if not self.lives or any(not life.left for life in self.lives):
            raise ValueError("past lives without a point cannot be looked at")
        if any(len(one) != len(other) or not one for one, other in zip(self.values, self.shares, strict=True)):
            raise ValueError("every value of a scale has its share")
        for life in self.lives:
            if len(life.left) != len(life.ranks) or any(len(ranks) != width for ranks in life.ranks):
                raise ValueError(f"past life {life.unit} does not have {width} ranks at each of its points")


@dataclass(frozen=True, slots=True)
class Found:
    """A past life, what was left of it when it looked like the row, life units, and how alike they are."""

    life: PastLife
    left: float
    distance: float


class Bank:
    """Past lives as arrays, ready to be searched. Build it once, use it for every request.

    Args:
        past: What the model keeps.
        inputs: Names of the columns of the rows to come; all of `past.inputs` are among them.
    """

    def __init__(self, past: PastLives, inputs: Sequence[str]) -> None:
        place = {name: number for number, name in enumerate(inputs)}
        self._past, self._columns = past, [place[name] for name in past.inputs]
        self._scales = [(np.array(v), np.array(s)) for v, s in zip(past.values, past.shares, strict=True)]
        points = [len(life.left) for life in past.lives]
        self._starts = np.concatenate([[0], np.cumsum(points)]).astype(np.int64)[:-1]
        self._ranks = np.array([rank for life in past.lives for rank in life.ranks]).reshape(-1, len(past.inputs))
        self._left = [left for life in past.lives for left in life.left]
        self._own = {life.unit: number for number, life in enumerate(past.lives)}

    def nearest(self, rows: Floats, *, own: str = "") -> list[list[Found]]:
        """Up to three lives within reach that looked most like each row [n, inputs], the nearest first.

        A row that has fewer than half of the compared inputs looks like nothing.

        Args:
            rows: Inputs of the model, NaN where missing.
            own: Life that is asked about; it is not its own past.
        """
        return [self._nearest(ranks, own) for ranks in ranks_of(rows[:, self._columns], self._scales)]

    def off(self, ranks: Floats, *, own: str = "") -> float:
        """Within which distance of a point [inputs] as many lives but its own lie as are named.

        Of fewer lives all of them; infinite where none can be compared.
        """
        near = np.sort(self._of_lives(self._distances(ranks), own))[:_NAMED].tolist()
        return max(filter(np.isfinite, near), default=np.inf)

    def _nearest(self, ranks: Floats, own: str) -> list[Found]:
        distance = self._distances(ranks)
        of_life, found = self._of_lives(distance, own), list[Found]()
        for number in np.argsort(of_life, kind="stable")[:_NAMED]:
            if not of_life[number] <= min(self._past.reach, _FURTHEST):
                break
            life, first = self._past.lives[number], int(self._starts[number])
            point = first + int(np.argmin(distance[first : first + len(life.left)]))
            found.append(Found(life, self._left[point], float(distance[point])))
        return found

    def _distances(self, ranks: Floats) -> Floats:
        """Distance to every point of the lives; infinite where too few inputs are known of both."""
        squares = (self._ranks - ranks) ** 2
        known = np.isfinite(squares)
        count = known.sum(axis=1)
        summed = np.where(known, squares, 0.0).sum(axis=1)
        is_enough = count >= max(1.0, _KNOWN * len(ranks))
        return np.where(is_enough, np.sqrt(summed / np.maximum(count, 1)), np.inf)

    def _of_lives(self, distance: Floats, own: str) -> Floats:
        of_life = np.asarray(np.minimum.reduceat(distance, self._starts), dtype=np.float64)
        if own in self._own:
            of_life[self._own[own]] = np.inf
        return of_life


def ranks_of(rows: Floats, scales: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Ranks [n, inputs] of values [n, inputs] on each input's scale of values and shares; NaN stays NaN."""
    told = np.empty(rows.shape)
    for number, (values, shares) in enumerate(scales):
        told[:, number] = np.interp(rows[:, number], values, shares)
    return np.where(np.isnan(rows), np.nan, told)


def past_reasons(
    bank: Bank, inputs: Floats, *, own: str, life_unit: str, rung: Rung
) -> list[tuple[Evidence, ...]]:
    """The nearest past lives of each row [n, inputs] as evidence: what was left of them, and how they ended."""
    return [tuple(_evidence(one, life_unit, rung) for one in found) for found in bank.nearest(inputs, own=own)]


def _evidence(found: Found, life_unit: str, rung: Rung) -> Evidence:
    life = found.life
    if not life.failed:
        verdict, end = "suspension", "it was taken out without a failure"
    elif life.failure_mode:
        verdict, end = life.failure_mode, f"its failure ({fault_words(life.failure_mode)})"
    else:
        verdict, end = "failure", "its failure"
    component, _, number = life.unit.rpartition("#")
    left = f"{found.left:,.0f}" if found.left >= 100.0 else f"{found.left:.3g}"
    note = f"looked like {component}, life {number}, {left} {_UNITS[life_unit]} before {end}"
    unit = "cycles" if life_unit == "cycle" else "h"
    return Evidence(
        PAST_LIFE, found.left, None, unit, rung=rung, verdict=verdict, note=note, distance=found.distance
    )
