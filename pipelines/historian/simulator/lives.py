"""Lives of components: drawn one by one, ended by failure or by a preventive replacement."""

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.core.clock import zone
from features.core.plant import MaintenanceWindow, expand_windows
from pipelines.historian.simulator.config import SimulatorConfig
from pipelines.historian.simulator.damage import Damage, draw_damage
from pipelines.historian.simulator.draws import Draws, Floats
from pipelines.historian.simulator.machinery import SimulatedMachine

__all__ = ["WINDOW", "History", "Life", "live"]

WINDOW = MaintenanceWindow(id="saturday", weekday="saturday", start=dt.time(6), hours=8)


@dataclass(frozen=True, slots=True)
class Life:
    """One life; hours from the simulation's start. `end_h` is infinite while it runs.

    `repaired_h` is when the next part runs.
    """

    machine_id: str
    slot: str
    number: int
    installed_h: float
    age_at_begin_h: float  # running hours before the simulation's start
    end_h: float
    repaired_h: float
    ending: str  # failure, preventive, running
    damage: Damage


@dataclass(frozen=True, slots=True)
class History:
    """What happened to one machine up to a horizon: its lives and its unplanned stops (from, to)."""

    lives: tuple[Life, ...]
    stops: tuple[tuple[float, float], ...]


class _Part:
    """The part that is installed now."""

    def __init__(self, slot: str, component_class: str) -> None:
        self.slot, self.component_class = slot, component_class
        self.number = 0
        self.installed_h = self.age_h = self.age_at_begin_h = 0.0
        self.damage: Damage
        self.condemned = False

    def install(self, config: SimulatorConfig, machine: SimulatedMachine, moment_h: float) -> None:
        self.number += 1
        self.damage = draw_damage(config, machine.id, self.slot, self.component_class, self.number)
        self.installed_h, self.age_h, self.age_at_begin_h = moment_h, 0.0, 0.0
        self.condemned = False


class _Plan:
    """Cumulative planned running hours, and its inverse."""

    def __init__(self, running: npt.NDArray[np.bool_]) -> None:
        self.total: Floats = np.concatenate([[0.0], np.cumsum(running, dtype=np.float64)])

    def at(self, moment_h: float) -> float:
        hour = min(int(moment_h), len(self.total) - 2)
        return float(self.total[hour] + (self.total[hour + 1] - self.total[hour]) * (moment_h - hour))

    def when(self, total: float) -> float:
        if total > self.total[-1]:
            return math.inf
        hour = max(int(np.searchsorted(self.total, total, side="left")) - 1, 0)
        return hour + float(total - self.total[hour])


def live(config: SimulatorConfig, machine: SimulatedMachine, running: npt.NDArray[np.bool_]) -> History:
    """Everything that happens to a machine that is meant to run in these hours.

    Lives are spent in running hours; a repair stops the whole machine. The longer horizon's history
    begins with the shorter one's.
    """
    return _Story(config, machine, running).tell()


class _Story:
    def __init__(self, config: SimulatorConfig, machine: SimulatedMachine, running: npt.NDArray[np.bool_]) -> None:
        self.config, self.machine, self.plan = config, machine, _Plan(running)
        self.horizon_h = float(len(running))
        self.draws = Draws(config.seed)
        self.now_h = 0.0
        self.lives: list[Life] = []
        self.stops: list[tuple[float, float]] = []
        self.parts = [_Part(slot, kind) for slot, kind in machine.machine_class.slots]
        for part in self.parts:
            part.install(config, machine, 0.0)
            if not machine.installed_known:
                part.age_h = part.age_at_begin_h = part.damage.life_h * float(
                    0.8 * self.draws.stream(machine.id, part.slot, "age").random()
                )
                part.installed_h = -part.age_h

    def tell(self) -> History:
        end = self.config.start + dt.timedelta(hours=self.horizon_h)
        windows = expand_windows((WINDOW,), zone(self.config.time_zone), self.config.start, end)
        for week, window in enumerate(windows):
            moment_h = (window.start - self.config.start).total_seconds() / 3600
            self._fail_until(moment_h)
            if self.now_h <= moment_h:
                self._advance(moment_h)
                self._maintain(week, moment_h)
        self._fail_until(self.horizon_h)
        for part in self.parts:
            self._end(part, math.inf, math.inf, "running")
        return History(tuple(self.lives), tuple(self.stops))

    def _advance(self, moment_h: float) -> None:
        spent = self.plan.at(moment_h) - self.plan.at(self.now_h)
        for part in self.parts:
            part.age_h += spent
        self.now_h = moment_h

    def _fail_until(self, moment_h: float) -> None:
        while self.now_h < moment_h:
            begin = self.plan.at(self.now_h)
            ends = [self.plan.when(begin + max(p.damage.life_h - p.age_h, 0.0)) for p in self.parts]
            first = int(np.argmin(ends))
            if ends[first] >= moment_h:
                return
            self._advance(max(ends[first], self.now_h))
            part = self.parts[first]
            low, high = self.config.policies.repair_hours
            rng = self.draws.stream(self.machine.id, part.slot, "repair", part.number)
            self._renew(part, self.now_h + low + (high - low) * float(rng.beta(1.2, 3.0)), "failure")

    def _maintain(self, week: int, moment_h: float) -> None:
        policies, ready_h, before = self.config.policies, moment_h + WINDOW.hours, len(self.lives)
        for part in self.parts:
            old = moment_h - part.installed_h >= policies.calendar_days * 24
            due = self.machine.policy == "calendar" and part.component_class == "rolling_bearing" and old
            if due or part.condemned:
                self._renew(part, ready_h, "preventive")
            elif self.machine.policy == "inspection" and week % policies.inspect_every_weeks == 0:
                severity = float(part.damage.severity(np.array([part.age_h]))[0])
                rng = self.draws.stream(self.machine.id, part.slot, "inspection", part.number, week)
                part.condemned = severity > policies.inspection_threshold and rng.random() < policies.detection
        if len(self.lives) > before:
            self.now_h = ready_h

    def _renew(self, part: _Part, ready_h: float, ending: str) -> None:
        self._end(part, self.now_h, ready_h, ending)
        if not self.stops or self.stops[-1] != (self.now_h, ready_h):
            self.stops.append((self.now_h, ready_h))
        part.install(self.config, self.machine, ready_h)
        if ending == "failure":
            self.now_h = ready_h

    def _end(self, part: _Part, end_h: float, repaired_h: float, ending: str) -> None:
        self.lives.append(
            Life(
                machine_id=self.machine.id,
                slot=part.slot,
                number=part.number,
                installed_h=part.installed_h,
                age_at_begin_h=part.age_at_begin_h,
                end_h=end_h,
                repaired_h=repaired_h,
                ending=ending,
                damage=part.damage,
            )
        )
