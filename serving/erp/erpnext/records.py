"""Our words to and from the fields of an asset repair."""

import datetime as dt
import html

from serving.erp.erpnext.options import ErpNextOptions
from serving.erp.erpnext.wire import Document, Wire
from serving.erp.texts import as_text, cut
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder

__all__ = ["FIELDS", "TEXT_LENGTH", "TITLE_LENGTH", "body", "change_of", "order_of"]

# A repair has no title: the first line of its description is ours.
TITLE_LENGTH, TEXT_LENGTH = 120, 3000
FIELDS = (
    "name",
    "asset",
    "failure_date",
    "completion_date",
    "docstatus",
    "description",
    "actions_performed",
    "downtime",
    "modified",
)
# docstatus: 0 draft, 1 submitted, 2 cancelled.
_DRAFT, _SUBMITTED, _CANCELLED = 0, 1, 2
_STATES = {
    "pending": OrderState.OPEN,
    "completed": OrderState.COMPLETED,
    "cancelled": OrderState.CANCELLED,
}


def body(request: MaintenanceRequest, options: ErpNextOptions, today: dt.date) -> dict[str, object]:
    """The document that is inserted.

    Args:
        request: What is asked for.
        options: Of the site.
        today: At the server. ERPNext wants a failure date that is not after the completion: midnight of today
            says that none is known.
    """
    lines = [cut(request.title, TITLE_LENGTH), cut(request.text, TEXT_LENGTH), f"Priority: {request.priority}"]
    if request.functional_location:
        lines.append(f"Functional location: {request.functional_location}")
    document: dict[str, object] = {
        "asset": request.equipment_number,
        "failure_date": f"{today.isoformat()} 00:00:00",
        "repair_status": "Pending",
        # Frappe takes tags that it does not know out of a text: escaped, they stay.
        "description": html.escape("\n".join(lines), quote=False),
        options.key_field: request.key,
    }
    return document | ({"naming_series": options.naming_series} if options.naming_series else {})


def order_of(document: Document, options: ErpNextOptions) -> WorkOrder:
    """An asset repair as an order; the key is empty for one that people made."""
    state, raw = _state(document, options)
    title = as_text(str(document.get("description") or "")).partition("\n")[0]
    return WorkOrder(str(document.get(options.key_field) or ""), str(document["name"]), state, raw, "", title)


def change_of(document: Document, wire: Wire, options: ErpNextOptions, since: dt.datetime) -> OrderChange:
    """An asset repair as its latest change."""
    order = order_of(document, options)
    is_done = order.state in (OrderState.COMPLETED, OrderState.CLOSED)
    codes = {"actions_performed": document.get("actions_performed"), "downtime": document.get("downtime")}
    codes |= {name: document.get(field) for name, field in options.code_fields.items()}
    changed = wire.moment(document["modified"], not_before=since)
    return OrderChange(
        number=order.number or "",
        key=order.key,
        change_id=f"{order.number}@{document['modified']}@{order.raw_status}",
        state=order.state,
        raw_status=order.raw_status,
        changed_at=changed or since,
        completed_at=wire.moment(document.get("completion_date")) if is_done else None,
        text=order.text,
        codes={name: as_text(str(code)) for name, code in codes.items() if code},
        malfunction_at=_malfunction(document, wire),
    )


def _malfunction(document: Document, wire: Wire) -> dt.datetime | None:
    """The failure date that a person gave; midnight is ours, see `body`."""
    told = str(document.get("failure_date") or "")
    return None if told[11:19] in ("", "00:00:00") else wire.moment(told)


def _state(document: Document, options: ErpNextOptions) -> tuple[OrderState, str]:
    """State and raw status: a cancelled document is cancelled, a submitted one that was completed is closed."""
    status, docstatus = str(document.get(options.status_field) or ""), document["docstatus"]
    if docstatus == _CANCELLED:
        return OrderState.CANCELLED, f"{status} (document cancelled)"
    known = {name.lower(): state for name, state in options.states.items()}
    state = (_STATES | known).get(status.lower(), OrderState.UNKNOWN)
    if docstatus != _SUBMITTED:
        return state, status
    return (OrderState.CLOSED if state is OrderState.COMPLETED else state), f"{status} (submitted)"
