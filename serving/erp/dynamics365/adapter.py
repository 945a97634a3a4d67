"""Work orders and customer assets over the Dataverse Web API."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Self

from features.core.errors import AmbiguousDeliveryError, ConfigError, OrderRejectedError
from serving.erp.connection import written
from serving.erp.dynamics365.check import findings
from serving.erp.dynamics365.client import Client
from serving.erp.dynamics365.options import Dynamics365Options
from serving.erp.dynamics365.payload import is_raised, note_body, note_id, order_body
from serving.erp.dynamics365.wire import (
    CANCELED,
    change_of,
    columns,
    guid,
    literal,
    order_of,
    stamp,
    state_of,
    value_of,
)
from serving.erp.endpoint import Endpoint
from serving.erp.lookup import look_up
from serving.erp.options import read_options
from serving.erp.port import Asset, Capabilities, ConnectionReport, Preview, Record
from serving.erp.secrets import read_secret
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder, by_number
from serving.settings import ErpSettings

__all__ = ["Dynamics365"]

_ORDERS = "msdyn_workorders"


class Dynamics365:
    """Work orders of one environment; an alternate key makes a second order with the same key impossible.

    Args:
        endpoint: The environment, e.g. https://plant.crm4.dynamics.com.
        client_id: Application (client) id of the technical user.
        secret: Client secret.
        options: What only this environment knows.

    Raises:
        ConfigError: No URL, or http to another machine.
    """

    def __init__(self, endpoint: Endpoint, client_id: str, secret: str, options: Dynamics365Options) -> None:
        self._options, self._select = options, columns(options)
        self._client = Client(endpoint, client_id, secret, options)

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: No URL, client id or secret, a secret file that others can read, or wrong options.
        """
        if not settings.user:
            raise ConfigError("erp.user is missing: the application (client) id of the technical user")
        options = read_options(settings, Dynamics365Options)
        return cls(Endpoint.of(settings, record), settings.user, read_secret(settings).decode(), options)

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"dynamics365:{self._client.host}"

    @property
    def capabilities(self) -> Capabilities:
        """The key is unique; a work order that nobody has scheduled is request and order in one."""
        return Capabilities(
            unique_key=True,
            targets=frozenset({"request", "order"}),
            title_length=self._options.title_length,
            text_length=self._options.text_length,
            priorities=bool(self._options.priorities),
            outcome_codes=tuple(self._options.codes),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check(self) -> ConnectionReport:
        """Token and user, alternate key, lengths, lookups, account, a test look-up, and the clock."""
        who = self._client.send("GET", "WhoAmI", purpose="check", writes=False)
        user = self._client.document(who, writes=False)
        told = user.get("UserId", "?") if isinstance(user, Mapping) else "?"
        line = f"Dynamics 365 at {self._client.host} answers to user {told}"
        found = (look_up(self.find), *findings(self._client, self._options))
        return ConnectionReport(line, found, self._client.skew_s(who))

    def find(self, key: str) -> list[WorkOrder]:
        """All orders with that key; more than one only where the alternate key is missing."""
        rows = self._rows(f"{self._options.key_column} eq {literal(key)}", "find", key)
        return [one for one in by_number(order_of(row, self._options) for row in rows) if one.key == key]

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All orders whose key begins so, lowest number first."""
        rows = self._rows(f"startswith({self._options.key_column},{literal(prefix)})", "reconcile")
        return by_number(order_of(row, self._options) for row in rows)

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What would be sent."""
        path, body = self._new(request)
        return Preview("PATCH", self._client.address(path), written(body))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Write the order under its key, only if there is none; one that is there already is told as it stands."""
        headers = {"If-None-Match": "*", "Prefer": "return=representation"}
        path, body = self._new(request)
        answer = self._client.send(
            "PATCH",
            path,
            purpose="create",
            writes=True,
            body=body,
            headers=headers,
            key=request.key,
            accept=(412,),
        )
        if answer.status_code == 412:
            found = self.find(request.key)
            if found:
                return found[0]
            message = f"Dynamics 365 says that {request.key} is there, and does not find it"
            raise AmbiguousDeliveryError(message, {"key": request.key})
        row = self._client.document(answer, writes=True)
        if not isinstance(row, Mapping) or not row.get("msdyn_name"):
            raise AmbiguousDeliveryError(f"the answer to {request.key} has no number", {"key": request.key})
        return order_of(row, self._options)

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Raise the priority, then add the note; the same note twice is one note."""
        row = self._row(number, "annotate")
        if is_raised(str(row.get("_msdyn_priority_value") or ""), priority, self._options):
            record = self._options.priorities[priority]
            self._edit(row, {"msdyn_priority@odata.bind": f"/msdyn_priorities({record})"}, "annotate")
        self._note(row, note, "annotate")

    def cancel(self, number: str, note: str) -> None:
        """Set the order to canceled and say why; one that is over stays as it is."""
        row = self._row(number, "cancel")
        if not state_of(row).is_terminal:
            self._edit(row, {"msdyn_systemstatus": CANCELED}, "cancel")
            self._note(row, note, "cancel")

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Orders that were modified at or after `since`, as they stand now.

        An order that changes between two pages moves to the end of the list and is read again there.
        """
        where, found = f"modifiedon ge {stamp(since)}", dict[str, OrderChange]()
        rows = self._rows(where, "changes", order_by="modifiedon asc,msdyn_workorderid asc")
        for row in rows:
            change = change_of(row, self._options)
            found[change.number] = change
        return sorted(found.values(), key=lambda change: (change.changed_at, change.change_id))

    def assets(self) -> list[Asset]:
        """Customer assets with their functional locations, then functional locations; both by their ids."""
        category = self._options.asset_category_column
        names = [
            "_msdyn_functionallocation_value",
            "msdyn_customerassetid",
            "msdyn_name",
            "_msdyn_parentasset_value",
        ]
        select = ",".join([*names, *([category] if category else [])])
        found: list[Asset] = []
        for row in self._client.rows("msdyn_customerassets", "assets", select=select):
            place, record, name, parent = (str(row.get(one) or "") for one in names)
            found.append(Asset(place, record, name, parent, value_of(row, category)))
        names = ["msdyn_functionallocationid", "msdyn_name", "_msdyn_parentfunctionallocation_value"]
        for row in self._client.rows("msdyn_functionallocations", "assets", select=",".join(names)):
            record, name, parent = (str(row.get(one) or "") for one in names)
            found.append(Asset(record, "", name, parent))
        return found

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Orders on that functional location or customer asset that are not finished; both by their ids."""
        found: dict[str, WorkOrder] = {}
        places = (
            ("_msdyn_functionallocation_value", guid(functional_location)),
            ("_msdyn_customerasset_value", guid(equipment_number)),
        )
        for column, record in places:
            if record:
                for row in self._rows(f"{column} eq {record} and statecode eq 0", "open_orders"):
                    order = order_of(row, self._options)
                    if not order.state.is_terminal:
                        found[order.number or ""] = order
        return by_number(found.values())

    def _new(self, request: MaintenanceRequest) -> tuple[str, dict[str, object]]:
        place = f"{_ORDERS}({self._options.key_column}={literal(request.key)})"
        return f"{place}?$select={self._select}", order_body(request, self._options)

    def _rows(self, where: str, purpose: str, key: str = "", *, order_by: str = "") -> Iterable[dict[str, Any]]:
        return self._client.rows(_ORDERS, purpose, select=self._select, where=where, order_by=order_by, key=key)

    def _row(self, number: str, purpose: str) -> dict[str, Any]:
        """The one order of that number.

        Raises:
            OrderRejectedError: There is none, or several have it.
        """
        rows = list(self._rows(f"msdyn_name eq {literal(number)}", purpose))
        if len(rows) != 1:
            raise OrderRejectedError(f"Dynamics 365 has {len(rows)} work orders {number}", {"number": number})
        return rows[0]

    def _edit(self, row: Mapping[str, Any], body: Mapping[str, object], purpose: str) -> None:
        """Change the order unless somebody else has changed it since it was read."""
        path, headers = f"{_ORDERS}({row['msdyn_workorderid']})", {"If-Match": str(row["@odata.etag"])}
        self._client.send("PATCH", path, purpose=purpose, writes=True, body=body, headers=headers)

    def _note(self, row: Mapping[str, Any], note: str, purpose: str) -> None:
        order_id = str(row["msdyn_workorderid"])
        path, headers = f"annotations({note_id(order_id, note)})", {"If-None-Match": "*"}
        self._client.send(
            "PATCH",
            path,
            purpose=purpose,
            writes=True,
            body=note_body(order_id, note),
            headers=headers,
            accept=(412,),
        )
