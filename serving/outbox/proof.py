"""A test order: proves a connection end to end, in a test system of the ERP."""

import base64
import datetime as dt
import hashlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from features.core.errors import AmbiguousDeliveryError, UnfitError, WearcastError
from features.core.plant import Machine
from features.core.statements import Action
from features.core.telemetry import log
from serving.erp.port import Orders
from serving.orders import MaintenanceRequest, WorkOrder

__all__ = ["Step", "proof_request", "prove"]

# Not the prefix of real orders: reconciliation and plans never take it for one.
_PREFIX = "WT-"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the proof, what it found, and the number of an order that stays open."""

    name: str
    says: str
    remains: str = ""


def proof_request(
    machine: Machine, site_id: str, place: tuple[str, str], *, target: str, now: dt.datetime
) -> MaintenanceRequest:
    """A request that anyone can see is a test.

    Args:
        machine: Any machine that is mapped.
        site_id: Its site.
        place: Its functional location and equipment number in the ERP.
        target: `request` or `order`.
        now: Makes the key.
    """
    digest = hashlib.sha256(f"{machine.id}|{now.isoformat()}".encode()).digest()
    return MaintenanceRequest(
        key=_PREFIX + base64.b32encode(digest).decode("ascii")[:17],
        site_id=site_id,
        machine_id=machine.id,
        slot=machine.components[0].slot,
        functional_location=place[0],
        equipment_number=place[1],
        action=Action.INSPECT,
        failure_mode="test",
        priority=4,
        title=f"TEST by Wearcast, {machine.id}",
        text="Test of the connection, to be cancelled. Nothing is wrong with the machine.",
        due=now + dt.timedelta(days=7),
        target=target,
    )


def prove(
    orders: Orders, request: MaintenanceRequest, *, keep: bool = False, since: dt.datetime | None = None
) -> Iterator[Step]:
    """Make the order, find it by its key, write a note, cancel it, and read back what changed.

    Args:
        orders: The connection.
        request: From `proof_request`.
        keep: Leave the order open.
        since: Changes are read back from here on; None: they are not read.

    Yields:
        Each step once it is done.

    Raises:
        WearcastError: The first step that failed says why. What was made is cancelled then; the message says
            what remains, and `context["remains"]` holds its numbers (None: that is not known).
    """
    try:
        order = yield from _made(orders, request)
        yield from _used(orders, order, request)
        if not keep:
            yield _ended(orders, order)
        if since is not None and orders.capabilities.changes:
            yield _read_back(orders, order, since)
    except WearcastError as err:
        raise _left(orders, request.key, err, keep) from err
    if keep:
        yield Step("keep", f"order {order.number} stays open: cancel it by hand", str(order.number))


def _made(orders: Orders, request: MaintenanceRequest) -> Generator[Step, None, WorkOrder]:
    try:
        order = orders.create(request)
    except AmbiguousDeliveryError as err:
        found = orders.find(request.key)
        if not found:
            raise
        order = found[0]
        yield Step("create", f"no clear answer ({err}); order {order.number} was found by its key {request.key}")
        return order
    if order.number is None:
        raise UnfitError("the adapter wrote nothing: the connection is in dry run or shadow mode")
    yield Step("create", f"order {order.number} with key {request.key}")
    return order


def _used(orders: Orders, order: WorkOrder, request: MaintenanceRequest) -> Iterator[Step]:
    found = _same(orders, order)
    if not found:
        raise UnfitError("it cannot be found by its key: look at the field that holds the key")
    yield Step("find", f"found by its key, status {found[0].raw_status or found[0].state}")
    if orders.capabilities.notes:
        orders.annotate(str(order.number), "Test note by Wearcast.", request.priority - 1)
        yield Step("annotate", "a note was added")


def _ended(orders: Orders, order: WorkOrder) -> Step:
    orders.cancel(str(order.number), "Test of the connection is over.")
    if any(not one.state.is_terminal for one in _same(orders, order)):
        raise UnfitError("it is still open after it was cancelled: look at the rights of the user")
    return Step("cancel", "cancelled, and the ERP says so")


def _read_back(orders: Orders, order: WorkOrder, since: dt.datetime) -> Step:
    """Reading must go well; a test order need not be told: some connections tell of real keys only."""
    changes = orders.changes(since)
    is_told = any(change.number == order.number for change in changes)
    return Step("changes", f"{len(changes)} read back, the test order {'is' if is_told else 'is not'} among them")


def _same(orders: Orders, order: WorkOrder) -> list[WorkOrder]:
    return [one for one in orders.find(order.key) if one.number == order.number]


def _left(orders: Orders, key: str, err: WearcastError, keep: bool) -> WearcastError:
    """The error with what remains of the test in the ERP, after an attempt to cancel it."""
    unknown = f"what remains is not known: look for {key} in the ERP, and cancel it by hand"
    if err.context.get("status") == 401:
        # A user who is refused is not tried again: some ERPs lock it out.
        return type(err)(f"{err} ({unknown})", {**err.context, "remains": None})
    try:
        if not keep:
            for one in _open(orders, key):
                orders.cancel(str(one.number), "Test of the connection has failed.")
    except WearcastError as again:
        log("erp").warning("proof.not_cancelled", key=key, reason=str(again))
    try:
        remains = [str(one.number) for one in _open(orders, key)]
    except WearcastError:
        return type(err)(f"{err} ({unknown})", {**err.context, "remains": None})
    if remains:
        says = f"order {', '.join(remains)} remains: cancel it by hand"
    elif isinstance(err, AmbiguousDeliveryError):
        says = f"nothing is to be seen of it now; if it comes late, it has the key {key}"
    else:
        says = "nothing remains open in the ERP"
    return type(err)(f"{err} ({says})", {**err.context, "remains": remains})


def _open(orders: Orders, key: str) -> list[WorkOrder]:
    """Orders with that key that are not finished, half made ones too."""
    return [one for one in orders.keys(key) if not one.state.is_terminal]
