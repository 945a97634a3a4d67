"""What placeholders stand for: fields of a request through a mapping's maps, and moments in its forms."""

import datetime as dt
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field

from features.core.errors import ConfigError, OrderRejectedError
from serving.erp.rest.mapping import Mapping
from serving.erp.texts import as_html, cut
from serving.orders import MaintenanceRequest

__all__ = ["Fields", "note_text", "own_settings", "request_fields"]


@dataclass(frozen=True, slots=True)
class Fields:
    """Values by name, as a mapping writes them.

    Attributes:
        mapping: Whose maps and forms hold.
        held: Name -> value; an empty text is no value.
    """

    mapping: Mapping
    held: Dict[str, object] = field(default_factory=dict)

    def value(self, name: str, form: str) -> object:
        """The value in a form; None: there is none.

        Raises:
            OrderRejectedError: The mapping has no word for it, or it is no number where one is needed.
        """
        value = self.held.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime):
            return self.mapping.form(form or "default").write(value)
        if name in self.mapping.maps and form != "raw":
            value = self._mapped(name, value)
        if form == "int":
            return _number(name, value)
        if form == "quote":
            return str(value).replace("'", "''")
        return str(value) if form == "text" else value

    def _mapped(self, name: str, value: object) -> object:
        words = self.mapping.maps[name]
        found = words.get(str(value), words.get("otherwise"))
        if found is None and str(value) not in words and "otherwise" not in words:
            raise OrderRejectedError(
                f"maps.{name} has no word for {str(value)!r}: add it, or otherwise", {"field": name}
            )
        return found


def request_fields(request: MaintenanceRequest, mapping: Mapping) -> dict[str, object]:
    """The fields of a request, texts cut to what the ERP holds."""
    texts = mapping.texts
    return {
        "key": request.key,
        "title": cut(request.title, texts.title_length),
        "text": note_text(request.text, mapping),
        "due": request.due,
        "planned_start": request.planned_start,
        "priority": request.priority,
        "functional_location": request.functional_location,
        "equipment_number": request.equipment_number,
        "machine_id": request.machine_id,
        "slot": request.slot,
        "site_id": request.site_id,
        "action": request.action.value,
        "failure_mode": request.failure_mode,
        "part_number": request.part_number,
        "target": request.target,
    }


def note_text(text: str, mapping: Mapping) -> str:
    """A text or note as the ERP's field takes it: cut, and as HTML where the field is HTML."""
    length = mapping.texts.text_length
    told = cut(text, length)
    if not mapping.texts.html:
        return told
    while len(as_html(told)) > length:
        told = cut(text, len(told) - max(1, (len(as_html(told)) - length) // 6))
    return as_html(told)


def own_settings(mapping: Mapping, given: Dict[str, object]) -> dict[str, object]:
    """What a plant says of its own ERP, by the names that placeholders use.

    Raises:
        ConfigError: One that the mapping needs is not given, or one that it does not know is.
    """
    unknown = sorted(set(given) - set(mapping.settings))
    if unknown:
        raise ConfigError(
            f"erp.options.settings.{unknown[0]} is not known; this mapping has {sorted(mapping.settings)}",
            {"setting": unknown[0]},
        )
    held: dict[str, object] = {}
    for name, setting in mapping.settings.items():
        value = given.get(name, setting.default)
        if value is None:
            raise ConfigError(f"erp.options.settings.{name} is needed: {setting.about}", {"setting": name})
        held[f"settings.{name}"] = value
    return held


def _number(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError as err:
        raise OrderRejectedError(
            f"{name} = {str(value)!r} is no number, and the ERP knows it by one", {"field": name}
        ) from err
