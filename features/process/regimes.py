"""Regimes: clusters of the settings a machine is run at, learnt on healthy time; their state is data.

Centres are sought by farthest-first traversal and moved by Lloyd's iterations, both without random
numbers. Clusters that are no clear clusters are merged again, so that noise around one setting, however it
is scaled, is one regime.

References:
    T. F. Gonzalez, "Clustering to minimize the maximum intercluster distance", Theoretical Computer Science
    38 (1985): farthest-first traversal. S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions
    on Information Theory 28 (1982).
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Regimes", "fit_regimes"]

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

# Settings are scaled by the range between these quantiles, so that single outliers do not set the scale.
_INNER = (0.01, 0.99)

# No further centre is sought when every row is that near to one, in shares of the range.
_NEAR = 0.1

# Two clusters are two when their centres are that many of their root-mean-square radii apart. A uniform
# stretch cut into equal parts has sqrt(12) = 3.5.
_SEPARATION = 6.0

# Clusters of a smaller share of the rows are outliers.
_MIN_SHARE = 0.005

# Rows may lie that many radii from their centre, or that share of the range, to belong to a regime.
_REACH, _REACH_SHARE = 2.0, 0.05

_ITERATIONS = 50


@dataclass(frozen=True, slots=True)
class Regimes:
    """Regimes of a machine class.

    `names` of the settings; `low` and `span` [settings] scale them to about 0..1; `centres` [regimes][settings]
    in the settings' own units, in ascending order; `radii` [regimes], largest scaled distance of a training row.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    span: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]
    radii: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values for a document."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Regimes":
        """The regimes that `to_json` wrote, also after a round trip through JSON."""
        centres = tuple(tuple(centre) for centre in document["centres"])
        rest = {name: tuple(document[name]) for name in ("names", "low", "span", "radii")}
        return cls(centres=centres, **rest)

    def assign(self, settings: Floats) -> Longs:
        """Regime of each row.

        Args:
            settings: float64 [n, settings], in the order of `names`.

        Returns:
            int64 [n], place in `centres`; -1 where a setting is NaN or the row is far from every regime.

        Example:
            >>> rows = np.repeat([[0.0], [10.0]], 10, axis=0)
            >>> fit_regimes(rows, ("speed",)).assign(np.array([[10.0], [0.0], [5.0], [np.nan]]))
            array([ 1,  0, -1, -1])
        """
        if settings.ndim != 2 or settings.shape[1] != len(self.names):
            raise ValueError(f"settings must be [n, {len(self.names)}], got {settings.shape}")
        known = np.asarray(np.isfinite(settings).all(axis=1))
        scaled = (np.where(known[:, None], settings, 0.0) - self.low) / self.span
        distance = _distances(scaled, (np.array(self.centres) - self.low) / self.span)
        nearest = distance.argmin(axis=1)
        reach = np.maximum(_REACH * np.array(self.radii), _REACH_SHARE)
        inside = known & (distance[np.arange(len(nearest)), nearest] <= reach[nearest])
        return np.where(inside, nearest, -1).astype(np.int64)


def fit_regimes(settings: Floats, names: tuple[str, ...], *, most: int = 12) -> Regimes:
    """Regimes of a class from rows of its healthy training time.

    Args:
        settings: float64 [n, settings]; rows with a value that is not finite are left out.
        names: Of the settings.
        most: Largest number of regimes sought before unclear ones are merged.

    Raises:
        ValueError: No row is left, or the shape does not fit the names.
    """
    if settings.ndim != 2 or settings.shape[1] != len(names):
        raise ValueError(f"settings must be [n, {len(names)}], got {settings.shape}")
    rows = settings[np.isfinite(settings).all(axis=1)]
    if not len(rows):
        raise ValueError("no row has all of its settings")
    low, high = np.quantile(rows, _INNER, axis=0)
    # A setting that never moved gets one hundredth of its value as its scale, else 1.
    still = np.where(low != 0, np.abs(low) / 100, 1.0)
    span = np.where(high - low > 1e-9 * np.maximum(np.abs(low), np.abs(high)), high - low, still)
    scaled = np.clip((rows - low) / span, -0.1, 1.1)
    centres = _lloyd(scaled, _farthest_first(scaled, most))
    centres = _lloyd(scaled, _separated(scaled, _frequent(scaled, centres)))
    # Tenths of the range, so that noise in the first setting does not decide the order.
    centres = centres[np.lexsort(np.round(centres, 1).T[::-1])]
    nearest = _distances(scaled, centres)
    owner = nearest.argmin(axis=1)
    radii = [_radius(nearest[owner == number, number]) for number in range(len(centres))]
    return Regimes(
        tuple(names),
        tuple(low.tolist()),
        tuple(span.tolist()),
        tuple(tuple(centre) for centre in (centres * span + low).tolist()),
        tuple(radii),
    )


def _distances(scaled: Floats, centres: Floats) -> Floats:
    return np.stack([np.sqrt(((scaled - centre) ** 2).sum(axis=1)) for centre in centres], axis=1)


def _radius(distances: Floats) -> float:
    """Radius that holds all but the outliers of a cluster."""
    return float(np.quantile(distances, 1 - _MIN_SHARE)) if len(distances) else 0.0


def _farthest_first(scaled: Floats, most: int) -> Floats:
    middle = np.abs(scaled - np.median(scaled, axis=0)).sum(axis=1).argmin()
    centres = [scaled[middle]]
    nearest = _distances(scaled, np.array(centres))[:, 0]
    while len(centres) < most and nearest.max() > _NEAR:
        centres.append(scaled[nearest.argmax()])
        nearest = np.minimum(nearest, _distances(scaled, centres[-1][None])[:, 0])
    return np.array(centres)


def _lloyd(scaled: Floats, centres: Floats) -> Floats:
    for _ in range(_ITERATIONS):
        owner = _distances(scaled, centres).argmin(axis=1)
        kept = [scaled[owner == number].mean(axis=0) for number in np.unique(owner)]
        moved = np.array(kept)
        if moved.shape == centres.shape and np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def _frequent(scaled: Floats, centres: Floats) -> Floats:
    counts = np.bincount(_distances(scaled, centres).argmin(axis=1), minlength=len(centres))
    frequent = counts >= _MIN_SHARE * len(scaled)
    return centres[frequent] if frequent.any() else centres[[counts.argmax()]]


def _separated(scaled: Floats, centres: Floats) -> Floats:
    """Centres, the least separated pair merged again and again until every pair is clear."""
    while len(centres) > 1:
        distance = _distances(scaled, centres)
        owner = distance.argmin(axis=1)
        spread = np.array([_spread(distance[owner == number, number]) for number in range(len(centres))])
        apart = _distances(centres, centres)
        clear = apart / np.maximum(np.maximum(spread[:, None], spread), 1e-12)
        np.fill_diagonal(clear, np.inf)
        one, other = np.unravel_index(clear.argmin(), clear.shape)
        if clear[one, other] >= _SEPARATION:
            break
        merged = scaled[(owner == one) | (owner == other)].mean(axis=0)
        centres = np.concatenate([np.delete(centres, [one, other], axis=0), merged[None]])
    return centres


def _spread(distances: Floats) -> float:
    """Root mean square of the distances, without the farthest ones."""
    inner = distances[distances <= _radius(distances)]
    return float(np.sqrt(np.mean(inner**2))) if len(inner) else 0.0
