"""Odoo as a place for orders and assets."""

import datetime as dt
from typing import Self

from features.core.errors import ConfigError, OrderRejectedError
from serving.erp.connection import Connection
from serving.erp.endpoint import Endpoint
from serving.erp.odoo.check import checked
from serving.erp.odoo.options import OdooOptions
from serving.erp.odoo.records import (
    REQUEST_FIELDS,
    TEXT_LENGTH,
    TITLE_LENGTH,
    Stages,
    change_of,
    columns,
    loaded,
    order_of,
    raised,
    told_stamp,
    word_of,
)
from serving.erp.odoo.wire import Record as OdooRecord
from serving.erp.odoo.wire import Wire, translated, without_traceback
from serving.erp.options import read_options
from serving.erp.port import Asset, Capabilities, ConnectionReport, Preview, Record
from serving.erp.secrets import read_secret
from serving.erp.texts import as_html
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder
from serving.settings import ErpSettings

__all__ = ["Odoo"]

REQUEST, EQUIPMENT, DATA = "maintenance.request", "maintenance.equipment", "ir.model.data"
# So many record ids go into one question.
_IDS = 200
# `load` writes over a record that it finds. In this mode it leaves one alone that was loaded with noupdate.
_CREATE_ONLY = {"mode": "update", "noupdate": True}


class Odoo:
    """Maintenance requests with external ids as keys.

    Args:
        endpoint: The server, e.g. https://plant.odoo.com.
        user: Login of the technical user (JSON-RPC).
        key: API key of that user.
        options: Of the site.

    Raises:
        ConfigError: No URL, http to another machine, or JSON-RPC without database or user.
    """

    def __init__(self, endpoint: Endpoint, user: str, key: str, options: OdooOptions) -> None:
        if options.api == "jsonrpc" and not (options.database and user):
            raise ConfigError("Odoo's JSON-RPC needs erp.options.database and erp.user")
        headers = {"User-Agent": "Wearcast"}
        if options.api == "json2":
            headers["Authorization"] = f"bearer {key}"
            if options.database:
                headers["X-Odoo-Database"] = options.database
        self._connection = Connection(
            endpoint, headers=headers, secrets=(key,), translate=translated, clean=without_traceback
        )
        self._options, self._wire = options, Wire(self._connection, options, user, key)
        self._known: Stages | None = None

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: Wrong options, no URL or key, or a key file that others can read.
        """
        options = read_options(settings, OdooOptions)
        return cls(Endpoint.of(settings, record), settings.user, read_secret(settings).decode(), options)

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"odoo:{self._connection.host}" + (f"/{self._options.database}" if self._options.database else "")

    @property
    def capabilities(self) -> Capabilities:
        """External ids are unique in Odoo."""
        return Capabilities(
            unique_key=True,
            title_length=TITLE_LENGTH,
            text_length=TEXT_LENGTH,
            outcome_codes=("stage", *self._options.code_fields),
        )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def check(self) -> ConnectionReport:
        """Whether the key is good, the app is there, and the user may do what is needed."""
        return checked(self._wire, self._options, self._connection.host)

    def find(self, key: str) -> list[WorkOrder]:
        """The request with that external id; more than one cannot be."""
        return self._orders([["name", "=", key]], "find", key)

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All requests whose external id begins so, lowest number first."""
        escaped = prefix.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        return self._orders([["name", "=like", f"{escaped}%"]], "reconcile")

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What would be sent; equipment is looked up."""
        return self._wire.preview(REQUEST, "load", self._row(request), _CREATE_ONLY)

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Load one row with its external id; a request that is there already is left as it is."""
        there = self.find(request.key)
        if there:
            return there[0]
        answer = self._wire.call(
            REQUEST,
            "load",
            self._row(request),
            purpose="create",
            writes=True,
            key=request.key,
            context=_CREATE_ONLY,
        )
        number, title = loaded(answer, request.key), request.title
        return WorkOrder(request.key, str(number), OrderState.OPEN, "", request.functional_location, title)

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Raise the priority if it is lower, then add an internal note."""
        held = self._one(number)
        higher = raised(held["priority"], priority)
        if higher is not None:
            raise_to = {"vals": {"priority": higher}}
            self._wire.call(REQUEST, "write", raise_to, purpose="annotate", writes=True, ids=[held["id"]])
        self._note(held["id"], note, "annotate")

    def cancel(self, number: str, note: str) -> None:
        """Add the reason and archive the request; one that is over stays as it is."""
        held = self._one(number)
        if order_of(held, "", self._stages([held]), self._options).state.is_terminal:
            return
        self._note(held["id"], note, "cancel")
        self._wire.call(REQUEST, "archive_equipment_request", {}, purpose="cancel", writes=True, ids=[held["id"]])

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """The latest state of every request that changed at or after `since`, whoever made it."""
        self._known = None
        latest: dict[int, OdooRecord] = {}
        domain: list[object] = [["write_date", ">=", told_stamp(since)]]
        for record in self._wire.pages(REQUEST, domain, self._fields, purpose="changes", by="write_date"):
            latest.pop(record["id"], None)
            latest[record["id"]] = record
        records = sorted(latest.values(), key=lambda record: (record["write_date"], record["id"]))
        keys, stages = self._keys(list(latest)), self._stages(records)
        return [change_of(record, keys.get(record["id"], ""), stages, self._options) for record in records]

    def assets(self) -> list[Asset]:
        """All equipment that is in use."""
        place, by = self._options.location_field, self._options.equipment_by
        fields = ["id", "name", "serial_no", "category_id", *([place] if place else [])]
        found = {record["id"]: record for record in self._wire.pages(EQUIPMENT, [], fields, purpose="assets")}
        return [
            Asset(
                functional_location=word_of(record[place]) if place else "",
                equipment_number=word_of(record[by]),
                description=word_of(record["name"]),
                asset_class=word_of(record["category_id"]),
                serial_number=word_of(record["serial_no"]),
            )
            for record in found.values()
        ]

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Requests on that equipment, or on any at that location, that are not finished."""
        domain: list[object] = []
        if equipment_number:
            domain = [["equipment_id", "=", self._equipment(equipment_number)]]
        elif functional_location and self._options.location_field:
            domain = [[f"equipment_id.{self._options.location_field}", "=", functional_location]]
        if not domain:
            return []
        domain += [["archive", "=", False], ["stage_id.done", "=", False]]
        pages = self._wire.pages(REQUEST, domain, self._fields, purpose="open_orders")
        found = {record["id"]: record for record in pages}
        keys, stages = self._keys(list(found)), self._stages(list(found.values()))
        orders = [order_of(one, keys.get(number, ""), stages, self._options) for number, one in found.items()]
        return [order for order in orders if not order.state.is_terminal]

    @property
    def _fields(self) -> list[str]:
        return [*REQUEST_FIELDS, *self._options.code_fields.values()]

    def _orders(self, named: list[object], purpose: str, key: str = "") -> list[WorkOrder]:
        domain: list[object] = [["module", "=", self._options.module], ["model", "=", REQUEST], *named]
        pages = self._wire.pages(DATA, domain, ["id", "name", "res_id"], purpose=purpose, key=key)
        keys = {record["res_id"]: str(record["name"]) for record in pages}
        if not keys:
            return []
        records = self._read(sorted(keys), purpose, key)
        stages = self._stages(records)
        return [order_of(record, keys[record["id"]], stages, self._options) for record in records]

    def _read(self, ids: list[int], purpose: str, key: str = "") -> list[OdooRecord]:
        """Those of the requests that still exist, by id."""
        found: dict[int, OdooRecord] = {}
        for start in range(0, len(ids), _IDS):
            domain: list[object] = [["id", "in", ids[start : start + _IDS]]]
            pages = self._wire.pages(REQUEST, domain, self._fields, purpose=purpose, key=key)
            found |= {record["id"]: record for record in pages}
        return list(found.values())

    def _keys(self, ids: list[int]) -> dict[int, str]:
        """Id of a request -> our key, for those of them that are ours."""
        found: dict[int, str] = {}
        for start in range(0, len(ids), _IDS):
            ours: list[object] = [["module", "=", self._options.module], ["model", "=", REQUEST]]
            domain = [*ours, ["res_id", "in", ids[start : start + _IDS]]]
            pages = self._wire.pages(DATA, domain, ["id", "name", "res_id"], purpose="changes")
            found |= {record["res_id"]: str(record["name"]) for record in pages}
        return found

    def _stages(self, records: list[OdooRecord]) -> Stages:
        """The stages, asked again when one of the records is in a new one."""
        used = {record["stage_id"][0] for record in records if record["stage_id"]}
        if self._known is None or not used <= set(self._known.done):
            told = list(self._wire.pages("maintenance.stage", [], ["id", "done", "sequence"], purpose="changes"))
            first = min(told, key=lambda stage: (stage["sequence"], stage["id"]), default={"id": None})["id"]
            meanings = {name.lower(): state for name, state in self._options.stages.items()}
            self._known = Stages({stage["id"]: bool(stage["done"]) for stage in told}, first, meanings)
        return self._known

    def _equipment(self, number: str, key: str = "") -> int | None:
        """Odoo's own id of a piece of equipment; None for none."""
        if not number:
            return None
        if self._options.equipment_by == "id":
            if not (number.isascii() and number.isdigit()):
                raise OrderRejectedError(
                    f"equipment {number!r} is no id of Odoo: a whole number", {"number": number}
                )
            return int(number)
        domain: list[object] = [["serial_no", "=", number]]
        found = list(self._wire.pages(EQUIPMENT, domain, ["id"], purpose="find", key=key))
        if len(found) != 1:
            message = f"Odoo has {len(found)} pieces of equipment with serial number {number!r}: it must be one"
            raise OrderRejectedError(message, {"number": number})
        return int(found[0]["id"])

    def _one(self, number: str) -> OdooRecord:
        found = self._read([int(number)], "find") if number.isascii() and number.isdigit() else []
        if not found:
            raise OrderRejectedError(f"Odoo has no maintenance request {number}", {"number": number})
        return found[0]

    def _row(self, request: MaintenanceRequest) -> dict[str, object]:
        row = columns(request, self._options, self._equipment(request.equipment_number, request.key))
        return {"fields": list(row), "data": [list(row.values())]}

    def _note(self, number: int, note: str, purpose: str) -> None:
        said = {"body": as_html(note), "message_type": "comment", "subtype_xmlid": "mail.mt_note"}
        html = {"body_is_html": True} if self._options.notes_say_html else {}
        self._wire.call(REQUEST, "message_post", {**said, **html}, purpose=purpose, writes=True, ids=[number])
