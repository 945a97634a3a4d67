"""Documents of a Frappe site as far as asset repairs go: validation, naming, uniqueness, queries, exceptions."""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["Book", "FrappeError"]

Document = dict[str, Any]  # Any: a value of whatever type the field has
# Status of an exception; every other one is a ValidationError, 417.
_STATUS = {
    "AuthenticationError": 401,
    "PermissionError": 403,
    "DoesNotExistError": 404,
    "DuplicateEntryError": 409,
    "QueryDeadlockError": 500,
}
# Field -> type, options (of a Select), required, unique.
_REPAIR: dict[str, tuple[str, str, bool, bool]] = {
    "naming_series": ("Select", "ACC-ASR-.YYYY.-", False, False),
    "asset": ("Link", "Asset", True, False),
    "company": ("Link", "Company", False, False),
    "asset_name": ("Read Only", "", False, False),
    "failure_date": ("Datetime", "", True, False),
    "repair_status": ("Select", "Pending\nCompleted\nCancelled", False, False),
    "completion_date": ("Datetime", "", False, False),
    "description": ("Long Text", "", False, False),
    "actions_performed": ("Long Text", "", False, False),
    "downtime": ("Data", "", False, False),
    "wearcast_external_ref": ("Data", "", False, True),
    "wearcast_outcome": ("Data", "", False, False),
}
_STANDARD = ("name", "owner", "creation", "modified", "modified_by", "docstatus", "idx")
_ASSET = ("asset_name", "location", "asset_category", "item_code", "status")
_FORMAT = "%Y-%m-%d %H:%M:%S.%f"


class FrappeError(Exception):
    """An exception of Frappe, by the name of its class."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name, self.message, self.status = name, message, _STATUS.get(name, 417)

    def document(self) -> Document:
        """The answer of API version 1: words for people are JSON within JSON, and a traceback is there."""
        said = json.dumps({"message": f"<b>{self.message}</b>", "title": "Message", "indicator": "red"})
        last = f"frappe.exceptions.{self.name}: {self.message}"
        trace = f'Traceback (most recent call last):\n  File "apps/frappe/app.py", line 1\n{last}\n' * 20
        told = {"exception": last, "exc_type": self.name, "exc": json.dumps([trace])}
        return told | {"_server_messages": json.dumps([said])}


class Book:
    """The site's documents.

    Args:
        now: The server's clock, UTC.
        zone: In which the server writes stamps.
    """

    def __init__(self, now: Callable[[], dt.datetime], zone: str) -> None:
        self._now, self.zone = now, ZoneInfo(zone)
        self.fields = dict(_REPAIR)
        self.repairs: dict[str, Document] = {}
        self.comments: dict[str, list[str]] = {}
        self.keys_are_names = False
        self.denied: set[str] = set()
        self.assets = {
            f"ACC-ASS-2026-{n:05d}": {
                "name": f"ACC-ASS-2026-{n:05d}",
                "asset_name": f"Pump {n}",
                "location": f"Hall {n}",
                "asset_category": "Pumps",
                "docstatus": 1,
                "status": "Submitted",
            }
            for n in (1, 2)
        }

    def stamp(self) -> str:
        """Now, as the server writes it."""
        return self._now().astimezone(self.zone).strftime(_FORMAT)

    def insert(self, given: Document) -> Document:
        """A new draft. Fields that the form does not have are left out without a word."""
        self._may("Asset Repair")
        year = self._now().astimezone(self.zone).year
        name = f"ACC-ASR-{year}-{len(self.repairs) + 1:05d}"
        document: Document = dict.fromkeys(self.fields) | {"repair_status": "Pending", "docstatus": 0}
        document |= {"name": name, "owner": "wearcast@works.example", "creation": self.stamp()}
        document["naming_series"] = "ACC-ASR-.YYYY.-"
        self._change(document, {n: v for n, v in given.items() if n in self.fields})
        for field in [name for name, (_, _, _, is_unique) in self.fields.items() if is_unique]:
            value = document[field]
            if value is not None and any(one[field] == value for one in self.repairs.values()):
                kind = "DuplicateEntryError" if self.keys_are_names else "UniqueValidationError"
                raise FrappeError(kind, f"{field} must be unique")
        self.repairs[name] = document
        self.assets[document["asset"]]["status"] = "Out of Order"
        return dict(document)

    def update(self, name: str, given: Document) -> Document:
        """Change a document; a submitted one hardly."""
        self._may("Asset Repair")
        if name not in self.repairs:
            raise FrappeError("DoesNotExistError", f"Asset Repair {name} not found")
        held = self.repairs[name]
        known = {field: value for field, value in given.items() if field in self.fields or field == "docstatus"}
        if held["docstatus"] == 1 and set(known) - {"docstatus"}:
            raise FrappeError("UpdateAfterSubmitError", "Not allowed to change after submission")
        changed = dict(held)
        self._change(changed, known)
        self.repairs[name] = changed
        return dict(changed)

    def comment(self, doctype: str, name: str, content: str) -> None:
        """A comment, cleaned of tags that are not known."""
        if doctype != "Asset Repair" or name not in self.repairs:
            raise FrappeError("DoesNotExistError", f"{doctype} {name} not found")
        self.comments.setdefault(name, []).append(_sanitised(content))

    def query(self, doctype: str, params: dict[str, str]) -> list[Document]:
        """A list, by fields, filters, order and limits; 20 documents when no limit is given."""
        self._may(doctype)
        table = {"Asset Repair": self.repairs, "Asset": self.assets}.get(doctype)
        if table is None:
            raise FrappeError("DoesNotExistError", f"DocType {doctype} not found")
        columns = (*_STANDARD, *(self.fields if doctype == "Asset Repair" else _ASSET))
        fields = json.loads(params.get("fields", '["name"]'))
        filters = json.loads(params.get("filters", "[]"))
        for name in [*fields, *(one[0] for one in filters)]:
            if name not in columns:
                raise FrappeError("DataError", f"Field not permitted in query: {name}")
        found = list(table.values())
        for field, compare, value in filters:
            if compare == "=":
                found = [row for row in found if row.get(field) == value]
            else:
                found = [row for row in found if _holds(row, field, compare, value)]
        for part in reversed(params.get("order_by", "modified desc").split(",")):
            field, _, way = part.strip().partition(" ")
            found.sort(key=lambda row: row.get(field) or "", reverse=way == "desc")
        start, length = int(params.get("limit_start", 0)), int(params.get("limit_page_length", 20))
        return [{name: row.get(name) for name in fields} for row in found[start : start + length]]

    def form(self) -> Document:
        """The form of a repair."""
        fields = [
            {"fieldname": name, "fieldtype": kind, "options": options, "reqd": int(reqd), "unique": int(unique)}
            for name, (kind, options, reqd, unique) in self.fields.items()
        ]
        return {"name": "Asset Repair", "doctype": "DocType", "fields": fields}

    def _may(self, doctype: str) -> None:
        if doctype in self.denied:
            raise FrappeError("PermissionError", f"No permission for {doctype}")

    def _change(self, document: Document, given: Document) -> None:
        for name, value in given.items():
            kind, options, _, _ = self.fields.get(name, ("Int", "", False, False))
            if kind == "Select" and value not in options.split("\n"):
                raise FrappeError("ValidationError", f"{name} must be one of {options.split()}")
            if kind == "Link" and name == "asset" and value not in self.assets:
                raise FrappeError("LinkValidationError", f"Could not find Asset: {value}")
            if kind == "Data" and value is not None and len(value) > 140:
                raise FrappeError("CharacterLengthExceededError", f"{name} will get truncated")
            if kind == "Datetime" and value is not None:
                value = dt.datetime.fromisoformat(value).strftime(_FORMAT)
            document[name] = _sanitised(value) if kind == "Long Text" and value else value
        missing = [name for name, (_, _, reqd, _) in self.fields.items() if reqd and not document.get(name)]
        if missing:
            raise FrappeError("MandatoryError", f"[Asset Repair, {document['name']}]: {', '.join(missing)}")
        done, failed = document["completion_date"], document["failure_date"]
        if done and failed[:10] > done[:10]:
            raise FrappeError("ValidationError", "Completion Date can not be before Failure Date.")
        if document["docstatus"] == 1 and document["repair_status"] == "Pending":
            raise FrappeError("ValidationError", "Please update Repair Status.")
        document |= {"modified": self.stamp(), "asset_name": self.assets[document["asset"]]["asset_name"]}
        document["downtime"] = "8.5 Hrs" if document["repair_status"] == "Completed" and done else None


def _sanitised(text: str) -> str:
    """The text as it is when it holds no tag, else without all tags but a few."""
    return re.sub(r"</?(?!(?:b|i|p|br|div|ul|li)\b)[a-zA-Z][^>]*>", "", text)


def _holds(row: Document, field: str, compare: str, value: Any) -> bool:  # Any: a value of the field's type
    held = row.get(field)
    match compare:
        case ">=":
            return held is not None and bool(held >= value)
        case "<":
            return held is not None and bool(held < value)
        case "in":
            return held in value
        case "like":
            pattern = re.escape(value).replace("%", ".*").replace("_", ".")
            return re.fullmatch(pattern, held or "", re.IGNORECASE) is not None
    raise FrappeError("ValidationError", f"Operator must be one of =, >=, <, in, like: {compare}")
