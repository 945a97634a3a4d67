"""Expected temperatures of a class while healthy, from load, speed and the air around.

What was learnt travels in the model artefact, inside the condition model, and is a channel of `process`: a
temperature well above what its operation accounts for moves the index, and is told in kelvin. Artefacts from
before that only tell it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.core.statements import Evidence
from features.registry import AMBIENT
from features.rul.condition.rows import Bools, Floats, column
from features.thermal import ThermalResidual, fit_residual

__all__ = ["ThermalBaseline", "fit_thermal_baselines"]

_LEVEL, _SPEED, _LOAD = ".level_k", ".speed_hz", "load.load"
_AIR = f"{AMBIENT}{_LEVEL}"

# Residuals are told when the median of that many latest ones ...
_RECENT = 5

# ... is above that many robust standard deviations of healthy time, and above that many kelvin: engineering
# practice, no clause of a standard.
_SIGMAS, _LEAST_K = 6.0, 3.0


@dataclass(frozen=True, slots=True)
class ThermalBaseline:
    """What is expected of one temperature; names of the features it is told from, None where there is none."""

    temperature: str
    load: str | None
    speed: str | None
    ambient: str | None
    residual: ThermalResidual

    def to_json(self) -> dict[str, Any]:
        """Plain values for the artefact's document."""
        names = {"temperature": self.temperature, "load": self.load, "speed": self.speed, "ambient": self.ambient}
        return {**names, "residual": self.residual.to_json()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ThermalBaseline":
        """The baseline that `to_json` wrote."""
        return cls(**{**document, "residual": ThermalResidual.from_json(document["residual"])})

    @property
    def threshold_k(self) -> float:
        """Residuals above that are told, K."""
        return max(_SIGMAS * self.residual.sigma_k, _LEAST_K)

    def residual_k(self, values: Floats, names: Sequence[str]) -> Floats:
        """Measured less expected temperature at each row, K [n]; NaN outside what was learnt.

        Args:
            values: float64 [n, features].
            names: Of the features.
        """
        return self.residual.residual_k(
            column(values, names, self.temperature),
            load=column(values, names, self.load),
            speed_hz=column(values, names, self.speed),
            ambient_k=column(values, names, self.ambient),
        )

    def evidence(self, values: Floats, names: Sequence[str], running: Bools) -> list[Evidence | None]:
        """At each row, the temperature beside what was expected of it, where it is well above that.

        Rows of a stopped machine and rows without a residual tell nothing and do not count.
        """
        left = np.where(running, self.residual_k(values, names), np.nan)
        known = np.flatnonzero(np.isfinite(left))
        found: list[Evidence | None] = [None] * len(left)
        measured = column(values, names, self.temperature)
        for position in range(_RECENT - 1, known.size):
            row = known[position]
            recent = float(np.median(left[known[position - _RECENT + 1 : position + 1]]))
            if recent > self.threshold_k:
                value = float(measured[row])
                found[row] = Evidence(
                    feature=self.temperature,
                    value=value,
                    reference=value - recent,
                    unit="K",
                    share=recent / self.threshold_k,
                )
        return found


def fit_thermal_baselines(
    healthy: Sequence[tuple[Floats, Bools]], names: Sequence[str]
) -> tuple[ThermalBaseline, ...]:
    """Learn every temperature of a feature set that has load or speed beside it.

    Args:
        healthy: Of each training life its healthy rows: values float64 [n, features], and running bool [n].
        names: Of the feature set.

    Returns:
        One for each temperature with enough whole rows; none when nothing explains a temperature.
    """
    speeds = [name for name in names if name.endswith(_SPEED)]
    load = _LOAD if _LOAD in names else None
    speed = speeds[0] if speeds else None
    if not healthy or (load is None and speed is None):
        return ()
    rows = np.concatenate([values[running] for values, running in healthy])
    ambient = _AIR if _AIR in names else None
    found = []
    for name in names:
        if not name.endswith(_LEVEL) or name == _AIR:
            continue
        residual = fit_residual(
            column(rows, names, name),
            load=column(rows, names, load),
            speed_hz=column(rows, names, speed),
            ambient_k=column(rows, names, ambient),
        )
        if residual is not None and residual.terms:
            found.append(ThermalBaseline(name, load, speed, ambient, residual))
    return tuple(found)
