"""What was learnt of a class's condition, and what it says of a life; travels in the model artefact."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from features.core.statements import Evidence, HealthState
from features.rul.condition.bands import ALARM_RATIO, Scatter, fit_levels, fit_scatter, voters, votes
from features.rul.condition.medians import RECENT_OBSERVATIONS, hold
from features.rul.condition.operation import Operation, fit_operation
from features.rul.condition.process import Process, fit_process
from features.rul.condition.rows import Assessment, Bools, Floats, LifeRows, Longs
from features.rul.condition.thermal import ThermalBaseline, fit_thermal_baselines

__all__ = ["ConditionModel", "fit_condition"]

# A state is left again when the levels have fallen to this share of the threshold's ratio, or the index of
# `process` to that.
_REARM_RATIO, _REARM_INDEX = 1.25, 0.8

# What a temperature lifts the index to where vibration votes: short of an alarm.
_HEAT = 0.9

_Reasons = list[tuple[Evidence, ...]]
_States = list[HealthState | None]


@dataclass(frozen=True, slots=True)
class ConditionModel:
    """What was learnt from healthy time; travels in the model artefact.

    `threshold` and the healthy index are natural logarithms of a ratio; `units` is the number of lives whose
    healthy time was long enough to learn from (0: the threshold is the doubling alone). `thermal` is what was
    learnt of temperatures, `operation` which rows are compared with which, `levels` the voters' usual
    logarithms in each regime [regimes][voters], None where not known (empty: one regime), `process` what was
    learnt of process readings and temperatures.
    """

    voters: tuple[str, ...]
    baseline_rows: int
    threshold: float
    healthy_median: float
    healthy_sigma: float
    units: int
    thermal: tuple[ThermalBaseline, ...] = ()
    operation: Operation = field(default_factory=Operation)
    levels: tuple[tuple[float | None, ...], ...] = ()
    process: Process | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for the artefact's document."""
        document: dict[str, Any] = {
            "voters": list(self.voters),
            "baseline_rows": self.baseline_rows,
            "threshold": self.threshold,
            "healthy_median": self.healthy_median,
            "healthy_sigma": self.healthy_sigma,
            "units": self.units,
            "operation": self.operation.to_json(),
            "levels": [list(levels) for levels in self.levels],
        }
        if self.thermal:
            document["thermal"] = [baseline.to_json() for baseline in self.thermal]
        if self.process is not None:
            document["process"] = self.process.to_json()
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "ConditionModel":
        """The model that `to_json` wrote; of one from before `operation` was learnt every row counts."""
        read = dict(document)
        read["voters"] = tuple(read["voters"])
        read["thermal"] = tuple(ThermalBaseline.from_json(baseline) for baseline in read.get("thermal", ()))
        read["levels"] = tuple(tuple(levels) for levels in read.get("levels", ()))
        if "operation" in read:
            read["operation"] = Operation.from_json(read["operation"])
        if read.get("process") is not None:
            read["process"] = Process.from_json(read["process"])
        return cls(**read)

    def assess(self, rows: LifeRows) -> Assessment:
        """Index, state and reasons at each row, from that row and earlier ones only.

        Where vibration votes its states stand, and temperatures lift the index to 0.9 at most. Rows in which the
        machine stood still, was starting or on a ramp, or nothing has a value repeat the latest known ones.
        """
        n = rows.time_us.size
        usable, regime = self.operation.comparable(rows), self.operation.regime(rows)
        if not self.voters:
            nothing = Assessment(np.full(n, np.nan), [None] * n, [()] * n)
            return nothing if self.process is None else _process(self.process, rows, usable, regime)
        found = self._bands(rows, usable, regime)
        if self.process is not None:
            found = _together(found, _process(self.process, rows, usable, regime))
        else:
            for baseline in self.thermal:
                for at, told in enumerate(baseline.evidence(rows.values, rows.names, rows.running)):
                    found.evidence[at] += () if told is None else (told,)
        return found

    def _bands(self, rows: LifeRows, usable: Bools, regime: Longs) -> Assessment:
        levels = np.array([[np.nan if level is None else level for level in own] for own in self.levels])
        found = votes(rows, self.voters, self.baseline_rows, usable=usable, regime=regime, levels=levels)
        index = np.full(rows.time_us.size, np.nan)
        index[found.seen] = hold(found.index, np.isfinite(found.index)) if len(levels) > 1 else found.index
        index = hold(index, found.seen)
        states = _states(index, self.threshold, self.threshold - math.log(_REARM_RATIO))
        reasons = _held(found.seen, [found.evidence(self.voters, at) for at in range(found.index.size)])
        return Assessment(index / math.log(ALARM_RATIO), states, reasons)


def fit_condition(lives: Sequence[LifeRows], names: Sequence[str], *, baseline_rows: int) -> ConditionModel | None:
    """Learns from the healthy time of lives, failed or not: the first third, long before any end that was seen.

    Args:
        lives: Training lives; none: vibration waits for a doubling, nothing else has a reference.
        names: Names of the feature set.
        baseline_rows: Length of the reference level, in observations.

    Returns:
        The model, or None when no feature of the set can vote and there is no process reading, or too little
        healthy time to know one.
    """
    chosen = voters(names)
    vibration = bool(chosen) and not chosen[0].endswith("_k")
    baseline_rows = max(baseline_rows, RECENT_OBSERVATIONS)
    healthy = [_first_third(life, baseline_rows) for life in lives]
    operation = fit_operation(healthy, names)
    compared = [(rows, operation.comparable(rows), operation.regime(rows)) for rows in healthy]
    thermal = fit_thermal_baselines([(rows.values, usable) for rows, usable, _ in compared], names)
    process = fit_process(compared, names, operation, thermal, baseline_rows=baseline_rows, whole=not vibration)
    if process is not None and not vibration:
        scatter = Scatter(math.log(ALARM_RATIO), 0.0, 0.0, process.units)
        return _model((), baseline_rows, scatter, thermal, operation, np.zeros((0, 0)), process)
    if not chosen:
        return None
    levels = fit_levels(compared, chosen, operation.count)
    scatter = fit_scatter(
        [_index(life, chosen, baseline_rows, operation, levels) for life in lives], baseline_rows
    )
    return _model(chosen, baseline_rows, scatter, thermal, operation, levels, process)


def _model(
    chosen: tuple[str, ...],
    baseline_rows: int,
    scatter: Scatter,
    thermal: tuple[ThermalBaseline, ...],
    operation: Operation,
    levels: Floats,
    process: Process | None,
) -> ConditionModel:
    known = tuple(tuple(None if math.isnan(v) else v for v in own) for own in levels.tolist())
    return ConditionModel(
        chosen,
        baseline_rows,
        scatter.threshold,
        scatter.middle,
        scatter.sigma,
        scatter.units,
        thermal,
        operation,
        known if operation.count > 1 else (),
        process,
    )


def _first_third(life: LifeRows, baseline_rows: int) -> LifeRows:
    """The healthy stretch: a third of the rows, or two and a half baselines where that is at most half."""
    n = life.time_us.size
    end = max(n // 3, min(5 * baseline_rows // 2, n // 2))
    return LifeRows(life.time_us[:end], life.age[:end], life.running[:end], life.values[:end], life.names)


def _index(
    life: LifeRows, chosen: tuple[str, ...], baseline_rows: int, operation: Operation, levels: Floats
) -> Floats:
    usable, regime = operation.comparable(life), operation.regime(life)
    return votes(life, chosen, baseline_rows, usable=usable, regime=regime, levels=levels).index


def _process(process: Process, rows: LifeRows, usable: Bools, regime: Longs) -> Assessment:
    found = process.departures(rows, usable=usable, regime=regime)
    index = process.index(found)
    known = np.isfinite(found.score)
    told = [found.evidence(rows, process.channels, at) if known[at] else () for at in range(found.score.size)]
    told_at = found.seen.copy()
    told_at[found.seen] = known
    reasons = _held(told_at, [one for one, is_known in zip(told, known, strict=True) if is_known])
    return Assessment(index, _states(index, 1.0, _REARM_INDEX), reasons)


def _together(vibration: Assessment, thermal: Assessment) -> Assessment:
    """Vibration's states; its index, lifted by temperatures to 0.9 at most; the larger one's reasons first.

    A temperature that its operation does not account for tells that something is wrong near the part, often
    its neighbour or the cooling: it does not ask for maintenance of the part where vibration is measured.
    """
    heat = np.minimum(thermal.index, _HEAT)
    index = np.where(np.isnan(vibration.index), np.nan, np.fmax(vibration.index, heat))
    evidence: _Reasons = []
    for at, (first, second) in enumerate(zip(vibration.evidence, thermal.evidence, strict=True)):
        if heat[at] > vibration.index[at]:
            evidence.append(second + first)
        else:
            evidence.append(first + (second if heat[at] >= _HEAT else ()))
    return Assessment(index, vibration.states, evidence)


def _held(seen: Bools, reasons: Sequence[tuple[Evidence, ...]]) -> _Reasons:
    """Reasons of the seen rows, and at the others those of the latest seen one."""
    place = np.cumsum(seen) - 1
    return [reasons[at] if at >= 0 else () for at in place.tolist()]


def _states(index: Floats, raised_above: float, held_above: float) -> _States:
    states: _States = []
    raised = False
    for value in index:
        if math.isnan(value):
            states.append(None)
            continue
        raised = bool(value > (held_above if raised else raised_above))
        states.append(HealthState.MAINTENANCE_REQUIRED if raised else HealthState.NORMAL)
    return states
