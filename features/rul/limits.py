"""The first rung: ISO 20816 zones and the limits of the plant file, without any model.

Judged is the median of the three newest values of running time, or of those that there are, so that a spike of
one snapshot is no verdict. Zone C and a warning limit ask for maintenance; zone D and an alarm limit are a
failure of what the machine must do. Where `alarm` lies below `warning`, both are lower limits (an oil pressure).
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint, PointKind
from features.core.statements import Evidence, HealthState, Rung
from features.core.units import Quantity, canonical_unit, to_canonical
from features.registry import points_by_role
from features.rul.life import KnownRows
from features.vibration.severity import Zone, zone

__all__ = ["NOTHING", "Judgement", "Limits", "worst"]

Floats = npt.NDArray[np.float64]

# Values whose median is judged.
_NEWEST = 3
_MICROSECOND = dt.timedelta(microseconds=1)
_STATES = {
    Zone.A: HealthState.NORMAL,
    Zone.B: HealthState.NORMAL,
    Zone.C: HealthState.MAINTENANCE_REQUIRED,
    Zone.D: HealthState.FAILURE,
}
# What a zone means for whoever runs the machine, in our words.
_MEANING = {
    Zone.A: "like new",
    Zone.B: "fit for long running",
    Zone.C: "fit for a limited time only",
    Zone.D: "severe enough to do damage",
}
# The more severe, the higher.
_RANK = {
    None: -1,
    HealthState.NORMAL: 0,
    HealthState.CHECK_FUNCTION: 1,
    HealthState.OFF_SPEC: 2,
    HealthState.MAINTENANCE_REQUIRED: 3,
    HealthState.FAILURE: 4,
}
# RMS of a waveform: how the feature's name ends, and the canonical unit over the feature's.
_WAVE_RMS = {Quantity.ACCELERATION: ("rms_m_s2", 1.0), Quantity.VELOCITY: ("rms_mm_s", 1e-3)}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What limits say of one row: `exceeded`, the worst first, and what is within them; state None: nothing."""

    state: HealthState | None
    exceeded: tuple[Evidence, ...] = ()
    kept: tuple[Evidence, ...] = ()


NOTHING = Judgement(None)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One feature that is judged: by zones, or by its point's limits.

    `scale` turns the feature's value, which is in `unit`, into what is judged: mm/s for zones, else the canonical
    unit of the point's quantity.
    """

    feature: str
    column: int
    unit: str
    scale: float
    point: MeasuringPoint
    by_zone: bool = False


class Limits:
    """What is to be judged of one component's feature rows.

    Args:
        machine: Has the vibration class; without one no zone is told.
        component: Whose points count: its own, and those of the whole machine.
        component_class: Values older than its shortest memory, or than three grid steps, say nothing of now.
        names: Names of the feature set, in the order of the rows' values.
    """

    def __init__(
        self, machine: Machine, component: Component, component_class: ComponentClass, names: Sequence[str]
    ) -> None:
        self._machine = machine
        self._rules = _rules(machine, component, names)
        holds = max(min(component_class.memory, default=machine.grid), 3 * machine.grid)
        self._holds_us = holds // _MICROSECOND

    def judge(self, rows: KnownRows, which: Sequence[int]) -> list[Judgement]:
        """A judgement for each row of `which`, from that row and earlier ones.

        Args:
            rows: Rows of one life in order of time, NaN where a feature was refused.
            which: Places of the rows asked for.
        """
        if not self._rules or not len(rows):
            return [NOTHING] * len(which)
        places = np.asarray(which, dtype=np.int64)
        values = [self._values(rows, rule, places) for rule in self._rules]
        return [self._judgement([column[k] for column in values]) for k in range(len(places))]

    def _values(self, rows: KnownRows, rule: _Rule, places: npt.NDArray[np.int64]) -> Floats:
        column = rows.values[:, rule.column]
        at = np.flatnonzero(np.isfinite(column) & rows.running)
        if not at.size:
            return np.full(len(places), np.nan)
        found = np.searchsorted(at, places, side="right") - 1
        newest = at[np.maximum(found, 0)]
        is_told = (found >= 0) & (rows.time_us[places] - rows.time_us[newest] <= self._holds_us)
        return np.where(is_told, _medians(column[at])[np.maximum(found, 0)] * rule.scale, np.nan)

    def _judgement(self, values: Sequence[float]) -> Judgement:
        told = [
            self._zone(rule, float(value)) if rule.by_zone else _limit(rule, float(value))
            for rule, value in zip(self._rules, values, strict=True)
            if math.isfinite(value)
        ]
        if not told:
            return NOTHING
        told.sort(key=lambda pair: -_RANK[pair[0]])
        exceeded = tuple(item for state, item in told if state is not HealthState.NORMAL)
        kept = [item for state, item in told if state is HealthState.NORMAL]
        return Judgement(told[0][0], exceeded, tuple(kept))

    def _zone(self, rule: _Rule, value: float) -> tuple[HealthState, Evidence]:
        of = self._machine.vibration_class
        assert of is not None  # noqa: S101 # else there were no such rule
        found = zone(max(0.0, value), of.group, of.foundation)
        reference = found.limits_mm_s[2 if found.zone is Zone.D else 1]
        note = f"{_MEANING[found.zone]}; {found.machine_class}; {found.clause}; median of up to {_NEWEST} values"
        verdict = f"zone {found.zone.value}"
        item = Evidence(rule.feature, value, reference, "mm/s", rung=Rung.LIMITS, verdict=verdict, note=note)
        return _STATES[found.zone], item


def worst(*states: HealthState | None) -> HealthState | None:
    """The most severe of some states; None: nobody could judge.

    Example:
        >>> worst(None, HealthState.NORMAL, HealthState.MAINTENANCE_REQUIRED).value
        'maintenance_required'
    """
    return max(states, key=lambda state: _RANK[state])


def _limit(rule: _Rule, value: float) -> tuple[HealthState, Evidence]:
    point, limits = rule.point, rule.point.limits
    lower = limits.alarm is not None and limits.warning is not None and limits.alarm < limits.warning
    state, verdict = HealthState.NORMAL, "within limits"
    limit = limits.alarm if limits.warning is None else limits.warning
    for name, bound, severe in (
        ("warning", limits.warning, HealthState.MAINTENANCE_REQUIRED),
        ("alarm", limits.alarm, HealthState.FAILURE),
    ):
        if bound is not None and _beyond(value, bound, point, lower=lower):
            state, verdict, limit = severe, name, bound
    assert limit is not None  # noqa: S101 # else there were no such rule
    side = "below" if lower else "above"
    what = "limit of" if verdict == "within limits" else f"{side} the {verdict} limit of"
    note = f"{what} {limit:g} {point.unit}, {point.id}; median of up to {_NEWEST} values"
    value, reference = value / rule.scale, _canonical(limit, point) / rule.scale
    item = Evidence(rule.feature, value, reference, rule.unit, rung=Rung.LIMITS, verdict=verdict, note=note)
    return state, item


def _beyond(value: float, bound: float, point: MeasuringPoint, *, lower: bool) -> bool:
    canonical = _canonical(bound, point)
    return value < canonical if lower else value > canonical


def _canonical(value: float, point: MeasuringPoint) -> float:
    return float(to_canonical(np.array(value), point.unit, point.quantity))


def _medians(values: Floats) -> Floats:
    """Median of each value and the two before it; of fewer at the beginning."""
    found = values.copy()
    if len(values) > 1:
        found[1] = values[:2].mean()
    if len(values) >= _NEWEST:
        found[2:] = np.median(np.lib.stride_tricks.sliding_window_view(values, _NEWEST), axis=1)
    return found


def _rules(machine: Machine, component: Component, names: Sequence[str]) -> list[_Rule]:
    place = {name: column for column, name in enumerate(names)}
    found: list[_Rule] = []
    for role, point in points_by_role(machine, component).items():
        has_zone = machine.vibration_class is not None and _is_vibration(role, point)
        if point.kind is PointKind.WAVEFORM:
            zoned, zone_scale = f"{role}.velocity_rms_mm_s", 1.0
            suffix, scale = _WAVE_RMS.get(point.quantity, ("", 1.0))
            judged, unit = f"{role}.{suffix}", "mm/s" if scale != 1.0 else canonical_unit(point.quantity)
        else:
            judged, scale, unit = _scalar(role, names), 1.0, canonical_unit(point.quantity)
            zoned, zone_scale = judged, 1e3
        if has_zone and zoned in place:
            found.append(_Rule(zoned, place[zoned], unit, zone_scale, point, by_zone=True))
        if judged in place and (point.limits.warning is not None or point.limits.alarm is not None):
            found.append(_Rule(judged, place[judged], unit, scale, point))
    return found


def _is_vibration(role: str, point: MeasuringPoint) -> bool:
    """A scalar of quantity velocity may be that of a flow: its role must say that it is vibration."""
    if point.kind is PointKind.WAVEFORM:
        return point.quantity in _WAVE_RMS
    return point.quantity is Quantity.VELOCITY and role.startswith("vib")


def _scalar(role: str, names: Sequence[str]) -> str:
    """The feature that is the mean of a scalar point in a step, empty without one."""
    wanted = (f"{role}.load", f"{role}.speed_hz", f"{role}.level")
    own = (name for name in names if name.count(".") == 1)
    return next((name for name in own if name in wanted or name.startswith(f"{role}.level_")), "")
