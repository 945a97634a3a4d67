"""What a request becomes in Dynamics 365: a work order that nobody has scheduled yet, and notes on it."""

from uuid import NAMESPACE_URL, UUID, uuid5

from features.core.errors import OrderRejectedError
from serving.erp.dynamics365.options import Dynamics365Options
from serving.erp.dynamics365.wire import UNSCHEDULED, guid, stamp
from serving.erp.texts import as_html, cut
from serving.orders import MaintenanceRequest

__all__ = ["is_raised", "note_body", "note_id", "order_body"]

# Characters of a note's subject and text as Dataverse is delivered.
_SUBJECT, _NOTE = 500, 10_000


def order_body(request: MaintenanceRequest, options: Dynamics365Options) -> dict[str, object]:
    """A new work order; its key stands in the address.

    Raises:
        OrderRejectedError: The equipment number is no id of a customer asset.
    """
    body: dict[str, object] = {
        "msdyn_serviceaccount@odata.bind": f"/accounts({options.service_account})",
        "msdyn_systemstatus": UNSCHEDULED,
        "msdyn_taxable": options.taxable,
        "msdyn_workordersummary": cut(request.title, options.title_length),
        "msdyn_instructions": cut(request.text, options.text_length),
        "msdyn_timewindowend": stamp(request.due),
    }
    if request.planned_start is not None:
        body["msdyn_timewindowstart"] = stamp(request.planned_start)
    for name, table, record in (
        ("msdyn_workordertype", "msdyn_workordertypes", options.work_order_type),
        ("msdyn_pricelist", "pricelevels", options.price_list),
        ("msdyn_priority", "msdyn_priorities", options.priorities.get(request.priority)),
        ("msdyn_primaryincidenttype", "msdyn_incidenttypes", options.incident_types.get(request.failure_mode)),
    ):
        if record is not None:
            body[f"{name}@odata.bind"] = f"/{table}({record})"
    if request.equipment_number:
        asset = guid(request.equipment_number)
        if not asset:
            raise OrderRejectedError(
                f"equipment {request.equipment_number!r} of {request.machine_id} is no id of a customer asset: "
                "match the machine (`wearcast erp assets match`)",
                {"equipment_number": request.equipment_number},
            )
        body[f"{options.asset_binding}@odata.bind"] = f"/msdyn_customerassets({asset})"
    location = guid(request.functional_location)
    if location and options.location_binding:
        body[f"{options.location_binding}@odata.bind"] = f"/msdyn_functionallocations({location})"
    return body


def note_id(order_id: str, note: str) -> UUID:
    """The id of a note: the same for the same note on the same order, so that a second try adds no second one."""
    return uuid5(NAMESPACE_URL, f"wearcast:{order_id}:{note}")


def note_body(order_id: str, note: str) -> dict[str, object]:
    """A note on the order's timeline, which shows HTML."""
    return {
        "subject": cut(note.partition("\n")[0], _SUBJECT),
        "notetext": as_html(cut(note, _NOTE)),
        "objectid_msdyn_workorder@odata.bind": f"/msdyn_workorders({order_id})",
    }


def is_raised(held: str, wanted: int, options: Dynamics365Options) -> bool:
    """Whether `wanted` is more urgent than the priority that the order has; one that we do not know stays."""
    if wanted not in options.priorities:
        return False
    ranks = [rank for rank, record in options.priorities.items() if str(record) == guid(held)]
    return not held or (bool(ranks) and wanted < min(ranks))
