"""A test order: proves a connection end to end, in a test system of the ERP."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from features.core.errors import UnfitError, WearcastError
from features.core.plant import Machine
from features.core.statements import Action
from serving.erp.port import Orders
from serving.orders import MaintenanceRequest, WorkOrder

__all__ = ["Step", "proof_request", "prove"]

# Not the prefix of real orders: reconciliation and plans never take it for one.
_PREFIX = "WT-"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the proof, and what it found."""

    name: str
    says: str


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


def prove(orders: Orders, request: MaintenanceRequest, *, keep: bool = False) -> Iterator[Step]:
    """Make the order, find it by its key, write a note, see it among the changes, cancel it.

    Yields:
        Each step once it is done.

    Raises:
        WearcastError: The first step that fails says why; an order that was made is named in it.
    """
    order = orders.create(request)
    if order.number is None:
        raise UnfitError("the adapter wrote nothing: the connection is in dry run or shadow mode")
    yield Step("create", f"order {order.number} with key {request.key}")
    try:
        found = [one for one in orders.find(request.key) if one.number == order.number]
        if not found:
            raise UnfitError("it cannot be found by its key: look at the field that holds the key")
        yield Step("find", f"found by its key, status {found[0].raw_status or found[0].state}")
        if orders.capabilities.notes:
            orders.annotate(order.number, "Test note by Wearcast.", 3)
            yield Step("annotate", "a note was added")
        yield from _end(orders, order, keep)
    except WearcastError as err:
        raise type(err)(f"{err} (order {order.number} was made: cancel it by hand)", err.context) from err


def _end(orders: Orders, order: WorkOrder, keep: bool) -> Iterator[Step]:
    if keep:
        yield Step("keep", f"order {order.number} stays open: cancel it by hand")
        return
    orders.cancel(str(order.number), "Test of the connection is over.")
    found = [one for one in orders.find(order.key) if one.number == order.number]
    if any(not one.state.is_terminal for one in found):
        raise UnfitError("it is still open after it was cancelled: look at the rights of the user")
    yield Step("cancel", "cancelled, and the ERP says so")
