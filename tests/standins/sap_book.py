"""What the SAP stand-in holds: notifications, orders, equipment, and SAP's rules for changing them."""

import datetime as dt
import re
import threading
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from tests.standins.sap_fields import ENTITIES, EXPANDABLE
from tests.standins.sap_filter import Row

__all__ = ["USER", "Book", "SapError"]

USER = "WEARCAST"
# The stand-in's site is in central Europe; SAP calls the zone so.
ZONE_NAME, ZONE = "CET", ZoneInfo("Europe/Berlin")
_PHASES = {"1": "OSNO", "2": "PONO", "3": "NOPR", "4": "NOCO", "5": "DLFL", "Z": "ZZ"}
_DATE = re.compile(r"/Date\((-?\d+)(\+0000)?\)/")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class SapError(Exception):
    """A refusal: status, SAP's code, text."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


class Book:
    """State, and the rules; every method is one transaction."""

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self._now, self._lock = now, threading.RLock()
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in ENTITIES}
        self.versions: dict[str, int] = {}
        self.locked: set[str] = set()
        self.replaces_text = False
        self._next = {"MaintenanceNotification": 10_000_001, "MaintenanceOrder": 4_000_001}
        for at in range(60):
            self._add_place(f"W1-X{at:03d}", f"{200_000 + at:018d}")
        self._add_place("W1-P101", f"{100_042:018d}")

    def create_notification(self, body: Row) -> Row:
        """A new notification, its technical object checked, its defaults derived."""
        with self._lock:
            row = self._taken("MaintenanceNotification", body, creates=True)
            if not row.get("NotificationText"):
                raise SapError(400, "IM/403", "Enter a short text.")
            if row.get("NotificationType") not in ("M1", "M2", "M3"):
                raise SapError(400, "IM/100", f"Notification type {row.get('NotificationType')} does not exist.")
            self._check_priority(row)
            number = self._number("MaintenanceNotification")
            row |= self._place(row)
            text = row.pop("MaintNotifLongTextForEdit", "")
            local = self._now().astimezone(ZONE)
            row = {
                "MalfunctionStartDate": local.date(),
                "MalfunctionStartTime": local.time().replace(microsecond=0),
                "MaintenanceObjectIsDown": False,
                "MaintenancePlanningPlant": "1010",
                **row,
                "MaintenanceNotification": number,
                "MaintNotificationLongText": text,
                "NotificationTimeZone": ZONE_NAME,
                "CreationDate": local.date(),
                "CreatedByUser": USER,
            }
            self.rows["MaintenanceNotification"][number] = row
            self.set_phase(number, "1")
            return row

    def change_notification(self, number: str, body: Row) -> None:
        """Change fields; a new long text is added under a line that says who wrote it."""
        with self._lock:
            row = self.notification(number)
            self._check_lock(number)
            change = self._taken("MaintenanceNotification", body, creates=False)
            self._check_priority(change)
            text = change.pop("MaintNotifLongTextForEdit", None)
            if text is not None:
                head = f"* {self._now():%d.%m.%Y %H:%M:%S} UTC {USER}"
                held = row["MaintNotificationLongText"]
                row["MaintNotificationLongText"] = (
                    text if self.replaces_text or not held else f"{held}\n{head}\n{text}"
                )
            row |= change
            self._touch(row)

    def complete(self, number: str, at: dt.datetime) -> Row:
        """Complete a notification, at a moment of its own zone."""
        with self._lock:
            row = self.notification(number)
            self._check_lock(number)
            if row["NotifProcessingPhase"] in ("4", "5"):
                raise SapError(400, "IM/161", f"Notification {number} is already completed.")
            row["NotificationCompletionDate"], row["CompletionTime"] = at.date(), at.time().replace(microsecond=0)
            self.set_phase(number, "4")
            return row

    def set_phase(self, number: str, phase: str) -> None:
        """Set phase and statuses."""
        with self._lock:
            row = self.notification(number)
            assigned = " ORAS" if row.get("MaintenanceOrder") else ""
            row["NotifProcessingPhase"] = phase
            row["ConcatenatedActiveSystStsName"] = _PHASES[phase] + assigned
            if phase in ("1", "2", "3"):
                row["NotificationCompletionDate"] = row["CompletionTime"] = None
            self._touch(row)

    def create_order(self, body: Row) -> Row:
        """A new order; its notification may have no other."""
        with self._lock:
            row = self._taken("MaintenanceOrder", body, creates=True)
            notification = row.get("MaintenanceNotification")
            if notification:
                held = self.notification(notification)
                self._check_lock(notification)
                if held.get("MaintenanceOrder"):
                    raise SapError(400, "IW/085", f"Notification {notification} is already assigned to an order.")
            if row.get("MaintenanceOrderType") not in ("PM01", "YA01"):
                raise SapError(400, "IW/011", f"Order type {row.get('MaintenanceOrderType')} is not defined.")
            self._check_priority(row)
            if row.get("Equipment") and row["Equipment"] not in self.rows["Equipment"]:
                raise SapError(400, "IE/002", f"Equipment {row['Equipment']} does not exist.")
            number = self._number("MaintenanceOrder")
            row |= {"MaintenanceOrder": number, "SystemStatusText": "CRTD MANC NMAT"}
            row.setdefault("MaintenancePlanningPlant", "1010")
            self.rows["MaintenanceOrder"][number] = row
            self._touch(row)
            self.versions[number] = 1
            if notification:
                self.rows["MaintenanceNotification"][notification]["MaintenanceOrder"] = number
                self.set_phase(notification, "3")
            return row

    def change_order(self, number: str, body: Row) -> None:
        """Change fields of an order."""
        with self._lock:
            row, change = self.order(number), self._taken("MaintenanceOrder", body, creates=False)
            self._check_priority(change)
            row |= change
            self._touch(row)

    def set_status(self, number: str, line: str, at: dt.datetime | None = None) -> None:
        """Set the statuses of an order."""
        with self._lock:
            row = self.order(number)
            row["SystemStatusText"] = line
            row["MaintOrderReferenceDateTime"] = at
            self._touch(row)

    def notification(self, number: str) -> Row:
        """The notification of that number, padded or not."""
        return self._known("MaintenanceNotification", number)

    def order(self, number: str) -> Row:
        """The order of that number, padded or not."""
        return self._known("MaintenanceOrder", number)

    def _known(self, entity: str, number: str) -> Row:
        row = self.rows[entity].get(number.lstrip("0"))
        if row is None:
            raise SapError(404, "/IWBEP/CM_MGW_RT/020", f"Resource not found for {entity} {number}.")
        return row

    def _touch(self, row: Row) -> None:
        row["LastChangeDateTime"] = self._now().replace(microsecond=0)
        number = row.get("MaintenanceOrder", "")
        if "SystemStatusText" in row:
            self.versions[number] = self.versions.get(number, 0) + 1

    def _number(self, entity: str) -> str:
        self._next[entity] += 1
        return str(self._next[entity] - 1)

    def _check_lock(self, number: str) -> None:
        if number.lstrip("0") in self.locked:
            text = f"Notification {number} is currently being processed by user PLANNER."
            raise SapError(400, "IM/095", text)

    @staticmethod
    def _check_priority(row: Row) -> None:
        if row.get("MaintPriority") not in (None, "", "1", "2", "3", "4"):
            raise SapError(400, "IM/080", f"Priority {row['MaintPriority']} is not defined.")

    def _place(self, row: Row) -> Row:
        told, kind = row.get("TechnicalObject"), row.get("TechObjIsEquipOrFuncnlLoc")
        if not told:
            return {}
        if kind == "EAMS_EQUI":
            held = self.rows["Equipment"].get(told)
            if held is None:
                raise SapError(400, "IE/002", f"Equipment {told} does not exist.")
            label = {"TechnicalObjectLabel": told.lstrip("0")}
        elif kind == "EAMS_FL":
            held = self.rows["FunctionalLocation"].get(told)
            if held is None:
                raise SapError(400, "IL/004", f"Functional location {told} does not exist.")
            label = {"TechnicalObjectLabel": held["FunctionalLocationLabelName"]}
        else:
            raise SapError(400, "EAMS/001", f"Technical object type {kind} is not known.")
        return label | {name: held[name] for name in ("FunctionalLocation", "FunctionalLocationLabelName")}

    def _add_place(self, label: str, equipment: str) -> None:
        place = {
            "FunctionalLocation": label,
            "FunctionalLocationLabelName": label,
            "MaintenancePlanningPlant": "1010",
        }
        self.rows["FunctionalLocation"][label] = {**place, "FunctionalLocationName": f"Place {label}"}
        self.rows["Equipment"][equipment] = {**place, "Equipment": equipment, "EquipmentName": f"Pump at {label}"}

    def _taken(self, entity: str, body: Row, *, creates: bool) -> Row:
        """A body as fields; unknown and read-only ones, and too long texts, are refused."""
        row: Row = {}
        for name, value in body.items():
            below = EXPANDABLE.get(entity, {}).get(name)
            if below is not None and creates and isinstance(value, list):
                row[name] = [self._taken(below, one, creates=True) for one in value]
                continue
            field = ENTITIES[entity].get(name)
            if field is None:
                raise SapError(
                    400, "005056A509B11EE1B9A8FEC11C21578E", f"Property {name} is invalid for {entity}."
                )
            if not (field.creatable if creates else field.updatable):
                raise SapError(400, "/IWBEP/CM_MGW_RT/102", f"Property {name} is read-only.")
            row[name] = _read(field.kind, name, value)
            if field.length and isinstance(value, str) and len(value) > field.length:
                raise SapError(400, "005056A509B11ED1BDCC", f"Property {name} is longer than {field.length}.")
            if field.upper:
                row[name] = str(row[name]).upper()
        return row


def _read(kind: str, name: str, value: Any) -> Any:
    wrong = SapError(400, "005056A509B11ED1BDCCA8FEC", f"Property {name} has invalid value '{value}'.")
    if kind in "dm":
        match = _DATE.fullmatch(value) if isinstance(value, str) else None
        if match is None or (kind == "d" and int(match[1]) % 86_400_000):
            raise wrong
        at = _EPOCH + dt.timedelta(milliseconds=int(match[1]))
        return at.date() if kind == "d" else at
    if kind == "t":
        match = re.fullmatch(r"PT(\d\d)H(\d\d)M(\d\d)S", value) if isinstance(value, str) else None
        if match is None:
            raise wrong
        return dt.time(int(match[1]), int(match[2]), int(match[3]))
    if not isinstance(value, bool if kind == "b" else str):
        raise wrong
    return value
