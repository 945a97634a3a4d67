"""The nouns of a plant file, as validated values."""

import datetime as dt
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from features.core import clock, units
from features.core.plant.bearings import BearingGeometry, FaultOrders, catalogue, fault_orders
from features.core.plant.values import (
    Costs,
    Criticality,
    Duration,
    InsulationClass,
    LifePrior,
    LifeUnit,
    Limits,
    Noun,
    PointKind,
    Slug,
    Span,
    Spare,
    Speed,
    VibrationClass,
)
from features.core.plant.windows import MaintenanceWindow
from features.core.settings import nearest
from features.core.units import Quantity

__all__ = ["Component", "ComponentClass", "Machine", "MeasuringPoint", "Plant", "Site"]


class MeasuringPoint(Noun):
    """One tag: what it measures, in which unit, under which names the historians know it."""

    id: Slug
    role: Slug = Field(description="What the point means to features, e.g. vibration_h, bearing_temperature.")
    quantity: Quantity
    unit: str = Field(description="Unit of the source's values, e.g. g, degC, rpm.")
    kind: PointKind = PointKind.SCALAR
    slot: Slug | None = Field(None, description="Component it belongs to; none: the whole machine.")
    tags: dict[str, str] = Field(default_factory=dict, description="Historian name -> tag name there.")
    sample_rate_hz: float | None = Field(None, gt=0, description="Waveforms only.")
    envelope_band_hz: tuple[float, float] | None = Field(
        None, description="Band of the envelope, waveforms only; default 0.25 to 0.9 of the Nyquist frequency."
    )
    stepped: bool = Field(False, description="The value holds until the next one (set points, states).")
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problem = units.unit_problem(self.unit, self.quantity)
        if problem is not None:
            raise ValueError(problem)
        if (self.kind is PointKind.WAVEFORM) != (self.sample_rate_hz is not None):
            raise ValueError("sample_rate_hz belongs to waveform points, and every waveform point needs one")
        if self.envelope_band_hz is not None:
            low, high = self.envelope_band_hz
            if self.sample_rate_hz is None or not 0 < low < high <= self.sample_rate_hz / 2:
                raise ValueError(
                    "envelope_band_hz is low, high in Hz, below half of the sample_rate_hz of a waveform"
                )
        return self


class ComponentClass(Noun):
    """What all components of a class share: how they age and how far back their features look."""

    id: Slug
    life_unit: LifeUnit = LifeUnit.RUNNING_H
    rul_cap: float | None = Field(None, gt=0, description="Largest RUL taught, in the life unit.")
    memory: tuple[Span, ...] = Field(
        (dt.timedelta(days=2), dt.timedelta(days=7), dt.timedelta(days=21)),
        description="Spans of slopes and deltas, in time.",
    )
    run_in: Duration = Field(dt.timedelta(0), description="Time after installation that is no reference.")
    baseline: Span = Field(
        dt.timedelta(days=14), description="Length of the life's own first stretch, after run_in."
    )
    horizon: Span = Field(dt.timedelta(days=90), description="How far ahead plans look.")
    prior: LifePrior | None = Field(
        None, description="Life of the class by age alone; it replaces the one that is fitted to failures."
    )


def _form(value: object) -> str:
    return "geometry" if isinstance(value, dict | BearingGeometry) else "designation"


Bearing = Annotated[
    Annotated[str, Tag("designation")] | Annotated[BearingGeometry, Tag("geometry")], Discriminator(_form)
]


class Component(Noun):
    """A slot of a machine; what is installed there has a life."""

    slot: Slug
    component_class: Slug
    bearing: Bearing | None = Field(None, description="Designation of the catalogue, or geometry.")
    installed: dt.datetime | None = Field(None, description="When the present one was installed, if known.")
    gear_teeth: int | None = Field(None, ge=5, description="Teeth on the shaft of the machine's speed.")
    blades: int | None = Field(None, ge=2, description="Blades or vanes on the shaft of the machine's speed.")
    rated_life: float | None = Field(
        None,
        gt=0,
        description="Life it is rated for at this position's load and speed (ISO 281: L10), in the class's life "
        "unit; all components of a class or none. Only the ratio between positions counts.",
    )
    insulation: InsulationClass | None = Field(None, description="Thermal class of the winding: B, F or H.")
    spare: Spare | None = None

    @field_validator("bearing")
    @classmethod
    def _known(cls, value: str | BearingGeometry | None) -> str | BearingGeometry | None:
        if isinstance(value, str) and value not in catalogue():
            raise ValueError(f"bearing {value!r} is not in the catalogue; {nearest(value, list(catalogue()))}")
        return value

    @field_validator("installed", mode="before")
    @classmethod
    def _written_as_date(cls, value: object) -> object:
        if isinstance(value, int | float):
            raise ValueError("write a date and time with offset, e.g. 2025-01-31T06:00:00+01:00")
        return value

    @field_validator("installed")
    @classmethod
    def _aware(cls, value: dt.datetime | None) -> dt.datetime | None:
        return None if value is None else clock.require_utc(value)

    @property
    def geometry(self) -> BearingGeometry | None:
        """Geometry of the bearing, whether named or given."""
        return catalogue()[self.bearing] if isinstance(self.bearing, str) else self.bearing

    @property
    def fault_orders(self) -> FaultOrders | None:
        """Orders at which bearing faults repeat, None without a bearing."""
        return None if self.geometry is None else fault_orders(self.geometry)


class Machine(Noun):
    """A position: functional location, tags, the history of the place."""

    id: Slug
    name: str = ""
    group: Slug = Field("area-1", description="Area of at most 64 machines; the lake is partitioned by it.")
    functional_location: str = Field("", max_length=40)
    equipment_number: str = Field("", max_length=40)
    machine_class: Slug = Field("machine", description="pump, motor, fan, gearbox, ...")
    criticality: Criticality = Criticality.B
    grid: Span = Field(dt.timedelta(minutes=10), description="One feature row per step.")
    tolerance: Duration | None = Field(
        None, description="How old a waveform may be at a row; default 2 grid steps."
    )
    speed: Speed | None = None
    vibration_class: VibrationClass | None = Field(None, description="Group and foundation by ISO 20816-3.")
    running_above_hz: float = Field(0.5, ge=0, description="Above this shaft speed the machine runs.")
    costs: Costs | None = None
    components: tuple[Component, ...] = Field(min_length=1)
    measuring_points: tuple[MeasuringPoint, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        slots = [component.slot for component in self.components]
        _unique(slots, "slot")
        _unique([point.id for point in self.measuring_points], "measuring point id")
        for point in self.measuring_points:
            if point.slot is not None and point.slot not in slots:
                raise ValueError(
                    f"measuring point {point.id!r}: slot {point.slot!r} unknown; {nearest(point.slot, slots)}"
                )
        if self.speed is not None and self.speed.role is not None:
            roles = [p.role for p in self.measuring_points if p.quantity is Quantity.SPEED]
            if self.speed.role not in roles:
                hint = nearest(self.speed.role, roles)
                raise ValueError(f"speed.role {self.speed.role!r} is no point of quantity speed; {hint}")
        return self

    def component_id(self, component: Component) -> str:
        """Machine and slot, e.g. `P101/DE-bearing`."""
        return f"{self.id}/{component.slot}"

    def component(self, slot: str) -> Component:
        """The component in that slot.

        Raises:
            KeyError: No such slot.
        """
        for component in self.components:
            if component.slot == slot:
                return component
        raise KeyError(slot)

    def points_of(self, component: Component) -> tuple[MeasuringPoint, ...]:
        """Points of that component and of the machine as a whole."""
        return tuple(p for p in self.measuring_points if p.slot in (None, component.slot))


class Site(Noun):
    """A plant location with one time zone and one calendar of windows."""

    id: Slug
    name: str = ""
    time_zone: str = "UTC"
    maintenance_windows: tuple[MaintenanceWindow, ...] = ()
    costs: Costs = Costs(planned=1000.0, unplanned=8000.0)
    machines: tuple[Machine, ...] = Field(min_length=1)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            clock.zone(value)
        except Exception as err:
            raise ValueError(str(err)) from err
        return value

    def costs_of(self, machine: Machine) -> Costs:
        """The machine's own costs, else the site's."""
        return machine.costs or self.costs


class Plant(Noun):
    """All sites, and the classes that their components belong to."""

    component_classes: tuple[ComponentClass, ...] = Field(min_length=1)
    sites: tuple[Site, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        classes = [c.id for c in self.component_classes]
        _unique(classes, "component class")
        _unique([site.id for site in self.sites], "site id")
        _unique([machine.id for machine in self.machines], "machine id")
        for machine in self.machines:
            for component in machine.components:
                if component.component_class not in classes:
                    raise ValueError(
                        f"machine {machine.id!r}, slot {component.slot!r}: component_class "
                        f"{component.component_class!r} unknown; {nearest(component.component_class, classes)}"
                    )
        for class_id in classes:
            found = self.components_of(class_id)
            without = [m.component_id(c) for m, c in found if c.rated_life is None]
            if 0 < len(without) < len(found):
                raise ValueError(
                    f"component class {class_id!r}: {without[0]} has no rated_life, others have; "
                    "give it to all components of the class or to none"
                )
        return self

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Machines of all sites, in file order."""
        return tuple(machine for site in self.sites for machine in site.machines)

    def site_of(self, machine_id: str) -> Site:
        """The site a machine stands on.

        Raises:
            KeyError: No such machine.
        """
        for site in self.sites:
            if any(machine.id == machine_id for machine in site.machines):
                return site
        raise KeyError(machine_id)

    def machine(self, machine_id: str) -> Machine:
        """The machine of that id.

        Raises:
            KeyError: No such machine.
        """
        for machine in self.machines:
            if machine.id == machine_id:
                return machine
        raise KeyError(machine_id)

    def component_class(self, class_id: str) -> ComponentClass:
        """The class of that id.

        Raises:
            KeyError: No such class.
        """
        for component_class in self.component_classes:
            if component_class.id == class_id:
                return component_class
        raise KeyError(class_id)

    def components_of(self, class_id: str) -> tuple[tuple[Machine, Component], ...]:
        """Every component of a class with its machine."""
        return tuple((m, c) for m in self.machines for c in m.components if c.component_class == class_id)


def _unique(values: list[str], what: str) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"{what} {repeated[0]!r} is used more than once")
