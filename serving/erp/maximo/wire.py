"""Maximo's own writing: conditions, stamps, statuses, error documents, rows of the lean JSON."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from pydantic import BaseModel, ConfigDict

from features.core.errors import ConfigError, ErpUnavailableError, OrderRejectedError, WearcastError
from serving.erp.connection import message_of
from serving.erp.local_time import earliest, local
from serving.erp.maximo.options import MaximoOptions
from serving.orders import OrderChange, OrderState, WorkOrder

__all__ = [
    "REQUEST",
    "WITHDRAWN",
    "Row",
    "both",
    "change_of",
    "condition",
    "order_of",
    "refusal",
    "since_stamp",
    "stamp",
    "state_of",
    "when",
]

# Numbers of service requests carry this, because work orders may have the same ones.
REQUEST = "SR:"
# Service requests know no status for it: a line of the work log tells that a closed one was never done.
WITHDRAWN = "Withdrawn by Wearcast"

# Internal statuses of domains WOSTATUS and SRSTATUS.
_STATES = {
    "WAPPR": OrderState.OPEN,
    "APPR": OrderState.OPEN,
    "WSCH": OrderState.PLANNED,
    "WMATL": OrderState.ON_HOLD,
    "WPCOND": OrderState.ON_HOLD,
    "INPRG": OrderState.IN_PROGRESS,
    "COMP": OrderState.COMPLETED,
    "CLOSE": OrderState.CLOSED,
    "CAN": OrderState.CANCELLED,
    "NEW": OrderState.OPEN,
    "QUEUED": OrderState.OPEN,
    "PENDING": OrderState.ON_HOLD,
    "INPROG": OrderState.IN_PROGRESS,
    "RESOLVED": OrderState.COMPLETED,
    "CLOSED": OrderState.CLOSED,
    # A closed one that was edited afterwards.
    "HISTEDIT": OrderState.CLOSED,
}


class _Failure(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: str = ""
    failurecode: str = ""


class _Note(BaseModel):
    model_config = ConfigDict(extra="ignore")

    description: str = ""


class Row(BaseModel):
    """A work order or service request in lean JSON; fields that are null are left out by Maximo."""

    model_config = ConfigDict(extra="allow")

    href: str = ""
    wonum: str = ""
    ticketid: str = ""
    status: str = ""
    status_maxvalue: str = ""
    statusdate: str = ""
    changedate: str = ""
    description: str = ""
    location: str = ""
    failurecode: str = ""
    problemcode: str = ""
    faildate: str = ""
    actfinish: str = ""
    actualfinish: str = ""
    historyflag: bool = False
    failurereport: tuple[_Failure, ...] = ()
    worklog: tuple[_Note, ...] = ()

    @property
    def number(self) -> str:
        """The order's number as we tell it; service requests are marked."""
        return self.wonum or f"{REQUEST}{self.ticketid}"

    @property
    def resource(self) -> str:
        """The last part of its address, whatever host Maximo believes to have."""
        return self.href.rstrip("/").rpartition("/")[2]

    @property
    def rowstamp(self) -> str:
        """Maximo's version of the row."""
        return str((self.model_extra or {}).get("_rowstamp", ""))

    def value_of(self, field: str) -> str:
        """Another field as text; empty: null."""
        return str((self.model_extra or {}).get(field, "") or "")


def condition(field: str, operator: str, value: str) -> str:
    r"""One comparison of `oslc.where`.

    Example:
        >>> condition("location", "=", 'PUMP "A"')
        'location="PUMP \\"A\\""'
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{field}{operator}"{escaped}"'


def both(*conditions: str) -> str:
    """All of them at once: `oslc.where` knows no `or` and no brackets."""
    return " and ".join(one for one in conditions if one)


def stamp(moment: dt.datetime, time_zone: str) -> str:
    """A moment as Maximo takes it: whole seconds with offset, or its own zone's without."""
    if not time_zone:
        return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
    return local(moment, ZoneInfo(time_zone)).isoformat(timespec="seconds")


def since_stamp(moment: dt.datetime, time_zone: str) -> str:
    """The earliest stamp that anything at or after a moment has."""
    if not time_zone:
        return stamp(moment, "")
    return earliest(moment, ZoneInfo(time_zone)).isoformat(timespec="seconds")


def when(text: str, time_zone: str) -> dt.datetime | None:
    """A stamp in UTC; None: there is none. Without offset it is in the configured zone, else UTC.

    Raises:
        ErpUnavailableError: It is no stamp.
    """
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as err:
        raise ErpUnavailableError(f"Maximo told {text!r} where a time should be") from err
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(time_zone) if time_zone else dt.UTC)
    return moment.astimezone(dt.UTC)


def state_of(row: Row, options: MaximoOptions) -> OrderState:
    """The neutral state, by Maximo's internal status and not by the site's word for it."""
    internal = row.status_maxvalue or options.states.get(row.status, row.status)
    state = _STATES.get(internal, OrderState.UNKNOWN)
    is_withdrawn = any(note.description.startswith(WITHDRAWN) for note in row.worklog)
    return OrderState.CANCELLED if state is OrderState.CLOSED and is_withdrawn else state


def order_of(row: Row, options: MaximoOptions) -> WorkOrder:
    """The order as it stands."""
    return WorkOrder(
        _key_of(row, options), row.number, state_of(row, options), row.status, row.location, row.description
    )


def change_of(row: Row, options: MaximoOptions) -> OrderChange:
    """The order's present state as a change.

    Its stamp is the later one of status and edit; its id also covers codes and times of completion, which
    Maximo keeps in other tables and may change within the same second.
    """
    stamps = [when(text, options.time_zone) for text in (row.statusdate, row.changedate)]
    told = [one for one in stamps if one is not None]
    if not told:
        raise ErpUnavailableError(f"Maximo told of {row.number} without statusdate and changedate")
    changed_at, state = max(told), state_of(row, options)
    finish = row.actfinish or row.actualfinish
    is_done = state in (OrderState.COMPLETED, OrderState.CLOSED)
    codes = _codes_of(row) if state.is_terminal else {}
    content = repr((sorted(codes.items()), finish if is_done else "", row.faildate)).encode()
    version = hashlib.sha256(content).hexdigest()[:8]
    return OrderChange(
        number=row.number,
        key=_key_of(row, options),
        change_id=f"{row.number}:{changed_at:%Y%m%dT%H%M%SZ}:{row.status}:{version}",
        state=state,
        raw_status=row.status,
        changed_at=changed_at,
        completed_at=when(finish, options.time_zone) if is_done else None,
        raw_outcome="/".join(codes[name] for name in ("problem", "cause", "remedy") if name in codes),
        text=row.description,
        codes=codes,
        malfunction_at=when(row.faildate, options.time_zone),
    )


def refusal(response: httpx.Response, options: MaximoOptions) -> WearcastError | None:
    """What an error document of Maximo means; None: it is none, or its status says enough."""
    reason, message = _error_of(response)
    if not message or response.status_code in (423, 429):
        return None
    context: dict[str, object] = {"status": response.status_code, "reason": reason}
    if reason in options.retry_codes:
        return ErpUnavailableError(f"Maximo: somebody else is editing it: {message}", context)
    if "null is not a valid site" in message.lower():
        hint = "set erp.options.site, or give the API user a default insert site"
        return ConfigError(f"Maximo has no site to write to ({message}): {hint}", context)
    if response.status_code == 401:
        return ConfigError(f"Maximo refuses our API key: {message}", context)
    if response.status_code == 403:
        hint = "give the API user's group the object structure and its options"
        return ConfigError(f"Maximo does not let our user do this: {message}; {hint}", context)
    if 400 <= response.status_code < 500 and response.status_code not in (408, 425):
        if response.request.method == "GET":
            hint = "check the names in erp.options; `wearcast erp check` tells which fields are missing"
            return ConfigError(f"Maximo cannot be asked so: {message}; {hint}", context)
        return OrderRejectedError(f"Maximo refuses it: {message}", context)
    return None


def _key_of(row: Row, options: MaximoOptions) -> str:
    return row.value_of(options.key_field if row.wonum else options.request_key_field)


def _codes_of(row: Row) -> dict[str, str]:
    """PROBLEM, CAUSE, REMEDY of the failure report, and the failure class."""
    codes = {"failure_class": row.failurecode, "problem": row.problemcode}
    for line in row.failurereport:
        if line.type.upper() in ("PROBLEM", "CAUSE", "REMEDY"):
            codes[line.type.lower()] = line.failurecode
    return {name: code for name, code in codes.items() if code}


def _error_of(response: httpx.Response) -> tuple[str, str]:
    """Reason code and message of an `Error` document, with or without namespaces."""
    try:
        document: Any = response.json()  # Any: a JSON document
    except ValueError:
        return "", ""
    if not isinstance(document, Mapping):
        return "", ""
    error = document.get("Error", document.get("oslc:Error"))
    if not isinstance(error, Mapping):
        return "", ""
    plain = {str(name).rpartition(":")[2]: value for name, value in error.items()}
    message = str(plain.get("message", "")) or message_of(response)
    return str(plain.get("reasonCode", "")), " ".join(message.split())[:300]
