"""Whether an SAP system has what orders need: services, fields, rights, a clock."""

import re
from collections.abc import Iterator

from features.core.errors import WearcastError
from serving.erp.port import ConnectionReport, Finding, Severity
from serving.erp.sap_s4.options import SapOptions
from serving.erp.sap_s4.session import Session
from serving.erp.sap_s4.wire import literal

__all__ = ["check"]

# Entity -> fields that we write, and fields that we search or read by.
_WRITTEN = {
    "MaintenanceNotification": (
        "NotificationType",
        "NotificationText",
        "MaintNotifLongTextForEdit",
        "MaintPriority",
        "TechnicalObject",
        "TechObjIsEquipOrFuncnlLoc",
        "MaintNotifExtReferenceNumber",
        "RequiredEndDate",
        "LatestAcceptableCompletionDate",
    ),
    "MaintenanceOrder": (
        "MaintenanceOrderType",
        "MaintenanceOrderDesc",
        "MaintenanceNotification",
        "MaintPriority",
        "MaintOrdBasicEndDateTime",
    ),
}
_READ = {
    "MaintenanceNotification": ("NotifProcessingPhase", "LastChangeDateTime", "MaintNotifExtReferenceNumber"),
    "MaintenanceOrder": ("SystemStatusText", "LastChangeDateTime"),
}
_FILTERED = {"LastChangeDateTime", "MaintNotifExtReferenceNumber"}


def check(session: Session, options: SapOptions, *, makes_orders: bool) -> ConnectionReport:
    """What was found; a service that does not answer is a finding, a refused user is one too."""
    host = session.connection.host
    try:
        answer = session.fetch_token(options.notification_service)
    except WearcastError as err:
        finding = Finding(Severity.ERROR, options.notification_service, err.message)
        return ConnectionReport(f"{host} does not serve notifications: {err.message}", (finding,))
    findings = [Finding(Severity.OK, options.notification_service, "answers")]
    if not answer.headers.get("x-csrf-token"):
        findings.append(
            Finding(Severity.WARNING, "x-csrf-token", "no token came; if writes fail, look at the proxy's headers")
        )
    findings += _fields(session, options.notification_service, "MaintenanceNotification")
    findings += _rights(session, options)
    if makes_orders or options.orders:
        findings += _orders(session, options, needed=makes_orders)
    skew = session.connection.skew_s(answer)
    bad = sum(finding.severity is Severity.ERROR for finding in findings)
    line = f"{host} serves notifications" + (f"; {bad} things are missing" if bad else "")
    return ConnectionReport(line, tuple(findings), skew)


def _orders(session: Session, options: SapOptions, *, needed: bool) -> Iterator[Finding]:
    try:
        session.fetch_token(options.order_service)
        findings = list(_fields(session, options.order_service, "MaintenanceOrder"))
    except WearcastError as err:
        severity = Severity.ERROR if needed else Severity.WARNING
        hint = "needed for target order" if needed else "or set options.orders = false: orders are not followed"
        yield Finding(severity, options.order_service, f"{err.message}; give the user its rights, {hint}")
        return
    yield Finding(Severity.OK, options.order_service, "answers")
    for finding in findings:
        is_error = finding.severity is Severity.ERROR
        if is_error and not needed and "cannot be written" in finding.message:
            continue
        yield finding


def _fields(session: Session, service: str, entity: str) -> Iterator[Finding]:
    """Whether the service's metadata has the fields, creatable and filterable."""
    told = _properties(session.metadata(service), entity)
    if not told:
        yield Finding(
            Severity.WARNING, entity, f"{service}/$metadata does not describe it; fields are not checked"
        )
        return
    for name in dict.fromkeys((*_WRITTEN[entity], *_READ[entity])):
        if name not in told:
            yield Finding(
                Severity.ERROR, name, f"{entity} has no such field: is it API_{entity.upper()} of S/4HANA?"
            )
        elif name in _WRITTEN[entity] and 'sap:creatable="false"' in told[name]:
            yield Finding(Severity.ERROR, name, f"{entity}.{name} cannot be written in this release")
        elif name in _FILTERED and 'sap:filterable="false"' in told[name]:
            yield Finding(Severity.ERROR, name, f"{entity}.{name} cannot be searched in this release")


def _rights(session: Session, options: SapOptions) -> Iterator[Finding]:
    """A look-up as `find` does it, and how this system names equipment and locations."""
    try:
        told = {"$filter": f"MaintNotifExtReferenceNumber eq {literal('WC-')}", "$top": "1"}
        session.rows(options.notification_service, "MaintenanceNotification", told, "check")
        rows = session.rows(
            options.notification_service,
            "MaintenanceNotification",
            {"$top": "1", "$select": "MaintenanceNotification,TechObjIsEquipOrFuncnlLoc"},
            "check",
        )
    except WearcastError as err:
        yield Finding(Severity.ERROR, "look-up", f"{err.message}; the user needs display rights for notifications")
        return
    yield Finding(Severity.OK, "look-up", "notifications can be found by external reference number")
    named = str(rows[0].get("TechObjIsEquipOrFuncnlLoc") or "") if rows else ""
    if named and named not in (options.equipment_type, options.location_type):
        message = f"this system says {named!r}: set options.equipment_type or options.location_type"
        yield Finding(Severity.WARNING, "TechObjIsEquipOrFuncnlLoc", message)


def _properties(metadata: str, entity: str) -> dict[str, str]:
    """Field -> its element in the metadata, of an entity type."""
    for block in re.findall(r"<EntityType\b.*?</EntityType>", metadata, re.DOTALL):
        head = re.match(r'<EntityType[^>]*\bName="(\w+?)(?:Type)?"', block)
        if head and head[1] == entity:
            elements = re.findall(r'<Property\b[^>]*\bName="\w+"[^>]*>', block)
            return {re.findall(r'\bName="(\w+)"', element)[0]: element for element in elements}
    return {}
