"""From the forests' raw scores to mean and quantiles: sorted, calibrated, never negative."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.rul.artefact import OUTPUTS, Artefact, Calibration
from features.rul.scorer import Scorer
from features.rul.tracing import Tracer

__all__ = ["Answers", "Engine", "Told", "answers"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answers:
    """RUL of n rows, life unit, each >= 0 and p10 <= p50 <= p90.

    `p10` and `p90` are the calibrated band where there is one, else the sorted raw quantiles.
    """

    mean: Floats
    p10: Floats
    p50: Floats
    p90: Floats


@dataclass(frozen=True, slots=True)
class Told:
    """What forests are told of n rows: `inputs` [n, inputs], and `index` [n, index inputs] where there is one."""

    inputs: Floats
    index: Floats | None = None

    @classmethod
    def nothing(cls, rows: int, artefact: Artefact, *, with_index: bool) -> "Told":
        """As many rows without a value."""
        index = (
            np.full((rows, len(artefact.index_inputs)), np.nan) if artefact.index_inputs and with_index else None
        )
        return cls(np.full((rows, len(artefact.inputs)), np.nan), index)

    def fill(self, rows: npt.NDArray[np.bool_], other: "Told", places: npt.NDArray[np.int64]) -> None:
        """Puts the other's rows at these places into some of the rows here."""
        self.inputs[rows] = other.inputs[places]
        if self.index is not None and other.index is not None:
            self.index[rows] = other.index[places]


class Engine:
    """The parsed forests of one artefact, ready to answer. Build it once, use it for every request.

    Args:
        artefact: A verified artefact with forests.

    Attributes:
        artefact: The same.
        scorers: Output -> its forest.
        tracer: Which quantity each input tells of.
        levels: Place among the features of each quantity's own level; -1: it has none.

    Raises:
        DamagedArtefactError, UnfitError: As for `Scorer`.
        ValueError: The artefact has no forests.
    """

    def __init__(self, artefact: Artefact) -> None:
        if not artefact.forests:
            raise ValueError(f"model {artefact.name} has no forests; only its condition model can answer")
        self.artefact = artefact
        self.scorers = {output: Scorer(artefact.forests[output]) for output in OUTPUTS}
        self._index = Scorer(artefact.index_forest) if artefact.memory is not None else None
        self.tracer = Tracer(artefact)
        place = {name: number for number, name in enumerate(artefact.feature_names)}
        self.levels = tuple(place.get(subject, -1) for subject in self.tracer.subjects)

    def inputs(self, values: Floats, hours: Floats) -> Floats:
        """Inputs [n, inputs] of running rows of one life; arguments as for `told`."""
        return self.told(values, hours).inputs

    def told(self, values: Floats, hours: Floats) -> Told:
        """What the forests are told of running rows of one life, from its first one on, in order of time.

        Args:
            values: float64 [n, features] in the order of the feature set, NaN where refused.
            hours: Time of each row.
        """
        artefact = self.artefact
        table, names, index_inputs = values, artefact.feature_names, None
        if artefact.memory is not None and self._index is not None:
            first = np.zeros(len(values), dtype=np.int64)
            table = np.concatenate([values, artefact.memory.columns(values, names, hours, first)], axis=1)
            names = (*names, *artefact.memory.column_names())
            index_inputs = _chosen(table, names, artefact.index_inputs)
            index = self._index.predict(index_inputs)
            table = np.concatenate([table, artefact.memory.index_columns(index, hours, first)], axis=1)
            names = (*names, *artefact.memory.index_names())
        return Told(_chosen(table, names, artefact.inputs), index_inputs)

    def index_parts(self, told: Told) -> Floats | None:
        """What each of its inputs moved `rul_index` [n, index inputs]; None: there is none, or nobody can say."""
        if self._index is None or told.index is None:
            return None
        return self._index.contributions(told.index)

    def added(self, values: Floats) -> Floats | None:
        """What each signal adds to each linear index [n, indices, signals]; None: there are none."""
        memory = self.artefact.memory
        return None if memory is None else memory.added(values, self.artefact.feature_names)

    def scores(self, inputs: Floats) -> dict[str, Floats]:
        """Raw answers per output, life unit, before sorting and calibration; inputs [n, inputs], NaN missing.

        Raises:
            UnfitError: Another number of inputs.
        """
        found: dict[str, Floats] = {}
        for output in OUTPUTS:
            found[output] = self.artefact.base.get(output, 0.0) + self.scorers[output].predict(inputs)
            if output in self.artefact.on_mean and output != "mean":
                found[output] = found[output] + found["mean"]
        return found

    def answer(self, inputs: Floats) -> Answers:
        """What the model says about rows [n, inputs]; NaN is missing."""
        caps = dict.fromkeys(self.artefact.capped, self.artefact.rul_cap)
        return answers(self.scores(inputs), self.artefact.calibration, caps=caps)


def _chosen(table: Floats, names: Sequence[str], wanted: Sequence[str]) -> Floats:
    place = {name: number for number, name in enumerate(names)}
    return np.ascontiguousarray(table[:, [place[name] for name in wanted]])


def answers(
    scores: Mapping[str, Floats], calibration: Calibration, *, caps: Mapping[str, float] | None = None
) -> Answers:
    """Sorted and calibrated quantiles of raw scores; training uses it on out-of-fold scores, too.

    LightGBM fits quantiles one by one, so they may cross: they are sorted first (rearrangement), then P10 and
    P90 are moved by the slope and the offsets of the bin of the sorted P50, then sorted again because offsets
    may be negative.

    Args:
        scores: Raw answers [n] of all outputs, life unit.
        calibration: Offsets; used only when `calibrated`.
        caps: Output -> largest value, life unit.

    References:
        V. Chernozhukov, I. Fernandez-Val, A. Galichon, "Quantile and probability curves without crossing",
        Econometrica 78 (2010), section 2.2.
    """
    quantiles = np.sort(np.stack([scores[name] for name in ("p10", "p50", "p90")]), axis=0)
    if calibration.calibrated:
        bins = np.searchsorted(np.array(calibration.edges), quantiles[1], side="right")
        if calibration.slope:
            quantiles[0] *= np.array(calibration.slope)[bins]
        quantiles[0] -= np.array(calibration.low)[bins]
        quantiles[2] += np.array(calibration.high)[bins]
        # The middle stays what was predicted: an offset may close the band, never move P50.
        quantiles[0] = np.minimum(quantiles[0], quantiles[1])
        quantiles[2] = np.maximum(quantiles[2], quantiles[1])
    quantiles = np.maximum(quantiles, 0.0)
    mean = np.maximum(scores["mean"], 0.0)
    limits = {name: (caps or {}).get(name, np.inf) for name in OUTPUTS}
    p10, p50, p90 = (np.minimum(q, limits[name]) for q, name in zip(quantiles, OUTPUTS[1:], strict=True))
    return Answers(np.minimum(mean, limits["mean"]), np.minimum(p10, p50), p50, np.maximum(p90, p50))
