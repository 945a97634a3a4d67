"""What moved a number, in quantities: what an index of wear moved is handed on to the signals it is made of.

`linear_index_k` at a row is its value in healthy time plus a sum of weight times signal: what each signal adds
there is exact. `rul_index` is the answer of a forest: credit along its paths is approximate (see `Scorer`). So
is handing what the memory of an index moved (its means, slopes, ...) on by what the index is made of now.
Only what moved an index the way it moved as a whole takes its part: shares are positive and sum to one.
"""

import re

import numpy as np
import numpy.typing as npt

from features.rul.artefact import Artefact
from features.rul.memory import RUL_INDEX

__all__ = ["Tracer", "is_index", "subject_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Indices of the memory, whose names have no role before them.
_INDEX = re.compile(r"rul_index|linear_index_\d+")


def subject_of(name: str) -> str:
    """The quantity that an input tells of.

    Example:
        >>> subject_of("pump.level_k.slope_7d"), subject_of("rul_index.mean_5h"), subject_of("age")
        ('pump.level_k', 'rul_index', 'age')
    """
    own = name.split(".")
    return own[0] if _INDEX.fullmatch(own[0]) else ".".join(own[:2])


def is_index(subject: str) -> bool:
    """Whether a quantity is an index of wear, made of all the others."""
    return _INDEX.fullmatch(subject) is not None


class Tracer:
    """The quantities of one model and what each of its columns tells of.

    Attributes:
        subjects: Quantities.
        of_input: Place of each input's quantity.
        of_index_input: The same of what `rul_index` is told.
    """

    def __init__(self, artefact: Artefact) -> None:
        signals = () if artefact.memory is None else artefact.memory.signals
        indices = 0 if artefact.memory is None else len(artefact.memory.offset[0])
        linear = tuple(f"linear_index_{number + 1}" for number in range(indices))
        told = (artefact.inputs, artefact.index_inputs, signals, linear, (RUL_INDEX,) if signals else ())
        self.subjects = tuple(sorted({subject_of(name) for names in told for name in names}))
        place = {subject: number for number, subject in enumerate(self.subjects)}
        self.of_input, self.of_index_input, self._of_signal, self._linear = (
            np.array([place[subject_of(name)] for name in names], dtype=np.int64) for names in told[:4]
        )
        self._rul_index = place.get(RUL_INDEX, -1)

    def credits(self, parts: Floats, index_parts: Floats, added: Floats) -> tuple[Floats, Floats]:
        """What each quantity moved [subjects]: by itself, and through an index.

        Args:
            parts: What each input moved [inputs].
            index_parts: What each of its inputs moved `rul_index` [index inputs].
            added: What each signal adds to each linear index [indices, signals]; NaN: not known.

        Returns:
            Both together sum to the parts. What cannot be handed on stays with the index.
        """
        own, through = self.summed(parts), np.zeros(len(self.subjects))
        handed = np.stack([self._summed(self._of_signal, _along(row)) for row in added])
        within = self._summed(self.of_index_input, index_parts)
        for place, shares in zip(self._linear, handed, strict=True):
            if shares.any():
                through += own[place] * shares
                within += within[place] * shares
                own[place] = within[place] = 0.0
        shares = _along(within)
        if shares.any():
            through += own[self._rul_index] * shares
            own[self._rul_index] = 0.0
        return own, through

    def summed(self, parts: Floats) -> Floats:
        """What the inputs of each quantity moved by themselves [subjects], of what each input moved [inputs]."""
        return self._summed(self.of_input, parts)

    def _summed(self, places: Ints, values: Floats) -> Floats:
        return np.asarray(np.bincount(places, weights=values, minlength=len(self.subjects)), dtype=np.float64)


def _along(parts: Floats) -> Floats:
    """Shares of the parts that go the way of all together; zeros where nothing moved."""
    known = np.where(np.isfinite(parts), parts, 0.0)
    same = np.maximum(known * np.sign(known.sum()), 0.0)
    total = same.sum()
    return np.asarray(same / total if total > 0 else np.zeros(known.size), dtype=np.float64)
