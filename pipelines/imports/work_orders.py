"""Closed work orders of an ERP, from its export: events by a map of columns and codes, and what no rule fits."""

import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from features.core.errors import ConfigError, RowRejectedError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import EventKind
from pipelines.historian.port import Rejected
from pipelines.imports.events import import_rows
from pipelines.imports.order_map import OrderMap, OrderRule

__all__ = ["WorkOrdersReport", "import_work_orders"]

# Orders of a code that are shown in the report.
_EXAMPLES = 2


@dataclass(slots=True)
class WorkOrdersReport:
    """What a file of orders brought; orders = routine + mapped + needs_review.

    Attributes:
        file: The file.
        orders: Rows in it.
        routine: Orders that tell of no end of life, by the map's words.
        mapped: Orders that the map made events of; those of machines or times that cannot be are quarantined.
        needs_review: Orders that no rule fits, or that name no component: in quarantine, for a person.
        new: Events and revisions that were not there.
        known: Events that were there already, unchanged.
        quarantined: Orders newly in quarantine.
        failure_modes: Events of each failure mode.
        routine_by: Why -> orders.
        unmapped: Codes -> orders that need review.
        examples: Codes -> some of these orders.
    """

    file: str
    orders: int = 0
    routine: int = 0
    mapped: int = 0
    needs_review: int = 0
    new: int = 0
    known: int = 0
    quarantined: int = 0
    failure_modes: dict[str, int] = field(default_factory=dict)
    routine_by: dict[str, int] = field(default_factory=dict)
    unmapped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Sorted:
    """Orders by what became of them."""

    lines: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    refused: list[Rejected] = field(default_factory=list)
    modes: Counter[str] = field(default_factory=Counter)
    routine: Counter[str] = field(default_factory=Counter)
    unmapped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    mapped: int = 0


def import_work_orders(
    file: Path, order_map: OrderMap, lake: Lake, plant: Plant, *, now: dt.datetime
) -> WorkOrdersReport:
    """Adds the events that the orders tell of; run again it adds nothing, a changed order is a new revision.

    An order that the map calls routine leaves nothing. One that the map gives no kind or no component goes to
    quarantine with its codes (`unmapped_code`, `unmapped_component`): a rule more, and the next run takes it.

    Args:
        file: UTF-8 CSV with a header, one row an order.
        order_map: What its columns and codes mean.
        lake: Where events and quarantined orders go.
        plant: Machines and slots that may be named; times are local times of their sites.
        now: An order that ended later than this is refused.

    Raises:
        ConfigError: No file, or a column of the map is missing.
    """
    rows = _read(file, order_map)
    found = _Sorted()
    for number, row in enumerate(rows, 2):
        _sort(row, f"{file.name} line {number}", order_map, found)
    new, known, bad = import_rows(
        found.lines, lake, plant, now=now, source=order_map.source, refused=found.refused
    )
    return WorkOrdersReport(
        file=str(file),
        orders=len(rows),
        routine=sum(found.routine.values()),
        mapped=found.mapped,
        needs_review=sum(len(orders) for orders in found.unmapped.values()),
        new=new,
        known=known,
        quarantined=bad,
        failure_modes=dict(sorted(found.modes.items())),
        routine_by=dict(sorted(found.routine.items())),
        unmapped={codes: len(orders) for codes, orders in sorted(found.unmapped.items())},
        examples={codes: orders[:_EXAMPLES] for codes, orders in sorted(found.unmapped.items())},
    )


def _read(file: Path, order_map: OrderMap) -> list[dict[str, str]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"{file}: not readable as UTF-8 text ({err})", {"file": str(file)}) from err
    reader = csv.DictReader(text.splitlines(), restval="")
    missing = [name for name in order_map.columns if name not in (reader.fieldnames or [])]
    if missing:
        found = ", ".join(reader.fieldnames or ["nothing"])
        raise ConfigError(
            f"{file}: no column {missing[0]!r}, which the map reads; there are: {found}", {"file": str(file)}
        )
    return [{str(k): str(v).strip() for k, v in row.items() if k is not None} for row in reader]


def _sort(row: Mapping[str, str], place: str, order_map: OrderMap, found: _Sorted) -> None:
    said = order_map.read(row)
    codes = " ".join(f"{name}={code[0]}" for name, code in said.when.items())
    if said.routine is not None:
        found.routine[said.routine] += 1
        return
    try:
        found.lines += [(place, line) for line in _lines(row, said, order_map)]
    except RowRejectedError as err:
        reason = str(err.context["reason"])
        raw = ";".join(row.values())
        found.refused.append(Rejected("(work order)", None, raw, reason, f"{place}, {codes}: {err}"))
        found.unmapped[f"{reason}: {codes}"].append(row[order_map.event_id])
        return
    found.mapped += 1
    if said.failure_mode is not None:
        found.modes[said.failure_mode] += 1


def _lines(row: Mapping[str, str], said: OrderRule, order_map: OrderMap) -> Iterator[dict[str, str]]:
    """One event a component that the order was about.

    Raises:
        RowRejectedError: No rule says what happened, or to which component.
    """
    if said.kind is None:
        raise RowRejectedError("no rule says what happened", {"reason": "unmapped_code"})
    if not said.slots and said.kind is not EventKind.MACHINE_SWAP:
        raise RowRejectedError("no rule says which component it was about", {"reason": "unmapped_component"})
    occurred_at = order_map.occurred_at.read(row)
    slots = said.slots or ("",)
    for slot in slots:
        number = row[order_map.event_id]
        yield {
            "event_id": number if len(slots) == 1 else f"{number}/{slot}",
            "machine_id": row[order_map.machine_id],
            "kind": said.kind.value,
            "occurred_at": occurred_at,
            "slot": slot,
            "outcome": "" if said.outcome is None else said.outcome.value,
            "failure_mode": said.failure_mode or "",
            "text": row[order_map.text],
            # Codes are part of the entry: a recoded order is a new revision.
            "codes": "; ".join(f"{name}={code[0]}" for name, code in said.when.items()),
        }
