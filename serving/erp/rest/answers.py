"""From the items of an answer to orders, changes and assets."""

import datetime as dt
import re

from features.core.errors import ErpUnavailableError
from serving.erp.port import Asset
from serving.erp.rest.mapping import Mapping
from serving.erp.rest.paths import MISSING, read
from serving.erp.rest.readings import AssetReading, OrderReading, Take
from serving.erp.texts import as_text
from serving.orders import OrderChange, OrderState, WorkOrder

__all__ = ["asset_of", "change_of", "order_of", "taken"]

# The form of `order_key` in `features.core.statements`; test orders begin with WT.
_KEY = re.compile(r"(?<![A-Z0-9-])W[CT]-[A-Z2-7]{17}(?![A-Z2-7])")


def taken(item: object, takes: tuple[Take, ...]) -> object:
    """The first value that is there; None: there is none."""
    for take in takes:
        value = read(item, take.at)
        if value is MISSING or value is None or value == "":
            continue
        if take.equals is not None and value != take.equals:
            continue
        if take.says is not None:
            return take.says
        if take.holds_key:
            found = _KEY.search(as_text(str(value)) if take.html else str(value))
            if found is None:
                continue
            return found[0]
        return as_text(str(value)) if take.html else value
    return None


def word(item: object, takes: tuple[Take, ...]) -> str:
    """The first value as text; empty: there is none."""
    value = taken(item, takes)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def moment(item: object, takes: tuple[Take, ...], mapping: Mapping) -> dt.datetime | None:
    """The first moment that is there, UTC.

    Raises:
        ErpUnavailableError: It is not of the form that the mapping says.
    """
    for take in takes:
        value = read(item, take.at)
        if value is MISSING or value is None or value == "":
            continue
        try:
            return mapping.form(take.time).read(value)
        except ValueError as err:
            raise ErpUnavailableError(f"{take.at}: {err}; see times.{take.time} of the mapping") from err
    return None


def order_of(item: object, mapping: Mapping, *, key: str = "", reading: OrderReading | None = None) -> WorkOrder:
    """The order that an item tells of.

    Args:
        item: Of the answer.
        mapping: Says where.
        key: If the item does not tell it.
        reading: If not the mapping's own; without a status there the order is new, and open.

    Raises:
        ErpUnavailableError: It has no number.
    """
    reading = reading or mapping.order
    number = word(item, reading.number)
    if not number:
        raise ErpUnavailableError(f"an order without a number at {reading.number[0].at}")
    raw = word(item, reading.status)
    return WorkOrder(
        key=word(item, reading.key) or key,
        number=number,
        state=mapping.states.get(raw, OrderState.UNKNOWN) if raw else OrderState.OPEN,
        raw_status=raw,
        functional_location=word(item, reading.functional_location),
        text=word(item, reading.text),
    )


def change_of(item: object, mapping: Mapping) -> OrderChange:
    """The change that an item tells of: the present state of an order, or an entry of its history.

    Raises:
        ErpUnavailableError: It has no number or no moment.
    """
    reading = mapping.change
    assert reading is not None  # noqa: S101  checked with the mapping
    order = order_of(item, mapping)
    changed_at = moment(item, reading.changed_at, mapping)
    if changed_at is None:
        raise ErpUnavailableError(f"order {order.number} has no moment at {reading.changed_at[0].at}")
    is_over = order.state.is_terminal and order.state is not OrderState.CANCELLED
    codes = {name: word(item, takes) for name, takes in reading.codes.items()} if is_over else {}
    return OrderChange(
        number=str(order.number),
        key=order.key,
        change_id=word(item, reading.change_id) or f"{order.number}@{changed_at.isoformat()}@{order.raw_status}",
        state=order.state,
        raw_status=order.raw_status,
        changed_at=changed_at,
        completed_at=moment(item, reading.completed_at, mapping) if is_over else None,
        raw_outcome=next((code for code in codes.values() if code), ""),
        text=word(item, reading.text),
        codes={name: code for name, code in codes.items() if code},
        malfunction_at=moment(item, reading.malfunction_at, mapping),
    )


def asset_of(item: object, reading: AssetReading) -> Asset:
    """The asset that an item tells of."""
    return Asset(
        functional_location=word(item, reading.functional_location),
        equipment_number=word(item, reading.equipment_number),
        description=word(item, reading.description),
        parent=word(item, reading.parent),
        asset_class=word(item, reading.asset_class),
        serial_number=word(item, reading.serial_number),
    )
