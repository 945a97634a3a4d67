"""Odoo's models as far as maintenance goes: domains, load, write, chatter, and its exceptions by name."""

import datetime as dt
import html
import operator
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

__all__ = ["Database", "OdooError"]

Record = dict[str, Any]  # Any: a value of whatever type the field has
_FORMAT = "%Y-%m-%d %H:%M:%S"
_TAGS = ("p", "br", "b", "i", "u", "ul", "ol", "li", "div", "span", "strong", "em", "a")

# Model -> field -> type; of a many2one: its model.
MODELS: dict[str, dict[str, str]] = {
    "maintenance.request": {
        "id": "integer",
        "name": "char",
        "description": "html",
        "request_date": "date",
        "stage_id": "maintenance.stage",
        "kanban_state": "normal|blocked|done",
        "archive": "boolean",
        "schedule_date": "datetime",
        "priority": "0|1|2|3",
        "close_date": "date",
        "equipment_id": "maintenance.equipment",
        "maintenance_team_id": "maintenance.team",
        "company_id": "res.company",
        "maintenance_type": "corrective|preventive",
        "duration": "float",
        "x_cause": "char",
        "create_date": "datetime",
        "write_date": "datetime",
    },
    "maintenance.stage": {"id": "integer", "name": "char", "done": "boolean", "sequence": "integer"},
    "maintenance.equipment": {
        "id": "integer",
        "name": "char",
        "serial_no": "char",
        "category_id": "maintenance.equipment.category",
        "location": "char",
    },
    "maintenance.equipment.category": {"id": "integer", "name": "char"},
    "maintenance.team": {"id": "integer", "name": "char"},
    "res.company": {"id": "integer", "name": "char"},
    "ir.model.data": {
        "id": "integer",
        "module": "char",
        "name": "char",
        "model": "char",
        "res_id": "integer",
        "noupdate": "boolean",
    },
}
# Public method -> its parameters.
METHODS: dict[str, tuple[str, ...]] = {
    "search_read": ("domain", "fields", "offset", "limit", "order"),
    "load": ("fields", "data"),
    "write": ("vals",),
    "fields_get": ("allfields", "attributes"),
    "message_post": ("body", "message_type", "subtype_xmlid", "body_is_html"),
    "archive_equipment_request": (),
    "has_access": ("operation",),
    "check_access_rights": ("operation", "raise_exception"),
}
_ON_RECORDS = ("write", "message_post", "archive_equipment_request")
_BUSY = "could not serialize access due to concurrent update\n"


class OdooError(Exception):
    """An exception of Odoo, by its full name."""

    def __init__(self, name: str, message: str, status: int) -> None:
        super().__init__(name, message, status)
        self.name, self.message, self.status = name, message, status


class Database:
    """One database with equipment, stages, and a user whose own time zone is not UTC."""

    def __init__(self, now: Callable[[], dt.datetime], version: int) -> None:
        self.now, self.version = now, version
        self.tables: dict[str, dict[int, Record]] = {model: {} for model in MODELS}
        self.notes: dict[int, list[str]] = {}
        self.busy, self.denied = 0, set[tuple[str, str]]()
        self.user_tz = ZoneInfo("America/New_York")
        for name, done in (("New Request", 0), ("In Progress", 0), ("Repaired", 1), ("Scrap", 1)):
            self.insert("maintenance.stage", name=name, done=bool(done), sequence=len(self.tables) + done)
        self.insert("maintenance.team", name="Internal Maintenance")
        self.insert("res.company", name="Works")
        self.insert("maintenance.equipment.category", name="Pumps")
        for number in (101, 102):
            serial, place = f"SN-{number}", f"W1-P{number}"
            self.insert(
                "maintenance.equipment", name=f"Pump {number}", serial_no=serial, category_id=1, location=place
            )

    def insert(self, model: str, /, **values: object) -> int:
        """A new row; its id."""
        table = self.tables[model]
        number = max(table, default=0) + 1
        table[number] = dict.fromkeys(MODELS[model], False) | {"id": number} | values
        return number

    def call(self, model: str, method: str, ids: list[int], named: Record) -> object:
        """What the public method returns.

        Raises:
            OdooError: As Odoo would.
        """
        if model not in MODELS:
            raise OdooError("werkzeug.exceptions.NotFound", f"the model '{model}' does not exist", 404)
        if method not in METHODS or method == ("has_access" if self.version < 18 else "check_access_rights"):
            raise OdooError("werkzeug.exceptions.NotFound", f"The method '{model}.{method}' does not exist", 404)
        context = named.pop("context", {})
        allowed = [p for p in METHODS[method] if p != "body_is_html" or self.version >= 17]
        for name in named:
            if name not in allowed:
                raise _unprocessable(self.version, f"got an unexpected keyword argument '{name}'")
        if ids and method not in _ON_RECORDS:
            raise _unprocessable(self.version, f"cannot call {model}.{method} with ids")
        for number in ids:
            if number not in self.tables[model]:
                raise OdooError("odoo.exceptions.MissingError", "Record does not exist or has been deleted.", 404)
        operation = {"load": "create", "search_read": "read", "fields_get": "", "has_access": ""}.get(
            method, "write"
        )
        if method != "check_access_rights" and (model, operation) in self.denied:
            raise OdooError("odoo.exceptions.AccessError", f"You are not allowed to {operation} '{model}'", 403)
        return getattr(self, f"_{method}")(model, ids, context, **named)

    def put(self, number: int, **values: object) -> None:
        """Write a request as the model does, stamps included."""
        record = self.tables["maintenance.request"][number]
        if "stage_id" in values and "kanban_state" not in values:
            values["kanban_state"] = "normal"
        record.update(values, write_date=self.now())
        stage = self.tables["maintenance.stage"][record["stage_id"]]
        if "stage_id" in values and stage["done"] and "close_date" not in values:
            record["close_date"] = self.now().date()
        if not stage["done"]:
            record["close_date"] = False

    def _search_read(
        self,
        model: str,
        _ids: list[int],
        _context: Record,
        domain: list[Any],  # Any: a term or an operator
        fields: list[str],
        offset: int = 0,
        limit: int | None = None,
        order: str = "id desc",
    ) -> list[Record]:
        found = list(self.tables[model].values())
        for path, compare, value in reversed(domain):
            if compare == "=" and self._field(model, path.partition(".")[0]) in ("char", "integer"):
                found = [row for row in found if row[path] == value]
            else:
                found = [row for row in found if self._holds(model, row, [path, compare, value])]
        for part in reversed(order.split(",")):
            name, _, way = part.strip().partition(" ")
            self._field(model, name)
            found.sort(key=operator.itemgetter(name), reverse=way == "desc")
        for name in fields:
            self._field(model, name)
        page = found[offset:] if limit is None else found[offset : offset + limit]
        return [{name: self._shown(model, name, row[name]) for name in ["id", *fields]} for row in page]

    def _holds(self, model: str, row: Record, term: list[Any]) -> bool:  # Any: a value of the field's type
        path, compare, value = term
        name, _, rest = path.partition(".")
        kind = self._field(model, name)
        held = row[name]
        if rest:
            return bool(held) and self._holds(kind, self.tables[kind][held], [rest, compare, value])
        if kind == "datetime" and isinstance(value, str):
            value = dt.datetime.strptime(value, _FORMAT).replace(tzinfo=dt.UTC)
            held = held or dt.datetime.min.replace(tzinfo=dt.UTC)
        match compare:
            case "=":
                return bool(held == value)
            case ">=":
                return bool(held >= value)
            case "in":
                return held in value
            case "=like":
                pattern = re.sub(r"\\(.)|(%)|(_)|([^\\%_])", _like, value)
                return re.fullmatch(pattern, held or "") is not None
        raise OdooError("builtins.ValueError", f"Invalid leaf {term}", 500)

    def _field(self, model: str, name: str) -> str:
        if name not in MODELS[model]:
            raise OdooError("builtins.ValueError", f"Invalid field '{name}' on model '{model}'", 500)
        return MODELS[model][name]

    def _shown(self, model: str, name: str, value: Any) -> object:  # Any: a value of the field's type
        kind = MODELS[model][name]
        if kind in MODELS and value:
            return [value, self.tables[kind][value]["name"]]
        if isinstance(value, dt.datetime):
            return value.strftime(_FORMAT)
        return value.isoformat() if isinstance(value, dt.date) else value

    def _load(
        self, model: str, _ids: list[int], context: Record, fields: list[str], data: list[list[str]]
    ) -> object:
        assert len(data) == 1, "the stand-in loads one row"
        for column in fields:
            self._field(model, column.split("/")[0])
        row = dict(zip(fields, data[0], strict=True))
        values = {
            "kanban_state": "normal",
            "maintenance_team_id": 1,
            "company_id": 1,
            "maintenance_type": "corrective",
        }
        try:
            given = {n.split("/")[0]: self._loaded(model, n, v, context) for n, v in row.items() if n != "id"}
        except ValueError as err:
            return _refused(str(err))
        if not given.get("name"):
            return _refused("Missing required value for the field 'Subjects' (name)")
        if self.busy:
            self.busy -= 1
            return _refused(_BUSY)
        module, _, name = row["id"].partition(".")
        known = [d for d in self.tables["ir.model.data"].values() if (d["module"], d["name"]) == (module, name)]
        if known:
            if not (context.get("mode") == "update" and known[0]["noupdate"]):
                self.put(known[0]["res_id"], **given)
            return {"ids": [known[0]["res_id"]], "messages": [], "nextrow": 0}
        number = self.insert(model, **values | given, stage_id=1, archive=False, create_date=self.now())
        self.put(number)
        self.insert(
            "ir.model.data",
            module=module,
            name=name,
            model=model,
            res_id=number,
            noupdate=bool(context.get("noupdate")),
        )
        return {"ids": [number], "messages": [], "nextrow": 0}

    def _loaded(self, model: str, column: str, value: str, context: Record) -> object:
        """A text in a column as the field's value; naive stamps are in the context's or the user's zone."""
        name, _, how = column.partition("/")
        kind = MODELS[model][name]
        if not isinstance(value, str):
            raise OdooError(
                "builtins.AttributeError", f"'{type(value).__name__}' object has no attribute 'strip'", 500
            )
        if kind in MODELS:
            if how != ".id" or int(value) not in self.tables[kind]:
                raise ValueError(f"No matching record found for database id '{value}' in field '{name}'")
            return int(value)
        if "|" in kind and value not in kind.split("|"):
            raise ValueError(f"Value '{value}' not found in selection field '{name}'")
        if kind == "datetime":
            zone = ZoneInfo(context["tz"]) if context.get("tz") else self.user_tz
            return dt.datetime.strptime(value, _FORMAT).replace(tzinfo=zone).astimezone(dt.UTC)
        return sanitised(value) if kind == "html" else value

    def _write(self, model: str, ids: list[int], _context: Record, vals: Record) -> bool:
        for name, value in vals.items():
            kind = self._field(model, name)
            if "|" in kind and value not in kind.split("|"):
                raise OdooError("builtins.ValueError", f"Wrong value for {model}.{name}: {value!r}", 500)
        for number in ids:
            self.put(number, **vals)
        return True

    def _message_post(
        self,
        _model: str,
        ids: list[int],
        _context: Record,
        body: str,
        message_type: str,
        subtype_xmlid: str,
        body_is_html: bool = False,
    ) -> list[int]:
        assert (message_type, subtype_xmlid) == ("comment", "mail.mt_note"), "customers would get a mail"
        is_markup = body_is_html or self.version < 17
        self.notes.setdefault(ids[0], []).append(sanitised(body) if is_markup else html.escape(body))
        return [sum(len(notes) for notes in self.notes.values())]

    def _archive_equipment_request(self, _model: str, ids: list[int], _context: Record) -> None:
        for number in ids:
            self.put(number, archive=True)

    def _fields_get(
        self,
        model: str,
        _ids: list[int],
        _context: Record,
        allfields: list[str] | None = None,
        attributes: list[str] | None = None,
    ) -> Record:
        return {name: {"type": kind, "required": name == "name"} for name, kind in MODELS[model].items()}

    def _has_access(self, model: str, _ids: list[int], _context: Record, operation: str) -> bool:
        return (model, operation) not in self.denied

    def _check_access_rights(
        self, model: str, _ids: list[int], _context: Record, operation: str, raise_exception: bool = True
    ) -> bool:
        return (model, operation) not in self.denied


def sanitised(markup: str) -> str:
    """The markup without tags that Odoo does not know: they are lost."""
    return re.sub(r"</?([a-zA-Z][\w-]*)[^>]*>", lambda tag: tag[0] if tag[1].lower() in _TAGS else "", markup)


def _like(part: re.Match[str]) -> str:
    if part[2]:
        return ".*"
    return "." if part[3] else re.escape(part[1] or part[4])


def _refused(message: str) -> Record:
    told = {"type": "error", "message": message, "rows": {"from": 0, "to": 0}, "record": 0}
    return {"ids": False, "messages": [told], "nextrow": 0}


def _unprocessable(version: int, message: str) -> OdooError:
    name = "builtins.TypeError" if version < 19 else "werkzeug.exceptions.UnprocessableEntity"
    return OdooError(name, message, 422)
