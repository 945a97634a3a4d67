"""Notifications, and orders made from them, in SAP S/4HANA by OData V2."""

import datetime as dt
import json
from typing import Self

import httpx

from features.core.clock import Clock
from features.core.errors import ConfigError, OrderRejectedError
from serving.erp.connection import Connection
from serving.erp.port import Asset, Capabilities, ConnectionReport, Preview, Record
from serving.erp.sap_s4.bodies import TEXT_LENGTH, TITLE_LENGTH, notification_body, order_body
from serving.erp.sap_s4.checks import check
from serving.erp.sap_s4.options import SapOptions, options_of
from serving.erp.sap_s4.queries import NOTIFICATION, ORDER, Queries
from serving.erp.sap_s4.reading import CODES, ORDER_PREFIX, Reading
from serving.erp.sap_s4.session import ClientCredentials, Row, Session, translate
from serving.erp.sap_s4.writing import Writing
from serving.erp.secrets import read_secret
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder
from serving.settings import ErpSettings

__all__ = ["SapS4"]


class SapS4:
    """Orders in SAP: a notification carries the key; with target `order` an order is made from it.

    Args:
        settings: Address, user, target and options.
        secret: Password, client secret or API key.
        record: Gets every exchange.
        clock: For completions, and how far back a first poll looks.
        transport: Another way to carry requests (tests).

    Raises:
        ConfigError: A URL or an option is wrong.
    """

    def __init__(
        self,
        settings: ErpSettings,
        secret: str,
        *,
        record: Record | None = None,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = options_of(settings)
        if settings.target == "order" and not options.orders:
            raise ConfigError('erp.target = "order" needs erp.options.orders = true')
        self._options, self._reading = options, Reading(options)
        self._makes_orders = settings.target == "order"
        self._tokens = _token_connection(settings, options, secret, record, transport)
        self._connection = Connection(
            settings.url,
            timeout_s=settings.timeout_s,
            headers={"Accept-Language": options.language.lower()}
            | ({"APIKey": secret} if options.auth == "api_key" else {}),
            auth=_auth(settings, options, secret, self._tokens),
            secrets=(secret,),
            ca_file=None if settings.ca_file is None else str(settings.ca_file),
            translate=translate,
            record=record,
            clock=clock,
            transport=transport,
        )
        params = {"sap-client": options.client, "sap-language": options.language}
        self._session = Session(self._connection, params)
        self._queries = Queries(self._session, options, self._connection.clock)
        self._writing = Writing(self._session, options, self._connection.clock)

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: No URL or secret, or an option that is not known.
        """
        return cls(settings, read_secret(settings).decode("utf-8"), record=record)

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"sap_s4:{self._connection.host}" + (f":{self._options.client}" if self._options.client else "")

    @property
    def capabilities(self) -> Capabilities:
        """External reference numbers can be searched; SAP does not keep them unique."""
        return Capabilities(
            unique_key=False,
            targets=frozenset({"request", "order"}),
            title_length=TITLE_LENGTH,
            text_length=TEXT_LENGTH,
            outcome_codes=CODES,
        )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
        if self._tokens is not None:
            self._tokens.close()

    def check(self) -> ConnectionReport:
        """Services, fields, look-up and clock; rights to write are shown by `wearcast erp test-order` only."""
        return check(self._session, self._options, makes_orders=self._makes_orders)

    def find(self, key: str) -> list[WorkOrder]:
        """All notifications with that key, lowest number first.

        With target `order` an open notification that has no order yet is not told: `create` goes on with it.
        """
        rows = self._queries.by_key(key, "find")
        whole = [row for row in rows if not self._is_half(row)] if self._makes_orders else rows
        return self._queries.with_orders(whole, "find")

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All notifications whose key begins so, lowest number first."""
        return self._queries.with_orders(self._queries.by_prefix(prefix, "reconcile"), "reconcile")

    def preview(self, request: MaintenanceRequest) -> Preview:
        """The notification that would be sent; a location that is looked up shows as it is named here."""
        body = notification_body(request, self._options, request.functional_location.upper())
        url = f"{self._options.notification_service}/{NOTIFICATION}"
        if self._makes_orders:
            url += f" (then {self._options.order_service}/{ORDER}, linked to it)"
        return Preview("POST", url, json.dumps(body, ensure_ascii=False, separators=(",", ":")))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Write the notification, and with target `order` the order that is linked to it."""
        location = "" if request.equipment_number else self._queries.location_id(request.functional_location)
        body = notification_body(request, self._options, location)
        if not self._makes_orders:
            return self._reading.order(self._writing.notification(request.key, body))
        half = [row for row in self._queries.by_key(request.key, "create") if self._is_half(row)]
        row = half[0] if half else self._writing.notification(request.key, body)
        number = str(row[NOTIFICATION])
        order = self._writing.order(request.key, order_body(request, self._options, location, number))
        return self._reading.order(row | {ORDER: order.get(ORDER)}, order)

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Add to the long text and raise the priority; what a planner wrote stays.

        SAP may derive dates anew from a raised priority (customizing of priority types). An order that has
        no notification takes no note here: only its priority is raised.
        """
        code = self._options.priority(priority)
        if number.startswith(ORDER_PREFIX):
            self._writing.raise_order(number.removeprefix(ORDER_PREFIX), code)
            return
        row = self._writing.annotate(number, note, code)
        if self._makes_orders and row.get(ORDER):
            self._writing.raise_order(str(row[ORDER]), code)

    def cancel(self, number: str, note: str) -> None:
        """Complete the notification with a line that says so: SAP lets nobody delete one.

        Raises:
            OrderRejectedError: A planner has made an order from it, or SAP does not complete it.
        """
        if number.startswith(ORDER_PREFIX):
            raise OrderRejectedError(f"{number} is not ours: cancel it in SAP")
        self._writing.cancel(number, note, order_is_ours=self._makes_orders)

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Notifications, and orders with or without one, that changed at or after `since`, oldest first."""
        return self._queries.changes(since)

    def assets(self) -> list[Asset]:
        """Functional locations and equipment of the planning plant, or all."""
        return self._queries.assets()

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Notifications, and orders without one, on that place or equipment that are not finished."""
        return self._queries.open_orders(functional_location, equipment_number)

    def _is_half(self, row: Row) -> bool:
        return not row.get(ORDER) and not self._reading.state(row, None).is_terminal


def _token_connection(
    settings: ErpSettings,
    options: SapOptions,
    secret: str,
    record: Record | None,
    transport: httpx.BaseTransport | None,
) -> Connection | None:
    if options.auth != "oauth":
        return None
    return Connection(
        options.token_url,
        timeout_s=settings.timeout_s,
        secrets=(secret,),
        ca_file=None if settings.ca_file is None else str(settings.ca_file),
        record=record,
        transport=transport,
    )


def _auth(settings: ErpSettings, options: SapOptions, secret: str, tokens: Connection | None) -> httpx.Auth | None:
    if tokens is not None:
        return ClientCredentials(tokens, settings.user, secret)
    return httpx.BasicAuth(settings.user, secret) if options.auth == "basic" else None
