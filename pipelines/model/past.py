"""Training lives in short, so that a prediction can name those that looked like its component."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import lightgbm as lgb
import numpy as np

from features.rul.past import Bank, PastLife, PastLives, ranks_of
from features.rul.tracing import is_index, subject_of
from pipelines.model.examples import Examples, Floats, Ints, LifeSummary

__all__ = ["Tell", "fit_past", "gains_of"]

# Places of the rows of one life, from its first on, to what the model is told of them [rows, names].
Tell = Callable[[Ints], Floats]

# Lives that are kept, failed ones and others that ended, and points along each: 60 x 20 x 8 ranks are 120 kB.
_FAILED, _SUSPENDED, _POINTS = 45, 15, 20

# How far a quantity has moved since the life began tells best what became of a part.
_MOVED = ".since_start"

# Quantities that are compared, and from how many on none of them has to be the age or an index.
_QUANTITIES, _FEWEST = 8, 3

# Steps of the scale of each input.
_KNOTS = 33

# Share of the lives' own points that have other lives within reach.
_WITHIN = 0.95


@runtime_checkable
class _Ended(Protocol):
    """A life that tells how it ended."""

    @property
    def ending(self) -> str: ...
    @property
    def failure_mode(self) -> str | None: ...


def gains_of(text: str) -> Floats:
    """What each input gained a forest [inputs]."""
    return np.asarray(lgb.Booster(model_str=text).feature_importance("gain"), dtype=np.float64)


def fit_past(
    examples: Examples, names: tuple[str, ...], tell: Tell, gains: Floats, *, min_rows: int
) -> PastLives | None:
    """Lives in short: those that failed, and some that were taken out; of many, an even choice by length.

    Args:
        examples: Training lives and their rows.
        names: What the model is told.
        tell: What it is told of the rows of a life.
        gains: What each of that is worth to it [names].
        min_rows: Rows of a life before anything is said of it.

    Returns:
        None: no input is worth anything or known of lives that ended, or fewer than two lives ended.
    """
    columns = _leading(names, gains)
    lives = _chosen(examples, min_rows)
    if not columns or len(lives) < 2:
        return None
    told = [tell(rows)[min_rows - 1 :] for _, rows in lives]
    # The lives that are kept may all lack what running ones had: there is nothing to compare by.
    known = np.any([np.isfinite(table).any(axis=0) for table in told], axis=0)
    columns = [column for column in columns if known[column]]
    if not columns:
        return None
    tables = [table[:, columns] for table in told]
    scales = [_scale(np.concatenate([table[:, place] for table in tables])) for place in range(len(columns))]
    kept = tuple(
        _in_short(life, _left(examples, rows[min_rows - 1 :]), np.round(ranks_of(table, scales), 3))
        for (life, rows), table in zip(lives, tables, strict=True)
    )
    values, shares = (tuple(tuple(scale[side].tolist()) for scale in scales) for side in (0, 1))
    inputs = tuple(names[column] for column in columns)
    return PastLives(inputs, values, shares, _reach(PastLives(inputs, values, shares, np.inf, kept)), kept)


def _leading(names: tuple[str, ...], gains: Floats) -> list[int]:
    """One input of each of the quantities that are worth most; age and indices only where there are few others."""
    subjects: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if gains[place] > 0:
            subjects.setdefault(subject_of(name), []).append(place)
    ordered = sorted(subjects, key=lambda subject: (-gains[subjects[subject]].sum(), subject))
    measured = [subject for subject in ordered if not is_index(subject) and subject != "age"][:_QUANTITIES]
    rest = [subject for subject in ordered if is_index(subject) or subject == "age"]
    chosen = [*measured, *rest[: max(0, _FEWEST - len(measured))]]
    return [_telling(subjects[subject], names, gains) for subject in chosen]


def _telling(places: Sequence[int], names: tuple[str, ...], gains: Floats) -> int:
    """Of the inputs of one quantity how far it has moved, else the one that is worth most."""
    return next((place for place in places if names[place].endswith(_MOVED)), max(places, key=gains.__getitem__))


def _chosen(examples: Examples, min_rows: int) -> list[tuple[LifeSummary, Ints]]:
    """Lives that ended, with the places of their rows, in order of their names."""
    starts = np.flatnonzero(np.concatenate([[True], examples.unit[1:] != examples.unit[:-1]]))
    rows = {
        str(examples.unit[own[0]]): own
        for own in np.split(np.arange(examples.unit.size), starts[1:])
        if own.size > min_rows
    }
    found: dict[bool, list[tuple[str, float, str, LifeSummary]]] = {True: [], False: []}
    for life in examples.lives:
        if life.unit in rows and (life.failed or (isinstance(life, _Ended) and life.ending == "suspension")):
            left = float(_left(examples, rows[life.unit][:1])[0])
            found[life.failed].append((_mode(life), left, life.unit, life))
    kept = []
    for failed, most in ((True, _FAILED), (False, _SUSPENDED)):
        # By failure mode and length, so that an even choice has its share of each.
        ordered = sorted(found[failed], key=lambda one: one[:3])
        places = np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).round().astype(np.int64))
        kept += [ordered[place] for place in places]
    return [(life, rows[life.unit]) for _, _, _, life in sorted(kept, key=lambda one: one[2])]


def _mode(life: LifeSummary) -> str:
    return (life.failure_mode or "") if life.failed and isinstance(life, _Ended) else ""


def _left(examples: Examples, rows: Ints) -> Floats:
    """Life units to the end of the life, whatever the end was."""
    return np.where(np.isfinite(examples.rul[rows]), examples.rul[rows], examples.survived[rows])


def _scale(column: Floats) -> tuple[Floats, Floats]:
    """Values and the share of rows below each; equal values have one, in the middle of theirs."""
    known = column[np.isfinite(column)]
    shares = np.linspace(0.0, 1.0, _KNOTS)
    values, place = np.unique([float(f"{v:.6g}") for v in np.quantile(known, shares)], return_inverse=True)
    middle = np.bincount(place, weights=shares) / np.bincount(place)
    return values, np.round(middle, 5)


def _in_short(life: LifeSummary, left: Floats, ranks: Floats) -> PastLife:
    # Closer together toward the end, where more happens.
    wanted = left[0] * np.linspace(1.0, 0.0, _POINTS) ** 2
    points = np.unique([int(np.argmin(np.abs(left - one))) for one in wanted])
    return PastLife(
        unit=life.unit,
        failed=life.failed,
        failure_mode=_mode(life),
        length=float(left[0]),
        left=tuple(float(f"{one:.6g}") for one in left[points]),
        ranks=tuple(map(tuple, ranks[points].tolist())),
    )


def _reach(past: PastLives) -> float:
    """The distance within which 95 % of the points find as many other lives as are named."""
    bank = Bank(past, past.inputs)
    distances = sorted(filter(np.isfinite, _distances(bank, past.lives)))
    if not distances:
        return 0.0
    return float(f"{distances[int(_WITHIN * (len(distances) - 1))]:.4g}")


def _distances(bank: Bank, lives: Sequence[PastLife]) -> list[float]:
    return [bank.off(np.array(point), own=life.unit) for life in lives for point in life.ranks]
