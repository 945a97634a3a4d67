"""Orders and assets over Maximo's JSON API."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Self

from pydantic import ValidationError

from features.core.errors import (
    AmbiguousDeliveryError,
    ConfigError,
    OrderRejectedError,
    WearcastError,
)
from serving.erp.connection import written
from serving.erp.endpoint import Endpoint
from serving.erp.lookup import look_up
from serving.erp.maximo.check import fields_of_orders, fields_of_requests, schema_findings, user_finding
from serving.erp.maximo.client import LEAN, Client
from serving.erp.maximo.options import MaximoOptions
from serving.erp.maximo.payload import (
    MEMO_LENGTH,
    TEXT_LENGTH,
    TITLE_LENGTH,
    is_raised,
    is_request,
    note_of,
    order_body,
    request_body,
)
from serving.erp.maximo.structures import Structure, of_site, order_structures, read_assets
from serving.erp.maximo.wire import (
    REQUEST,
    WITHDRAWN,
    Row,
    both,
    change_of,
    condition,
    order_of,
    since_stamp,
    state_of,
)
from serving.erp.options import read_options
from serving.erp.port import Asset, Capabilities, ConnectionReport, Finding, Preview, Record, Severity
from serving.erp.secrets import read_secret
from serving.erp.texts import cut
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder, by_number
from serving.settings import ErpSettings

__all__ = ["Maximo"]


class Maximo:
    """Work orders (and service requests where the site wants them) of one Maximo site.

    The key is not unique in Maximo: two creates make two orders, so the sender looks up first.

    Args:
        endpoint: Maximo, up to and with `/maximo`.
        apikey: Key of the technical user.
        options: What only this Maximo knows.

    Raises:
        ConfigError: No URL, or http to another machine.
    """

    def __init__(self, endpoint: Endpoint, apikey: str, options: MaximoOptions) -> None:
        self._options, self._structures = options, order_structures(options)
        self._client = Client(endpoint, apikey, options)

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: No URL or key, a key file that others can read, or wrong options.
        """
        return cls(
            Endpoint.of(settings, record), read_secret(settings).decode(), read_options(settings, MaximoOptions)
        )

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"maximo:{self._client.host}" + (f":{self._options.site}" if self._options.site else "")

    @property
    def capabilities(self) -> Capabilities:
        """No unique key; a request waits for approval (or is an SR), an order is approved."""
        return Capabilities(
            unique_key=False,
            targets=frozenset({"request", "order"}),
            title_length=TITLE_LENGTH,
            text_length=TEXT_LENGTH,
            outcome_codes=("problem", "failure_class")
            + (() if self._options.has_requests else ("cause", "remedy")),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check(self) -> ConnectionReport:
        """Key, site, fields and their lengths, a test look-up, and the clock."""
        options = self._options
        who = self._client.send("GET", "api/whoami", "check", params=LEAN, accept=(404,))
        user = self._client.document(who, writes=False) if who.is_success else {}
        findings = [user_finding(user, options)]
        wanted = {options.order_structure: fields_of_orders(options)}
        if options.has_requests:
            wanted[options.request_structure] = fields_of_requests(options)
        for structure, fields in wanted.items():
            try:
                findings += schema_findings(structure, self._client.schema(structure), fields)
            except ConfigError as err:
                findings.append(Finding(Severity.ERROR, structure, err.message))
        findings.append(look_up(self.find))
        login = str(user.get("loginID") or user.get("userName") or "") if isinstance(user, Mapping) else ""
        site = options.site or "the user's default"
        line = f"Maximo at {self._client.host} answers{f' to {login}' if login else ''}, site {site}"
        return ConnectionReport(line, tuple(findings), self._client.skew_s(who))

    def find(self, key: str) -> list[WorkOrder]:
        """All orders with that key, lowest number first."""
        return [order for order in self._with_key(key, "find", key) if order.key == key]

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All orders whose key begins so, lowest number first."""
        return [one for one in self._with_key(f"{prefix}%", "reconcile") if one.key.startswith(prefix)]

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What would be sent."""
        structure, body = self._new(request)
        return Preview("POST", self._client.address(structure), written(body))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Write the order; a released one is approved in a second step.

        Raises:
            WearcastError: As `Orders` says. An order that was made and could not be approved is ambiguous: it
                is found by its key then, and waits for a planner's approval.
        """
        structure, body = self._new(request)
        # Without this header a new order's answer is empty.
        headers = {"properties": "wonum,ticketid,siteid,status,href"}
        response = self._client.send(
            "POST", f"api/os/{structure}", "create", body=body, headers=headers, key=request.key
        )
        answer = self._client.document(response, writes=True)
        try:
            row = Row.model_validate(answer)
        except ValidationError as err:
            raise AmbiguousDeliveryError(f"Maximo's answer to {request.key} is not an order") from err
        if not (row.wonum or row.ticketid):
            raise AmbiguousDeliveryError(f"Maximo's answer to {request.key} has no number", {"key": request.key})
        state, raw = state_of(row, self._options), row.status
        if request.target == "order":
            try:
                self._change_status(structure, row, self._options.approved, "approve", key=request.key)
            except WearcastError as err:
                message = f"Maximo made {row.number} and did not approve it: {err}"
                raise AmbiguousDeliveryError(message, {"key": request.key, "number": row.number}) from err
            raw = self._options.approved
        return WorkOrder(request.key, row.number, state, raw, request.functional_location, request.title)

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add a line to the work log and raise the priority; a planner's edit in between is never overwritten."""
        structure, row = self._row(number, "annotate")
        held, wanted = row.value_of(structure.priority), self._options.priorities[priority]
        body = note_of(note, self._options)
        if is_raised(int(held) if held.lstrip("-").isdigit() else None, wanted, self._options):
            # With its version in the body Maximo refuses what was changed since we read it.
            body |= {structure.priority: wanted} | ({"_rowstamp": row.rowstamp} if row.rowstamp else {})
        self._client.patch(structure.name, row, body, "annotate", merge=True)

    def cancel(self, number: str, note: str) -> None:
        """Cancel a work order; close a service request with a line that tells it; one that is over stays."""
        structure, row = self._row(number, "cancel")
        if state_of(row, self._options).is_terminal:
            return
        status = self._options.cancelled
        if is_request(number):
            status = self._options.request_closed
            line = note_of(f"{WITHDRAWN}: {note}", self._options)
            self._client.patch(structure.name, row, line, "cancel", merge=True)
        self._change_status(structure.name, row, status, "cancel", memo=note)

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Orders whose status or content changed at or after `since`, as they stand now.

        Asked are status and edits one after the other (there is no `or`), in order of an id that never
        changes: in order of a stamp, an order that changes between two pages would push another over the edge.
        """
        moment, found = since_stamp(since, self._options.time_zone), dict[str, OrderChange]()
        for structure in self._structures:
            ours = condition(structure.key, "=", "WC-%") if self._options.changes == "ours" else ""
            for field in ("changedate", "statusdate"):
                where = both(condition(field, ">=", moment), ours)
                for row in self._rows(structure, where, "changes"):
                    change = change_of(row, self._options)
                    found[change.number] = change
        return sorted(found.values(), key=lambda change: (change.changed_at, change.change_id))

    def assets(self) -> list[Asset]:
        """Assets with their locations, then locations."""
        return read_assets(self._client, self._options)

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Orders on that location or asset that are not finished."""
        found: dict[str, WorkOrder] = {}
        for structure in self._structures:
            for field, value in (("location", functional_location), ("assetnum", equipment_number)):
                if not value:
                    continue
                where = both(condition(field, "=", value), "historyflag=false")
                for row in self._rows(structure, where, "open_orders"):
                    # A `%` in a name makes Maximo search for more than that name.
                    is_there = (row.location if field == "location" else row.value_of(field)) == value
                    if is_there and not state_of(row, self._options).is_terminal:
                        found[row.number] = order_of(row, self._options)
        return by_number(found.values())

    def _new(self, request: MaintenanceRequest) -> tuple[str, dict[str, object]]:
        if request.target == "request" and self._options.has_requests:
            return self._options.request_structure, request_body(request, self._options)
        return self._options.order_structure, order_body(request, self._options)

    def _with_key(self, value: str, purpose: str, key: str = "") -> list[WorkOrder]:
        found: list[WorkOrder] = []
        for structure in self._structures:
            rows = self._rows(structure, condition(structure.key, "=", value), purpose, key)
            found += [order_of(row, self._options) for row in rows]
        return by_number(found)

    def _row(self, number: str, purpose: str) -> tuple[Structure, Row]:
        """The one order of that number.

        Raises:
            OrderRejectedError: There is none, or several sites have one.
        """
        wanted = number.removeprefix(REQUEST)
        for structure in self._structures:
            if structure.has(number):
                rows = self._rows(structure, condition(structure.number, "=", wanted), purpose)
                same = [row for row in rows if wanted in (row.wonum, row.ticketid)]
                if len(same) == 1:
                    return structure, same[0]
                why = "several sites have one, set erp.options.site" if same else "there is none"
                raise OrderRejectedError(f"Maximo order {number}: {why}", {"number": number})
        raise OrderRejectedError(f"{number} is no order of this connection", {"number": number})

    def _rows(self, structure: Structure, where: str, purpose: str, key: str = "") -> Iterator[Row]:
        where, order_by = both(where, of_site(self._options)), f"+{structure.order_by}"
        return self._client.rows(structure.name, where, structure.select, purpose, key=key, order_by=order_by)

    def _change_status(
        self, structure: str, row: Row, status: str, purpose: str, *, memo: str = "", key: str = ""
    ) -> None:
        body = {"status": status} | ({"memo": cut(memo, MEMO_LENGTH)} if memo else {})
        self._client.patch(structure, row, body, purpose, key=key, action="wsmethod:changeStatus")
