"""The worker's loop."""

import datetime as dt
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from features.core.clock import Clock
from features.core.errors import ConfigError, RetriableError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.telemetry import log
from serving.erp import Assets, Orders
from serving.outbox import DeliveryRules, deliver
from serving.planning import plan
from serving.store import Store
from serving.sync import sync

__all__ = ["Worker", "fetch_command"]

# Seconds between two looks into the model registry; the look costs a process and its imports.
_CHAMPIONS_EVERY_S = 300.0
# A child that takes longer than this hangs.
_FETCH_TIMEOUT_S = 240.0


@dataclass(slots=True)
class Worker:
    """One round: champions, plan, deliver, sync; a step that fails is logged and tried in the next round.

    After a wrong address or wrong credentials (`ConfigError`) the ERP is left alone until a restart, so
    that its technical user is not locked out; planning goes on.

    Attributes:
        clock: Moment of each round: the system's, or a replay's.
        pause_s: Seconds between two rounds.
        fetch: Command line that lays new champions down; empty: none.
    """

    lake: Lake
    plant: Plant
    store: Store
    orders: Orders
    clock: Clock
    pause_s: float
    target: str = "request"
    rules: DeliveryRules = field(default_factory=DeliveryRules)
    fetch: tuple[str, ...] = ()
    _stopped: threading.Event = field(default_factory=threading.Event)
    _erp_off: str = ""
    _fetched_at: float | None = None

    def stop(self) -> None:
        """End after the item at hand; safe in a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Rounds until `stop` is called."""
        log("worker").info("worker.started", connection=self.orders.name)
        while not self._stopped.is_set():
            self.round()
            self._stopped.wait(self.pause_s)
        log("worker").info("worker.stopped")

    def round(self) -> None:
        """One round over all steps."""
        now = self.clock.now()
        self._fetch_champions()
        self._step("plan", lambda: self._plan(now))
        self._step("deliver", lambda: self._deliver(now), is_erp=True)
        self._step("sync", lambda: self._sync(now), is_erp=True)

    def _plan(self, now: dt.datetime) -> None:
        assets = self.orders if isinstance(self.orders, Assets) and not self._erp_off else None
        plan(self.lake, self.plant, self.store, now=now, assets=assets, target=self.target)

    def _deliver(self, now: dt.datetime) -> None:
        deliver(self.store, self.orders, now=now, rules=self.rules, should_stop=self._stopped.is_set)

    def _sync(self, now: dt.datetime) -> None:
        sync(self.store, self.orders, self.lake, now=now)

    def _step(self, name: str, work: Callable[[], None], *, is_erp: bool = False) -> None:
        if self._stopped.is_set() or (is_erp and self._erp_off):
            return
        try:
            work()
        except RetriableError as err:
            log("worker").warning("worker.step_failed", step=name, reason=str(err))
        except ConfigError as err:
            if not is_erp:
                raise
            self._erp_off = str(err)
            log("worker").error("worker.erp_left_alone", reason=str(err), until="restart")

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
