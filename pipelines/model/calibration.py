"""Conformal offsets of the band P10 to P90, from answers to lives that the forests had not seen.

References:
    Y. Romano, E. Patterson, E. Candes, "Conformalized quantile regression", NeurIPS 2019, eqs. 6-8.
    R. Dunn, L. Wasserman, A. Ramdas, "Distribution-free prediction sets for two-layer hierarchical
    models", JASA 118, 2023, section 4.1: scores pooled with each group, here a life, weighing the same.
    V. Vovk et al., "Algorithmic learning in a random world", 2005, section 4.5: Mondrian categories.
"""

import numpy as np

from features.rul.artefact import Calibration
from pipelines.model.examples import Floats, Strings
from pipelines.model.parameters import FitParameters

__all__ = ["calibrate"]


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
    judged = ends if failed_lives >= parameters.strict_from else np.ones(truth.size, dtype=np.bool_)
    level = 0.5 + parameters.nominal / 2
    low, high = [], []
    for number in range(len(edges) + 1):
        rows = place == number
        below = rows & judged
        low.append(_offset(p10[below] - truth[below], unit[below], level))
        high.append(_offset(truth[rows] - p90[rows], unit[rows], level))
    return Calibration(failed_lives, True, parameters.nominal, tuple(edges), tuple(low), tuple(high))


def _edges(p50: Floats, unit: Strings, wanted: list[float], units_per_bin: int) -> list[float]:
    """Of the wanted edges those that leave enough lives on both sides, from below."""
    edges: list[float] = []
    for edge in wanted:
        below = (p50 < edge) & (p50 >= (edges[-1] if edges else -np.inf))
        above = p50 >= edge
        if min(np.unique(unit[below]).size, np.unique(unit[above]).size) >= units_per_bin:
            edges.append(edge)
    return edges


def _offset(scores: Floats, unit: Strings, level: float) -> float:
    """Quantile of the scores, each life weighing the same, at `level` (1 + 1/lives)."""
    _, place, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    order = np.argsort(scores, kind="stable")
    share = np.cumsum(1.0 / sizes[place][order]) / sizes.size
    # Sums of many shares miss 1 by rounding.
    wanted = min(1.0, level * (1.0 + 1.0 / sizes.size)) - 1e-9
    return float(scores[order][min(int(np.searchsorted(share, wanted)), scores.size - 1)])
