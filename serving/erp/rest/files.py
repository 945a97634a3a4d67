"""Mapping files: YAML in, `Mapping` out, and errors that name file, path, value and what to do."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from features.core.documents import DocumentError, read_document
from features.core.errors import ConfigError
from features.core.settings import nearest
from serving.erp.rest import readings, requests
from serving.erp.rest.mapping import Declared, Mapping, Setting, Texts
from serving.erp.rest.times import TimeForm

__all__ = ["SHIPPED", "read_mapping"]

SHIPPED = Path(__file__).parent.parent / "mappings"


def read_mapping(name: str) -> Mapping:
    """The mapping of a file, or the shipped one of that name.

    Args:
        name: A path, or the name of a shipped mapping such as `atlas`.

    Raises:
        ConfigError: No such file, no YAML, or a value that is not valid.
    """
    shipped = {file.stem: file for file in sorted(SHIPPED.glob("*.yaml"))}
    file = Path(name)
    if not file.is_file():
        known = shipped.get(file.stem) if file.name in (file.stem, f"{file.stem}.yaml") else None
        if known is None:
            raise ConfigError(
                f"erp.options.mapping = {name!r}: there is no such file; shipped: {', '.join(shipped)}",
                {"mapping": name},
            )
        file = known
    try:
        document = read_document(file.read_text(encoding="utf-8"))
    except (OSError, DocumentError, UnicodeDecodeError) as err:
        raise ConfigError(f"{file}: not readable as YAML: {err}", {"file": str(file)}) from err
    try:
        return Mapping.model_validate(document)
    except ValidationError as err:
        raise _told(err, file) from None


def _told(err: ValidationError, file: Path) -> ConfigError:
    found = sorted(err.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden")
    first: dict[str, Any] = {**found[0]}  # Any: pydantic's error details
    loc = [part for part in first["loc"] if part not in ("header", "session") or first["loc"][0] != "sign_in"]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    value = first.get("input")
    shown = repr(value) if isinstance(value, str | int | float | bool | None) else "(a block)"
    message, hint = first["msg"].removeprefix("Value error, "), ""
    if first["type"] == "extra_forbidden":
        message, hint = "unknown key", f"; {nearest(str(loc[-1]), _siblings(loc))}"
    elif first["type"] in ("enum", "literal_error"):
        valid = [part.strip(" '") for part in first["ctx"]["expected"].replace(" or ", ",").split(",")]
        message, hint = "not a valid value", f"; {nearest(str(value), valid)}"
    elif first["type"] == "missing":
        message, shown = "is needed and not there", "(nothing)"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    where = f"{place} = {shown}: " if place else ""
    return ConfigError(f"{file}: {where}{message}{hint}{more}", {"file": str(file), "path": place, "value": shown})


# Block of a mapping -> what it is read as; other names are fields of the mapping itself.
_BLOCKS: dict[str, type[BaseModel]] = {
    "find": requests.Listing,
    "keys": requests.Listing,
    "get": requests.Get,
    "create": requests.Create,
    "annotate": requests.Step,
    "cancel": requests.Step,
    "changes": requests.Listing,
    "open_orders": requests.Listing,
    "assets": requests.Listing,
    "check": requests.CheckCall,
    "order": readings.OrderReading,
    "change": readings.ChangeReading,
    "asset": readings.AssetReading,
    "errors": requests.ErrorRule,
    "paging": requests.Paging,
    "texts": Texts,
    "times": TimeForm,
    "capabilities": Declared,
    "settings": Setting,
    "call": requests.Call,
    "sign_in": requests.SessionSignIn,
}


def _siblings(loc: list[Any]) -> list[str]:  # Any: names and indices
    """Keys that stand where the unknown one does."""
    parents = [part for part in loc[:-1] if isinstance(part, str)]
    if not parents:
        return list(Mapping.model_fields)
    known = [_BLOCKS[part] for part in parents if part in _BLOCKS]
    inner = known[-1] if known else Mapping
    is_taking = issubclass(inner, readings.OrderReading | readings.ChangeReading | readings.AssetReading)
    if is_taking and parents[-1] not in _BLOCKS:
        inner = readings.Take
    return list(inner.model_fields)
