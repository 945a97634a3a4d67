"""The worker's loop."""

import datetime as dt
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from features.core.clock import Clock, SystemClock
from features.core.errors import ConfigError, RetriableError, WearcastError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.telemetry import log
from serving.erp import Assets, Orders
from serving.outbox import DeliveryRules, deliver
from serving.planning import Limits, plan, read_asset_map
from serving.settings import ErpSettings
from serving.store import Store
from serving.sync import OutcomeMaps, reconcile, sync

__all__ = ["Worker", "fetch_command"]

# Seconds between two looks into the model registry; the look costs a process and its imports.
_CHAMPIONS_EVERY_S = 300.0
# A child that takes longer than this hangs.
_FETCH_TIMEOUT_S = 240.0
# Fifteen minutes between two comparisons of both sides: the reference for ERP integration.
_RECONCILE_EVERY_S = 900.0
# Seconds between two looks for messages of the ERP.
_HINTS_EVERY_S = 2.0


@dataclass(slots=True)
class Worker:
    """One round: champions, plan, deliver, sync; a step that fails is logged and tried in the next round.

    After a wrong address or wrong credentials (`ConfigError`) the ERP is left alone until a person says so
    (`wearcast erp resume`), so that its technical user is not locked out; planning goes on. A message of the
    ERP that something changed ends the pause early.

    Attributes:
        clock: Moment of each round: the system's, or a replay's.
        wall: The real time, on which leases and breakers run.
        pause_s: Seconds between two rounds.
        erp: Modes, budgets and how the ERP is reached.
        outcomes: What the codes of each site mean.
        fetch: Command line that lays new champions down; empty: none.
    """

    lake: Lake
    plant: Plant
    store: Store
    orders: Orders
    clock: Clock
    pause_s: float
    erp: ErpSettings = field(default_factory=ErpSettings)
    outcomes: OutcomeMaps = field(default_factory=OutcomeMaps)
    rules: DeliveryRules = field(default_factory=DeliveryRules)
    wall: Clock = field(default_factory=SystemClock)
    fetch: tuple[str, ...] = ()
    _stopped: threading.Event = field(default_factory=threading.Event)
    _fetched_at: float | None = None
    _reconciled_at: float | None = None

    def stop(self) -> None:
        """End after the item at hand; safe in a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Rounds until `stop` is called."""
        log("worker").info("worker.started", connection=self.orders.name)
        while not self._stopped.is_set():
            self.round()
            self._pause()
        log("worker").info("worker.stopped")

    def round(self) -> None:
        """One round over all steps."""
        now = self.clock.now()
        self._fetch_champions()
        self._step("plan", lambda: self._plan(now))
        self._step("deliver", lambda: self._deliver(now), is_erp=True)
        self._step("sync", lambda: self._sync(now), is_erp=True)
        is_due = self._reconciled_at is None or time.monotonic() - self._reconciled_at >= _RECONCILE_EVERY_S
        # One that could not be done is done in the next round.
        if is_due and self._step("reconcile", lambda: self._reconcile(now), is_erp=True):
            self._reconciled_at = time.monotonic()

    def _pause(self) -> None:
        """Wait for the next round, or until the ERP says that something changed."""
        until = time.monotonic() + self.pause_s
        while not self._stopped.is_set() and time.monotonic() < until:
            self._stopped.wait(max(min(_HINTS_EVERY_S, until - time.monotonic()), 0.0))
            if self.store.inbox.unread():
                return

    def _plan(self, now: dt.datetime) -> None:
        report = plan(
            self.lake,
            self.plant,
            self.store,
            now=now,
            assets=self.orders if isinstance(self.orders, Assets) else None,
            may_ask=self.store.brakes.breaker(self.orders.name).lets_through(self.wall.now()),
            target=self.erp.target,
            limits=Limits(self.erp, read_asset_map(self.erp.assets)),
        )
        if report.refused:
            self._leave_alone(report.refused)

    def _deliver(self, now: dt.datetime) -> None:
        deliver(
            self.store,
            self.orders,
            now=now,
            rules=self.rules,
            wall=self.wall,
            writes_for=self.erp.writes_for,
            should_stop=self._stopped.is_set,
        )

    def _sync(self, now: dt.datetime) -> None:
        # What comes while we read belongs to the next round.
        self.store.inbox.read_all(now=now)
        sync(self.store, self.orders, self.lake, now=now, outcomes=self.outcomes)

    def _reconcile(self, now: dt.datetime) -> None:
        writes_for = self.erp.writes_for
        reconcile(self.store, self.orders, self.lake, now=now, outcomes=self.outcomes, writes_for=writes_for)

    def _step(self, name: str, work: Callable[[], None], *, is_erp: bool = False) -> bool:
        """Do one step; False: it could not be done now."""
        connection, brakes = self.orders.name, self.store.brakes
        if self._stopped.is_set():
            return False
        # Delivery asks the breaker itself, before each item.
        if is_erp and name != "deliver" and not brakes.may_try(connection, wall=self.wall.now()):
            return False
        try:
            work()
        except RetriableError as err:
            log("worker").warning("worker.step_failed", step=name, reason=str(err))
            if is_erp and name != "deliver":
                brakes.failed(connection, str(err), wall=self.wall.now())
        except ConfigError as err:
            if not is_erp:
                raise
            self._leave_alone(str(err))
        except WearcastError as err:
            # One item that the ERP or the lake refuses must not end the rounds of all others.
            log("worker").error("worker.step_failed", step=name, reason=str(err))
        except Exception as err:  # noqa: BLE001 - nor must an error of ours or of an adapter
            log("worker").exception("worker.step_failed", step=name, reason=f"{type(err).__name__}: {err}")
            if is_erp and name != "deliver":
                brakes.untried(connection, wall=self.wall.now())
        else:
            if is_erp and name != "deliver":
                brakes.succeeded(connection, wall=self.wall.now())
            return True
        return False

    def _leave_alone(self, why: str) -> None:
        """The ERP refused our user: nothing more is tried until a person says so."""
        self.store.brakes.refused(self.orders.name, why, wall=self.wall.now())
        log("worker").error("worker.erp_left_alone", reason=why, until="wearcast erp resume")

    def _fetch_champions(self) -> None:
        due = self._fetched_at is None or time.monotonic() - self._fetched_at >= _CHAMPIONS_EVERY_S
        if not self.fetch or not due or self._stopped.is_set():
            return
        self._fetched_at = time.monotonic()
        try:
            child = subprocess.run(
                self.fetch,
                timeout=_FETCH_TIMEOUT_S,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as err:
            log("worker").error("champion.fetch_failed", reason=str(err))
            return
        if child.returncode != 0:
            log("worker").error("champion.fetch_failed", code=child.returncode)


def fetch_command() -> tuple[str, ...]:
    """The child process that fetches champions with the settings of this one."""
    return (sys.executable, "-m", "serving", "fetch-champion")
