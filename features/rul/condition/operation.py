"""Which rows of a life can be compared, and with which: operating states and regimes.

Rows in which a machine starts or changes its speed or load tell of the change and not of the part: they
raise no alarm and are no reference. Steady rows are compared with rows of their own regime, a cluster of the
settings (set points, load, speed) learnt on healthy time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.process import LOAD, OperatingState, Regimes, fit_regimes
from features.registry import AMBIENT
from features.rul.condition.rows import Bools, Floats, LifeRows, Longs, column

__all__ = ["Operation", "fit_operation", "settings_of"]

_STATE = "operating_state"
_AIR = f"{AMBIENT}.level_k"

# Roles of points that tell how the machine is run, by how they begin.
_SETTINGS = ("setting", "set_point", "setpoint")

# A class that is steady in a smaller share of its healthy running time is not gated: nothing would be left.
_STEADY_SHARE = 1 / 3

# Healthy rows from which regimes are learnt at least.
_ROWS = 50


@dataclass(frozen=True, slots=True)
class Operation:
    """What was learnt of how a class is run.

    `gated`: rows that are starting or on a ramp are left out. `regimes`: clusters of the settings; None:
    there is no setting, or too little healthy time to find any.
    """

    gated: bool = False
    regimes: Regimes | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for the artefact's document."""
        return {"gated": self.gated, "regimes": None if self.regimes is None else self.regimes.to_json()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Operation":
        """What `to_json` wrote."""
        found = document["regimes"]
        return cls(bool(document["gated"]), None if found is None else Regimes.from_json(found))

    @property
    def count(self) -> int:
        """Number of regimes, at least 1."""
        return 1 if self.regimes is None else len(self.regimes.centres)

    def comparable(self, rows: LifeRows) -> Bools:
        """Rows [n] in which the machine ran, and ran steadily where the class is gated.

        Whether it was steady is not known at the first row after a gap: such a row counts.
        """
        if not self.gated or _STATE not in rows.names:
            return rows.running
        state = column(rows.values, rows.names, _STATE)
        return rows.running & ~np.isin(state, (OperatingState.STARTING, OperatingState.RAMP))

    def regime(self, rows: LifeRows) -> Longs:
        """Regime of each row [n]; `count` for a row unlike every one that was learnt."""
        if self.regimes is None:
            return np.zeros(len(rows.values), dtype=np.int64)
        found = self.regimes.assign(_stacked(rows.values, rows.names, self.regimes.names))
        return np.where(found < 0, self.count, found)


def settings_of(names: Sequence[str], *, ambient: bool = False) -> tuple[str, ...]:
    """Features that tell how the machine is run: set points, load, speed; with `ambient` the air around, too.

    Example:
        >>> settings_of(("age", "load.load", "setting_1.level", "speed.speed_hz", "flow.level_m3_s"))
        ('load.load', 'setting_1.level', 'speed.speed_hz')
    """
    return tuple(name for name in names if _is_setting(name) or (ambient and name == _AIR))


def fit_operation(healthy: Sequence[LifeRows], names: Sequence[str]) -> Operation:
    """Learn from healthy rows of training lives; without any the gate is shut and there is one regime.

    Args:
        healthy: Healthy stretch of each life.
        names: Of the feature set.
    """
    gated = Operation(gated=_STATE in names)
    running = sum(int(np.count_nonzero(rows.running)) for rows in healthy)
    steady = sum(int(np.count_nonzero(gated.comparable(rows))) for rows in healthy)
    if running and steady < _STEADY_SHARE * running:
        gated = Operation()
    settings = settings_of(names)
    kept = [_stacked(rows.values[gated.comparable(rows)], rows.names, settings) for rows in healthy]
    rows_of = np.concatenate(kept) if kept else np.zeros((0, len(settings)))
    # A setting that is measured on few machines of the class is none of the class.
    common = np.isfinite(rows_of).mean(axis=0) > 1 / 2 if len(rows_of) else np.zeros(len(settings), dtype=bool)
    chosen = tuple(name for name, known in zip(settings, common, strict=True) if known)
    whole = rows_of[:, common]
    whole = whole[np.isfinite(whole).all(axis=1)]
    if not chosen or len(whole) < _ROWS:
        return gated
    return Operation(gated.gated, fit_regimes(whole, chosen))


def _is_setting(name: str) -> bool:
    role, _, rest = name.partition(".")
    if "." in rest:
        return False
    declared = role.startswith(_SETTINGS) and rest.startswith("level")
    return declared or name == f"{LOAD}.load" or rest == "speed_hz"


def _stacked(values: Floats, names: Sequence[str], chosen: Sequence[str]) -> Floats:
    if not chosen:
        return np.zeros((len(values), 0))
    return np.stack([column(values, names, name) for name in chosen], axis=1)
