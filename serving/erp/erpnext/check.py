"""What must be there in ERPNext before repairs can be written and read back."""

from collections.abc import Sequence

from features.core.errors import ConfigError
from serving.erp.erpnext.options import ErpNextOptions
from serving.erp.erpnext.wire import Document, Wire
from serving.erp.port import ConnectionReport, Finding, Severity

__all__ = ["checked"]

_IMPORT = "import the custom fields of docs/how-to/connect-erpnext.md"
# These every document has; they are not among the fields of its form.
_STANDARD = ("name", "docstatus", "modified")
_KEY_LENGTH = 20


def checked(wire: Wire, options: ErpNextOptions, fields: Sequence[str], host: str) -> ConnectionReport:
    """User, fields, uniqueness of the key's field, lists, time zone and clock.

    Args:
        wire: To ERPNext.
        options: Of the site.
        fields: Of a repair that are read.
        host: For the line that a person reads.

    Raises:
        ConfigError: The key is wrong.
        ErpUnavailableError: ERPNext does not answer.
    """
    user = str(wire.method("frappe.auth.get_logged_user", purpose="check"))
    findings = [Finding(Severity.OK, "user", user), *_fields(wire, options, fields), *_lists(wire)]
    try:
        findings.append(Finding(Severity.OK, "time zone", wire.zone.key))
    except ConfigError as err:
        findings.append(Finding(Severity.ERROR, "time zone", f"{err}; set erp.options.time_zone"))
    wrong = sum(finding.severity is Severity.ERROR for finding in findings)
    told = "ready" if not wrong else f"{wrong} things are missing"
    return ConnectionReport(f"ERPNext at {host} as {user}: {told}", tuple(findings), wire.skew_s)


def _fields(wire: Wire, options: ErpNextOptions, fields: Sequence[str]) -> list[Finding]:
    try:
        answer = wire.method("frappe.desk.form.load.getdoctype", {"doctype": "Asset Repair"}, purpose="check")
    except ConfigError as err:
        return [Finding(Severity.ERROR, "Asset Repair", f"{err}; is ERPNext installed on this site?")]
    forms = answer.get("docs") or [] if isinstance(answer, dict) else []
    if not forms:
        return [Finding(Severity.WARNING, "Asset Repair", "its fields cannot be seen: prove it by a test order")]
    there: dict[str, Document] = {field["fieldname"]: field for field in forms[0].get("fields", [])}
    findings = []
    for name in fields:
        if name not in there and name not in _STANDARD:
            todo = _IMPORT if name == options.key_field else "correct erp.options, or make it a custom field"
            findings.append(Finding(Severity.ERROR, f"Asset Repair.{name}", f"there is no such field: {todo}"))
    key = there.get(options.key_field)
    if key is not None and not key.get("unique"):
        message = f"it is not unique, so that orders could be doubled: {_IMPORT}"
        findings.append(Finding(Severity.ERROR, f"Asset Repair.{options.key_field}", message))
    if key is not None and 0 < int(key.get("length") or 0) < _KEY_LENGTH:
        message = f"it holds {key['length']} characters, {_KEY_LENGTH} are needed"
        findings.append(Finding(Severity.ERROR, f"Asset Repair.{options.key_field}", message))
    return findings or [
        Finding(Severity.OK, "Asset Repair", f"all fields are there, {options.key_field} is unique")
    ]


def _lists(wire: Wire) -> list[Finding]:
    findings = []
    for doctype in ("Asset Repair", "Asset"):
        try:
            next(wire.pages(doctype, [["name", "=", "no such name"]], ["name"], purpose="check"), None)
            findings.append(Finding(Severity.OK, doctype, "may be read"))
        except ConfigError as err:
            message = f"{err}; give the user's role the rights of docs/how-to/connect-erpnext.md"
            findings.append(Finding(Severity.ERROR, doctype, message))
    return findings
