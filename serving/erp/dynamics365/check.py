"""What `wearcast erp check` says of a Dynamics 365: the alternate key, lengths, names of lookups, the account."""

from collections.abc import Iterable, Mapping

from features.core.errors import ConfigError, OrderRejectedError
from serving.erp.dynamics365.client import Client
from serving.erp.dynamics365.options import KEY_LENGTH, Dynamics365Options
from serving.erp.port import Finding, Severity

__all__ = ["findings"]

_TABLE = "EntityDefinitions(LogicalName='msdyn_workorder')"
_TYPES = "Attributes/Microsoft.Dynamics.CRM"


def findings(client: Client, options: Dynamics365Options) -> tuple[Finding, ...]:
    """Everything that orders need, in order."""
    try:
        found = _of_metadata(client, options)
    except (ConfigError, OrderRejectedError) as err:
        found = [Finding(Severity.ERROR, "table Work Order", err.message)]
    return (*found, _account_finding(client, options))


def _of_metadata(client: Client, options: Dynamics365Options) -> list[Finding]:
    """The alternate key, lengths of columns, names of lookups."""
    keys = list(client.rows(f"{_TABLE}/Keys", "check", select="SchemaName,KeyAttributes,EntityKeyIndexStatus"))
    lengths: dict[str, object] = {}
    for kind in ("StringAttributeMetadata", "MemoAttributeMetadata"):
        rows = client.rows(f"{_TABLE}/{_TYPES}.{kind}", "check", select="LogicalName,MaxLength")
        lengths |= {str(row.get("LogicalName")): row.get("MaxLength") for row in rows}
    names = client.rows(
        f"{_TABLE}/ManyToOneRelationships", "check", select="ReferencingEntityNavigationPropertyName"
    )
    lookups = [str(row.get("ReferencingEntityNavigationPropertyName", "")) for row in names]
    found = [_key_finding(keys, options), *_length_findings(lengths, options)]
    found += [_lookup_finding(name, lookups) for name in (options.asset_binding, options.location_binding) if name]
    return found


def _key_finding(keys: Iterable[Mapping[str, object]], options: Dynamics365Options) -> Finding:
    for key in keys:
        if key.get("KeyAttributes") == [options.key_column]:
            status = str(key.get("EntityKeyIndexStatus"))
            if status == "Active":
                return Finding(Severity.OK, "alternate key", f"{options.key_column} is guarded by Dynamics 365")
            message = f"the key over {options.key_column} is {status}: wait, or reactivate it in the table's keys"
            return Finding(Severity.ERROR, "alternate key", message)
    message = f"no alternate key over {options.key_column} alone: add one to the table Work Order"
    return Finding(Severity.ERROR, "alternate key", message)


def _length_findings(lengths: Mapping[str, object], options: Dynamics365Options) -> list[Finding]:
    found: list[Finding] = []
    for column, needed, severity, what in (
        (options.key_column, KEY_LENGTH, Severity.ERROR, "widen the column"),
        ("msdyn_workordersummary", options.title_length, Severity.WARNING, "lower erp.options.title_length"),
        ("msdyn_instructions", options.text_length, Severity.WARNING, "lower erp.options.text_length"),
    ):
        if column not in lengths:
            message = "is no text column of the table Work Order: add it, or name another in erp.options"
            found.append(Finding(Severity.ERROR, column, message))
            continue
        width = lengths[column]
        if isinstance(width, int) and width < needed:
            found.append(Finding(severity, column, f"holds {width} characters, {needed} are needed: {what}"))
        else:
            found.append(Finding(Severity.OK, column, f"holds {needed} characters"))
    return found


def _lookup_finding(name: str, lookups: list[str]) -> Finding:
    if name in lookups:
        return Finding(Severity.OK, name, "is a lookup of work orders")
    same = next((one for one in lookups if one.lower() == name.lower()), "")
    hint = f"it is written {same}: set it so in erp.options" if same else "name the lookup in erp.options"
    return Finding(Severity.ERROR, name, f"is no lookup of work orders; {hint}")


def _account_finding(client: Client, options: Dynamics365Options) -> Finding:
    path = f"accounts({options.service_account})"
    answer = client.send("GET", path, purpose="check", writes=False, params={"$select": "name"}, accept=(403, 404))
    if answer.status_code == 404:
        message = f"account {options.service_account} is not there: correct erp.options.service_account"
        return Finding(Severity.ERROR, "service account", message)
    if answer.status_code == 403:
        return Finding(Severity.ERROR, "service account", "may not be read: give the role Read on Account")
    document = client.document(answer, writes=False)
    name = str(document.get("name", "")) if isinstance(document, Mapping) else ""
    return Finding(Severity.OK, "service account", f"orders are for {name or options.service_account}")
