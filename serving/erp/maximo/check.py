"""What `wearcast erp check` says of a Maximo: fields that are there, wide enough, and may be written."""

from collections.abc import Mapping
from typing import Any

from serving.erp.maximo.options import KEY_LENGTH, MaximoOptions
from serving.erp.maximo.payload import TITLE_LENGTH
from serving.erp.port import Finding, Severity

__all__ = ["fields_of_orders", "fields_of_requests", "schema_findings", "user_finding"]


def fields_of_orders(options: MaximoOptions) -> dict[str, int]:
    """Fields of a work order that are written, with the characters they need; 0: any."""
    fields = {"description": TITLE_LENGTH, "description_longdescription": 0, options.key_field: KEY_LENGTH}
    return fields | dict.fromkeys(("assetnum", "location", "worktype", "wopriority", "targstartdate"), 0)


def fields_of_requests(options: MaximoOptions) -> dict[str, int]:
    """Fields of a service request that are written, with the characters they need; 0: any."""
    fields = {"description": TITLE_LENGTH, "description_longdescription": 0, options.request_key_field: KEY_LENGTH}
    return fields | dict.fromkeys(("assetnum", "location", "reportedpriority"), 0)


def schema_findings(structure: str, document: object, wanted: Mapping[str, int]) -> list[Finding]:
    """Compare what we write with the JSON schema of an object structure.

    Args:
        structure: Name of the object structure.
        document: Its JSON schema as Maximo tells it.
        wanted: Field -> characters it must hold; 0: any.
    """
    told = document.get("properties") if isinstance(document, Mapping) else None
    if not isinstance(told, Mapping):
        message = f"Maximo tells no fields of {structure}: check the structure's name in erp.options"
        return [Finding(Severity.ERROR, structure, message)]
    found = [_finding(structure, field, told.get(field), length) for field, length in wanted.items()]
    wrong = [one for one in found if one is not None]
    return wrong or [Finding(Severity.OK, structure, f"all {len(wanted)} fields are there and wide enough")]


def user_finding(document: object, options: MaximoOptions) -> Finding:
    """Whether orders have a site to go to."""
    told: Mapping[str, Any] = document if isinstance(document, Mapping) else {}  # Any: a JSON document
    default = str(told.get("insertSite") or told.get("defaultSite") or "")
    if options.site:
        return Finding(Severity.OK, "site", f"orders are written for site {options.site}")
    if default:
        return Finding(
            Severity.WARNING, "site", f"orders go to the API user's site {default}: set erp.options.site"
        )
    message = "the API user has no default insert site: set erp.options.site, else nothing can be written"
    return Finding(Severity.ERROR, "site", message)


def _finding(structure: str, field: str, told: object, length: int) -> Finding | None:
    subject = f"{structure}.{field}"
    if not isinstance(told, Mapping):
        message = "is missing: add it to the object structure, or name another field in erp.options"
        return Finding(Severity.ERROR, subject, message)
    if any(str(told.get(name, "")).lower() in ("true", "1") for name in ("readOnly", "readonly", "x-readonly")):
        return Finding(
            Severity.ERROR, subject, "may not be written: lift the restriction for the API user's group"
        )
    width = told.get("maxLength")
    if isinstance(width, int) and width < length:
        severity = Severity.ERROR if length == KEY_LENGTH else Severity.WARNING
        message = f"holds {width} characters, {length} are needed: widen it in Database Configuration"
        return Finding(severity, subject, message)
    return None
