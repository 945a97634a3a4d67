"""Feature sets: which features the components of a class have, in which order, and their fingerprint."""

import datetime as dt
import functools
import hashlib
import json
from dataclasses import dataclass

from features.core.plant import Component, ComponentClass, LifeUnit, Machine, MeasuringPoint, Plant, PointKind
from features.core.units import Quantity, canonical_unit
from features.registry.catalogue import (
    AMBIENT,
    Feature,
    Placement,
    Trend,
    catalogue,
    chosen_trends,
    span_text,
    trends,
)

__all__ = ["AMBIENT", "Entry", "FeatureSet", "entries", "feature_set", "placements", "points_by_role", "sisters"]

# How the units of life ages and canonical units end a feature's name; unit 1 adds nothing.
_SUFFIXES = {
    "m/s^2": "m_s2",
    "m/s": "m_s",
    "m^3/s": "m3_s",
    "N*m": "n_m",
}
_LIFE_UNITS = {LifeUnit.RUNNING_H: "h", LifeUnit.CALENDAR_H: "h", LifeUnit.CYCLE: "cycle"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a feature set: a level-1 feature of a role, or one of its trends over a span.

    `level` is the name of the level-1 feature itself.
    """

    name: str
    level: str
    unit: str
    role: str
    feature: Feature
    trend: Trend | None = None
    span: dt.timedelta | None = None

    @property
    def version(self) -> int:
        """Versions of the level and of the trend in one number."""
        return self.feature.version * 1000 + (0 if self.trend is None else self.trend.version)


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Names and units in the order of `feature_rows.values`, and what they all stand on."""

    component_class: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    fingerprint: str


def feature_set(plant: Plant, class_id: str) -> FeatureSet:
    """The feature set of a component class: the union over its components.

    Args:
        plant: The whole plant.
        class_id: A component class of it.

    Returns:
        `age` first, then by role; the fingerprint is the first 16 hexadecimal digits of a SHA-256 over
        name, unit, versions, window, memory, run-in and baseline.

    Raises:
        KeyError: No such class.
    """
    return _planned(_Same(plant), class_id)[1]


def entries(plant: Plant, class_id: str) -> tuple[Entry, ...]:
    """What stands behind the names of `feature_set`, in the same order."""
    return _planned(_Same(plant), class_id)[0]


def points_by_role(machine: Machine, component: Component) -> dict[str, MeasuringPoint]:
    """The measuring point of each role; the component's own points come before the machine's.

    Two points of the same role and owner: the first in the plant file is taken.
    """
    chosen: dict[str, MeasuringPoint] = {}
    for point in sorted(machine.points_of(component), key=lambda p: p.slot is None):
        chosen.setdefault(point.role, point)
    return chosen


def placements(machine: Machine, component: Component) -> tuple[Placement, ...]:
    """Where features can be computed on that component: itself and each of its roles."""
    points = points_by_role(machine, component)
    speed_role = None if machine.speed is None else machine.speed.role
    bearing, gear = component.bearing is not None, component.gear_teeth is not None
    blades, ambient, measured = component.blades is not None, AMBIENT in points, speed_role in points
    insulation = "" if component.insulation is None else component.insulation.value
    own = Placement("", has_measured_speed=measured)
    return own, *(
        Placement(
            role,
            point.kind,
            point.quantity,
            role == speed_role,
            role == AMBIENT,
            ambient,
            measured,
            bearing,
            gear,
            blades,
            has_sisters=bool(sisters(machine, point)),
            has_warning=point.limits.warning is not None,
            insulation=insulation,
        )
        for role, point in points.items()
    )


def sisters(machine: Machine, point: MeasuringPoint) -> tuple[MeasuringPoint, ...]:
    """Scalar points of the same role and quantity in other slots of the machine; none for points of no slot."""
    if point.slot is None or point.kind is not PointKind.SCALAR:
        return ()
    return tuple(
        other
        for other in machine.measuring_points
        if other.slot not in (None, point.slot)
        and (other.role, other.quantity, other.kind) == (point.role, point.quantity, point.kind)
    )


class _Same:
    """A plant as a key of a cache: equal only to itself."""

    __slots__ = ("plant",)

    def __init__(self, plant: Plant) -> None:
        self.plant = plant

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.plant is other.plant

    def __hash__(self) -> int:
        return id(self.plant)


@functools.lru_cache(maxsize=16)
def _planned(same: _Same, class_id: str) -> tuple[tuple[Entry, ...], FeatureSet]:
    return _build(_key(same.plant, class_id), same.plant.component_class(class_id))


def _key(plant: Plant, class_id: str) -> tuple[Placement, ...]:
    found: set[Placement] = set()
    for machine, component in plant.components_of(class_id):
        found.update(placements(machine, component))
    return tuple(sorted(found, key=lambda p: (p.role, repr(p))))


@functools.lru_cache(maxsize=64)
def _build(
    where: tuple[Placement, ...], of: ComponentClass, features: tuple[Feature, ...] | None = None
) -> tuple[tuple[Entry, ...], FeatureSet]:
    levels: dict[str, Entry] = {}
    for role in sorted({placement.role for placement in where}):
        for feature in catalogue() if features is None else features:
            for placement in where:
                if placement.role == role and feature.standard and feature.applies(placement):
                    entry = _level(feature, placement, of)
                    levels.setdefault(entry.name, entry)
    found = tuple(entry for level in levels.values() for entry in (level, *_trends(level, of)))
    memory = [span.total_seconds() for span in of.memory]
    content = [[e.name, e.unit, e.version, e.feature.window] for e in found]
    stands_on = [content, memory, of.run_in.total_seconds(), of.baseline.total_seconds()]
    digest = hashlib.sha256(json.dumps(stands_on).encode("utf-8")).hexdigest()[:16]
    return found, FeatureSet(of.id, tuple(e.name for e in found), tuple(e.unit for e in found), digest)


def _level(feature: Feature, placement: Placement, of: ComponentClass) -> Entry:
    name, unit = feature.name, feature.unit
    if unit == "canonical":
        unit = canonical_unit(placement.quantity or Quantity.OTHER)
        suffix = _SUFFIXES.get(unit, unit.lower())
        name = name if unit == "1" else f"{name}_{suffix}"
    elif unit == "life":
        unit = _LIFE_UNITS[of.life_unit]
    full = f"{placement.role}.{name}" if placement.role else name
    return Entry(full, full, unit, placement.role, feature)


def _trends(level: Entry, of: ComponentClass) -> list[Entry]:
    found = []
    for trend in trends():
        if not trend.follows(level.feature, level.role):
            continue
        unit = trend.unit.format(unit=level.unit)
        spans: tuple[dt.timedelta | None, ...] = of.memory if trend.per_span else (None,)
        for span in spans:
            name = f"{level.name}.{trend.name}" + ("" if span is None else f"_{span_text(span)}")
            found.append(Entry(name, level.name, unit, level.role, level.feature, trend, span))
    for trend, span in chosen_trends(of.id, level.name):
        name, unit = f"{level.name}.{trend.name}_{span_text(span)}", trend.unit.format(unit=level.unit)
        found.append(Entry(name, level.name, unit, level.role, level.feature, trend, span))
    return found
