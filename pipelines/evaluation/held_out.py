"""Figures on test data. They are not had without a look, and every look is counted."""

import numpy as np
from scipy.stats import beta

from features.core.errors import LeakageError
from pipelines.evaluation.bootstrap import resampled
from pipelines.evaluation.errors import phm08_rows
from pipelines.evaluation.intervals import interval_score
from pipelines.evaluation.looks import Look
from pipelines.evaluation.scored import NOMINAL, Scored

__all__ = ["binomial_interval", "figures_of_test"]


def figures_of_test(scored: Scored, look: Look, *, seed: int) -> dict[str, float]:
    """Figures by name, every row weighing the same as is usual for test sets; life units.

    `test_score_...` is the PHM08 score as published, a sum over rows. `..._low95` and `..._high95` are
    bootstrap intervals by life. The interval of `test_coverage80` is the binomial one where each life has one
    row, else the bootstrap's.

    Args:
        scored: Answers to the test rows.
        look: From `take_look`, for these lives.
        seed: Of the bootstrap.

    Raises:
        LeakageError: A life is not one of those that the look was taken at.
    """
    strangers = set(scored.unit.tolist()) - look.units
    if strangers:
        raise LeakageError(
            f"the look was taken at {look.test_set!r}, {min(strangers)} is not in it; take a look at it first",
            {"test_set": look.test_set, "lives": sorted(strangers)},
        )
    boot = resampled(scored.unit, seed=seed)
    figures = {"test_looks": float(look.number), "units_test": float(boot.sizes.size)}
    for kind, truth in (("clip", np.minimum(scored.rul, scored.cap)), ("raw", scored.rul)):
        error = scored.mean - truth
        root = boot.mean(error**2, root=True, pooled=True)
        figures |= {
            f"test_rmse_{kind}": root.value,
            f"test_rmse_{kind}_low95": root.low,
            f"test_rmse_{kind}_high95": root.high,
            f"test_mae_{kind}": float(np.mean(np.abs(error))),
            f"test_bias_{kind}": float(np.mean(error)),
            f"test_score_{kind}": float(np.sum(phm08_rows(error, cap=scored.cap))),
        }
        for name, answer in scored.baselines.items():
            figures[f"test_baseline_{name}_rmse_{kind}"] = float(np.sqrt(np.mean((answer - truth) ** 2)))
    if scored.p10 is not None and scored.p90 is not None:
        truth = np.minimum(scored.rul, scored.cap)
        inside = ((scored.p10 <= truth) & (truth <= scored.p90)).astype(np.float64)
        share = boot.mean(inside, pooled=True)
        low, high = share.low, share.high
        if boot.sizes.size == truth.size:
            low, high = binomial_interval(int(inside.sum()), inside.size)
        figures |= {
            "test_coverage80": share.value,
            "test_coverage80_low": low,
            "test_coverage80_high": high,
            "width80": float(np.mean(scored.p90 - scored.p10)),
            "test_interval_score80": interval_score(truth, scored.p10, scored.p90, scored.unit, nominal=NOMINAL),
        }
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def binomial_interval(hits: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Where the true share lies with that probability, from hits among n independent rows.

    Example:
        >>> low, high = binomial_interval(80, 100)
        >>> f"{low:.3f} {high:.3f}"
        '0.708 0.873'

    References:
        C. Clopper, E. Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934).
    """
    tail = (1.0 - level) / 2.0
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.ppf(1.0 - tail, hits + 1, n - hits))
    return low, high
