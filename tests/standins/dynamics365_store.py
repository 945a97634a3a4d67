"""What a Dataverse holds and allows: rows, versions, alternate keys, filters, pages, payloads."""

import base64
import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from uuid import UUID, uuid5

__all__ = [
    "ACCOUNT",
    "ASSET",
    "COLUMNS",
    "LABELS",
    "LOCATION",
    "LOOKUPS",
    "PRIORITIES",
    "Row",
    "Store",
    "Wrong",
    "named",
]

Row = dict[str, object]

_SPACE = UUID("6b29fc40-ca47-1067-b31d-00dd010662da")


def named(name: str) -> str:
    """The id of a record that the tests know by a name."""
    return str(uuid5(_SPACE, name))


ACCOUNT, ASSET, LOCATION = named("account"), named("asset 100042"), named("location W1-P101")
PRIORITIES = {rank: named(f"priority {rank}") for rank in range(1, 6)}
LABELS = {
    690_970_000: "Unscheduled",
    690_970_001: "Scheduled",
    690_970_002: "In Progress",
    690_970_003: "Completed",
    690_970_004: "Posted",
    690_970_005: "Canceled",
}
_TEXT, _MEMO, _GUID, _INT, _TIME, _BOOL = "text", "memo", "guid", "int", "time", "bool"
# Table -> column -> type and length.
COLUMNS: dict[str, dict[str, tuple[str, int]]] = {
    "msdyn_workorders": {
        "msdyn_workorderid": (_GUID, 0),
        "msdyn_name": (_TEXT, 100),
        "wearcast_externalref": (_TEXT, 20),
        "msdyn_workordersummary": (_MEMO, 2000),
        "msdyn_instructions": (_MEMO, 2000),
        "msdyn_systemstatus": (_INT, 0),
        "msdyn_taxable": (_BOOL, 0),
        "msdyn_timewindowstart": (_TIME, 0),
        "msdyn_timewindowend": (_TIME, 0),
        "msdyn_completedon": (_TIME, 0),
        "modifiedon": (_TIME, 0),
        "createdon": (_TIME, 0),
        "statecode": (_INT, 0),
        "_msdyn_serviceaccount_value": (_GUID, 0),
        "_msdyn_customerasset_value": (_GUID, 0),
        "_msdyn_functionallocation_value": (_GUID, 0),
        "_msdyn_priority_value": (_GUID, 0),
        "_msdyn_workordertype_value": (_GUID, 0),
        "_msdyn_pricelist_value": (_GUID, 0),
        "_msdyn_primaryincidenttype_value": (_GUID, 0),
        "_msdyn_primaryresolution_value": (_GUID, 0),
        "_msdyn_substatus_value": (_GUID, 0),
    },
    "annotations": {
        "annotationid": (_GUID, 0),
        "subject": (_TEXT, 500),
        "notetext": (_MEMO, 100_000),
        "_objectid_value": (_GUID, 0),
        "modifiedon": (_TIME, 0),
    },
    "accounts": {"accountid": (_GUID, 0), "name": (_TEXT, 160)},
    "msdyn_priorities": {"msdyn_priorityid": (_GUID, 0), "msdyn_name": (_TEXT, 100)},
    "msdyn_customerassets": {
        "msdyn_customerassetid": (_GUID, 0),
        "msdyn_name": (_TEXT, 100),
        "_msdyn_parentasset_value": (_GUID, 0),
        "_msdyn_functionallocation_value": (_GUID, 0),
        "_msdyn_customerassetcategory_value": (_GUID, 0),
    },
    "msdyn_functionallocations": {
        "msdyn_functionallocationid": (_GUID, 0),
        "msdyn_name": (_TEXT, 100),
        "_msdyn_parentfunctionallocation_value": (_GUID, 0),
    },
}
# Navigation property -> column, table that it refers to; upper and lower case as the vendor has them.
LOOKUPS: dict[str, dict[str, tuple[str, str]]] = {
    "msdyn_workorders": {
        "msdyn_serviceaccount": ("_msdyn_serviceaccount_value", "accounts"),
        "msdyn_CustomerAsset": ("_msdyn_customerasset_value", "msdyn_customerassets"),
        "msdyn_FunctionalLocation": ("_msdyn_functionallocation_value", "msdyn_functionallocations"),
        "msdyn_priority": ("_msdyn_priority_value", "msdyn_priorities"),
    },
    "annotations": {"objectid_msdyn_workorder": ("_objectid_value", "msdyn_workorders")},
}
_READ_ONLY = {"modifiedon", "createdon", "msdyn_name", "statecode"}
_CONDITION = re.compile(r"(?P<column>\w+) (?P<operator>eq|ne|ge|gt|le|lt) (?P<value>'(?:[^']|'')*'|[\w.:+-]+)")
_STARTS = re.compile(r"startswith\((?P<column>\w+),(?P<value>'(?:[^']|'')*')\)")


class Wrong(Exception):  # noqa: N818  the vendor's answer, not our failure
    """The vendor's answer: status, code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message


class Store:
    """All rows, by table and id.

    Args:
        now: The vendor's clock.
    """

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self._now, self._version = now, 1000
        self.rows: dict[str, dict[str, Row]] = {table: {} for table in COLUMNS}
        self._by_key: dict[str, str] = {}
        self._fixed("accounts", ACCOUNT, name="Works")
        for rank, record in PRIORITIES.items():
            self._fixed("msdyn_priorities", record, msdyn_name=f"P{rank}")
        self._fixed("msdyn_functionallocations", LOCATION, msdyn_name="W1-P101")
        place = {"_msdyn_functionallocation_value": LOCATION}
        self._fixed("msdyn_customerassets", ASSET, msdyn_name="Feed pump", **place)

    def by_key(self, column: str, value: str) -> Row | None:
        """A work order by its alternate key."""
        if column != "wearcast_externalref":
            raise Wrong(404, "0x80060888", f"The key property {column} is no alternate key of msdyn_workorder.")
        record = self._by_key.get(value.upper())
        return None if record is None else self.rows["msdyn_workorders"][record]

    def create(self, table: str, record: str, body: Mapping[str, object], key: str = "") -> Row:
        """A new row with that id."""
        row: Row = dict.fromkeys(COLUMNS[table])
        row[next(iter(COLUMNS[table]))] = record
        self._write(table, row, body)
        if table == "msdyn_workorders":
            if row["_msdyn_serviceaccount_value"] is None:
                raise Wrong(400, "0x80040200", "Service Account is required.")
            row |= {
                "msdyn_name": f"{len(self.rows[table]) + 1001:05d}",
                "statecode": 0,
                "createdon": self._stamp(),
            }
            row["msdyn_systemstatus"] = row["msdyn_systemstatus"] or 690_970_000
            if key:
                row["wearcast_externalref"] = key
                self._by_key[key.upper()] = record
        self.rows[table][record] = row
        self.touch(row)
        return row

    def update(self, table: str, row: Row, body: Mapping[str, object]) -> None:
        """Change what is given."""
        self._write(table, row, body)
        self.touch(row)

    def touch(self, row: Row) -> None:
        """A new version."""
        self._version += 1
        row["etag"] = f'W/"{self._version}"'
        if "modifiedon" in row:
            row["modifiedon"] = self._stamp()

    def select(self, table: str, query: Mapping[str, str], size: int) -> tuple[list[Row], str]:
        """A page of rows, and the token of the next one."""
        rows = list(self.rows[table].values())
        if "$filter" in query:
            holds = [_holds(table, one) for one in _split(query["$filter"])]
            rows = [row for row in rows if all(hold(row) for hold in holds)]
        order = [part.split(" ")[0] for part in query.get("$orderby", "").split(",") if part]
        if any(not part.endswith(" asc") for part in query.get("$orderby", "").split(",") if part):
            raise Wrong(400, "0x80060888", "This stand-in orders ascending only.")
        for column in order:
            _known(table, column)
        order.append(next(iter(COLUMNS[table])))
        rows.sort(key=lambda row: [str(row[column]) for column in order])
        if "$skiptoken" in query:
            after = json.loads(base64.urlsafe_b64decode(query["$skiptoken"]))
            rows = [row for row in rows if [str(row[column]) for column in order] > after]
        page, more = rows[:size], len(rows) > size
        last = json.dumps([str(page[-1][column]) for column in order]) if more else ""
        return page, base64.urlsafe_b64encode(last.encode()).decode() if last else ""

    def _write(self, table: str, row: Row, body: Mapping[str, object]) -> None:
        for name, value in body.items():
            if name.endswith("@odata.bind"):
                self._bind(table, row, name.removesuffix("@odata.bind"), value)
                continue
            kind, length = COLUMNS[table].get(name, ("", 0))
            if not kind or kind == _GUID or name in _READ_ONLY:
                raise Wrong(400, "0x80048d19", f"Could not find a property named '{name}' that can be written.")
            wanted = {_INT: int, _BOOL: bool}.get(kind, str)
            if value is not None and type(value) is not wanted:
                raise Wrong(400, "0x80048d19", f"Cannot convert the value of {name}.")
            if length and len(str(value)) > length:
                raise Wrong(
                    400, "0x80044331", f"A validation error occurred. The length of '{name}' exceeded {length}."
                )
            if kind == _TIME and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(value)):
                raise Wrong(400, "0x80048d19", f"Cannot convert {value!r} of {name} to Edm.DateTimeOffset.")
            if name == "msdyn_systemstatus" and value not in LABELS:
                raise Wrong(
                    400, "0x8004431a", "A validation error occurred. The value is outside the valid range."
                )
            row[name] = value

    def _bind(self, table: str, row: Row, name: str, value: object) -> None:
        if name not in LOOKUPS.get(table, {}):
            message = f"An undeclared property '{name}' which only has property annotations was found."
            raise Wrong(400, "0x80048d19", message)
        column, target = LOOKUPS[table][name]
        found = re.fullmatch(rf"/{target}\(([0-9a-f-]{{36}})\)", str(value))
        if found is None:
            raise Wrong(400, "0x80048d19", f"{value!r} is no address of {target}.")
        if found[1] not in self.rows[target]:
            raise Wrong(404, "0x80040217", f"{target} With Id = {found[1]} Does Not Exist")
        row[column] = found[1]

    def _fixed(self, table: str, record: str, **values: object) -> None:
        row: Row = dict.fromkeys(COLUMNS[table]) | {next(iter(COLUMNS[table])): record} | values
        self.rows[table][record] = row | {"etag": 'W/"1"'}

    def _stamp(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _known(table: str, column: str) -> str:
    if column not in COLUMNS[table]:
        raise Wrong(400, "0x80060888", f"Could not find a property named '{column}' on type '{table}'.")
    return COLUMNS[table][column][0]


def _split(text: str) -> list[str]:
    """Conditions between `and`, which may also stand within quotes."""
    found, at = [], 0
    while at < len(text):
        one = _CONDITION.match(text, at) or _STARTS.match(text, at)
        if one is None:
            raise Wrong(400, "0x80060888", f"Syntax error at position {at} in '{text}'.")
        found.append(one[0])
        at = one.end()
        if at < len(text):
            if not text.startswith(" and ", at):
                raise Wrong(400, "0x80060888", f"Syntax error at position {at} in '{text}'.")
            at += len(" and ")
    return found


def _holds(table: str, text: str) -> Callable[[Row], bool]:
    starts = _STARTS.fullmatch(text)
    if starts is not None:
        prefix = starts["value"][1:-1].replace("''", "'").upper()
        column = starts["column"]
        _known(table, column)
        return lambda row: str(row[column] or "").upper().startswith(prefix)
    found = _CONDITION.fullmatch(text)
    assert found is not None
    column, operator, value = found["column"], found["operator"], found["value"]
    kind = _known(table, column)
    if value.startswith("'") != (kind in (_TEXT, _MEMO)):
        raise Wrong(400, "0x80060888", f"A binary operator with incompatible types was detected for {column}.")
    if kind == _GUID and re.fullmatch(r"[0-9a-f-]{36}", value) is None:
        raise Wrong(400, "0x80060888", f"{value} is no Edm.Guid.")
    wanted = value[1:-1].replace("''", "'").upper() if kind in (_TEXT, _MEMO) else value

    def holds(row: Row) -> bool:
        held = str(row[column]).upper() if kind in (_TEXT, _MEMO) else str(row[column])
        if row[column] is None:
            return operator == "ne"
        return {
            "eq": held == wanted,
            "ne": held != wanted,
            "ge": held >= wanted,
            "gt": held > wanted,
            "le": held <= wanted,
            "lt": held < wanted,
        }[operator]

    return holds
