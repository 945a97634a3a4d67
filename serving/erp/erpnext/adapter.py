"""ERPNext as a place for orders and assets."""

import datetime as dt
from typing import Self

from features.core.errors import AmbiguousDeliveryError, ConfigError, ErpUnavailableError, OrderRejectedError
from serving.erp.connection import Connection, written
from serving.erp.endpoint import Endpoint
from serving.erp.erpnext.check import checked
from serving.erp.erpnext.options import ErpNextOptions
from serving.erp.erpnext.records import FIELDS, TEXT_LENGTH, TITLE_LENGTH, body, change_of, order_of
from serving.erp.erpnext.wire import Document, Wire, document_path, exception_of, translated, without_traceback
from serving.erp.options import read_options
from serving.erp.port import Asset, Capabilities, ConnectionReport, Preview, Record
from serving.erp.secrets import read_secret
from serving.erp.texts import as_html
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder, by_number
from serving.settings import ErpSettings

__all__ = ["ErpNext"]

REPAIR, ASSET = "Asset Repair", "Asset"
_COMMENT = "api/method/frappe.desk.form.utils.add_comment"
# The key is there already: a unique field, or in older versions and for names a duplicate entry.
_THERE = ("UniqueValidationError", "DuplicateEntryError")
# A request line longer than 4094 bytes is refused by the usual front end: so many names go into one filter.
_NAMES = 40


class ErpNext:
    """Asset repairs with the key in a unique custom field.

    Args:
        endpoint: The site, e.g. https://erp.example.
        user: API key.
        secret: API secret; or key and secret, joined by a colon, when `user` is empty.
        options: Of the site.

    Raises:
        ConfigError: No URL, http to another machine, or no API key.
    """

    def __init__(self, endpoint: Endpoint, user: str, secret: str, options: ErpNextOptions) -> None:
        token = f"{user}:{secret}" if user else secret
        if ":" not in token:
            raise ConfigError("ERPNext needs an API key in erp.user beside the API secret")
        self._connection = Connection(
            endpoint,
            # Without Accept an error is a web page.
            headers={"Authorization": f"token {token}", "Accept": "application/json"},
            secrets=(secret, token),
            translate=translated,
            clean=without_traceback,
        )
        self._options, self._wire = options, Wire(self._connection, options.page, options.time_zone)
        self._email = ""

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: Wrong options, no URL, key or secret, or a secret file that others can read.
        """
        options = read_options(settings, ErpNextOptions)
        return cls(Endpoint.of(settings, record), settings.user, read_secret(settings).decode(), options)

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"erpnext:{self._connection.host}"

    @property
    def capabilities(self) -> Capabilities:
        """The custom field is unique; a repair has no priority."""
        return Capabilities(
            unique_key=True,
            title_length=TITLE_LENGTH,
            text_length=TEXT_LENGTH,
            priorities=False,
            outcome_codes=("actions_performed", *self._options.code_fields),
        )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def check(self) -> ConnectionReport:
        """Whether the key is good, the fields are there, the key's field is unique, and lists can be read."""
        return checked(self._wire, self._options, self._fields, self._connection.host)

    def find(self, key: str) -> list[WorkOrder]:
        """All repairs with that key; more than one only while the field is not unique."""
        return self._orders([[self._options.key_field, "=", key]], "find", key)

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All repairs whose key begins so, lowest number first."""
        found = self._orders([[self._options.key_field, "like", f"{prefix}%"]], "reconcile")
        return [order for order in found if order.key.startswith(prefix)]

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What would be sent."""
        return Preview("POST", document_path(REPAIR), written(self._body(request)))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Insert a repair; when its key is there already, that one is taken."""
        sent = self._body(request)
        response = self._wire.write(
            "POST", document_path(REPAIR), sent, purpose="create", key=request.key, accept=(409, 417)
        )
        if response.is_success:
            try:
                return order_of(sent | {"docstatus": 0} | self._wire.made(response), self._options)
            except AmbiguousDeliveryError as err:
                raise AmbiguousDeliveryError(f"{err.message} by {request.key}", {"key": request.key}) from err
        if exception_of(response)[0] not in _THERE:
            raise translated(response) or OrderRejectedError(f"ERPNext refuses {request.key}")
        there = self.find(request.key)
        if there:
            return there[0]
        if response.status_code == 409:
            raise ErpUnavailableError(f"ERPNext gave {request.key} a number that was taken: nothing was done")
        message = (
            f"ERPNext refuses {request.key} as not unique and does not show the other: {exception_of(response)[1]}"
        )
        raise OrderRejectedError(message, {"key": request.key})

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add a comment that also tells the priority, for which a repair has no field."""
        self._comment(number, f"{note}\nPriority: {priority}", "annotate")

    def cancel(self, number: str, note: str) -> None:
        """Say why and set the status to cancelled; what is over stays, what is submitted is a person's."""
        held = self._one(number)
        if order_of(held, self._options).state.is_terminal:
            return
        if held["docstatus"] == 1:
            raise OrderRejectedError(f"repair {number} is submitted: cancel it in ERPNext", {"number": number})
        self._comment(number, note, "cancel")
        change = {self._options.status_field: self._options.cancelled}
        self._wire.write("PUT", document_path(REPAIR, number), change, purpose="cancel")

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """The latest state of every repair that changed at or after `since`, whoever made it."""
        latest: dict[str, Document] = {}
        filters = [["modified", ">=", self._wire.earliest_stamp(since)]]
        for document in self._wire.pages(REPAIR, filters, self._fields, purpose="changes", by="modified"):
            latest[document["name"]] = document
        found = [change_of(document, self._wire, self._options, since) for document in latest.values()]
        told = [change for change in found if change.changed_at >= since]
        return sorted(told, key=lambda change: (change.changed_at, change.number))

    def assets(self) -> list[Asset]:
        """All assets whose document is not cancelled."""
        fields = ["name", "asset_name", "location", "asset_category"]
        pages = self._wire.pages(ASSET, [["docstatus", "<", 2]], fields, purpose="assets")
        return [
            Asset(
                functional_location=str(document["location"] or ""),
                equipment_number=name,
                description=str(document["asset_name"] or ""),
                asset_class=str(document["asset_category"] or ""),
            )
            for name, document in {str(document["name"]): document for document in pages}.items()
        ]

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Repairs of that asset, or of any at that location, that are not finished."""
        names = [equipment_number] if equipment_number else []
        if not names and functional_location:
            pages = self._wire.pages(
                ASSET, [["location", "=", functional_location]], ["name"], purpose="open_orders"
            )
            names = sorted({str(document["name"]) for document in pages})
        found: list[WorkOrder] = []
        for start in range(0, len(names), _NAMES):
            filters: list[list[object]] = [["asset", "in", names[start : start + _NAMES]], ["docstatus", "=", 0]]
            found += self._orders(filters, "open_orders")
        return [order for order in found if not order.state.is_terminal]

    @property
    def _fields(self) -> list[str]:
        own = (self._options.key_field, self._options.status_field, *self._options.code_fields.values())
        return list(dict.fromkeys((*FIELDS, *own)))

    def _body(self, request: MaintenanceRequest) -> dict[str, object]:
        today = self._connection.clock.now().astimezone(self._wire.zone).date()
        return body(request, self._options, today)

    def _orders(self, filters: list[list[object]], purpose: str, key: str = "") -> list[WorkOrder]:
        pages = self._wire.pages(REPAIR, filters, self._fields, purpose=purpose, key=key)
        found = {document["name"]: order_of(document, self._options) for document in pages}
        return by_number(found.values())

    def _one(self, number: str) -> Document:
        found = list(self._wire.pages(REPAIR, [["name", "=", number]], self._fields, purpose="find"))
        if not found:
            raise OrderRejectedError(f"ERPNext has no asset repair {number}", {"number": number})
        return found[0]

    def _comment(self, number: str, note: str, purpose: str) -> None:
        """A comment in our user's name: only this method lets a user without further rights comment."""
        if not self._email:
            self._email = str(self._wire.method("frappe.auth.get_logged_user", purpose="check"))
        comment = {
            "reference_doctype": REPAIR,
            "reference_name": number,
            "content": as_html(note),
            "comment_email": self._email,
            "comment_by": "Wearcast",
        }
        self._wire.write("POST", _COMMENT, comment, purpose=purpose)
