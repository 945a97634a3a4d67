"""SAP as the contract suite meets it: the strict stand-in, by notification and by order."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.peer import Held, Peer, Vendor, met
from tests.standins.sap_s4 import CLIENT, SECRET
from tests.standins.serve import StandIn, running

__all__ = ["EQUIPMENT", "LOCATION", "VENDOR", "VENDOR_ORDERS", "Planner", "settings", "started"]

LOCATION, EQUIPMENT = "W1-P101", "100042"
# State -> phase of the notification, statuses of its order.
_STATES = {
    OrderState.OPEN: ("1", "CRTD MANC NMAT"),
    OrderState.PLANNED: ("3", "REL NMAT PRC"),
    OrderState.IN_PROGRESS: ("3", "REL PCNF NMAT"),
    OrderState.ON_HOLD: ("2", ""),
    OrderState.COMPLETED: ("4", "TECO CNF NMAT"),
    OrderState.CLOSED: ("4", "CLSD CNF"),
    OrderState.CANCELLED: ("5", "DLFL"),
}


def settings(url: str, target: Literal["request", "order"] = "request", **told: Any) -> ErpSettings:
    """Settings of a connection to the stand-in, or to a peer that speaks like it."""
    options = {"client": CLIENT, "time_zone": "Europe/Berlin"} | told.pop("options", {})
    secret = SecretStr(told.pop("secret", SECRET).decode())
    return ErpSettings(
        kind="sap_s4", url=url, user="WEARCAST", secret=secret, target=target, options=options, **told
    )


class Planner:
    """A person in SAP; works at the stand-in and at the CAP server, which take the same orders from it."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def hold(self, number: str) -> Held:
        row = self._standin.control(f"hold/{number}", {})
        text = row["MaintNotificationLongText"]
        return Held(row["NotificationText"], text, row["MaintPriority"], row["NotifProcessingPhase"], text)

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        if codes:
            self._standin.control(f"codes/{number}", {"items": [_item(codes)]})
        done = None if completed_at is None else completed_at.isoformat()
        phase, status = _STATES[state]
        self._standin.control(f"status/{number}", {"phase": phase, "status": status, "completed_at": done})

    def set_raw_status(self, number: str, status: str) -> None:
        self._standin.control(f"status/{number}", {"phase": "Z", "status": status})

    def edit(self, number: str, title: str) -> None:
        self._standin.control(f"edit/{number}", {"title": title})

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        place = {"TechnicalObject": equipment_number.zfill(18), "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI"}
        return str(self._standin.control("own/", place))


def _item(codes: Mapping[str, str]) -> dict[str, Any]:
    cause = {"MaintNotifCauseCodeGroup": "C", "MaintNotificationCauseCode": codes.get("cause", "")}
    activity = {"MaintNotifActivityCodeGroup": "A", "MaintNotificationActivityCode": codes.get("activity", "")}
    return {
        "MaintenanceNotificationItem": "0001",
        "MaintNotifDamageCodeGroup": "D",
        "MaintNotificationDamageCode": codes.get("damage", ""),
        "MaintNotifObjPrtCodeGroup": "B",
        "MaintNotifObjPrtCode": codes.get("object_part", ""),
        "to_ItemCause": [{"MaintenanceNotificationCause": "0001", **cause}],
        "to_ItemActivity": [{"MaintNotificationActivity": "0001", **activity}],
    }


@contextmanager
def started(folder: Path, *, standin: str, target: Literal["request", "order"], options: Any) -> Iterator[Peer]:
    """A stand-in in a process of its own, and our adapter to it."""
    with (
        running(standin, folder) as server,
        met(settings(server.url, target, options=options), Planner(server), server) as peer,
    ):
        yield peer


VENDOR = Vendor(
    kind="sap_s4",
    start=partial(started, standin="sap_s4", target="request", options={}),
    states=(
        OrderState.OPEN,
        OrderState.IN_PROGRESS,
        OrderState.ON_HOLD,
        OrderState.CANCELLED,
        OrderState.COMPLETED,
    ),
    place=(LOCATION, EQUIPMENT),
)
VENDOR_ORDERS = Vendor(
    kind="sap_s4",
    start=partial(started, standin="sap_s4", target="order", options={}),
    states=(
        OrderState.OPEN,
        OrderState.PLANNED,
        OrderState.IN_PROGRESS,
        OrderState.CANCELLED,
        OrderState.COMPLETED,
    ),
    place=(LOCATION, EQUIPMENT),
    two_writes=True,
)
