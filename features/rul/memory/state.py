"""What a model remembers of a life: signals made comparable, their memory, and indices of wear.

Signals are level-1 features, told apart by how the machine is run and scaled by healthy time; weighted sums of
them are linear indices; a forest's answer to all of that is `rul_index`. Each of them is followed by memory:
means, slopes and changes over spans of time, against the life's own first stretch, and over the life so far.
Everything a row is told comes from itself and earlier rows of its life.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.process import Regimes
from features.registry.catalogue import span_text
from features.rul.memory import kernels

__all__ = ["RUL_INDEX", "Memory", "Spans"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_Kernel = Callable[[Floats, Floats, Ints, float], Floats]

# Name of the supervised index among the columns.
RUL_INDEX = "rul_index"

# Names of a normalised signal and of a linear index.
_NORMAL, _LINEAR = ".normal", "linear_index_{}"

# How long an index has lain below these shares of the cap is remembered.
_STEPS = (0.88, 0.72, 0.48)

# The time in which an index would run out at its slope: the smallest fall per hour and the longest answer, as
# shares of the cap.
_LEAST_FALL, _LONGEST = 0.0004, 3.2


@dataclass(frozen=True, slots=True)
class Spans:
    """How far back memory goes, hours: of means, of slopes and changes, and of a life's own first stretch."""

    means: tuple[float, ...]
    windows: tuple[float, ...]
    first: float

    @classmethod
    def of_class(cls, memory: Sequence[dt.timedelta], baseline: dt.timedelta) -> "Spans":
        """Spans of a component class: means over a third, two thirds, four and eight thirds of the shortest."""
        windows = tuple(sorted(span / dt.timedelta(hours=1) for span in memory))
        shortest = windows[0] if windows else baseline / dt.timedelta(hours=1)
        return cls(
            tuple(shortest * share / 3 for share in (1, 2, 4, 8)),
            windows or (shortest,),
            baseline / dt.timedelta(hours=1),
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """State of the memory, learnt from training lives; plain values only.

    Attributes:
        spans: How far back.
        regimes: How the machine is run, by level-1 features; None: in one way.
        signals: Level-1 features that are followed.
        centre: [regimes][signals] mean while healthy.
        scale: [regimes][signals] standard deviation while healthy; 0: it never moved there.
        weights: [regimes][indices][signals] of the linear indices.
        offset: [regimes][indices].
        remaining: Places of the linear indices that are in life units.
        cap: Largest RUL taught, life units.
    """

    spans: Spans
    regimes: Regimes | None
    signals: tuple[str, ...]
    centre: tuple[tuple[float, ...], ...]
    scale: tuple[tuple[float, ...], ...]
    weights: tuple[tuple[tuple[float, ...], ...], ...]
    offset: tuple[tuple[float, ...], ...]
    remaining: tuple[int, ...]
    cap: float

    def normal(self, values: Floats, names: Sequence[str]) -> Floats:
        """Signals [n, signals] in healthy standard deviations; NaN where missing or run in an unknown way.

        Args:
            values: float64 [n, features], NaN where refused.
            names: Of the features.
        """
        place = {name: number for number, name in enumerate(names)}
        x, regime = values[:, [place[name] for name in self.signals]], self.regime(values, names)
        centre, scale = np.array(self.centre), np.array(self.scale)
        known = np.where(scale > 0, scale, np.inf)[regime]
        return np.where((regime < 0)[:, None], np.nan, (x - centre[regime]) / known)

    def regime(self, values: Floats, names: Sequence[str]) -> Ints:
        """Regime [n] of each row; -1 where it is not known."""
        if self.regimes is None:
            return np.zeros(len(values), dtype=np.int64)
        place = {name: number for number, name in enumerate(names)}
        return self.regimes.assign(values[:, [place[name] for name in self.regimes.names]])

    def columns(self, values: Floats, names: Sequence[str], hours: Floats, first: Ints) -> Floats:
        """Columns [n, `column_names`] of rows of one or several lives, each in order of time.

        Args:
            values: float64 [n, features], NaN where refused.
            names: Of the features.
            hours: Time of each row.
            first: Place of the first row of each row's life.
        """
        normal = self.normal(values, names)
        regime = self.regime(values, names)
        linear = kernels.project(normal, regime, np.array(self.weights), np.array(self.offset))
        return np.concatenate(
            [normal, self._remembered(normal, hours, first), *self._followed(linear, hours, first)], axis=1
        )

    def added(self, values: Floats, names: Sequence[str]) -> Floats:
        """What each signal adds to each linear index [n, indices, signals], in the index's unit.

        An index is its offset, which it has where every signal is as in healthy time, and the sum of these.

        Args:
            values: float64 [n, features], NaN where refused.
            names: Of the features.
        """
        weights = np.array(self.weights)[self.regime(values, names)]
        return np.asarray(weights * self.normal(values, names)[:, None, :], dtype=np.float64)

    def column_names(self) -> tuple[str, ...]:
        """Names in the order of `columns`."""
        signals = tuple(f"{name}{_NORMAL}" for name in self.signals)
        indices = tuple(_LINEAR.format(number + 1) for number in range(len(self.offset[0])))
        return (
            *signals,
            *self._memory_names(signals),
            *indices,
            *self._memory_names(indices),
            *self._run_out_names(tuple(indices[place] for place in self.remaining)),
        )

    def index_columns(self, index: Floats, hours: Floats, first: Ints) -> Floats:
        """Columns [n, `index_names`] of the supervised index [n]."""
        one = index[:, None]
        return np.concatenate([one, self._remembered(one, hours, first), self._run_out(one, hours, first)], axis=1)

    def index_names(self) -> tuple[str, ...]:
        """Names in the order of `index_columns`."""
        return (RUL_INDEX, *self._memory_names((RUL_INDEX,)), *self._run_out_names((RUL_INDEX,)))

    def to_json(self) -> dict[str, Any]:
        """Plain values for the artefact's document."""
        document = {name: getattr(self, name) for name in self.__slots__}
        document["spans"] = {name: list(getattr(self.spans, name)) for name in ("means", "windows")} | {
            "first": self.spans.first
        }
        document["regimes"] = None if self.regimes is None else self.regimes.to_json()
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Memory":
        """The memory that `to_json` wrote, also after a round trip through JSON."""
        spans, regimes = document["spans"], document["regimes"]
        tables = {
            name: tuple(tuple(map(float, row)) for row in document[name]) for name in ("centre", "scale", "offset")
        }
        return cls(
            spans=Spans(tuple(spans["means"]), tuple(spans["windows"]), float(spans["first"])),
            regimes=None if regimes is None else Regimes.from_json(regimes),
            signals=tuple(map(str, document["signals"])),
            weights=tuple(tuple(tuple(map(float, row)) for row in table) for table in document["weights"]),
            remaining=tuple(map(int, document["remaining"])),
            cap=float(document["cap"]),
            **tables,
        )

    def _followed(self, linear: Floats, hours: Floats, first: Ints) -> list[Floats]:
        remaining = np.ascontiguousarray(linear[:, list(self.remaining)])
        return [linear, self._remembered(linear, hours, first), self._run_out(remaining, hours, first)]

    def _remembered(self, x: Floats, hours: Floats, first: Ints) -> Floats:
        x = np.ascontiguousarray(x)
        smooth = kernels.mean(x, hours, first, self.spans.means[1])
        start = kernels.first_stretch(x, hours, first, self.spans.first)
        return np.concatenate(
            [
                *(kernels.mean(x, hours, first, span) for span in self.spans.means),
                *(kernels.slope(x, hours, first, span) for span in self.spans.windows),
                *(smooth - kernels.lagged(smooth, hours, first, span) for span in self.spans.windows),
                start,
                smooth - start,
                kernels.expanding_mean(x, hours, first, 0.0),
                kernels.spread(x, hours, first, self.spans.windows[0]),
            ],
            axis=1,
        )

    def _memory_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        kinds = [
            *(f"mean_{_text(span)}" for span in self.spans.means),
            *(f"slope_{_text(span)}" for span in self.spans.windows),
            *(f"delta_{_text(span)}" for span in self.spans.windows),
            "start",
            "since_start",
            "life_mean",
            f"spread_{_text(self.spans.windows[0])}",
        ]
        return tuple(f"{name}.{kind}" for kind in kinds for name in names)

    def _run_out(self, x: Floats, hours: Floats, first: Ints) -> Floats:
        """When an index in life units would reach zero, and how long it has lain below steps."""
        smooth = kernels.mean(x, hours, first, self.spans.means[1])
        found = []
        for span in self.spans.windows:
            fall = np.maximum(-kernels.slope(x, hours, first, span), _LEAST_FALL * self.cap)
            found.append(np.clip(smooth / fall, 0.0, _LONGEST * self.cap))
        found += [kernels.below(smooth, hours, first, step * self.cap) for step in _STEPS]
        return np.concatenate(found, axis=1)

    def _run_out_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        kinds = [f"run_out_{_text(span)}" for span in self.spans.windows]
        kinds += [f"below_{round(100 * step)}" for step in _STEPS]
        return tuple(f"{name}.{kind}" for kind in kinds for name in names)


def _text(hours: float) -> str:
    return span_text(dt.timedelta(seconds=round(3600 * hours)))
