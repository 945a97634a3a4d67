"""What is written into SAP: a notification, and an order linked to it."""

import datetime as dt

from features.core.errors import OrderRejectedError
from serving.erp.sap_s4.options import SapOptions
from serving.erp.sap_s4.reading import PREDICTED
from serving.erp.sap_s4.wire import to_date, to_moment, to_time
from serving.erp.texts import cut
from serving.orders import MaintenanceRequest

__all__ = ["KEY_LENGTH", "TEXT_LENGTH", "TITLE_LENGTH", "notification_body", "order_body", "padded"]

# NotificationText, MaintNotifLongTextForEdit and MaintNotifExtReferenceNumber of API_MAINTNOTIFICATION.
TITLE_LENGTH, TEXT_LENGTH, KEY_LENGTH = 40, 1333, 20
_PRODUCT_LENGTH = 18

Body = dict[str, object]


def notification_body(request: MaintenanceRequest, options: SapOptions, location: str) -> Body:
    """The body of a new notification.

    No start of a malfunction is written: a prediction is none, and it would come back as a failure.

    Args:
        request: What is asked for.
        options: Customizing values.
        location: SAP's own id of the functional location.

    Raises:
        OrderRejectedError: No equipment or location to write it for.
    """
    zone = options.zone()
    body: Body = {
        "NotificationType": options.notification_type,
        "NotificationText": cut(request.title, TITLE_LENGTH),
        "MaintNotifLongTextForEdit": cut(request.text, TEXT_LENGTH),
        "MaintPriority": options.priority(request.priority),
        "MaintNotifExtReferenceNumber": request.key.upper()[:KEY_LENGTH],
        **_technical_object(request, options, location),
        "MaintenanceObjectIsDown": False,
    }
    if request.planned_start is not None:
        body |= _local("RequiredStart", request.planned_start, zone)
    body |= _local("RequiredEnd", request.due, zone)
    body["LatestAcceptableCompletionDate"] = to_date(request.due.astimezone(zone).date())
    body |= _given(
        MaintenancePlanningPlant=options.planning_plant,
        MaintenancePlannerGroup=options.planner_group,
        MaintenancePlant=options.maintenance_plant,
        MainWorkCenter=options.work_center,
        MainWorkCenterPlant=options.work_center_plant,
        MaintenanceActivityType=options.activity_type,
        ReportedByUser=options.reported_by,
    )
    body |= _code(options.coding, "MaintNotificationCodeGroup", "MaintNotificationCode")
    body |= _code(options.detection, "MaintNotifDetectionCodeGroup", "MaintNotifDetectionCode")
    item = _item(request, options)
    if item:
        body["to_Item"] = [item]
    return body


def order_body(request: MaintenanceRequest, options: SapOptions, location: str, notification: str) -> Body:
    """The body of an order that is made from a notification."""
    title = cut(request.title, TITLE_LENGTH)
    operation: Body = {
        "MaintenanceOrderOperation": "0010",
        "OperationControlKey": options.control_key,
        "OperationDescription": title,
        **_given(WorkCenter=options.work_center, Plant=options.work_center_plant),
    }
    # A number that is cut would be another part: one that is too long stands in the text only.
    if options.spare_parts and request.part_number and len(request.part_number) <= _PRODUCT_LENGTH:
        operation["to_MaintOrderOpComponent"] = [
            {
                "Product": request.part_number,
                "MaintOrdOpCompRequiredQuantity": "1",
                "MaintOrdOpCompItemCategory": "L",
                **_given(Plant=options.maintenance_plant, StorageLocation=options.storage_location),
            }
        ]
    place: Body = (
        {"Equipment": padded(request.equipment_number, options.equipment_width)}
        if request.equipment_number
        else {"FunctionalLocation": location}
    )
    body: Body = {
        "MaintenanceOrderType": options.order_type,
        "MaintenanceOrderDesc": title,
        "MaintenanceNotification": notification,
        "MaintPriority": options.priority(request.priority),
        **place,
    }
    if request.planned_start is not None:
        body["MaintOrdBasicStartDateTime"] = to_moment(request.planned_start)
    body["MaintOrdBasicEndDateTime"] = to_moment(request.due)
    body["LatestAcceptableCompletionDate"] = to_date(request.due.astimezone(options.zone()).date())
    body |= _given(
        MaintenancePlanningPlant=options.planning_plant,
        MaintenancePlannerGroup=options.planner_group,
        MaintenancePlant=options.maintenance_plant,
        MainWorkCenter=options.work_center,
        MainWorkCenterPlant=options.work_center_plant,
        MaintenanceActivityType=options.activity_type,
    )
    return body | {"to_MaintenanceOrderOperation": [operation]}


def padded(number: str, width: int) -> str:
    """An equipment number as SAP keeps it: digits are filled up with zeros.

    Example:
        >>> padded("210100094", 18), padded("PUMP-1", 18)
        ('000000000210100094', 'PUMP-1')
    """
    return number.zfill(width) if number.isascii() and number.isdigit() else number


def _technical_object(request: MaintenanceRequest, options: SapOptions, location: str) -> Body:
    if request.equipment_number:
        number = padded(request.equipment_number, options.equipment_width)
        return {"TechnicalObject": number, "TechObjIsEquipOrFuncnlLoc": options.equipment_type}
    if not location:
        raise OrderRejectedError(
            f"machine {request.machine_id} has neither equipment nor functional location in SAP: "
            "`wearcast erp assets match`",
            {"machine_id": request.machine_id},
        )
    return {"TechnicalObject": location, "TechObjIsEquipOrFuncnlLoc": options.location_type}


def _item(request: MaintenanceRequest, options: SapOptions) -> Body:
    damage = options.damage.get(request.failure_mode)
    part = options.object_part.get(request.failure_mode)
    if damage is None and part is None:
        return {}
    text = PREDICTED + (damage or cut(request.failure_mode, TITLE_LENGTH - len(PREDICTED)))
    return (
        {"MaintenanceNotificationItem": "0001", "MaintNotifItemText": text}
        | _code(damage, "MaintNotifDamageCodeGroup", "MaintNotificationDamageCode")
        | _code(part, "MaintNotifObjPrtCodeGroup", "MaintNotifObjPrtCode")
    )


def _local(name: str, at: dt.datetime, zone: dt.tzinfo) -> Body:
    local = at.astimezone(zone)
    return {f"{name}Date": to_date(local.date()), f"{name}Time": to_time(local.time())}


def _code(told: str | None, group: str, code: str) -> Body:
    if told is None:
        return {}
    first, _, second = told.partition("/")
    return {group: first, code: second}


def _given(**told: str) -> Body:
    return {name: value for name, value in told.items() if value}
