"""Notifications, and orders made from them, in SAP S/4HANA by OData V2."""

import datetime as dt
from dataclasses import replace
from typing import Self

import httpx

from features.core.errors import ConfigError, OrderRejectedError
from serving.erp.connection import Connection, written
from serving.erp.endpoint import Endpoint
from serving.erp.options import read_options
from serving.erp.port import Asset, Capabilities, ConnectionReport, Preview, Record
from serving.erp.sap_s4.bodies import TEXT_LENGTH, TITLE_LENGTH, notification_body, order_body
from serving.erp.sap_s4.checks import check
from serving.erp.sap_s4.options import SapOptions
from serving.erp.sap_s4.queries import NOTIFICATION, ORDER, Queries
from serving.erp.sap_s4.reading import CODES, ORDER_PREFIX, Reading
from serving.erp.sap_s4.session import Row, Session, translate
from serving.erp.sap_s4.writing import Writing
from serving.erp.secrets import read_secret
from serving.erp.tokens import ClientCredentials
from serving.orders import MaintenanceRequest, OrderChange, WorkOrder
from serving.settings import ErpSettings

__all__ = ["SapS4"]


class SapS4:
    """Orders in SAP: a notification carries the key; with target `order` an order is made from it.

    Args:
        endpoint: The gateway.
        user: Technical user, or client id of oauth.
        secret: Password, client secret or API key.
        options: Services, customizing values, codes.
        makes_orders: Target `order`: an order is made from each notification.

    Raises:
        ConfigError: A URL is wrong, or orders are to be made without their service.
    """

    def __init__(
        self, endpoint: Endpoint, user: str, secret: str, options: SapOptions, *, makes_orders: bool = False
    ) -> None:
        if makes_orders and not options.orders:
            raise ConfigError('erp.target = "order" needs erp.options.orders = true')
        self._options, self._reading, self._makes_orders = options, Reading(options), makes_orders
        auth: httpx.Auth | None = httpx.BasicAuth(user, secret) if options.auth == "basic" else None
        if options.auth == "oauth":
            hint = "check erp.options.token_url, erp.user (client id) and the secret"
            auth = ClientCredentials(replace(endpoint, url=options.token_url), user, secret, hint=hint)
        self._auth = auth
        self._connection = Connection(
            endpoint,
            headers={"Accept-Language": options.language.lower()}
            | ({"APIKey": secret} if options.auth == "api_key" else {}),
            auth=auth,
            secrets=(secret,),
            translate=translate,
        )
        params = {"sap-client": options.client, "sap-language": options.language}
        self._session = Session(self._connection, params)
        self._queries = Queries(self._session, options, endpoint.clock)
        self._writing = Writing(self._session, options, endpoint.clock)

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: No URL or secret, or an option that is not known.
        """
        options, makes_orders = read_options(settings, SapOptions), settings.target == "order"
        secret = read_secret(settings).decode()
        return cls(Endpoint.of(settings, record), settings.user, secret, options, makes_orders=makes_orders)

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
        if isinstance(self._auth, ClientCredentials):
            self._auth.close()

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
        return Preview("POST", url, written(body))

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
