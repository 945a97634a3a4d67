"""What must be there in Odoo before requests can be written and read back."""

from features.core.errors import ConfigError, OrderRejectedError
from serving.erp.odoo.options import OdooOptions
from serving.erp.odoo.records import REQUEST_FIELDS
from serving.erp.odoo.wire import Wire
from serving.erp.port import ConnectionReport, Finding, Severity

__all__ = ["checked"]

_WRITTEN = ("name", "description", "maintenance_type", "priority", "maintenance_team_id", "company_id")
_RIGHTS = (
    ("maintenance.request", ("read", "write", "create"), "make the user an Equipment Manager of Maintenance"),
    ("maintenance.stage", ("read",), "make the user an Equipment Manager of Maintenance"),
    ("maintenance.equipment", ("read",), "make the user an Equipment Manager of Maintenance"),
    ("ir.model.data", ("read",), "give the user's group read access to the model ir.model.data"),
)


def checked(wire: Wire, options: OdooOptions, host: str) -> ConnectionReport:
    """Fields, rights, stages and clock, as far as the user may see them.

    Args:
        wire: To Odoo.
        options: Of the site.
        host: For the line that a person reads.

    Raises:
        ConfigError: The key is wrong.
        ErpUnavailableError: Odoo does not answer.
    """
    findings = [*_fields(wire, options), *_rights(wire, options), *_stages(wire, options)]
    wrong = sum(finding.severity is Severity.ERROR for finding in findings)
    told = "ready" if not wrong else f"{wrong} things are missing"
    return ConnectionReport(f"Odoo at {host} over {options.api}: {told}", tuple(findings), wire.skew_s)


def _fields(wire: Wire, options: OdooOptions) -> list[Finding]:
    asked = {
        "maintenance.request": (*REQUEST_FIELDS, *_WRITTEN, *options.code_fields.values()),
        "maintenance.equipment": ("serial_no", *([options.location_field] if options.location_field else [])),
    }
    findings = []
    for model, names in asked.items():
        there = wire.call(model, "fields_get", {"attributes": ["type", "required"]}, purpose="check")
        missing = [name for name in names if name not in there]
        findings += [Finding(Severity.ERROR, f"{model}.{name}", _no_field(name, options)) for name in missing]
        if "description" in names and "description" in there:
            findings += _description(str(there["description"]["type"]), options)
        if not missing:
            findings.append(Finding(Severity.OK, model, "all fields are there"))
    return findings


def _description(kind: str, options: OdooOptions) -> list[Finding]:
    if (kind == "html") == options.description_is_html:
        return []
    message = f"it is {kind}, other than in the version we take it for: set erp.options.version to Odoo's"
    return [Finding(Severity.ERROR, "maintenance.request.description", message)]


def _no_field(name: str, options: OdooOptions) -> str:
    if name == options.location_field or name in options.code_fields.values():
        return "there is no such field: correct erp.options, or create it in Studio"
    return "there is no such field: is this Odoo 14 or later with the app Maintenance?"


def _rights(wire: Wire, options: OdooOptions) -> list[Finding]:
    findings = []
    for model, operations, todo in _RIGHTS:
        missing = [operation for operation in operations if not _may(wire, options, model, operation)]
        if missing:
            findings.append(Finding(Severity.ERROR, model, f"no right to {', '.join(missing)}: {todo}"))
        else:
            findings.append(Finding(Severity.OK, model, f"may {', '.join(operations)}"))
    return findings


def _may(wire: Wire, options: OdooOptions, model: str, operation: str) -> bool:
    try:
        if options.api == "json2":
            return bool(wire.call(model, "has_access", {"operation": operation}, purpose="check"))
        asked = {"operation": operation, "raise_exception": False}
        return bool(wire.call(model, "check_access_rights", asked, purpose="check"))
    except (ConfigError, OrderRejectedError):
        return False


def _stages(wire: Wire, options: OdooOptions) -> list[Finding]:
    try:
        stages = list(wire.pages("maintenance.stage", [], ["id", "name", "done", "sequence"], purpose="check"))
    except (ConfigError, OrderRejectedError) as err:
        return [Finding(Severity.ERROR, "stages", f"they cannot be read: {err}")]
    if not any(stage["done"] for stage in stages):
        return [Finding(Severity.ERROR, "stages", 'no stage is ticked "Request Done": no order would ever close')]
    meant = {name.lower() for name in options.stages} | {"new request", "in progress"}
    ordered = sorted(stages, key=lambda stage: (stage["sequence"], stage["id"]))
    unclear = [s["name"] for s in ordered[1:] if not s["done"] and str(s["name"]).lower() not in meant]
    findings = [
        Finding(Severity.WARNING, f"stage {name!r}", "it is unknown to us: give it a state in erp.options.stages")
        for name in unclear
    ]
    return findings or [Finding(Severity.OK, "stages", ", ".join(str(stage["name"]) for stage in ordered))]
