"""Random numbers that depend on a name, never on what was drawn before.

Every stream is a Philox counter generator keyed by (seed, words): machine, point, block. So a value
is the same whether a year is read in one page or in thousands, and however far one reads.
"""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK_H", "Draws", "Floats"]

Floats: TypeAlias = npt.NDArray[np.float64]

# Hours in one block: a week. Noise is drawn a whole block at a time.
BLOCK_H = 168


@dataclass(frozen=True, slots=True)
class Draws:
    """All random numbers of one simulated plant."""

    seed: int

    def stream(self, *words: str | int) -> np.random.Generator:
        """A generator of its own for these words, always in the same state."""
        text = "|".join(str(word) for word in (self.seed, *words))
        digest = hashlib.sha256(text.encode("utf-8")).digest()
        return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))

    def normal(self, hours: int, *words: str | int) -> Floats:
        """Standard normal noise, one value an hour; `hours` is a multiple of `BLOCK_H`."""
        return np.concatenate(
            [self.stream(*words, block).standard_normal(BLOCK_H) for block in range(hours // BLOCK_H)]
        )

    def uniform(self, rows: int, hours: int, *words: str | int) -> Floats:
        """Uniform noise in [0, 1), shape (rows, hours); `hours` is a multiple of `BLOCK_H`."""
        return np.concatenate(
            [self.stream(*words, block).random((rows, BLOCK_H)) for block in range(hours // BLOCK_H)], axis=1
        )
