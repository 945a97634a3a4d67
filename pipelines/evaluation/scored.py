"""What can be judged: answers to rows of lives that the model had not seen, and the bands they are told by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.evaluation.errors import Floats, Strings

__all__ = ["ENOUGH", "NOMINAL", "Answers", "Band", "Folded", "Scored", "answers_of", "bands_of"]

# Share of truths that the band P10 to P90 should cover.
NOMINAL = 0.8

# Failed lives from which a coverage says anything of the band that was promised.
ENOUGH = 20


class Scored(Protocol):
    """Answers [n] to rows of lives that the model had not seen; `rul` is not capped, `cap` is its cap."""

    @property
    def unit(self) -> Strings: ...  # noqa: D102 - see the class
    @property
    def rul(self) -> Floats: ...  # noqa: D102
    @property
    def cap(self) -> float: ...  # noqa: D102
    @property
    def mean(self) -> Floats: ...  # noqa: D102
    @property
    def p10(self) -> Floats | None: ...  # noqa: D102
    @property
    def p50(self) -> Floats: ...  # noqa: D102
    @property
    def p90(self) -> Floats | None: ...  # noqa: D102
    @property
    def baselines(self) -> Mapping[str, Floats]: ...  # noqa: D102


class Folded(Scored, Protocol):
    """Answers out of fold, with the fold [n] of each row."""

    @property
    def fold(self) -> npt.NDArray[np.int64]: ...  # noqa: D102 - see the class


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers as plain arrays, fields as in `Scored`."""

    unit: Strings
    rul: Floats
    cap: float
    mean: Floats
    p10: Floats | None
    p50: Floats
    p90: Floats | None
    baselines: Mapping[str, Floats]

    @classmethod
    def of(cls, scored: Scored, **baselines: Floats) -> "Answers":
        """The same answers with more baselines beside them."""
        return cls(
            scored.unit,
            scored.rul,
            scored.cap,
            scored.mean,
            scored.p10,
            scored.p50,
            scored.p90,
            {**scored.baselines, **baselines},
        )

    def at(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Answers":
        """The answers to some of the rows."""
        return Answers(
            self.unit[rows],
            self.rul[rows],
            self.cap,
            self.mean[rows],
            None if self.p10 is None else self.p10[rows],
            self.p50[rows],
            None if self.p90 is None else self.p90[rows],
            {name: answer[rows] for name, answer in self.baselines.items()},
        )


@dataclass(frozen=True, slots=True)
class Band:
    """Rows whose capped true RUL lies in [low, high), life units."""

    name: str
    low: float
    high: float

    def holds(self, truth: Floats) -> npt.NDArray[np.bool_]:
        """Which capped truths [n] lie in it."""
        return np.asarray((truth >= self.low) & (truth < self.high), dtype=np.bool_)


def bands_of(cap: float, shares: Sequence[float] = (0.2, 0.4)) -> tuple[Band, ...]:
    """The bands low, middle and high, with edges at shares of the cap, and the rows at the cap by themselves.

    At the cap the truth is "that long or longer": an answer of the cap is right there whatever was measured,
    so these rows would flatter the band below them.
    """
    edges = [0.0, *(share * cap for share in shares), cap, np.inf]
    names = ("low", "middle", "high", "cap")
    return tuple(Band(name, low, high) for name, low, high in zip(names, edges, edges[1:], strict=False))


def answers_of(scored: Scored) -> dict[str, Floats]:
    """Who answers -> answers [n]: the model's mean first, then every baseline."""
    return {"model": scored.mean, **scored.baselines}
