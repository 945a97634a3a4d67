"""Learns the state of a model's memory: regimes, healthy scale and linear indices of wear."""

import numpy as np

from features.process import Regimes, fit_regimes
from features.rul.condition.operation import settings_of
from features.rul.memory import Memory, kernels
from pipelines.model.examples import Bools, Floats, Ints
from pipelines.model.parameters import StagedParameters
from pipelines.model.staged.histories import Histories

__all__ = ["fit_memory", "offered"]

# A life counts as healthy during that many of its first stretches.
_HEALTHY = 3.0

# A signal that scatters less than that share of its level never moved.
_STILL = 1e-6

# Targets of the linear indices, with the RUL's scale as share of the cap: the RUL up to the cap and up to
# about half of it, and two that weigh the end of life more.
_SHORT, _END = 0.48, 0.08
_REMAINING = (0, 1)

# A regime has weights of its own when it has that many rows for each.
_ROWS_A_WEIGHT = 30


def fit_memory(lives: Histories, seen: Bools, cap: float, parameters: StagedParameters) -> Memory:
    """The memory of a class from the rows `seen` [n] alone.

    Args:
        lives: All rows.
        seen: Rows of the training lives.
        cap: Largest RUL taught, life units.
        parameters: Of the fit.
    """
    levels = _levels(lives.names)
    settings = settings_of(levels)
    place = {name: number for number, name in enumerate(lives.names)}
    healthy = seen & (lives.since_first() < _HEALTHY * lives.spans.first)
    regimes, regime = _regimes(lives, healthy, tuple(place[name] for name in settings), settings)
    signals = [name for name in levels if name not in settings]
    x = lives.values[:, [place[name] for name in signals]]
    centre, scale = _healthy_scale(x, healthy, regime)
    moving = np.flatnonzero((scale > 0).any(axis=0))
    known = np.where(scale > 0, scale, np.inf)[regime]
    normal = np.where((regime < 0)[:, None], np.nan, (x - centre[regime]) / known)[:, moving]
    taught = seen & np.isfinite(lives.rul)
    chosen = moving[_telling(normal, taught, lives, cap, parameters.signals)]
    normal = normal[:, np.searchsorted(moving, chosen)]
    weights, offset = _by_regime(normal, regime, taught, lives.rul, cap, parameters.ridge, count=len(centre))
    return Memory(
        spans=lives.spans,
        regimes=regimes,
        signals=tuple(signals[number] for number in chosen),
        centre=_table(centre[:, chosen]),
        scale=_table(scale[:, chosen]),
        weights=tuple(_table(table) for table in weights),
        offset=_table(offset),
        remaining=_REMAINING,
        cap=cap,
    )


def offered(names: tuple[str, ...], memory: Memory) -> list[int]:
    """Places of the features that the memory does not tell already."""
    told = {*memory.signals, *(() if memory.regimes is None else memory.regimes.names)}
    return [
        number
        for number, name in enumerate(names)
        if name not in told and not any(name.startswith(f"{level}.") for level in told)
    ]


def _levels(names: tuple[str, ...]) -> list[str]:
    """Features that others follow: `x` where there is an `x.slope_7d`."""
    followed = {name.rsplit(".", 1)[0] for name in names if "." in name}
    return [name for name in names if name in followed]


def _regimes(
    lives: Histories, healthy: Bools, places: tuple[int, ...], names: tuple[str, ...]
) -> tuple[Regimes | None, Ints]:
    """Regimes, and the one of each row [n]; -1 unknown."""
    settings = lives.values[:, list(places)]
    if not names or not np.isfinite(settings[healthy]).all(axis=1).any():
        return None, np.zeros(lives.unit.size, dtype=np.int64)
    found = fit_regimes(settings[healthy], names)
    return found, found.assign(settings)


def _healthy_scale(x: Floats, healthy: Bools, regime: Ints) -> tuple[Floats, Floats]:
    """Mean and standard deviation [regimes, signals] of healthy rows; scale 0 where nothing moved."""
    count = max(1, int(regime.max(initial=0)) + 1)
    centre, scale = np.zeros((count, x.shape[1])), np.zeros((count, x.shape[1]))
    for number in range(count):
        rows = x[healthy & (regime == number)]
        known = np.isfinite(rows)
        n = np.maximum(known.sum(axis=0), 1)
        centre[number] = np.where(known, rows, 0.0).sum(axis=0) / n
        deviation = np.where(known, rows - centre[number], 0.0)
        scale[number] = np.sqrt((deviation**2).sum(axis=0) / n)
    return centre, np.where(scale > _STILL * np.maximum(1.0, np.abs(centre)), scale, 0.0)


def _telling(normal: Floats, taught: Bools, lives: Histories, cap: float, most: int) -> Ints:
    """Places of the signals whose short mean goes along with the RUL most, in their own order."""
    smooth = kernels.mean(np.ascontiguousarray(normal), lives.hours, lives.first, lives.spans.means[0])[taught]
    y = np.minimum(lives.rul[taught], cap)
    known = np.isfinite(smooth)
    n = np.maximum(known.sum(axis=0), 1)
    level = np.where(known, smooth, 0.0)
    dx = np.where(known, level - level.sum(axis=0) / n, 0.0)
    dy = np.where(known, (y - y.mean())[:, None], 0.0)
    along = np.abs((dx * dy).sum(axis=0)) / np.sqrt(np.maximum((dx**2).sum(axis=0) * (dy**2).sum(axis=0), 1e-300))
    return np.sort(np.argsort(-along, kind="stable")[:most])


def _by_regime(
    normal: Floats, regime: Ints, taught: Bools, rul: Floats, cap: float, ridge: float, *, count: int
) -> tuple[Floats, Floats]:
    """Weights [regimes, indices, signals] and offsets [regimes, indices]; rare regimes take those of all rows."""
    everywhere = _linear_indices(normal, taught, rul, cap, ridge)
    enough = _ROWS_A_WEIGHT * normal.shape[1]
    found = []
    for number in range(count):
        rows = taught & (regime == number)
        own = count > 1 and np.count_nonzero(rows) >= enough
        found.append(_linear_indices(normal, rows, rul, cap, ridge) if own else everywhere)
    return np.stack([weights for weights, _ in found]), np.stack([offset for _, offset in found])


def _linear_indices(normal: Floats, taught: Bools, rul: Floats, cap: float, ridge: float) -> tuple[Floats, Floats]:
    """Weights [indices, signals] and offsets [indices] of ridge regressions.

    References:
        A. E. Hoerl, R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
        Technometrics 12 (1970), eq. 2.1, on standardised inputs.
    """
    rows = taught & np.isfinite(normal).all(axis=1)
    x, y = normal[rows], rul[rows]
    targets = np.stack(
        [np.minimum(y, cap), np.minimum(y, _SHORT * cap), 1 / (y / cap + _END), np.log(y / cap + 1 / 125)], axis=1
    )
    if not len(x):
        return np.zeros((targets.shape[1], normal.shape[1])), np.zeros(targets.shape[1])
    middle, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    z, wanted = (x - middle) / spread, targets - targets.mean(axis=0)
    # einsum adds in one order, whatever the number of threads.
    gram = np.einsum("ni,nj->ij", z, z) + ridge * np.eye(z.shape[1])
    solved = np.linalg.solve(gram, np.einsum("ni,nk->ik", z, wanted)) / spread[:, None]
    return solved.T, targets.mean(axis=0) - (middle[:, None] * solved).sum(axis=0)


def _table(rows: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in rows.tolist())
