"""Discovery: calculators that tell the remaining life of training lives, by class, level by level."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.core.clock import require_utc
from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import Plant
from features.generic import Choice, Chosen, ClassChoice, chosen_of, read_chosen
from features.registry import Entry, entries, span_text
from pipelines.dataset import TrainingSet, training_set
from pipelines.discover import extraction
from pipelines.discover.extraction import Column
from pipelines.discover.parameters import DiscoveryParameters
from pipelines.discover.selection import Candidate, Floats, Ints, adjusted, combined, distinct
from pipelines.discover.windows import Draws, capped_target, draw, windows

__all__ = ["choose", "discover", "write"]

_MICROSECOND = dt.timedelta(microseconds=1)


def discover(
    lake: Lake,
    plant: Plant,
    class_id: str,
    *,
    as_of: dt.datetime,
    chosen_on: dt.date,
    work: Path,
    exclude_units: Collection[str] = (),
    exclude_machines: Collection[str] = (),
    parameters: DiscoveryParameters = DiscoveryParameters(),
    on_progress: Callable[[float, str], None] | None = None,
) -> ClassChoice:
    """Chooses calculators for a class from its training lives, and from nothing else.

    Args:
        lake: Holds feature rows and lives, both up to date.
        plant: Says what the class is.
        class_id: Component class.
        as_of: Nothing that became known later is looked at.
        chosen_on: Written down with the choice.
        work: Folder of what was extracted level by level; a run that was stopped goes on from there.
        exclude_units: Lives left out, e.g. held-out ones.
        exclude_machines: Machines whose lives are left out.
        parameters: Tunables.
        on_progress: Called with the share done and the level at work.

    Raises:
        ConfigError: No span of the class's memory is long enough, or there are too few lives.
    """
    data = training_set(lake, plant, class_id, as_of=require_utc(as_of)).without(exclude_units, exclude_machines)
    return choose(data, plant, chosen_on=chosen_on, work=work, parameters=parameters, on_progress=on_progress)


def choose(
    data: TrainingSet,
    plant: Plant,
    *,
    chosen_on: dt.date,
    work: Path,
    parameters: DiscoveryParameters = DiscoveryParameters(),
    on_progress: Callable[[float, str], None] | None = None,
) -> ClassChoice:
    """The same from a training set."""
    if len(data.lives) < parameters.min_lives:
        raise ConfigError(
            f"class {data.component_class!r} has {len(data.lives)} training lives; discovery needs "
            f"{parameters.min_lives}",
            {"component_class": data.component_class, "lives": len(data.lives)},
        )
    planned = [e for e in entries(plant, data.component_class) if e.name in data.names]
    work.mkdir(parents=True, exist_ok=True)
    levels = list(dict.fromkeys(entry.level for entry in planned if entry.trend is not None))
    target, parts = capped_target(data), []
    for number, level in enumerate(levels):
        if on_progress is not None:
            on_progress(number / len(levels), level)
        part = _part(data, plant, level, target, work, parameters)
        parts += [] if part is None else [part]
    return _chosen(data, planned, parts, chosen_on, parameters)


def write(file: Path, class_id: str, choice: ClassChoice) -> None:
    """Puts a class's choice into the file of chosen calculators, beside those of other classes."""
    chosen = read_chosen(file)
    text = Chosen(classes=dict(sorted({**chosen.classes, class_id: choice}.items()))).text()
    beside = file.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


@dataclass(frozen=True, slots=True)
class _Part:
    """One level: columns [c] over all spans, their values at the drawn rows [k] and combined p-values."""

    level: str
    digest: str
    columns: tuple[tuple[str, Column], ...]
    rows: Ints
    values: Floats
    p: Floats


def _grids(data: TrainingSet, plant: Plant) -> dict[str, int]:
    return {machine: plant.machine(machine).grid // _MICROSECOND for machine in np.unique(data.machine).tolist()}


def _spans(data: TrainingSet, plant: Plant, parameters: DiscoveryParameters) -> dict[str, int]:
    """Span of the class's memory as text -> its grid steps, where these are enough; one grid a class is assumed.

    Raises:
        ConfigError: None is long enough, or the machines of the class have several grids.
    """
    grids = set(_grids(data, plant).values())
    if len(grids) != 1:
        raise ConfigError(
            f"machines of class {data.component_class!r} have several grids; windows of one span would have "
            "different lengths: discover on one of them (leave the others' machines out)",
            {"component_class": data.component_class},
        )
    grid_us = grids.pop()
    memory = plant.component_class(data.component_class).memory
    steps = {span_text(span): span // _MICROSECOND // grid_us for span in memory}
    found = {text: m for text, m in steps.items() if m >= parameters.min_values}
    if not found:
        raise ConfigError(
            f"no span of the memory of class {data.component_class!r} ({', '.join(steps)}) holds "
            f"{parameters.min_values} grid steps; declare a longer one",
            {"component_class": data.component_class},
        )
    return found


def _part(
    data: TrainingSet, plant: Plant, level: str, target: Floats, work: Path, parameters: DiscoveryParameters
) -> _Part | None:
    spans = _spans(data, plant, parameters)
    column = data.names.index(level)
    drawn = draw(
        data,
        column,
        target=target,
        steps=max(spans.values()),
        grid_us=_grids(data, plant),
        draws=parameters.windows_per_life,
    )
    ends = drawn.rows.ravel()
    if len(drawn.lives) < parameters.min_lives or np.ptp(data.x[ends, column]) == 0:
        return None
    asked = tuple(
        (s, c) for s, m in spans.items() for c in extraction.columns(m, everything=parameters.everything)
    )
    shown = {text: windows(data.x[:, column], ends, m) for text, m in spans.items()}
    digest = _digest(shown, target[ends], ends, asked)
    file = work / f"{level}.{digest}.npz"
    if not file.exists():
        values = np.concatenate(
            [extraction.extract(shown[text], [c for s, c in asked if s == text]) for text in spans], axis=1
        )
        p = _tested(values, drawn, target)
        beside = work / "new.npz"
        np.savez(beside, values=values, p=p)
        beside.replace(file)
    with np.load(file, allow_pickle=False) as stored:
        return _Part(level, digest, asked, ends, stored["values"], stored["p"])


def _tested(values: Floats, drawn: Draws, target: Floats) -> Floats:
    """Combined p-value of each column: in every draw one window a life, so that rows are independent."""
    by_draw = values.reshape(*drawn.rows.shape, -1)
    pairs = zip(by_draw, target[drawn.rows], strict=True)
    return combined(np.array([extraction.p_values(shown, wanted) for shown, wanted in pairs]))


def _digest(shown: Mapping[str, Floats], target: Floats, rows: Ints, asked: tuple[tuple[str, Column], ...]) -> str:
    names = [[span, column.name] for span, column in asked]
    digest = hashlib.sha256(json.dumps([extraction.version(), names]).encode())
    for array in (*shown.values(), target, rows):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _chosen(
    data: TrainingSet,
    planned: list[Entry],
    parts: list[_Part],
    chosen_on: dt.date,
    parameters: DiscoveryParameters,
) -> ClassChoice:
    candidates = [
        Candidate(part.level, span, column, float(part.p[place]), part.rows, part.values[:, place])
        for part in parts
        for place, (span, column) in enumerate(part.columns)
        if not np.isnan(part.p[place])
    ]
    limits = adjusted(np.array([candidate.p_value for candidate in candidates]))
    relevant = [c for c, q in zip(candidates, limits, strict=True) if q <= parameters.fdr_level]
    kept = distinct(
        [candidate for candidate in relevant if candidate.column.is_ours],
        data.x,
        of_level=_of_level(data, planned),
        alike=parameters.alike,
        keep=parameters.keep,
    )
    strangers = {f"{c.level} {c.span} {c.column.name}" for c in relevant if not c.column.is_ours}
    return ClassChoice(
        chosen_on=chosen_on,
        as_of=data.as_of,
        data=hashlib.sha256("".join(part.digest for part in parts).encode()).hexdigest()[:16],
        tsfresh=extraction.version(),
        fdr_level=parameters.fdr_level,
        lives=len(data.lives),
        failed_lives=len(data.failed_units),
        windows_per_life=parameters.windows_per_life,
        tested=len(candidates),
        relevant=len(relevant),
        features=tuple(_choice(candidate) for candidate in kept),
        not_here=tuple(sorted(strangers)),
    )


def _choice(candidate: Candidate) -> Choice:
    return Choice(
        level=candidate.level,
        span=candidate.span,
        calculator=candidate.column.calculator,
        parameters=candidate.column.parameters,
        p_value=float(f"{candidate.p_value:.3g}"),
    )


def _of_level(data: TrainingSet, planned: list[Entry]) -> dict[str, Ints]:
    """Level-1 feature -> columns of the features that stand on it, generic ones apart."""
    found: dict[str, list[int]] = {}
    for entry in planned:
        generic = [trend for trend, _ in chosen_of(data.component_class, entry.level)]
        if entry.trend not in generic:
            found.setdefault(entry.level, []).append(data.names.index(entry.name))
    return {level: np.array(places, dtype=np.int64) for level, places in found.items()}
