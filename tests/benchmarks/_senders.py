"""Sender processes that die by SIGKILL at drawn points between two steps, on a clock that only jumps at rest."""

import contextlib
import datetime as dt
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from features.core.clock import SystemClock
from features.core.errors import ConfigError, RetriableError
from features.core.telemetry import configure_logs
from serving.erp import Orders
from serving.orders import MaintenanceRequest, WorkOrder
from serving.outbox import DeliveryRules, deliver
from serving.store import Store

__all__ = ["STEPS", "Board", "Crew", "JumpingClock"]

T = TypeVar("T")
_WHEN = ("before", "after")
# Between every two of them a sender may die.
STEPS = (
    *(f"{step} {when}" for step in ("claim", "find", "renew", "create", "write down") for when in _WHEN),
    "find during",
    "create during",
)


@dataclass(frozen=True, slots=True)
class Board:
    """A folder through which crew and senders talk: the clock's offset, who is idle, who died where."""

    folder: Path

    def offset(self) -> dt.timedelta:
        """How far the clock is ahead, and the number of its jumps as the file's time."""
        return dt.timedelta(seconds=float((self.folder / "offset").read_text()))

    def jump(self, seconds: float) -> None:
        """Move the clock on."""
        draft = self.folder / "offset.new"
        held = self.offset().total_seconds() if (self.folder / "offset").exists() else 0.0
        draft.write_text(str(held + seconds))
        draft.replace(self.folder / "offset")


class JumpingClock:
    """The system's clock, ahead by what the board says."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def now(self) -> dt.datetime:
        """The present moment of the senders, UTC."""
        return SystemClock().now() + self._board.offset()


class _Fate:
    """Kills its own process at drawn steps, and writes down where."""

    def __init__(self, board: Board, share: float, seed: int) -> None:
        self._board, self._share, self._draw = board, share, random.Random(seed)

    def at(self, step: str) -> None:
        """Die here, perhaps."""
        if self._draw.random() < self._share:
            self._die(step)

    def around(self, step: str, work: Callable[[], T]) -> T:
        """Do a step; die before it, in its middle or after it, perhaps."""
        self.at(f"{step} before")
        if step in ("find", "create") and self._draw.random() < self._share:
            pause = self._draw.uniform(0.0005, 0.01)
            threading.Timer(pause, self._die, (f"{step} during",)).start()
            done = work()
            time.sleep(0.05)
            return done
        done = work()
        self.at(f"{step} after")
        return done

    def _die(self, step: str) -> None:
        (self._board.folder / f"died-{os.getpid()}").write_text(step)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(10)


class _Orders:
    """An adapter whose calls are steps."""

    def __init__(self, inner: Orders, fate: _Fate) -> None:
        self._inner, self._fate = inner, fate

    def find(self, key: str) -> list[WorkOrder]:
        return self._fate.around("find", lambda: self._inner.find(key))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        return self._fate.around("create", lambda: self._inner.create(request))

    def __getattr__(self, name: str) -> Any:  # Any: whatever the adapter has
        return getattr(self._inner, name)


class _Deliveries:
    """The outbox in the store, whose calls are steps."""

    _NAMES: ClassVar = {"claim": "claim", "renew": "renew", "delivered": "write down"}

    def __init__(self, inner: Any, fate: _Fate) -> None:  # Any: the class it stands for
        self._inner, self._fate = inner, fate

    def __getattr__(self, name: str) -> Any:  # Any: whatever the outbox has
        found = getattr(self._inner, name)
        if name not in self._NAMES:
            return found
        return lambda *args, **named: self._fate.around(self._NAMES[name], lambda: found(*args, **named))


@dataclass(slots=True)
class Crew:
    """Sender processes, forked from this one; a dead one is replaced.

    Attributes:
        board: Where they talk.
        store: URL of the store.
        connect: Makes an adapter, in the sender.
        senders: How many at once.
        kill_share: Chance to die at each step.
        moment: Time of the records.
        rules: Lease, pauses.
    """

    board: Board
    store: str
    connect: Callable[[], Orders]
    senders: int
    kill_share: float
    moment: dt.datetime
    rules: DeliveryRules
    kills: dict[str, int] = field(default_factory=dict)
    _alive: dict[int, int] = field(default_factory=dict)
    _started: int = 0

    def work(self) -> None:
        """Let all send until nothing is due any more for any of them."""
        while len(self._alive) < self.senders:
            self._start()
        while self._alive:
            pid, status = os.wait()
            self._alive.pop(pid, None)
            note = self.board.folder / f"died-{pid}"
            if os.WIFSIGNALED(status):
                step = note.read_text() if note.exists() else "outside"
                self.kills[step] = self.kills.get(step, 0) + 1
                self._start()
            elif os.waitstatus_to_exitcode(status) != 0:
                said = (self.board.folder / "senders.log").read_text()[-2000:]
                raise AssertionError(f"a sender failed: {said}")
            with contextlib.suppress(FileNotFoundError):
                note.unlink()

    def _start(self) -> None:
        self._started += 1
        pid = os.fork()
        if pid == 0:
            code = 1
            log = os.open(self.board.folder / "senders.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            try:
                self._send(self._started)
                code = 0
            except BaseException:  # noqa: BLE001 - the sender's last words, whatever it died of
                traceback.print_exc()
            finally:
                os._exit(code)
        self._alive[pid] = self._started

    def _send(self, seed: int) -> None:
        configure_logs("json")
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # a text file
        fate, store = _Fate(self.board, self.kill_share, seed), Store(self.store)
        store.deliveries = _Deliveries(store.deliveries, fate)  # type: ignore[assignment] # stands for it
        orders: Any = _Orders(self.connect(), fate)
        while True:
            with contextlib.suppress(RetriableError, ConfigError):
                report = deliver(store, orders, now=self.moment, rules=self.rules, wall=JumpingClock(self.board))
                if not (report.sent or report.postponed or report.dead_letters):
                    return
