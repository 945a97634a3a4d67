"""How Dataverse writes: literals, stamps, option sets, versions of rows, error documents."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx

from features.core.errors import ConfigError, ErpUnavailableError, OrderRejectedError, WearcastError
from serving.erp.dynamics365.options import Dynamics365Options
from serving.orders import OrderChange, OrderState, WorkOrder

__all__ = [
    "CANCELED",
    "UNSCHEDULED",
    "change_of",
    "columns",
    "guid",
    "literal",
    "order_of",
    "refusal",
    "stamp",
    "state_of",
    "value_of",
    "when",
]

# Options of msdyn_systemstatus.
UNSCHEDULED, CANCELED = 690_970_000, 690_970_005
_STATES = {
    UNSCHEDULED: OrderState.OPEN,
    690_970_001: OrderState.PLANNED,
    690_970_002: OrderState.IN_PROGRESS,
    690_970_003: OrderState.COMPLETED,
    690_970_004: OrderState.CLOSED,
    CANCELED: OrderState.CANCELLED,
}
# What Dataverse says when a column, lookup or key of ours has another name there.
_NAMES = ("undeclared property", "property named", "alternate key", "key property")
_FORMATTED = "@OData.Community.Display.V1.FormattedValue"
_BASE = (
    "msdyn_workorderid",
    "msdyn_name",
    "msdyn_systemstatus",
    "modifiedon",
    "msdyn_workordersummary",
    "_msdyn_customerasset_value",
    "_msdyn_functionallocation_value",
    "_msdyn_priority_value",
)


def columns(options: Dynamics365Options) -> str:
    """`$select` of work orders."""
    own = [options.key_column, options.completed_column, options.malfunction_column, *options.codes.values()]
    return ",".join(dict.fromkeys([*_BASE, *(name for name in own if name)]))


def literal(text: str) -> str:
    """Text as a literal of a filter or an address.

    Example:
        >>> literal("it's")
        "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def guid(text: str) -> str:
    """The id of a record in its usual form; empty: it is none.

    Example:
        >>> guid("{6B29FC40-CA47-1067-B31D-00DD010662DA}")
        '6b29fc40-ca47-1067-b31d-00dd010662da'
        >>> guid("W1-P101")
        ''
    """
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def stamp(moment: dt.datetime) -> str:
    """A moment as Dataverse takes it: UTC, whole seconds."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def when(text: object) -> dt.datetime | None:
    """A stamp in UTC; None: there is none. One without a zone is UTC, as Dataverse keeps them.

    Raises:
        ErpUnavailableError: It is no stamp.
    """
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError as err:
        raise ErpUnavailableError(f"Dynamics 365 told {text!r} where a time should be") from err
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def value_of(row: Mapping[str, object], column: str) -> str:
    """What a person reads in a column: the name of a record or option, else the value; empty: nothing."""
    return str(row.get(column + _FORMATTED) or row.get(column) or "")


def state_of(row: Mapping[str, object]) -> OrderState:
    """The neutral state."""
    status = row.get("msdyn_systemstatus")
    return _STATES.get(status, OrderState.UNKNOWN) if isinstance(status, int) else OrderState.UNKNOWN


def order_of(row: Mapping[str, object], options: Dynamics365Options) -> WorkOrder:
    """The order as it stands."""
    return WorkOrder(
        str(row.get(options.key_column) or ""),
        str(row.get("msdyn_name") or ""),
        state_of(row),
        _raw_status(row),
        str(row.get("_msdyn_functionallocation_value") or ""),
        str(row.get("msdyn_workordersummary") or ""),
    )


def change_of(row: Mapping[str, object], options: Dynamics365Options) -> OrderChange:
    """The order's present state as a change; its id is the row's version."""
    changed_at, state, number = when(row.get("modifiedon")), state_of(row), str(row.get("msdyn_name") or "")
    if changed_at is None:
        raise ErpUnavailableError(f"Dynamics 365 told of {number} without modifiedon")
    version = "".join(sign for sign in str(row.get("@odata.etag", "")) if sign.isdigit())
    is_done = state in (OrderState.COMPLETED, OrderState.CLOSED)
    codes = {name: value_of(row, column) for name, column in options.codes.items()} if state.is_terminal else {}
    codes = {name: code for name, code in codes.items() if code}
    return OrderChange(
        number=number,
        key=str(row.get(options.key_column) or ""),
        change_id=f"{number}:{changed_at:%Y%m%dT%H%M%SZ}:{row.get('msdyn_systemstatus')}:{version}",
        state=state,
        raw_status=_raw_status(row),
        changed_at=changed_at,
        completed_at=when(row.get(options.completed_column)) if is_done else None,
        raw_outcome="/".join(codes[name] for name in sorted(codes) if name != "substatus"),
        text=str(row.get("msdyn_workordersummary") or ""),
        codes=codes,
        malfunction_at=when(row.get(options.malfunction_column)) if options.malfunction_column else None,
    )


def refusal(response: httpx.Response) -> WearcastError | None:
    """What an error document of Dataverse means; None: it is none, or its status says enough."""
    code, message = _error_of(response)
    status = response.status_code
    if status == 401:
        hint = "add the application as an application user of this environment (Power Platform admin center)"
        return ConfigError(f"Dynamics 365 refuses our token: {message}; {hint}", {"status": status})
    if not message or status in (423, 429) or status >= 500:
        return None
    context: dict[str, object] = {"status": status, "reason": code}
    if status == 403:
        hint = "give the application user's security role the right that is named"
        return ConfigError(f"Dynamics 365 does not let our user do this: {message}; {hint}", context)
    if status == 412:
        return ErpUnavailableError(f"Dynamics 365: somebody else has changed it: {message}", context)
    if response.request.method == "GET" or any(words in message.lower() for words in _NAMES):
        hint = "check the names in erp.options; `wearcast erp check` tells which are wrong"
        return ConfigError(f"Dynamics 365 does not know this: {message}; {hint}", context)
    return OrderRejectedError(f"Dynamics 365 refuses it: {message}", context)


def _raw_status(row: Mapping[str, object]) -> str:
    """The option's number, the same in all languages, and its word."""
    status, word = row.get("msdyn_systemstatus"), row.get("msdyn_systemstatus" + _FORMATTED)
    return " ".join(str(part) for part in (status, word) if part)


def _error_of(response: httpx.Response) -> tuple[str, str]:
    try:
        document: Any = response.json()  # Any: a JSON document
    except ValueError:
        return "", ""
    error = document.get("error") if isinstance(document, Mapping) else None
    if not isinstance(error, Mapping):
        return "", ""
    return str(error.get("code", "")), " ".join(str(error.get("message", "")).split())[:300]
