"""Sending what the outbox holds: exactly one order per key, whatever crashes.

A claim is a lease longer than twice the HTTP timeout. Under it: look up by key; found is done. Not found
and surely never sent: create, with the key in the payload. After anything ambiguous (timeout, lost
connection, 5xx, a sender that died) the item is `unknown`: only look-ups, some time apart, lead out.
"""

import datetime as dt
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from features.core.clock import Clock, SystemClock
from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    ErpUnavailableError,
    OrderRejectedError,
    RetriableError,
)
from features.core.telemetry import log
from serving.erp.dry_run import DryRun
from serving.erp.port import Orders
from serving.orders import NO_MAPPING, WorkOrder
from serving.outbox.rules import DeliveryRules, backoff
from serving.store import IncidentKind, OutboxItem, Store

__all__ = ["DeliveryReport", "deliver"]


@dataclass(slots=True)
class DeliveryReport:
    """What a round did, by order key."""

    sent: list[str] = field(default_factory=list)
    would_send: list[str] = field(default_factory=list)
    annotated: list[str] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)


class _UndecidedError(Exception):
    """The look-up found nothing, and it is too early to create again."""


class _LeaseLostError(Exception):
    """Another sender has taken the item."""


class _StoppedError(Exception):
    """A person has stopped the site since the item was claimed."""


def deliver(
    store: Store,
    orders: Orders,
    *,
    now: dt.datetime,
    rules: DeliveryRules | None = None,
    wall: Clock | None = None,
    owner: str | None = None,
    writes_for: Callable[[str], bool] = lambda _site_id: True,
    should_stop: Callable[[], bool] = lambda: False,
) -> DeliveryReport:
    """Send everything that is due; several processes may do so at once.

    Items of stopped sites stay where they are. While the connection's circuit breaker is open nothing is
    claimed at all.

    Args:
        store: Holds the outbox.
        orders: The ERP.
        now: Moment for records and audit, also one of the past (replay).
        rules: How long, how often.
        wall: The real time, on which leases and pauses run.
        owner: Name of this sender, unique among processes.
        writes_for: Whether orders of a site really leave the house; else it is a dry run for that site.
        should_stop: Asked before each item.

    Raises:
        ConfigError: Address, credentials or rights are wrong; the item stays queued, and nothing more is
            sent until a person closes the breaker.
    """
    rules, wall = rules or DeliveryRules(), wall or SystemClock()
    sender = _Sender(store, orders, rules, wall, owner or _own_name(), now, writes_for)
    failures = 0
    while failures < rules.failures_in_a_row and not should_stop():
        if not store.brakes.may_try(orders.name, wall=wall.now()):
            break
        item = store.deliveries.claim(sender.owner, wall=wall.now(), lease=rules.lease, now=now)
        if item is None:
            store.brakes.untried(orders.name, wall=wall.now())
            break
        failures = failures + 1 if sender.send(item) else 0
    return sender.report


@dataclass(slots=True)
class _Sender:
    store: Store
    orders: Orders
    rules: DeliveryRules
    wall: Clock
    owner: str
    now: dt.datetime
    writes_for: Callable[[str], bool]
    report: DeliveryReport = field(default_factory=DeliveryReport)

    def send(self, item: OutboxItem) -> bool:
        """Deal with one item; True: the ERP did not answer."""
        bound = log("outbox").bind(key=item.key, item=item.item_key, attempt=item.attempts)
        try:
            self._send(item)
        except _LeaseLostError:
            bound.warning("outbox.lease_lost")
        except _StoppedError:
            bound.info("outbox.stopped", site=item.request.site_id)
            self._postpone(item, item.is_ambiguous, item.lookups, "the site is stopped", dt.timedelta(0))
            self._answered()
        except _UndecidedError:
            self._postpone(item, True, item.lookups + 1, "looked up, not found", self.rules.hold)
            self._answered()
        except OrderRejectedError as err:
            bound.error("outbox.rejected", reason=str(err))
            self._give_up(item, str(err))
            self._answered()
        except ConfigError as err:
            self._postpone(item, item.is_ambiguous, item.lookups, str(err), self._pause(item))
            self.store.brakes.refused(self.orders.name, str(err), wall=self.wall.now())
            raise
        except AmbiguousDeliveryError as err:
            if err.context.get("accepted"):
                # It did answer: the order comes later, however long that takes, and is looked up until then.
                bound.info("outbox.accepted", reason=str(err))
                self._postpone(item, True, 0, str(err), max(self.rules.hold, self._pause(item)))
                self._answered()
                return False
            bound.warning("outbox.ambiguous", reason=str(err))
            self._retry(item, True, 0, str(err), max(self.rules.hold, self._pause(item), self._failed(err)))
            return True
        except RetriableError as err:
            bound.warning("outbox.delivery_failed", reason=str(err))
            pause = max(self._pause(item), self._failed(err))
            # Only the ERP itself can say that surely nothing happened there.
            in_doubt = item.is_ambiguous or not isinstance(err, ErpUnavailableError)
            self._retry(item, in_doubt, item.lookups, str(err), pause)
            return True
        except Exception as err:  # noqa: BLE001 - what an adapter did not foresee must not stop the other items
            bound.exception("outbox.adapter_failed")
            why = f"the adapter failed, not the ERP: {type(err).__name__}: {err}"
            self._retry(item, True, 0, why, max(self.rules.hold, self._pause(item)))
            self.store.brakes.untried(self.orders.name, wall=self.wall.now())
        else:
            if self.writes_for(item.request.site_id):
                self._answered()
            else:
                self.store.brakes.untried(self.orders.name, wall=self.wall.now())
        return False

    def _answered(self) -> None:
        self.store.brakes.succeeded(self.orders.name, wall=self.wall.now())

    def _failed(self, err: RetriableError) -> dt.timedelta:
        """Tell the breaker; how long the ERP asks to wait."""
        told = err.context.get("retry_after_s")
        rest_s = float(told) if isinstance(told, int | float) else None
        self.store.brakes.failed(self.orders.name, str(err), wall=self.wall.now(), rest_s=rest_s)
        return dt.timedelta(seconds=rest_s or 0.0)

    def _send(self, item: OutboxItem) -> None:
        if item.kind != "create":
            assert item.order_number is not None  # noqa: S101  the claim waits for the number
            is_live = self.writes_for(item.request.site_id)
            if is_live:
                self._may_write(item)
            writing = self.orders if is_live else DryRun(self.orders)
            writing.annotate(item.order_number, item.request.text, item.request.priority)
            if self.store.deliveries.delivered(item, None, now=self.now):
                self.report.annotated.append(item.key)
            return
        order = self._ensure(item)
        if self.store.deliveries.delivered(item, order, now=self.now):
            log("outbox").info(
                "outbox.delivered",
                key=item.key,
                machine_id=item.request.machine_id,
                slot=item.request.slot,
                order_number=order.number,
                attempt=item.attempts,
            )
            (self.report.would_send if order.number is None else self.report.sent).append(item.key)

    def _ensure(self, item: OutboxItem) -> WorkOrder:
        if not self.writes_for(item.request.site_id):
            return DryRun(self.orders).create(item.request)
        if not (item.request.functional_location or item.request.equipment_number):
            raise OrderRejectedError(f"{item.request.machine_id} {NO_MAPPING}: wearcast erp assets match")
        found = self.orders.find(item.key)
        if len(found) > 1:
            numbers = [order.number for order in found]
            message = f"the ERP has orders {', '.join(str(number) for number in numbers)} for one key"
            self.store.incidents.open(IncidentKind.TWICE, item.key, message, {"orders": numbers}, now=self.now)
            log("outbox").error("outbox.duplicates_found", key=item.key, orders=numbers)
        if found:
            return next((order for order in found if not order.state.is_terminal), found[0])
        if item.is_ambiguous and item.lookups + 1 < self.rules.lookups:
            raise _UndecidedError
        self._may_write(item)
        return self.orders.create(item.request)

    def _may_write(self, item: OutboxItem) -> None:
        """The last look before a write."""
        if self.store.deliveries.renew(item, wall=self.wall.now(), lease=self.rules.lease):
            return
        raise _StoppedError if self.store.brakes.is_stopped(item.request.site_id) else _LeaseLostError

    def _pause(self, item: OutboxItem) -> dt.timedelta:
        return backoff(item.item_key, item.attempts, self.rules)

    def _retry(self, item: OutboxItem, is_ambiguous: bool, lookups: int, error: str, pause: dt.timedelta) -> None:
        is_old = self.wall.now() - item.first_tried_at >= self.rules.patience
        if item.attempts >= self.rules.tries and is_old:
            self._give_up(item, f"given up after {item.attempts} tries: {error}")
        else:
            self._postpone(item, is_ambiguous, lookups, error, pause)

    def _postpone(
        self, item: OutboxItem, is_ambiguous: bool, lookups: int, error: str, pause: dt.timedelta
    ) -> None:
        next_try_at = self.wall.now() + pause
        if self.store.deliveries.postponed(
            item, is_ambiguous=is_ambiguous, lookups=lookups, error=error, next_try_at=next_try_at, now=self.now
        ):
            self.report.postponed.append(item.key)

    def _give_up(self, item: OutboxItem, error: str) -> None:
        if self.store.deliveries.given_up(item, error=error, now=self.now):
            self.report.dead_letters.append(item.key)


def _own_name() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{time.monotonic_ns()}"
