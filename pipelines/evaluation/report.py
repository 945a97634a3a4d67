"""All figures of a run: errors clipped and raw, per band of RUL, with the baselines beside them."""

from collections.abc import Sequence

import numpy as np

from pipelines.evaluation.errors import Floats, bias, jackknife_error, mae, phm08, rmse
from pipelines.evaluation.intervals import coverage, interval_score, width
from pipelines.evaluation.scored import NOMINAL, Band, Scored, bands_of

__all__ = ["evaluate"]

# Half-width of a 95 % interval in standard errors (normal distribution).
_Z95 = 1.96


def evaluate(scored: Scored, bands: Sequence[Band] | None = None) -> dict[str, float]:
    """Figures by name; errors in life units, answer minus truth.

    `cv_rmse`, `cv_mae`, `cv_phm08` compare with the truth clipped at the cap, `..._raw` with the truth as it
    was. `cv_rmse_se` is the jackknife's standard error over lives. `..._low`, `_middle`, `_high`, `_cap` are
    bands of the true RUL, `_below_cap` all rows but the last of these, `units_...` the lives behind each.
    Figures of the band exist only when there is one.
    """
    truth = np.minimum(scored.rul, scored.cap)
    error, raw = scored.mean - truth, scored.mean - scored.rul
    se = jackknife_error(error, scored.unit)
    figures = {
        "cv_rmse": rmse(error, scored.unit),
        "cv_rmse_se": se,
        "cv_rmse_low95": rmse(error, scored.unit) - _Z95 * se,
        "cv_rmse_high95": rmse(error, scored.unit) + _Z95 * se,
        "cv_mae": mae(error, scored.unit),
        "cv_phm08": phm08(error, scored.unit, cap=scored.cap),
        "cv_bias": bias(error, scored.unit),
        "cv_rmse_raw": rmse(raw, scored.unit),
        "cv_mae_raw": mae(raw, scored.unit),
        "cv_phm08_raw": phm08(raw, scored.unit, cap=scored.cap),
        "cv_rmse_pooled": float(np.sqrt(np.mean(error**2))) if error.size else float("nan"),
        "cv_mae_p50": mae(scored.p50 - truth, scored.unit),
        "units": float(np.unique(scored.unit).size),
        "rul_cap": scored.cap,
    }
    for name, answer in scored.baselines.items():
        figures[f"baseline_{name}_rmse"] = rmse(answer - truth, scored.unit)
        figures[f"baseline_{name}_mae"] = mae(answer - truth, scored.unit)
    everything = np.ones(truth.size, dtype=np.bool_)
    figures |= _band_figures(scored, truth, everything, "")
    wanted = bands_of(scored.cap) if bands is None else bands
    for band in (*wanted, Band("below_cap", 0.0, scored.cap)):
        rows = band.holds(truth)
        if not rows.any():
            continue
        unit = scored.unit[rows]
        figures[f"cv_bias_{band.name}"] = bias(error[rows], unit)
        figures[f"cv_rmse_{band.name}"] = rmse(error[rows], unit)
        figures[f"units_{band.name}"] = float(np.unique(unit).size)
        figures |= _band_figures(scored, truth, rows, f"_{band.name}")
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def _band_figures(
    scored: Scored, truth: Floats, rows: np.typing.NDArray[np.bool_], suffix: str
) -> dict[str, float]:
    if scored.p10 is None or scored.p90 is None:
        return {}
    low, high, unit = scored.p10[rows], scored.p90[rows], scored.unit[rows]
    return {
        f"cv_coverage80{suffix}": coverage(truth[rows], low, high, unit),
        f"cv_width80{suffix}": width(low, high, unit),
        f"cv_interval_score80{suffix}": interval_score(truth[rows], low, high, unit, nominal=NOMINAL),
    }
