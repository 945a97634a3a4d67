"""Our words to and from Odoo's fields."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from features.core.errors import AmbiguousDeliveryError, ErpUnavailableError, OrderRejectedError
from serving.erp.odoo.options import OdooOptions
from serving.erp.odoo.wire import Record
from serving.erp.texts import as_html, cut
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder

__all__ = [
    "REQUEST_FIELDS",
    "TEXT_LENGTH",
    "TITLE_LENGTH",
    "Stages",
    "change_of",
    "columns",
    "loaded",
    "order_of",
    "priority_of",
    "raised",
    "stamp_of",
    "told_stamp",
    "word_of",
]

# Subjects are one line in Odoo's cards; Odoo itself has no limit.
TITLE_LENGTH, TEXT_LENGTH = 120, 3000
REQUEST_FIELDS = (
    "id",
    "name",
    "stage_id",
    "kanban_state",
    "archive",
    "schedule_date",
    "priority",
    "close_date",
    "equipment_id",
    "create_date",
    "write_date",
)
# Odoo's own stages; Repaired and Scrap are known by their tick "Request Done".
_STAGES = {"new request": OrderState.OPEN, "in progress": OrderState.IN_PROGRESS}
# PostgreSQL's words when another transaction was faster.
_FASTER = ("could not serialize", "concurrent update", "deadlock", "could not obtain lock")
_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Stages:
    """Which stages are done, and what the others mean.

    Attributes:
        done: Stage id -> the request is done there.
        first: Id of the stage in which new requests start; None: there is no stage.
        meanings: Name in lower case -> what the site says it means.
    """

    done: Mapping[int, bool]
    first: int | None
    meanings: Mapping[str, OrderState]

    def state(self, number: int, name: str) -> OrderState:
        """The meaning of a stage: the site's word, else done, else Odoo's own stages, else unknown."""
        known = self.meanings.get(name.lower())
        if known is not None:
            return known
        if self.done.get(number, False):
            return OrderState.COMPLETED
        if name.lower() in _STAGES:
            return _STAGES[name.lower()]
        return OrderState.OPEN if number == self.first else OrderState.UNKNOWN


def columns(request: MaintenanceRequest, options: OdooOptions, equipment: int | None) -> dict[str, str]:
    """Column -> value of the one row that `load` creates, the external id first.

    Args:
        request: What is asked for.
        options: Of the site.
        equipment: Odoo's own id of it; None: without equipment.
    """
    text = cut(request.text, TEXT_LENGTH)
    if request.functional_location:
        text += f"\nFunctional location: {request.functional_location}"
    row = {
        "id": f"{options.module}.{request.key}",
        "name": cut(request.title, TITLE_LENGTH),
        "description": as_html(text) if options.description_is_html else text,
        "maintenance_type": options.maintenance_type,
        "priority": priority_of(request.priority),
    }
    if equipment is not None:
        row["equipment_id/.id"] = str(equipment)
    if options.team_id is not None:
        row["maintenance_team_id/.id"] = str(options.team_id)
    if options.company_id is not None:
        row["company_id/.id"] = str(options.company_id)
    if options.schedule and request.planned_start is not None:
        row["schedule_date"] = told_stamp(request.planned_start)
    return row


def loaded(answer: object, key: str) -> int:
    """The id that `load` made or found.

    Args:
        answer: What `load` returned: ids, or false and messages; then nothing was done.
        key: Of the order.

    Raises:
        ErpUnavailableError: Another transaction was faster.
        OrderRejectedError: Odoo refuses the row.
        AmbiguousDeliveryError: Any other answer.
    """
    ids = answer.get("ids") if isinstance(answer, dict) else None
    if isinstance(ids, list) and len(ids) == 1 and isinstance(ids[0], int):
        return ids[0]
    if not isinstance(answer, dict) or ids is not False:
        raise AmbiguousDeliveryError(f"Odoo's answer to {key} is not that of load: look it up", {"key": key})
    messages = answer.get("messages") or []
    told = "; ".join(str(one.get("message", "")) for one in messages if isinstance(one, dict))[:300]
    if any(words in told.lower() for words in _FASTER):
        raise ErpUnavailableError(f"Odoo was busy with the same rows: {told}", {"key": key})
    raise OrderRejectedError(f"Odoo refuses {key}: {told}", {"key": key})


def priority_of(priority: int) -> str:
    """Odoo's priority, '3' (high) to '0' (very low), of ours, 1 (highest) to 4 and less urgent.

    Example:
        >>> [priority_of(ours) for ours in (1, 2, 3, 4, 5)]
        ['3', '2', '1', '0', '0']
    """
    return str(min(max(4 - priority, 0), 3))


def raised(held: object, priority: int) -> str | None:
    """The priority to write, or None when what is held (false: none) is as high already.

    Example:
        >>> raised("1", 1), raised("3", 1), raised(False, 4)
        ('3', None, None)
    """
    wanted = priority_of(priority)
    return wanted if wanted > (held if isinstance(held, str) else "0") else None


def stamp_of(told: object) -> dt.datetime | None:
    """The moment of a naive UTC stamp or a date (its first moment); None: the field is empty."""
    if not isinstance(told, str) or not told:
        return None
    try:
        return dt.datetime.fromisoformat(told).replace(tzinfo=dt.UTC)
    except ValueError as err:
        raise ErpUnavailableError(f"Odoo told {told!r} where a time should be") from err


def told_stamp(moment: dt.datetime) -> str:
    """A moment in Odoo's words: naive UTC, cut to the second."""
    return moment.astimezone(dt.UTC).strftime(_FORMAT)


def order_of(record: Record, key: str, stages: Stages, options: OdooOptions) -> WorkOrder:
    """A maintenance request as an order; `key` is empty for one that people made."""
    state, raw = _state(record, stages, options)
    return WorkOrder(key, str(record["id"]), state, raw, "", str(record["name"] or ""))


def change_of(record: Record, key: str, stages: Stages, options: OdooOptions) -> OrderChange:
    """A maintenance request as its latest change."""
    state, raw = _state(record, stages, options)
    changed = stamp_of(record["write_date"]) or dt.datetime.min.replace(tzinfo=dt.UTC)
    codes = {"stage": word_of(record["stage_id"])}
    codes |= {name: word_of(record[field]) for name, field in options.code_fields.items()}
    return OrderChange(
        number=str(record["id"]),
        key=key,
        change_id=f"{record['id']}@{record['write_date']}@{raw}",
        state=state,
        raw_status=raw,
        changed_at=changed,
        completed_at=_closed(record, changed) if state is OrderState.COMPLETED else None,
        text=str(record["name"] or ""),
        codes={name: code for name, code in codes.items() if code},
    )


def _state(record: Record, stages: Stages, options: OdooOptions) -> tuple[OrderState, str]:
    """State and raw status: a done stage wins, then the archive, then the red light, then the stage."""
    stage = record["stage_id"] or [0, ""]
    name, state = str(stage[1]), stages.state(int(stage[0]), str(stage[1]))
    if state.is_terminal:
        return state, name
    if record["archive"]:
        return OrderState.CANCELLED, f"{name} (archived)"
    if record["kanban_state"] == "blocked":
        return OrderState.ON_HOLD, f"{name} (blocked)"
    if state is OrderState.OPEN and record["schedule_date"] and not options.schedule:
        return OrderState.PLANNED, f"{name} (scheduled)"
    return state, name


def _closed(record: Record, changed: dt.datetime) -> dt.datetime | None:
    """When it was done: Odoo keeps the day only; the last change tells more when it was that day."""
    closed = stamp_of(record["close_date"])
    return changed if closed is not None and changed.date() == closed.date() else closed


def word_of(value: object) -> str:
    """A field's value in words: the name of a many2one, text as it is, empty when there is none.

    Example:
        >>> word_of([7, "Pumps"]), word_of("P-101"), word_of(False)
        ('Pumps', 'P-101', '')
    """
    if isinstance(value, list) and len(value) == 2:
        return str(value[1])
    return "" if value is False or value is None else str(value)
