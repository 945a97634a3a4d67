"""How an answer serves as its life runs out: horizon, accuracy at shares of the way, convergence.

Time runs from the moment the true RUL enters the cap (no answer can be right before) to the end of the life.

References:
    A. Saxena, J. Celaya, B. Saha, S. Saha, K. Goebel, "Metrics for offline evaluation of prognostic
    performance", International Journal of Prognostics and Health Management 1 (2010): prognostic horizon,
    alpha-lambda performance, relative accuracy and convergence are defined there, the cone with its beta too.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.evaluation.bootstrap import resampled
from pipelines.evaluation.errors import Floats, Strings
from pipelines.evaluation.scored import Scored

__all__ = ["Course", "courses", "prognostics"]

# Half-width of the cone, as a share of the true RUL (alpha-lambda) and of the whole course (horizon): a
# fifth, as in the examples of the reference.
ALPHA = 0.2

# Probability that must lie inside the cone where there is a distribution.
BETA = 0.5

# Shares of the way at which the answer is looked at.
LAMBDAS = (0.25, 0.5, 0.75, 0.9)

# Rows below which a life has no course.
_FEWEST_ROWS = 4


@dataclass(frozen=True, slots=True)
class Course:
    """One life's figures.

    Attributes:
        unit: The life.
        horizon: Life units before the end when the answer first lay within alpha of the course; 0: never.
        lasting: The same, but from when on it stayed there to the end.
        convergence: Distance of the centroid of the error's area from the start, both as shares of the
            course: smaller is faster. NaN when no error was made.
        inside: Per lambda, 1 where the cone of alpha around the truth held the answer, else 0.
        relative: Per lambda, relative accuracy: 1 is exact, 0 and below useless.
    """

    unit: str
    horizon: float
    lasting: float
    convergence: float
    inside: tuple[float, ...]
    relative: tuple[float, ...]


def courses(scored: Scored) -> list[Course]:
    """The course of every life that has enough rows below the cap."""
    found = []
    for unit in np.unique(scored.unit):
        rows = np.flatnonzero((scored.unit == unit) & (scored.rul <= scored.cap))
        rows = rows[np.argsort(-scored.rul[rows], kind="stable")]
        if rows.size >= _FEWEST_ROWS and scored.rul[rows[0]] > scored.rul[rows[-1]]:
            found.append(_course(str(unit), scored, rows))
    return found


def prognostics(scored: Scored, *, seed: int) -> pl.DataFrame:
    """Mean over lives of each figure with its bootstrap interval; no rows without a course.

    `unit` says whether a figure is in life units or a share of lives or of the course; `better` which way
    is better. Where there is a calibrated distribution, at least half of it must lie inside the cone; else
    the median must.
    """
    found = courses(scored)
    if not found:
        return pl.DataFrame()
    names: Strings = np.array([course.unit for course in found])
    rows: list[tuple[str, float | None, str, str, list[float]]] = [
        ("prognostic horizon, first", None, "life units", "more", [c.horizon for c in found]),
        ("prognostic horizon, lasting", None, "life units", "more", [c.lasting for c in found]),
        ("convergence", None, "share of the course", "less", [c.convergence for c in found]),
    ]
    for number, share in enumerate(LAMBDAS):
        rows.append(("alpha-lambda", share, "share of lives", "more", [c.inside[number] for c in found]))
        rows.append(("relative accuracy", share, "1 is exact", "more", [c.relative[number] for c in found]))
    table = []
    for figure, place, unit, better, values in rows:
        known = np.isfinite(values)
        interval = resampled(names[known], seed=seed).mean(np.array(values)[known])
        facts: dict[str, object] = {"figure": figure, "lambda": place, "alpha": ALPHA, "value": interval.value}
        facts |= {"low95": interval.low, "high95": interval.high, "lives": int(known.sum())}
        table.append(facts | {"unit": unit, "better": better})
    return pl.DataFrame(table, schema_overrides={"lambda": pl.Float64})


def _course(unit: str, scored: Scored, rows: np.typing.NDArray[np.int64]) -> Course:
    truth = scored.rul[rows]
    whole = float(truth[0])
    ok = _within(scored, rows, truth, np.full(rows.size, ALPHA * whole)) >= BETA
    first = float(truth[int(np.argmax(ok))]) if ok.any() else 0.0
    misses = np.flatnonzero(~ok)
    after = 0 if not misses.size else int(misses[-1]) + 1
    lasting = float(truth[after]) if after < rows.size else 0.0
    cone = _within(scored, rows, truth, ALPHA * truth) >= BETA
    at = [_row_at(truth, whole * (1.0 - share)) for share in LAMBDAS]
    error = np.abs(scored.p50[rows] - truth)
    relative = tuple(float(1.0 - error[row] / truth[row]) if truth[row] > 0 else float("nan") for row in at)
    return Course(
        unit, first, lasting, _convergence(truth, error, whole), tuple(float(cone[row]) for row in at), relative
    )


def _row_at(truth: Floats, wanted: float) -> int:
    """The newest row that is known when `wanted` life units are left."""
    return int(np.flatnonzero(truth >= wanted)[-1])


def _within(scored: Scored, rows: np.typing.NDArray[np.int64], truth: Floats, half: Floats) -> Floats:
    """Probability [n] inside truth +- half; without a distribution 1 where the median lies inside, else 0."""
    p50 = scored.p50[rows]
    if scored.p10 is None or scored.p90 is None:
        return (np.abs(p50 - truth) <= half).astype(np.float64)
    p10, p90 = scored.p10[rows], scored.p90[rows]
    return _below(truth + half, p10, p50, p90, inclusive=True) - _below(
        truth - half, p10, p50, p90, inclusive=False
    )


def _below(x: Floats, p10: Floats, p50: Floats, p90: Floats, *, inclusive: bool) -> Floats:
    """Distribution function, linear between the quantiles and on with the outer slopes as far as a fourth.

    Quantiles that coincide make a step; `inclusive` says whether x itself counts.
    """
    points = [p10 - (p50 - p10) / 4, p10, p50, p90, p90 + (p90 - p50) / 4]
    levels = [0.0, 0.1, 0.5, 0.9, 1.0]
    value = np.zeros_like(x)
    for left, right, low, high in zip(points, points[1:], levels, levels[1:], strict=False):
        gap = right - left
        share = np.clip((x - left) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)
        step = (x >= right) if inclusive else (x > right)
        value = np.where(x < left, value, low + (high - low) * np.where(gap > 0, share, step))
    return value


def _convergence(truth: Floats, error: Floats, whole: float) -> float:
    """Distance of the centroid of the area under the error from the start; time and error as shares of it."""
    time, share = (whole - truth) / whole, error / whole
    steps = np.diff(time)
    area = float(np.sum(steps * share[:-1]))
    if area <= 0.0:
        return float("nan")
    x = 0.5 * float(np.sum(np.diff(time**2) * share[:-1])) / area
    y = 0.5 * float(np.sum(steps * share[:-1] ** 2)) / area
    return float(np.hypot(x, y))
