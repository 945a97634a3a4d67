"""Questions to SAP: notifications with the orders made from them, changes, places."""

import datetime as dt
from collections.abc import Iterable

from features.core.clock import Clock
from features.core.errors import OrderRejectedError
from serving.erp.port import Asset
from serving.erp.sap_s4.bodies import padded
from serving.erp.sap_s4.options import SapOptions
from serving.erp.sap_s4.reading import Reading
from serving.erp.sap_s4.session import Row, Session
from serving.erp.sap_s4.wire import literal, moment
from serving.orders import OrderChange, WorkOrder, by_number

__all__ = ["NOTIFICATION", "ORDER", "Queries"]

NOTIFICATION, ORDER = "MaintenanceNotification", "MaintenanceOrder"
_KEY = "MaintNotifExtReferenceNumber"
_EXPANDED = "to_Item,to_Item/to_ItemCause,to_Item/to_ItemActivity"
_OPEN_PHASES = "(NotifProcessingPhase eq '1' or NotifProcessingPhase eq '2' or NotifProcessingPhase eq '3')"
# So many numbers fit into one filter: some gateways take no URL above 2,000 characters.
_CHUNK = 25
# Orders without a notification that nobody has touched for so long are not looked at.
_STALE = dt.timedelta(days=730)


class Queries:
    """Reads what is there.

    Args:
        session: With SAP.
        options: Of the connection.
        clock: For how far back a first poll looks.
    """

    def __init__(self, session: Session, options: SapOptions, clock: Clock) -> None:
        self._session, self._options, self._clock = session, options, clock
        self._reading = Reading(options)
        self._locations: dict[str, str] = {}

    def by_key(self, key: str, purpose: str) -> list[Row]:
        """All notifications with that key."""
        told = {"$filter": f"{_KEY} eq {literal(key.upper())}"}
        return [row for row in self.notifications(told, purpose, key=key) if row.get(_KEY) == key.upper()]

    def by_prefix(self, prefix: str, purpose: str) -> list[Row]:
        """All notifications whose key begins so: by comparison, which every gateway can filter by."""
        prefix = prefix.upper()
        above = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        told = {"$filter": f"{_KEY} ge {literal(prefix)} and {_KEY} lt {literal(above)}"}
        return [row for row in self.notifications(told, purpose) if str(row.get(_KEY)).startswith(prefix)]

    def notifications(self, told: dict[str, str], purpose: str, *, key: str = "") -> list[Row]:
        """All notifications that a filter finds."""
        told = {**told, "$orderby": NOTIFICATION}
        return self._session.rows(self._options.notification_service, NOTIFICATION, told, purpose, key=key)

    def with_orders(self, rows: list[Row], purpose: str) -> list[WorkOrder]:
        """Them with the state of the orders made from them, lowest number first."""
        orders = self._orders_of(rows, purpose)
        return by_number(self._reading.order(row, orders.get(str(row.get(ORDER) or ""))) for row in rows)

    def _orders_of(self, rows: Iterable[Row], purpose: str, known: Iterable[str] = ()) -> dict[str, Row]:
        wanted = {str(row.get(ORDER) or "") for row in rows} - {"", *known}
        if not self._options.orders:
            return {}
        found = self._chunks(self._options.order_service, ORDER, wanted, purpose)
        return {str(order[ORDER]): order for order in found}

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Notifications, and orders with or without one, that changed at or after `since`, oldest first.

        Those of others only within `history_days`, so that a first poll does not read all that ever was.
        """
        options, only_ours = self._options, self._options.changes_of == "ours"
        recent = max(since, self._clock.now() - dt.timedelta(days=options.history_days))
        all_of_them = f"(LastChangeDateTime ge {moment(recent)}{self._planned_here()})"
        ours = f"(LastChangeDateTime ge {moment(since)} and {_KEY} ge 'WC-' and {_KEY} lt 'WC.')"
        told = {"$filter": ours if only_ours else f"{all_of_them} or {ours}", "$expand": _EXPANDED}
        rows = {str(row[NOTIFICATION]): row for row in self.notifications(told, "changes")}
        moved: dict[str, Row] = {}
        if options.orders:
            told = {"$filter": all_of_them, "$orderby": "LastChangeDateTime"}
            found = self._session.rows(options.order_service, ORDER, told, "changes")
            moved = {str(order[ORDER]): order for order in found}
            missing = {str(order.get(NOTIFICATION) or "") for order in found} - {"", *rows}
            for row in self._chunks(options.notification_service, NOTIFICATION, missing, "changes", _EXPANDED):
                if not only_ours or str(row.get(_KEY)).startswith("WC-"):
                    rows[str(row[NOTIFICATION])] = row
        orders = moved | self._orders_of(rows.values(), "changes", known=moved)
        told_of = [self._reading.change(row, orders.get(str(row.get(ORDER) or ""))) for row in rows.values()]
        linked = {str(row.get(ORDER) or "") for row in rows.values()}
        alone = [one for number, one in moved.items() if number not in linked and not one.get(NOTIFICATION)]
        told_of += [] if only_ours else [self._reading.change_alone(one) for one in alone]
        kept = [change for change in told_of if change is not None and change.changed_at >= since]
        return sorted(kept, key=lambda change: (change.changed_at, change.number))

    def assets(self) -> list[Asset]:
        """Functional locations and equipment of the planning plant, or all."""
        here = {"$filter": self._planned_here().removeprefix(" and ")}
        places = self._session.rows(self._options.location_service, "FunctionalLocation", here, "assets")
        found = [
            Asset(
                _label(row),
                "",
                str(row.get("FunctionalLocationName") or ""),
                parent=str(row.get("SuperiorFuncnlLocLabelName") or row.get("SuperiorFunctionalLocation") or ""),
                asset_class=str(row.get("TechnicalObjectType") or ""),
            )
            for row in places
        ]
        for row in self._session.rows(self._options.equipment_service, "Equipment", here, "assets"):
            found.append(
                Asset(
                    _label(row),
                    str(row["Equipment"]).lstrip("0"),
                    str(row.get("EquipmentName") or ""),
                    parent=str(row.get("SuperordinateEquipment") or "").lstrip("0"),
                    asset_class=str(row.get("TechnicalObjectType") or ""),
                    serial_number=str(row.get("ManufacturerSerialNumber") or row.get("SerialNumber") or ""),
                )
            )
        return found

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Notifications, and orders without one, on that place or equipment that are not finished."""
        options, here, orders_here = self._options, [], []
        if equipment_number:
            number = literal(padded(equipment_number, options.equipment_width))
            kind = literal(options.equipment_type)
            here.append(f"(TechnicalObject eq {number} and TechObjIsEquipOrFuncnlLoc eq {kind})")
            orders_here.append(f"Equipment eq {number}")
        if functional_location:
            here.append(f"FunctionalLocationLabelName eq {literal(functional_location.upper())}")
            orders_here.append(f"FunctionalLocation eq {literal(self.location_id(functional_location))}")
        if not here:
            return []
        told = {"$filter": f"({' or '.join(here)}) and {_OPEN_PHASES}"}
        found = self.with_orders(self.notifications(told, "open_orders"), "open_orders")
        if options.orders:
            since = moment(self._clock.now() - _STALE)
            told = {"$filter": f"({' or '.join(orders_here)}) and LastChangeDateTime ge {since}"}
            rows = self._session.rows(options.order_service, ORDER, told, "open_orders")
            found += [self._reading.order_alone(row) for row in rows if not row.get(NOTIFICATION)]
        return [order for order in found if not order.state.is_terminal]

    def _chunks(self, service: str, entity: str, numbers: set[str], purpose: str, expand: str = "") -> list[Row]:
        ordered, found = sorted(numbers), list[Row]()
        for start in range(0, len(ordered), _CHUNK):
            some = " or ".join(f"{entity} eq {literal(one)}" for one in ordered[start : start + _CHUNK])
            found += self._session.rows(service, entity, {"$filter": some, "$expand": expand}, purpose)
        return found

    def _planned_here(self) -> str:
        plant = self._options.planning_plant
        return f" and MaintenancePlanningPlant eq {literal(plant)}" if plant else ""

    def location_id(self, label: str) -> str:
        """SAP's own id of a location; its label where locations have no other."""
        if not label or not self._options.label_coded_locations:
            return label.upper()
        if label not in self._locations:
            told = {"$filter": f"FunctionalLocationLabelName eq {literal(label.upper())}"}
            rows = self._session.rows(self._options.location_service, "FunctionalLocation", told, "find")
            if len(rows) != 1:
                raise OrderRejectedError(f"SAP knows {len(rows)} functional locations {label!r}, not one")
            self._locations[label] = str(rows[0]["FunctionalLocation"])
        return self._locations[label]


def _label(row: Row) -> str:
    return str(row.get("FunctionalLocationLabelName") or row.get("FunctionalLocation") or "")
