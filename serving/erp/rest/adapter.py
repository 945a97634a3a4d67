"""Any REST CMMS, as a mapping file describes it."""

import datetime as dt
import json
from collections.abc import Mapping as Dict
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from features.core.errors import AmbiguousDeliveryError, ConfigError, ErpUnavailableError, OrderRejectedError
from serving.erp.connection import Connection
from serving.erp.endpoint import Endpoint
from serving.erp.lookup import NO_KEY
from serving.erp.options import read_options
from serving.erp.port import Asset, Capabilities, ConnectionReport, Finding, Preview, Record, Severity
from serving.erp.rest.answers import asset_of, change_of, order_of, taken
from serving.erp.rest.caller import Caller, ThereAlreadyError
from serving.erp.rest.files import read_mapping
from serving.erp.rest.mapping import Mapping
from serving.erp.rest.paths import MISSING, read
from serving.erp.rest.readings import OrderReading
from serving.erp.rest.requests import CheckCall, Listing
from serving.erp.rest.values import note_text, own_settings, request_fields
from serving.erp.secrets import read_secret
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder, by_number
from serving.settings import ErpSettings

__all__ = ["Rest"]

_NUMBER_ONLY = OrderReading.model_validate({"number": "number"})


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: str = Field(description="A mapping file, or the name of a shipped one.")
    settings: dict[str, str | int] = Field({}, description="What the mapping asks of a plant.")


class Rest:
    """Orders through requests that a mapping file describes.

    Args:
        endpoint: The ERP.
        mapping: What to send, and how to read answers.
        user: Technical user; empty where the mapping needs none.
        secret: Password or key; empty where the mapping needs none.
        own: Values of `settings` in the mapping.
        name: Of the mapping, for the connection's name.

    Raises:
        ConfigError: No URL, or a setting that the mapping needs is not given.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        mapping: Mapping,
        *,
        user: str = "",
        secret: str = "",
        own: Dict[str, object] | None = None,
        name: str = "own",
    ) -> None:
        self._mapping, self._name = mapping, name
        held: dict[str, object] = {"user": user, **own_settings(mapping, own or {})}
        self._connection = Connection(endpoint, secrets=(secret, json.dumps(secret)[1:-1]))
        self._caller = Caller(self._connection, mapping, user, secret, held)

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: No mapping, one that is not valid, or no secret where it needs one.
        """
        options = read_options(settings, _Options)
        mapping = read_mapping(options.mapping)
        return cls(
            Endpoint.of(settings, record),
            mapping,
            user=settings.user,
            secret="" if mapping.sign_in.style == "none" else read_secret(settings).decode(),
            own=dict(options.settings),
            name=options.mapping.rpartition("/")[2].removesuffix(".yaml"),
        )

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"rest:{self._name}:{self._connection.host}"

    @property
    def capabilities(self) -> Capabilities:
        """What the mapping describes."""
        mapping = self._mapping
        return Capabilities(
            unique_key=mapping.capabilities.unique_key,
            targets=frozenset(mapping.capabilities.targets),
            title_length=mapping.texts.title_length,
            text_length=mapping.texts.text_length,
            notes=bool(mapping.annotate),
            priorities=mapping.raises_priorities,
            changes=mapping.changes is not None,
            outcome_codes=() if mapping.change is None else tuple(mapping.change.codes),
            open_orders=bool(mapping.open_orders),
        )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def check(self) -> ConnectionReport:
        """What the mapping's `check` asks, or a look-up; and the clock."""
        calls = self._mapping.check or (_look_up(self._mapping.find),)
        findings: list[Finding] = []
        skew_s = None
        for call in calls:
            finding, told = self._checked(call)
            findings.append(finding)
            skew_s = told if skew_s is None else skew_s
        good = sum(finding.severity is Severity.OK for finding in findings)
        line = f"{self._connection.host} answers by mapping {self._name}: {good} of {len(findings)} checks fine"
        return ConnectionReport(line, tuple(findings), skew_s)

    def find(self, key: str) -> list[WorkOrder]:
        """All orders with that key, lowest number first."""
        return [order for order in self._orders(self._mapping.find, {"key": key}, "find", key) if order.key == key]

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All orders whose key begins so, lowest number first."""
        found = self._orders(self._mapping.keys, {"prefix": prefix}, "reconcile")
        return [order for order in found if order.key.startswith(prefix)]

    def preview(self, request: MaintenanceRequest) -> Preview:
        """What would be sent."""
        return self._caller.prepared(self._mapping.create, request_fields(request, self._mapping))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Send the request; where the ERP says that the key is there, the order that has it.

        Raises:
            AmbiguousDeliveryError: The answer is no order, or the one that is said to be there is not found.
        """
        call = self._mapping.create
        fields = request_fields(request, self._mapping)
        try:
            response = self._caller.send(call, fields, purpose="create", writes=True, key=request.key)
        except ThereAlreadyError as err:
            found = self.find(request.key)
            if not found:
                raise AmbiguousDeliveryError(str(err), {"key": request.key}) from err
            return found[0]
        number = response.headers.get(call.number_header, "") if call.number_header else ""
        item = {"number": number.rstrip("/").rpartition("/")[2]}
        try:
            if number:
                return order_of(item, self._mapping, key=request.key, reading=_NUMBER_ONLY)
            document = read(self._caller.document(response, writes=True), call.item)
            return order_of(document, self._mapping, key=request.key, reading=call.order)
        except ErpUnavailableError as err:
            raise AmbiguousDeliveryError(
                f"the ERP's answer to {request.key} is not an order: {err}", {"key": request.key}
            ) from err

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add a note, and raise the priority where the mapping can.

        Raises:
            OrderRejectedError: No such order, or the mapping has no notes.
        """
        if not self._mapping.annotate:
            raise OrderRejectedError(f"mapping {self._name} has no `annotate`: the ERP takes no notes")
        held = None if self._mapping.get is None else self._held(number)
        is_raised = self._mapping.raises_priorities and self._is_higher(priority, held)
        fields = {"number": number, "note": note_text(note, self._mapping), "priority": priority}
        for step in self._mapping.annotate:
            if step.when == "raises_priority" and not is_raised:
                continue
            self._caller.ask(step, fields, purpose="annotate", writes=True)

    def cancel(self, number: str, note: str) -> None:
        """Close the order with the reason; one that is over stays as it is, where the mapping has `get`.

        Raises:
            OrderRejectedError: No such order, or the mapping cannot cancel.
        """
        if not self._mapping.cancel:
            raise OrderRejectedError(f"mapping {self._name} has no `cancel`: close order {number} in the ERP")
        if self._mapping.get is not None and order_of(self._held(number), self._mapping).state.is_terminal:
            return
        fields: dict[str, object] = {"number": number, "note": note_text(note, self._mapping)}
        for step in self._mapping.cancel:
            self._caller.ask(step, fields, purpose="cancel", writes=True)

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Changes of all pages at or after `since`, oldest first, each once."""
        call = self._mapping.changes
        if call is None:
            return []
        found: dict[str, OrderChange] = {}
        for item in self._caller.pages(call, {"since": since}, purpose="changes"):
            change = change_of(item, self._mapping)
            if change.changed_at >= since:
                found[change.change_id] = change
        return sorted(found.values(), key=lambda one: (one.changed_at, len(one.number), one.number))

    def assets(self) -> list[Asset]:
        """All assets that the mapping asks for."""
        call, reading = self._mapping.assets, self._mapping.asset
        if call is None or reading is None:
            return []
        return [asset_of(item, reading) for item in self._caller.pages(call, {}, purpose="assets")]

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Orders there that are not finished."""
        place: dict[str, object] = {
            "functional_location": functional_location,
            "equipment_number": equipment_number,
        }
        found: dict[str, WorkOrder] = {}
        for call in self._mapping.open_orders:
            if not call.when or place.get(call.when):
                for order in self._orders(call, place, "open_orders"):
                    found[str(order.number)] = order
        return [order for order in found.values() if not order.state.is_terminal]

    def _orders(self, call: Listing, held: dict[str, object], purpose: str, key: str = "") -> list[WorkOrder]:
        items = self._caller.pages(call, held, purpose=purpose, key=key)
        return by_number(order_of(item, self._mapping) for item in items)

    def _held(self, number: str) -> Any:  # Any: a JSON document
        call = self._mapping.get
        assert call is not None  # noqa: S101  the caller looked
        item = read(self._caller.ask(call, {"number": number}, purpose="find", writes=False), call.item)
        if item is MISSING or item is None:
            raise OrderRejectedError(f"the ERP has no order {number}", {"number": number})
        return item

    def _is_higher(self, priority: int, held: object) -> bool:
        """The priority is above the held one; one that the mapping does not know is the planner's: left alone."""
        words = self._mapping.maps.get("priority", {str(one): one for one in range(1, 6)})
        told = taken(held, self._mapping.order.priority)
        same = [int(one) for one, theirs in words.items() if one.isdigit() and theirs == told]
        return bool(same) and priority < min(same)

    def _checked(self, call: CheckCall) -> tuple[Finding, float | None]:
        try:
            response = self._caller.send(call, {"key": NO_KEY, "limit": 1}, purpose="check", writes=False)
        except (ConfigError, OrderRejectedError) as err:
            if err.context.get("status") == 401:
                # Asked on and on, some ERPs lock our user out.
                raise
            return Finding(Severity.ERROR, call.subject, f"{err}: {call.advice}"), None
        skew_s = self._caller.skew_s(response)
        if call.there:
            value = read(self._caller.document(response, writes=False), call.there)
            if value is MISSING or value is None or (call.equals is not None and value != call.equals):
                shown = "nothing" if value is MISSING else repr(value)
                return Finding(Severity.ERROR, call.subject, f"{call.there} is {shown}: {call.advice}"), skew_s
        return Finding(Severity.OK, call.subject, "fine"), skew_s


def _look_up(find: Listing) -> CheckCall:
    parts = find.model_dump(exclude={"items", "paging", "when"})
    return CheckCall(subject="look-up by key", advice="let our user search orders", **parts)
