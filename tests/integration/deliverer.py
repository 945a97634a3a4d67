"""Delivers an outbox with processes that are killed at listed points; run by test_exactly_once.

Arguments: one JSON object with `store`, `erp`, `secret` and `rounds`. A round is a list of processes that
work at once: `[method, when, nth]` dies by SIGKILL `before`, `during` or `after` its nth call of `find` or
`create`; null lives. Between two rounds the clock of leases and pauses moves on by 5 minutes. Ends when the
outbox is done; prints the number of kills as JSON.
"""

import datetime as dt
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from features.core.clock import SystemClock
from features.core.telemetry import configure_logs
from serving.erp.endpoint import Endpoint
from serving.erp.port import Capabilities, ConnectionReport, Preview
from serving.erp.webhook import Webhook
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder
from serving.outbox import DeliveryRules, deliver
from serving.store import Store

T = TypeVar("T")


class AheadClock:
    """The system's clock, moved forward: leases end without waiting."""

    def __init__(self, minutes: float) -> None:
        self._ahead = dt.timedelta(minutes=minutes)

    def now(self) -> dt.datetime:
        return SystemClock().now() + self._ahead


class Dying:
    """Passes calls on, and kills its own process at the listed one."""

    def __init__(self, inner: Webhook, crash: list[object] | None) -> None:
        self._inner, self._crash, self._calls = inner, crash, 0
        self.name = inner.name

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    def check(self) -> ConnectionReport:
        return self._inner.check()

    def keys(self, prefix: str) -> list[WorkOrder]:
        return self._inner.keys(prefix)

    def preview(self, request: MaintenanceRequest) -> Preview:
        return self._inner.preview(request)

    def cancel(self, number: str, note: str) -> None:
        self._inner.cancel(number, note)

    def find(self, key: str) -> list[WorkOrder]:
        return self._dying("find", lambda: self._inner.find(key))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        return self._dying("create", lambda: self._inner.create(request))

    def annotate(self, number: str, note: str, priority: int) -> None:
        self._inner.annotate(number, note, priority)

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        return self._inner.changes(since)

    def _dying(self, method: str, work: Callable[[], T]) -> T:
        when = self._when(method)
        if when == "before":
            die()
        if when == "during":
            threading.Timer(0.004, die).start()
        result = work()
        if when == "after":
            die()
        return result

    def _when(self, method: str) -> object:
        if self._crash is None or self._crash[0] != method:
            return None
        self._calls += 1
        return self._crash[1] if self._calls == self._crash[2] else None


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def work(arguments: dict[str, Any], minutes: float, crash: list[object] | None) -> int:
    """Delivers what is due; gives 0 when everything is done, else 1."""
    store = Store(arguments["store"])
    erp = Webhook(Endpoint(url=arguments["erp"], timeout_s=20.0), arguments["secret"].encode())
    rules = DeliveryRules(failures_in_a_row=100, tries=100)
    deliver(store, Dying(erp, crash), now=SystemClock().now(), rules=rules, wall=AheadClock(minutes))
    return 0 if set(store.deliveries.counts()) == {"done"} else 1


def main() -> None:
    configure_logs("json")
    arguments = json.loads(sys.argv[1])
    kills = 0
    for number, crashes in enumerate(arguments["rounds"]):
        children = []
        for crash in crashes:
            pid = os.fork()
            if pid == 0:
                os._exit(work(arguments, 5.0 * number, crash))
            children.append(pid)
        ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        kills += ends.count(-signal.SIGKILL)
        if 0 in ends:
            break
        # What a dead sender had on the wire arrives; in the field the lease waits longer than this.
        time.sleep(0.5)
    sys.stdout.write(json.dumps(kills))


if __name__ == "__main__":
    main()
