"""The plant document of a simulated plant: what the plant's own people would have written down."""

from typing import Any

from features.core.plant import BearingGeometry
from pipelines.historian.simulator.config import SimulatorConfig, Wear
from pipelines.historian.simulator.lives import WINDOW
from pipelines.historian.simulator.machinery import SimulatedMachine, build_machines

__all__ = ["TAG_NAME", "plant_document", "tag_units"]

# The name under which the document's tags know the simulator.
TAG_NAME = "simulator"

# Role -> quantity, unit, smallest and largest possible value.
_POINTS: dict[str, tuple[str, str, float, float]] = {
    "bearing_temperature": ("temperature", "degC", -40.0, 250.0),
    "winding_temperature": ("temperature", "degC", -40.0, 300.0),
    "ambient_temperature": ("temperature", "degC", -40.0, 80.0),
    "load": ("ratio", "%", 0.0, 150.0),
    "speed": ("speed", "rpm", 0.0, 4000.0),
}
_LEAD_DAYS = {"rolling_bearing": 10.0, "winding": 45.0, "gear": 60.0}
_DOWNTIME_COST = {"A": 900.0, "B": 350.0, "C": 60.0}

# A YAML document: mappings, lists and scalars as features.core.plant reads them.
Document = dict[str, Any]


def plant_document(config: SimulatorConfig) -> Document:
    """The plant file of a config, ready for YAML or for `Plant.model_validate`."""
    machines = build_machines(config)
    used = {kind for machine in machines for _, kind in machine.machine_class.slots}
    return {
        "component_classes": [_component_class(name, wear) for name, wear in config.wear.items() if name in used],
        "sites": [
            {
                "id": config.site,
                "name": "Simulated plant",
                "time_zone": config.time_zone,
                "maintenance_windows": [
                    {
                        "id": WINDOW.id,
                        "weekday": WINDOW.weekday,
                        "start": WINDOW.start.isoformat("minutes"),
                        "hours": WINDOW.hours,
                    }
                ],
                "costs": _costs("B"),
                "machines": [_machine(config, number, machine) for number, machine in enumerate(machines)],
            }
        ],
    }


def _component_class(name: str, wear: Wear) -> Document:
    short = wear.mean_life_days < 40
    return {
        "id": name,
        "life_unit": "running_h",
        # Further ahead than 1.5 times the usual onset-to-failure nothing can be seen.
        "rul_cap": float(round(wear.growth_median_days * 24 * 1.5)),
        "memory": ["1d", "3d", "7d"] if short else ["2d", "7d", "21d"],
        "run_in": "1d",
        "baseline": "2d" if short else "14d",
        "horizon": "21d" if short else "90d",
    }


def _costs(criticality: str) -> Document:
    return {
        "currency": "EUR",
        "planned": 1800.0,
        "unplanned": 9500.0,
        "downtime_per_hour": _DOWNTIME_COST[criticality],
        "planned_hours": 8.0,
        "unplanned_hours": 24.0,
    }


def _machine(config: SimulatorConfig, number: int, machine: SimulatedMachine) -> Document:
    return {
        "id": machine.id,
        "name": f"{machine.kind.capitalize()} {machine.id}",
        "group": f"area-{number // 64 + 1}",
        "functional_location": f"{config.site.upper()}-{machine.kind.upper()}-{machine.id}",
        "equipment_number": f"{10_000_000 + number + 1}",
        "machine_class": machine.kind,
        "criticality": machine.criticality,
        "grid": f"{config.waveform_every_hours}h",
        "speed": {"role": "speed"},
        "vibration_class": {"group": 2, "foundation": "rigid"},
        "costs": _costs(machine.criticality),
        "components": [_component(config, machine, slot, kind) for slot, kind in machine.machine_class.slots],
        "measuring_points": [
            {
                "id": "vibration_h",
                "role": "vibration_h",
                "quantity": "acceleration",
                "unit": "g",
                "kind": "waveform",
                "sample_rate_hz": config.sample_rate_hz,
                "tags": {TAG_NAME: machine.tag("vibration_h")},
                "limits": {"low": -20.0, "high": 20.0},
            },
            *(_scalar(machine, role) for role in machine.roles),
        ],
    }


def _component(config: SimulatorConfig, machine: SimulatedMachine, slot: str, kind: str) -> Document:
    document: Document = {"slot": slot, "component_class": kind}
    if kind == "rolling_bearing":
        bearing = machine.bearing
        document["bearing"] = bearing.model_dump() if isinstance(bearing, BearingGeometry) else bearing
        if machine.machine_class.blades is not None:
            document["blades"] = machine.machine_class.blades
    if kind == "gear":
        document["gear_teeth"] = machine.machine_class.gear_teeth
    if machine.installed_known:
        document["installed"] = config.start.isoformat()
    part = f"{kind.upper()}-{machine.kind.upper()}".replace("_", "-")
    document["spare"] = {"part_number": part, "lead_time_days": _LEAD_DAYS.get(kind, 14.0)}
    return document


def _scalar(machine: SimulatedMachine, role: str) -> Document:
    quantity, unit, low, high = _POINTS[role]
    document: Document = {
        "id": role,
        "role": role,
        "quantity": quantity,
        "unit": unit,
        "tags": {TAG_NAME: machine.tag(role)},
        "limits": {"low": low, "high": high},
    }
    if role == "bearing_temperature":
        document["limits"] |= {"warning": 85.0, "alarm": 100.0}
    if role == "winding_temperature":
        document["slot"] = "winding"
    return document


def tag_units() -> dict[str, str]:
    """Unit of each role's tag."""
    return {"vibration_h": "g"} | {role: unit for role, (_, unit, _, _) in _POINTS.items()}
