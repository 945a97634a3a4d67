"""The simulated machines: what each one is, before anything happens to it."""

from dataclasses import dataclass

from features.core.plant import BearingGeometry, FaultOrders, fault_orders
from features.core.plant.bearings import catalogue
from pipelines.historian.simulator.config import SimulatorConfig
from pipelines.historian.simulator.draws import Draws

__all__ = ["CLASSES", "MachineClass", "SimulatedMachine", "build_machines"]


@dataclass(frozen=True, slots=True)
class MachineClass:
    """What all machines of a class share; speed in Hz, temperatures rise in K at full load."""

    letter: str
    speed_hz: float
    variable_speed: bool
    bearings: tuple[str | BearingGeometry, ...]
    slots: tuple[tuple[str, str], ...]  # slot, component class
    bearing_rise_k: float
    winding_rise_k: float = 0.0
    gear_teeth: int | None = None
    blades: int | None = None


# Two invented sizes beside the catalogue's: any geometry would do, the physics uses it either way.
_LARGE = BearingGeometry(balls=11, ball_diameter_mm=17.5, pitch_diameter_mm=85.0)
_ANGULAR = BearingGeometry(balls=14, ball_diameter_mm=12.7, pitch_diameter_mm=72.5, contact_angle_deg=25.0)
_BEARING = ("DE-bearing", "rolling_bearing")

CLASSES: dict[str, MachineClass] = {
    "pump": MachineClass("P", 24.6, False, ("6205-2RS", _ANGULAR), (_BEARING,), 26.0, blades=7),
    "motor": MachineClass("M", 24.8, False, ("6205-2RS", _LARGE), (_BEARING, ("winding", "winding")), 30.0, 62.0),
    "fan": MachineClass("F", 16.4, True, (_LARGE, "6203-2RS"), (_BEARING,), 22.0, blades=12),
    "gearbox": MachineClass(
        "G", 25.0, True, (_ANGULAR, _LARGE), (_BEARING, ("gear", "gear")), 34.0, gear_teeth=23
    ),
}


@dataclass(frozen=True, slots=True)
class SimulatedMachine:
    """One machine: identity, geometry, and its own shares of noise, unbalance and resonance."""

    id: str
    kind: str
    machine_class: MachineClass
    bearing: str | BearingGeometry
    orders: FaultOrders
    nominal_hz: float
    base_load: float  # 1 = full load
    weekdays_only: bool
    noise_g: float  # RMS of broadband noise at full load
    unbalance_mm_s: float  # peak velocity of 1x
    misalignment_mm_s: float  # of 2x
    looseness_mm_s: float  # of half orders and harmonics
    resonance_hz: float
    damping: float  # ratio to critical
    path_gain: float  # how well the sensor hears the bearing
    skew_s: float
    compressed: bool
    policy: str  # calendar, inspection, run_to_failure
    installed_known: bool
    criticality: str
    waveform_minute: int  # minutes after the begin of each waveform interval

    def tag(self, role: str) -> str:
        """The tag under which the simulated historian knows that role."""
        return f"{self.id}.{role.upper()}"

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the scalar points."""
        winding = ("winding_temperature",) if self.machine_class.winding_rise_k else ()
        return ("bearing_temperature", "ambient_temperature", "load", "speed", *winding)


def build_machines(config: SimulatorConfig) -> list[SimulatedMachine]:
    """All machines of a config, in order of class and number."""
    draws = Draws(config.seed)
    return [
        _build(config, draws, kind, f"{CLASSES[kind].letter}{101 + number}")
        for kind, count in config.machines.items()
        for number in range(count)
    ]


def _build(config: SimulatorConfig, draws: Draws, kind: str, machine_id: str) -> SimulatedMachine:
    rng = draws.stream(machine_id, "machine")
    machine_class = CLASSES[kind]
    bearing = machine_class.bearings[int(rng.integers(len(machine_class.bearings)))]
    geometry = catalogue()[bearing] if isinstance(bearing, str) else bearing
    policies, choice = config.policies, rng.random()
    policy = "run_to_failure"
    if choice < policies.calendar_share:
        policy = "calendar"
    elif choice < policies.calendar_share + policies.inspection_share:
        policy = "inspection"
    return SimulatedMachine(
        id=machine_id,
        kind=kind,
        machine_class=machine_class,
        bearing=bearing,
        orders=fault_orders(geometry),
        nominal_hz=machine_class.speed_hz * (1 + 0.03 * (rng.random() - 0.5)),
        base_load=0.62 + 0.25 * rng.random(),
        weekdays_only=bool(rng.random() < 0.2),
        noise_g=0.03 * float(rng.lognormal(0, 0.25)),
        unbalance_mm_s=1.2 * float(rng.lognormal(0, 0.35)),
        misalignment_mm_s=0.45 * float(rng.lognormal(0, 0.4)),
        looseness_mm_s=0.12 * float(rng.lognormal(0, 0.5)),
        resonance_hz=1500 + 1500 * rng.random(),
        damping=0.025 + 0.025 * rng.random(),
        path_gain=float(rng.lognormal(0, 0.25)),
        skew_s=-float(rng.integers(20, 300)) if rng.random() < config.vices.skewed_share else 0.0,
        compressed=bool(rng.random() < config.vices.compressed_share),
        policy=policy,
        installed_known=bool(rng.random() < policies.installed_known_share),
        criticality=("A", "B", "B", "C")[int(rng.integers(4))],
        waveform_minute=int(rng.integers(5, 55)),
    )
