"""What SAP's notifications and orders tell, in our words."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from serving.erp.sap_s4.options import SapOptions
from serving.erp.sap_s4.session import Row
from serving.erp.sap_s4.wire import from_date, from_moment
from serving.erp.texts import cut
from serving.orders import OrderChange, OrderState, WorkOrder

__all__ = ["CANCELLED_BY_US", "CODES", "ORDER_PREFIX", "PREDICTED", "Reading"]

# A line in the long text of a notification that we completed because it must not be done: SAP's own
# deletion flag is not to be had by the API.
CANCELLED_BY_US = "Wearcast: cancelled."
# Begins the text of an item whose damage code is our prediction; read back unchanged it is no finding.
PREDICTED = "Predicted "
# Number of an order that has no notification.
ORDER_PREFIX = "order/"
CODES = ("damage", "object_part", "cause", "activity")
# Fields of (group, code), by where they are.
_ITEM = {
    "damage": ("MaintNotifDamageCodeGroup", "MaintNotificationDamageCode"),
    "object_part": ("MaintNotifObjPrtCodeGroup", "MaintNotifObjPrtCode"),
}
_BELOW = {
    "cause": ("to_ItemCause", "MaintNotifCauseCodeGroup", "MaintNotificationCauseCode"),
    "activity": ("to_ItemActivity", "MaintNotifActivityCodeGroup", "MaintNotificationActivityCode"),
}
_TEXT_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads rows, as the options say."""

    options: SapOptions

    def order(self, row: Row, order: Row | None = None) -> WorkOrder:
        """A notification, with the order made from it if there is one."""
        return WorkOrder(
            _text(row, "MaintNotifExtReferenceNumber"),
            _text(row, "MaintenanceNotification"),
            self.state(row, order),
            self._raw(row, order),
            _text(row, "FunctionalLocationLabelName") or _text(row, "FunctionalLocation"),
            cut(_text(row, "MaintNotificationLongText") or _text(row, "NotificationText"), _TEXT_LENGTH),
        )

    def order_alone(self, order: Row) -> WorkOrder:
        """An order that has no notification."""
        line = _text(order, "SystemStatusText")
        return WorkOrder(
            "",
            ORDER_PREFIX + _text(order, "MaintenanceOrder"),
            self.options.status(line),
            line,
            _text(order, "FunctionalLocation"),
            _text(order, "MaintenanceOrderDesc"),
        )

    def change(self, row: Row, order: Row | None = None) -> OrderChange | None:
        """The newest change of a notification or of its order; None: SAP does not tell when."""
        stamps = [from_moment(one.get("LastChangeDateTime")) for one in (row, order or {})]
        told = [stamp for stamp in stamps if stamp is not None]
        if not told:
            return None
        stamp, made = max(told), self.order(row, order)
        phase = _text(row, "NotifProcessingPhase")
        zone = self.options.zone(_text(row, "NotificationTimeZone"))
        # A malfunction starts at the notification's entry unless somebody says otherwise: it is one only
        # where the breakdown indicator is set.
        start = (
            from_date(row.get("MalfunctionStartDate"), row.get("MalfunctionStartTime"), zone)
            if row.get("MaintenanceObjectIsDown") is True
            else None
        )
        return OrderChange(
            number=made.number or "",
            key=made.key,
            change_id=f"{made.number}-{stamp:%Y%m%dT%H%M%S}-{phase}-{made.state.value}",
            state=made.state,
            raw_status=made.raw_status,
            changed_at=stamp,
            completed_at=self._completed_at(row, order, zone) if made.state.is_terminal else None,
            text=made.text,
            codes=codes_of(row),
            malfunction_at=start,
        )

    def change_alone(self, order: Row) -> OrderChange | None:
        """The newest change of an order that has no notification."""
        stamp = from_moment(order.get("LastChangeDateTime"))
        if stamp is None:
            return None
        made = self.order_alone(order)
        return OrderChange(
            number=made.number or "",
            key="",
            change_id=f"{made.number}-{stamp:%Y%m%dT%H%M%S}-{made.state.value}",
            state=made.state,
            raw_status=made.raw_status,
            changed_at=stamp,
            completed_at=from_moment(order.get("MaintOrderReferenceDateTime")) if made.state.is_terminal else None,
            text=made.text,
        )

    def state(self, row: Row, order: Row | None) -> OrderState:
        """The notification's phase where it is final, else the status of its order."""
        phase = self.options.phase(_text(row, "NotifProcessingPhase"))
        if phase.is_terminal and CANCELLED_BY_US in _text(row, "MaintNotificationLongText"):
            return OrderState.CANCELLED
        state = phase
        if order is not None:
            status = self.options.status(_text(order, "SystemStatusText"))
            state = status if status.is_terminal or not phase.is_terminal else phase
        # Finished ones get the deletion flag years later, to be archived.
        was_done = from_moment(row.get("NotificationCompletionDate")) is not None
        return OrderState.CLOSED if state is OrderState.CANCELLED and was_done else state

    def _raw(self, row: Row, order: Row | None) -> str:
        line = f"{_text(row, 'NotifProcessingPhase')} {_text(row, 'ConcatenatedActiveSystStsName')}".strip()
        if order is None:
            return line
        return f"{line}; order {_text(order, 'MaintenanceOrder')} {_text(order, 'SystemStatusText')}".strip()

    def _completed_at(self, row: Row, order: Row | None, zone: dt.tzinfo) -> dt.datetime | None:
        done = from_date(row.get("NotificationCompletionDate"), row.get("CompletionTime"), zone)
        return done or from_moment((order or {}).get("MaintOrderReferenceDateTime"))


def codes_of(row: Row) -> dict[str, str]:
    """What a notification is coded with, as GROUP/CODE; the second damage is `damage_2`, and so on."""
    found: dict[str, list[str]] = {name: [] for name in CODES}
    for item in _rows(row.get("to_Item")):
        predicted = _text(item, "MaintNotifItemText").removeprefix(PREDICTED)
        for name, fields in _ITEM.items():
            code = _code(item, *fields)
            if code and not (name == "damage" and code == predicted):
                found[name].append(code)
        for name, (below, *pair) in _BELOW.items():
            found[name] += [_code(one, *pair) for one in _rows(item.get(below)) if _code(one, *pair)]
    return {
        name if at == 0 else f"{name}_{at + 1}": code
        for name, codes in found.items()
        for at, code in enumerate(dict.fromkeys(codes))
    }


def _rows(told: Any) -> list[Row]:  # Any: rows, {"results": rows}, or a link that was not expanded
    results = told.get("results") if isinstance(told, dict) else told
    rows = results if isinstance(results, list) else []
    return [row for row in rows if isinstance(row, dict) and row.get("IsDeleted") is not True]


def _code(row: Row, group: str, code: str) -> str:
    told = _text(row, code)
    return f"{_text(row, group)}/{told}" if told else ""


def _text(row: Row, name: str) -> str:
    told = row.get(name)
    return "" if told is None else str(told)
