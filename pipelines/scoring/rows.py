"""From measurements and waveforms to feature rows: what is new, a few machines at a time."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from features.compute import compute, installations_of, lookback
from features.core.clock import EARLIEST, require_utc
from features.core.lake import Lake
from features.core.plant import Component, Machine, Plant
from features.core.tables import FEATURE_ROWS, FEATURE_SETS, MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from features.registry import FeatureSet, feature_set
from pipelines.scoring.batches import batches

__all__ = ["FeatureProgress", "compute_features"]

# Feature rows held before they are committed; about 100 MB at 400 features.
_ROWS_AT_ONCE = 30_000
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class FeatureProgress:
    """How far the computation is: the machine that was finished last, and rows made so far."""

    machine_id: str
    done: int
    total: int
    rows: int

    @property
    def share(self) -> float:
        """Part of the machines that is finished, 0 to 1."""
        return self.done / self.total


@dataclass(frozen=True, slots=True)
class _Task:
    """One component, and where its rows end; `last` None: it has none yet."""

    machine: Machine
    component: Component
    features: FeatureSet
    installations: pl.DataFrame
    last: dt.datetime | None

    @property
    def begin(self) -> dt.datetime | None:
        """First moment of which rows are made; None: all."""
        return None if self.last is None else self.last + _MICROSECOND

    @property
    def inputs_from(self) -> dt.datetime:
        """From when on measurements and waveforms are needed."""
        return EARLIEST if self.last is None else self.last - lookback(self.machine)

    @property
    def history_from(self) -> dt.datetime:
        """The present life's beginning as every new row knows it, so not before which rows are needed."""
        # An installation that became known after the last row, or was withdrawn, does not count for all.
        sure = self.installations.filter(
            pl.col("withdrawn_at").is_null(), pl.max_horizontal("available_at", "installed_at") <= self.last
        )
        begin = sure["installed_at"].max()
        return begin if isinstance(begin, dt.datetime) else EARLIEST


def compute_features(
    lake: Lake,
    plant: Plant,
    *,
    as_of: dt.datetime,
    machine_ids: Collection[str] | None = None,
    on_progress: Callable[[FeatureProgress], None] | None = None,
) -> int:
    """Makes the feature rows that are not there yet; run again, it makes none.

    Rows are committed for many machines at a time; a run that was stopped goes on where the commits end. Of
    two processes that make the same row at once, the first one's is kept: both are the same.

    Args:
        lake: Read and written.
        plant: Machines, grids, classes.
        as_of: Only what could be known then is used.
        machine_ids: Only these machines; None: all.
        on_progress: Called after each machine.

    Returns:
        Number of rows made.
    """
    as_of = require_utc(as_of)
    machines = [m for m in plant.machines if machine_ids is None or m.id in machine_ids]
    tasks = _tasks(lake, plant, machines, as_of)
    _register(lake, [task.features for some in tasks.values() for task in some], as_of)
    waiting: list[pl.DataFrame] = []
    made = done = 0
    for group, some in batches(machines):
        for machine, rows in _made(lake, plant, group, some, tasks, as_of):
            made, done = made + rows.height, done + 1
            waiting.append(rows)
            if done == len(machines) or sum(frame.height for frame in waiting) >= _ROWS_AT_ONCE:
                lake.insert(FEATURE_ROWS, pl.concat(waiting), writer="scoring")
                waiting = []
            if on_progress is not None:
                on_progress(FeatureProgress(machine.id, done, len(machines), made))
    return made


def _tasks(lake: Lake, plant: Plant, machines: Sequence[Machine], as_of: dt.datetime) -> dict[str, list[_Task]]:
    """Machine -> what is to be done on its components."""
    events = lake.read(MAINTENANCE_EVENTS, as_of=as_of).collect()
    sets = {c.component_class: feature_set(plant, c.component_class) for m in machines for c in m.components}
    newest = _newest(lake, {features.fingerprint for features in sets.values()})
    found: dict[str, list[_Task]] = {machine.id: [] for machine in machines}
    for machine in machines:
        for component in machine.components:
            features = sets[component.component_class]
            last = newest.get((machine.id, component.slot, features.fingerprint))
            installations = installations_of(events, machine, component)
            found[machine.id].append(_Task(machine, component, features, installations, last))
    return found


def _made(
    lake: Lake,
    plant: Plant,
    group: str,
    machines: Sequence[Machine],
    tasks: Mapping[str, Sequence[_Task]],
    as_of: dt.datetime,
) -> Iterator[tuple[Machine, pl.DataFrame]]:
    """Each machine with its new rows; the inputs of all are read at once."""
    ids = [machine.id for machine in machines]
    wanted = [task for machine_id in ids for task in tasks[machine_id]]
    start = min(task.inputs_from for task in wanted)
    measured, waves = (
        lake.read(table, as_of=as_of, since=start, machine_ids=ids, group=group, all_revisions=True).collect()
        for table in (MEASUREMENTS, WAVEFORMS)
    )
    history = FEATURE_ROWS.empty()
    begun = [task.history_from for task in wanted if task.last is not None]
    if begun:
        history = lake.read(FEATURE_ROWS, since=min(begun), machine_ids=ids, group=group).collect()
    measured_of, waves_of = (frame.partition_by("machine_id", as_dict=True) for frame in (measured, waves))
    history_of = history.partition_by("machine_id", "slot", "fingerprint", as_dict=True)
    for machine in machines:
        inputs = measured_of.get((machine.id,), measured.clear()), waves_of.get((machine.id,), waves.clear())
        frames = []
        for task in tasks[machine.id]:
            key = (machine.id, task.component.slot, task.features.fingerprint)
            frames.append(_component(plant, task, *inputs, history_of.get(key, history.clear()), as_of))
        yield machine, pl.concat(frames)


def _component(
    plant: Plant,
    task: _Task,
    measurements: pl.DataFrame,
    waveforms: pl.DataFrame,
    history: pl.DataFrame,
    as_of: dt.datetime,
) -> pl.DataFrame:
    return compute(
        plant,
        task.machine,
        task.component,
        measurements=measurements,
        waveforms=waveforms,
        installations=task.installations,
        history=None if task.last is None else history.filter(pl.col("time") > task.history_from),
        since=task.begin,
        as_of=as_of,
    )


def _newest(lake: Lake, fingerprints: Collection[str]) -> dict[tuple[str, str, str], dt.datetime]:
    rows = (
        lake.read(FEATURE_ROWS)
        .filter(pl.col("fingerprint").is_in(list(fingerprints)))
        .group_by("machine_id", "slot", "fingerprint")
        .agg(pl.col("time").max())
        .collect()
    )
    return {(machine, slot, fingerprint): time for machine, slot, fingerprint, time in rows.iter_rows()}


def _register(lake: Lake, sets: Collection[FeatureSet], as_of: dt.datetime) -> None:
    held = set(lake.read(FEATURE_SETS).select("fingerprint", "component_class").collect().rows())
    rows: list[dict[str, object]] = [
        {
            "fingerprint": key[0],
            "component_class": key[1],
            "names": list(features.names),
            "units": list(features.units),
            "available_at": as_of,
        }
        for key, features in {(one.fingerprint, one.component_class): one for one in sets}.items()
        if key not in held
    ]
    lake.insert(FEATURE_SETS, FEATURE_SETS.frame(rows), writer="scoring")
