"""Conformal offsets of the band P10 to P90, from answers to lives that the forests had not seen.

Large classes get a slope of P10, too. A failure that leaves no trace meets the parts that look best, whose P10 the
forests put highest; one offset for all of them leaves these failures below P10 more often than any other. How
much of the forests' P10 is kept is what the pinball loss on unseen lives says: all of it where every end is
announced, nothing where a good look promises nothing.

References:
    Y. Romano, E. Patterson, E. Candes, "Conformalized quantile regression", NeurIPS 2019, eqs. 6-8.
    R. Dunn, L. Wasserman, A. Ramdas, "Distribution-free prediction sets for two-layer hierarchical
    models", JASA 118, 2023, section 4.1: scores pooled with each group, here a life, weighing the same.
    V. Vovk et al., "Algorithmic learning in a random world", 2005, section 4.5: Mondrian categories.
    T. Gneiting, A. Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102, 2007,
    section 6.1: the pinball loss is proper for a quantile.
    L. Kish, "Survey sampling", 1965, section 11.7: the effective number of weighted units.
"""

import numpy as np

from features.rul.artefact import Calibration
from pipelines.model.examples import Bools, Floats, Strings
from pipelines.model.parameters import FitParameters

__all__ = ["calibrate"]

# Slopes of P10 that are tried, the plain one first: another one has to be better, not as good.
_SLOPES = (1.0, 0.75, 0.5, 0.25, 0.0)


def calibrate(
    truth: Floats, quantiles: Floats, unit: Strings, cap: float, parameters: FitParameters, failed_lives: int
) -> Calibration:
    """Offsets per bin of P50; none, and not calibrated, below `calibrated_from` lives.

    Args:
        truth: Capped RUL [n], life units.
        quantiles: Out-of-fold P10, P50 and P90 [3, n], sorted, not calibrated.
        unit: Life [n] of each row.
        cap: Largest RUL taught; its shares are the bins' edges.
        parameters: Of the fit.
        failed_lives: How many of the lives failed; only these count as evidence behind a band.
    """
    if failed_lives < parameters.calibrated_from:
        return Calibration(failed_lives, calibrated=False, nominal=parameters.nominal)
    # At the cap the truth is only known to be that or more: it can miss no lower limit, but an upper limit must
    # reach it, or a part in good order would be told that it ends before the cap.
    ends = truth < cap if np.any(truth < cap) else np.ones(truth.size, dtype=np.bool_)
    p10, p50, p90 = quantiles
    edges = _edges(
        p50[ends], unit[ends], [share * cap for share in parameters.band_shares], parameters.units_per_bin
    )
    place = np.searchsorted(edges, p50, side="right")
    strict = failed_lives >= parameters.strict_from
    judged = ends if strict else np.ones(truth.size, dtype=np.bool_)
    # A life weighs the same over all of its rows, wherever its P50 takes them: in one bin it weighs its share.
    weight = _life_shares(unit, judged)
    level = 0.5 + parameters.nominal / 2
    low, high, slopes = [], [], []
    for number in range(len(edges) + 1):
        rows = place == number
        below = rows & judged
        if strict:
            slope, offset = _lower(quantiles[:2, below], truth[below], unit[below], weight[below], level)
            slopes.append(slope)
        else:
            offset = _offset(p10[below] - truth[below], unit[below], _alike(unit[below]), level)
        low.append(offset)
        high.append(_offset(truth[rows] - p90[rows], unit[rows], _alike(unit[rows]), level))
    return Calibration(
        failed_lives, True, parameters.nominal, tuple(edges), tuple(low), tuple(high), tuple(slopes)
    )


def _edges(p50: Floats, unit: Strings, wanted: list[float], units_per_bin: int) -> list[float]:
    """Of the wanted edges those that leave enough lives on both sides, from below."""
    edges: list[float] = []
    for edge in wanted:
        below = (p50 < edge) & (p50 >= (edges[-1] if edges else -np.inf))
        above = p50 >= edge
        if min(np.unique(unit[below]).size, np.unique(unit[above]).size) >= units_per_bin:
            edges.append(edge)
    return edges


def _life_shares(unit: Strings, judged: Bools) -> Floats:
    """Weights [n] under which the judged rows of each life sum to 1; 0 for other rows."""
    weight = np.zeros(unit.size)
    weight[judged] = _alike(unit[judged])
    return weight


def _alike(unit: Strings) -> Floats:
    """Weights [n] under which the rows of each life sum to 1."""
    _, place, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / sizes[place], dtype=np.float64)


def _lower(quantiles: Floats, truth: Floats, unit: Strings, weight: Floats, level: float) -> tuple[float, float]:
    """Slope and offset of P10 with the smallest pinball loss; `quantiles` [2, n] are P10 and P50."""
    p10, p50 = quantiles
    best = (np.inf, 1.0, 0.0)
    for slope in _SLOPES:
        offset = _offset(slope * p10 - truth, unit, weight, level)
        told = np.maximum(np.minimum(slope * p10 - offset, p50), 0.0)
        loss = float(np.average(np.maximum((1 - level) * (truth - told), level * (told - truth)), weights=weight))
        if loss < best[0] * (1 - 1e-9):
            best = (loss, slope, offset)
    return best[1], best[2]


def _offset(scores: Floats, unit: Strings, weight: Floats, level: float) -> float:
    """Weighted quantile of the scores at `level` (1 + 1/lives); lives count by Kish's effective number."""
    order = np.argsort(scores, kind="stable")
    share = np.cumsum(weight[order]) / np.sum(weight)
    by_life = np.bincount(np.unique(unit, return_inverse=True)[1], weights=weight)
    lives = np.sum(by_life) ** 2 / np.sum(by_life**2)
    # Sums of many shares miss 1 by rounding.
    wanted = min(1.0, level * (1.0 + 1.0 / lives)) - 1e-9
    return float(scores[order][min(int(np.searchsorted(share, wanted)), scores.size - 1)])
