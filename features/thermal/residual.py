"""What load, speed and the air around do not explain of a temperature, learnt on healthy time.

The rise over ambient is taken as linear in load, its square (losses in copper grow with it) and speed
(friction). A regression, not a physical model: outside what it was fitted on it says nothing.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ThermalResidual", "fit_residual"]

Floats = npt.NDArray[np.float64]

# A coefficient needs that many rows.
_ROWS_EACH = 20

# Inputs may leave their healthy range by that share of it.
_TOLERATED = 0.1

# A setting that moves by less than that share of its size is no explanation.
_STILL = 1e-3

# Scale of the median absolute deviation to the standard deviation of a normal distribution.
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class ThermalResidual:
    """State of the regression; plain numbers, so that it can travel in a document.

    `terms` are names out of load, load^2, speed and ambient; `coefficients` [1 + terms], K and K per unit, the
    constant first; `low` and `high` are the ranges of load, speed and ambient while healthy (equal where the
    input was absent: `used` names those that were there); `sigma_k` the residual's robust standard deviation
    while healthy, `rows` their number.
    """

    terms: tuple[str, ...]
    coefficients: tuple[float, ...]
    used: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    sigma_k: float
    rows: int

    def to_json(self) -> dict[str, Any]:
        """Plain values for a document."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ThermalResidual":
        """The state that `to_json` wrote, also after a round trip through JSON."""
        sequences = {name: tuple(document[name]) for name in ("terms", "coefficients", "used", "low", "high")}
        return cls(**sequences, sigma_k=document["sigma_k"], rows=document["rows"])

    def residual_k(self, temperature_k: Floats, *, load: Floats, speed_hz: Floats, ambient_k: Floats) -> Floats:
        """Measured less expected temperature, K, [n].

        Args:
            temperature_k: [n], K.
            load: Ratio [n]; any content when the fit did not use it.
            speed_hz: Revolutions per second [n]; likewise.
            ambient_k: K [n]; likewise.

        Returns:
            NaN where the temperature or an input that the fit used is NaN, or an input is outside its healthy
            range by more than a tenth of it.
        """
        inputs = {"load": load, "speed": speed_hz, "ambient": ambient_k}
        outside = np.zeros(len(temperature_k), dtype=bool)
        for name, low, high in zip(self.used, self.low, self.high, strict=True):
            slack = _TOLERATED * (high - low) + _STILL * max(abs(low), abs(high))
            outside |= ~((inputs[name] >= low - slack) & (inputs[name] <= high + slack))
        design = _design(inputs, self.terms, len(temperature_k))
        expected = design @ np.array(self.coefficients)
        if "ambient" in self.used:
            expected = expected + ambient_k
        return np.where(outside, np.nan, temperature_k - expected)


def fit_residual(
    temperature_k: Floats, *, load: Floats, speed_hz: Floats, ambient_k: Floats
) -> ThermalResidual | None:
    """Learn the regression from healthy rows.

    Args:
        temperature_k: [n], K.
        load: Ratio [n]; all NaN: not measured.
        speed_hz: Revolutions per second [n]; all NaN: not measured.
        ambient_k: K [n]; all NaN: not measured, the constant then stands for it.

    Returns:
        The state; None when there are fewer than 20 whole rows a coefficient. Inputs that are known in less
        than half the rows are not used.

    Example:
        >>> load = np.linspace(0.2, 1.0, 200)
        >>> ambient = 290 + 5 * np.sin(np.arange(200))
        >>> none = np.full(200, np.nan)
        >>> fit = fit_residual(ambient + 10 + 30 * load**2, load=load, speed_hz=none, ambient_k=ambient)
        >>> fit.terms, bool(abs(fit.coefficients[2] - 30) < 1e-6)
        (('load', 'load^2'), True)
    """
    inputs = {"load": load, "speed": speed_hz, "ambient": ambient_k}
    half = len(temperature_k) / 2
    used = tuple(name for name, values in inputs.items() if np.count_nonzero(np.isfinite(values)) > half)
    whole = np.isfinite(temperature_k)
    for name in used:
        whole &= np.isfinite(inputs[name])
    kept = {name: inputs[name][whole] for name in used}
    terms = tuple(t for t in ("load", "load^2", "speed") if _moves(kept.get(t.removesuffix("^2"))))
    rows = int(np.count_nonzero(whole))
    if rows < _ROWS_EACH * (1 + len(terms)):
        return None
    rise = temperature_k[whole] - (kept["ambient"] if "ambient" in used else 0.0)
    design = _design(kept, terms, rows)
    scale = np.maximum(np.abs(design).max(axis=0), 1e-300)
    coefficients = np.linalg.lstsq(design / scale, rise, rcond=1e-10)[0] / scale
    left = rise - design @ coefficients
    return ThermalResidual(
        terms,
        tuple(coefficients.tolist()),
        used,
        tuple(float(kept[name].min()) for name in used),
        tuple(float(kept[name].max()) for name in used),
        _MAD_TO_SIGMA * float(np.median(np.abs(left - np.median(left)))),
        rows,
    )


def _moves(values: Floats | None) -> bool:
    if values is None or not len(values):
        return False
    return bool(values.max() - values.min() > _STILL * np.abs(values).max())


def _design(inputs: dict[str, Floats], terms: tuple[str, ...], rows: int) -> Floats:
    columns = [np.ones(rows)]
    for term in terms:
        values = inputs[term.removesuffix("^2")]
        columns.append(values**2 if term.endswith("^2") else values)
    return np.stack(columns, axis=1)
