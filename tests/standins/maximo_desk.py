"""What a Maximo holds and allows: work orders, service requests, their statuses, lengths and history."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.standins.maximo_query import ZONE, moment

__all__ = ["SITE", "STRUCTURES", "Desk", "Refused", "Structure"]

SITE = "BEDFORD"
_TEXT = 32_000

# Site's words (synonyms) -> Maximo's internal statuses.
_ORDER_WORDS = {
    one: one for one in ("WAPPR", "APPR", "WSCH", "WMATL", "WPCOND", "INPRG", "COMP", "CLOSE", "CAN")
} | {"DONE": "COMP", "HOLD": "WMATL"}
_REQUEST_WORDS = {one: one for one in ("NEW", "QUEUED", "PENDING", "INPROG", "RESOLVED", "CLOSED")}
_LAST = {"CLOSE": (), "CAN": (), "CLOSED": (), "COMP": ("CLOSE",)}


class Refused(Exception):  # noqa: N818  Maximo's answer, not our failure
    """Maximo's answer: status, reason code, message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(status, reason, message)
        self.status, self.reason, self.message = status, reason, f"{reason} - {message}"


@dataclass(frozen=True)
class Structure:
    """An object structure: fields with type and length, what may be written, its number, first status, words."""

    fields: Mapping[str, tuple[str, int]]
    read_only: frozenset[str]
    number: str
    first: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    finish: str = ""

    @property
    def types(self) -> dict[str, str]:
        """Field -> type."""
        return {name: kind for name, (kind, _) in self.fields.items()}


_BOTH: dict[str, tuple[str, int]] = {
    "siteid": ("string", 8),
    "orgid": ("string", 8),
    "status": ("string", 16),
    "statusdate": ("datetime", 0),
    "changedate": ("datetime", 0),
    "historyflag": ("boolean", 0),
    "description": ("string", 100),
    "description_longdescription": ("string", _TEXT),
    "location": ("string", 12),
    "assetnum": ("string", 12),
    "reportedby": ("string", 30),
    "reportdate": ("datetime", 0),
    "failurecode": ("string", 8),
    "problemcode": ("string", 8),
    "worklog": ("child", 0),
}
_READ_ONLY = frozenset({"status", "statusdate", "changedate", "historyflag", "workorderid"})
_ORDERS = _BOTH | {
    "wonum": ("string", 10),
    "workorderid": ("integer", 0),
    "worktype": ("string", 5),
    "wopriority": ("integer", 0),
    "targstartdate": ("datetime", 0),
    "targcompdate": ("datetime", 0),
    "schedstart": ("datetime", 0),
    "schedfinish": ("datetime", 0),
    "actfinish": ("datetime", 0),
    "faildate": ("datetime", 0),
    "externalrefid": ("string", 20),
    "failurereport": ("child", 0),
    "wpmaterial": ("child", 0),
}
_REQUESTS = _BOTH | {
    "ticketid": ("string", 10),
    "assetsiteid": ("string", 8),
    "reportedpriority": ("integer", 0),
    "actualfinish": ("datetime", 0),
    "externalrecid": ("string", 40),
}
_ASSETS = dict.fromkeys(("assetnum", "location", "description", "parent", "assettype"), ("string", 100))
_PLACES = dict.fromkeys(("location", "description", "parent", "type", "siteid"), ("string", 100))
STRUCTURES = {
    "mxapiwodetail": Structure(_ORDERS, _READ_ONLY, "wonum", "WAPPR", _ORDER_WORDS, "actfinish"),
    "mxapisr": Structure(_REQUESTS, _READ_ONLY, "ticketid", "NEW", _REQUEST_WORDS, "actualfinish"),
    "mxapiasset": Structure(
        _ASSETS | {"serialnum": ("string", 64), "siteid": ("string", 8)}, frozenset(), "assetnum"
    ),
    "mxapioperloc": Structure(_PLACES, frozenset(), "location"),
}
_CHILDREN = {
    "worklog": {"description": 100, "description_longdescription": _TEXT, "logtype": 16},
    "wpmaterial": {"itemnum": 30, "itemqty": 0, "storeloc": 12},
}


class Desk:
    """All rows, by structure.

    Args:
        now: Maximo's clock.
    """

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self.rows: dict[str, list[dict[str, object]]] = {name: [] for name in STRUCTURES}
        place: dict[str, object] = {"parent": None, "siteid": SITE}
        for number in ("W1-P101", "W1-P102"):
            self.rows["mxapioperloc"].append(
                place | {"location": number, "description": f"Pump {number}", "type": "OPERATING"}
            )
        self.rows["mxapiasset"].append(
            place
            | {
                "assetnum": "100042",
                "location": "W1-P101",
                "description": "Feed pump",
                "assettype": "PUMP",
                "serialnum": "S-1",
            }
        )

    def create(self, name: str, body: Mapping[str, object]) -> dict[str, object]:
        """A new row in its first status."""
        structure = STRUCTURES[name]
        row: dict[str, object] = dict.fromkeys(structure.fields)
        row |= {child: [] for child, (kind, _) in structure.fields.items() if kind == "child"}
        self._write(structure, row, body, is_merge=True)
        if row["siteid"] is None:
            raise Refused(400, "BMXAA4153E", "null is not a valid site. Enter a valid Site value as defined.")
        if row["siteid"] != SITE:
            raise Refused(400, "BMXAA4153E", f"{row['siteid']} is not a valid site.")
        for field_, holder, code in (
            ("location", "mxapioperloc", "BMXAA2661E"),
            ("assetnum", "mxapiasset", "BMXAA2662E"),
        ):
            if row[field_] is not None and all(one[field_] != row[field_] for one in self.rows[holder]):
                raise Refused(400, code, f"{field_.title()} {row[field_]} is not a valid {field_}.")
        count = len(self.rows[name]) + 1001
        row |= {
            structure.number: str(count),
            "status": structure.first,
            "historyflag": False,
            "internal": structure.first,
        }
        if "workorderid" in structure.fields:
            row["workorderid"] = count
        row |= {"statusdate": self._stamp(), "changedate": self._stamp(), "rowstamp": count * 1000}
        row["reportdate"] = row["reportdate"] or self._stamp()
        self.rows[name].append(row)
        return row

    def patch(self, name: str, row: dict[str, object], body: Mapping[str, object], *, is_merge: bool) -> None:
        """Edit a row; what is over cannot be edited."""
        changed = dict(body)
        told = changed.pop("_rowstamp", None)
        if told is not None and str(told) != str(row["rowstamp"]):
            raise Refused(412, "BMXAA8229W", "Record has been updated by another user. Refresh and try again.")
        if row["historyflag"]:
            raise Refused(400, "BMXAA4105E", "This record is in history and cannot be changed.")
        self._write(STRUCTURES[name], row, changed, is_merge=is_merge)
        self.touch(row)

    def change_status(self, name: str, row: dict[str, object], body: Mapping[str, object]) -> None:
        """The status, by a word of the site; its date moves, the row's change date does not."""
        words, word = STRUCTURES[name].words, body.get("status")
        if set(body) - {"status", "memo", "date"} or not isinstance(word, str):
            raise Refused(400, "BMXAA8733E", "changeStatus takes status, memo and date.")
        if word not in words or words[word] not in _LAST.get(str(row["internal"]), tuple(words.values())):
            raise Refused(400, "BMXAA4590E", f"Status {word} cannot be reached from {row['status']}.")
        memo = body.get("memo")
        if memo is not None and len(str(memo)) > 50:
            raise Refused(400, "BMXAA4049E", "The memo exceeds the maximum field length of 50.")
        self.set_status(name, row, word, words[word])

    def set_status(self, name: str, row: dict[str, object], word: str, internal: str) -> None:
        """What the status brings with it: its date, the finish, history."""
        row |= {"status": word, "internal": internal, "statusdate": self._stamp()}
        row["rowstamp"] = int(str(row["rowstamp"])) + 1
        row["historyflag"] = internal in ("CLOSE", "CAN", "CLOSED")
        finish = STRUCTURES[name].finish
        if internal in ("COMP", "RESOLVED") and row[finish] is None:
            row[finish] = self._stamp()

    def touch(self, row: dict[str, object]) -> None:
        """A row was edited."""
        row |= {"changedate": self._stamp(), "rowstamp": int(str(row["rowstamp"])) + 1}

    def of(self, number: str) -> tuple[str, dict[str, object]]:
        """Structure and row of an order, by the number that our adapter tells."""
        name = "mxapisr" if number.startswith("SR:") else "mxapiwodetail"
        wanted = number.removeprefix("SR:")
        return name, next(row for row in self.rows[name] if row[STRUCTURES[name].number] == wanted)

    def _write(
        self, structure: Structure, row: dict[str, object], body: Mapping[str, object], *, is_merge: bool
    ) -> None:
        for name, value in body.items():
            kind, length = structure.fields.get(name, ("", 0))
            if not kind or (name in structure.read_only and value != row[name]):
                raise Refused(400, "BMXAA8741E", f"The property {name} cannot be written.")
            if kind == "child":
                lines = self._lines(name, value)
                row[name] = [*(row[name] if is_merge else []), *lines]  # type: ignore[misc]  # a child holds a list
                continue
            ok = isinstance(value, bool if kind == "boolean" else int if kind == "integer" else str)
            if not ok or (kind == "integer" and isinstance(value, bool)):
                raise Refused(400, "BMXAA4151E", f"{value!r} is not a value for {name}.")
            if kind == "string" and len(str(value)) > length:
                raise Refused(400, "BMXAA4049E", f"The value of {name} exceeds the maximum length of {length}.")
            row[name] = moment(str(value)) if kind == "datetime" else value

    def _lines(self, name: str, value: object) -> list[dict[str, object]]:
        lengths = _CHILDREN.get(name)
        if lengths is None or not isinstance(value, list):
            raise Refused(400, "BMXAA8741E", f"The property {name} cannot be written.")
        for line in value:
            for field_, held in line.items():
                if field_ not in lengths or (lengths[field_] and len(str(held)) > lengths[field_]):
                    raise Refused(400, "BMXAA4049E", f"{name}.{field_} is unknown or too long.")
        return [dict(line) for line in value]

    def _stamp(self) -> dt.datetime:
        return self._now().astimezone(ZONE)
