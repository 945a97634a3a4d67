"""Fields of SAP's maintenance services as far as the stand-in has them: names, lengths, what may be written."""

import re
from dataclasses import dataclass

__all__ = ["ENTITIES", "EXPANDABLE", "Field", "metadata"]


@dataclass(frozen=True, slots=True)
class Field:
    """One property: its kind (s string, d date, t time, m moment, b boolean, n decimal) and what may be done."""

    name: str
    kind: str
    length: int
    creatable: bool
    updatable: bool
    upper: bool
    filterable: bool


def _fields(told: str) -> dict[str, Field]:
    """`name:kind[length][flags]`; flags: c creatable, u updatable, ^ upper case, x not filterable."""
    found = {}
    for part in told.split():
        match = re.fullmatch(r"(\w+):([sdtmbn])(\d*)([cu^x]*)", part)
        assert match, part
        name, kind, length, flags = match.groups()
        found[name] = Field(
            name, kind, int(length or 0), "c" in flags, "u" in flags, "^" in flags, "x" not in flags
        )
    return found


ENTITIES: dict[str, dict[str, Field]] = {
    "MaintenanceNotification": _fields(
        """MaintenanceNotification:s12^ NotificationText:s40cu MaintPriority:s1cu^ NotificationType:s2c^
        NotifProcessingPhase:s1^ NotifProcessingPhaseDesc:s60 LastChangeDateTime:m CreationDate:d
        ReportedByUser:s12cu^ PersonResponsible:s12cu^ MalfunctionEffect:s1cu^ MalfunctionStartDate:dcu
        MalfunctionStartTime:tcu MalfunctionEndDate:dcu MalfunctionEndTime:tcu MaintNotificationCode:s4cu^
        MaintNotificationCodeGroup:s8cu^ NotificationTimeZone:s6^ RequiredStartDate:dcu RequiredStartTime:tcu
        RequiredEndDate:dcu RequiredEndTime:tcu LatestAcceptableCompletionDate:dcu MaintenanceObjectIsDown:bcu
        MaintNotificationLongText:sx MaintNotifLongTextForEdit:s1333cu TechnicalObject:s40cu^
        TechObjIsEquipOrFuncnlLoc:s20cu^ TechnicalObjectLabel:s40^ MaintenancePlanningPlant:s4cu^
        MaintenancePlannerGroup:s3cu^ FunctionalLocation:s30^ FunctionalLocationLabelName:s40^
        MainWorkCenter:s8cu^ MainWorkCenterPlant:s4cu^ MaintenancePlant:s4cu^ MaintenanceActivityType:s3cu^
        MaintenanceOrder:s12cu^ ConcatenatedActiveSystStsName:s224x NotificationCompletionDate:d
        CompletionTime:t MaintNotifExtReferenceNumber:s20cu^ MaintNotifDetectionCode:s4cu^
        MaintNotifDetectionCodeGroup:s8cu^ CreatedByUser:s12^"""
    ),
    "MaintenanceNotificationItem": _fields(
        """MaintenanceNotification:s12c^ MaintenanceNotificationItem:s4c MaintNotifItemText:s40cu
        MaintNotifDamageCodeGroup:s8cu^ MaintNotificationDamageCode:s4cu^ MaintNotifObjPrtCodeGroup:s8cu^
        MaintNotifObjPrtCode:s4cu^ IsDeleted:b"""
    ),
    "MaintNotificationItemCause": _fields(
        """MaintenanceNotificationCause:s4c MaintNotifCauseCodeGroup:s8cu^ MaintNotificationCauseCode:s4cu^
        IsDeleted:b"""
    ),
    "MaintNotificationItemActivity": _fields(
        """MaintNotificationActivity:s4c MaintNotifActivityCodeGroup:s8cu^ MaintNotificationActivityCode:s4cu^
        IsDeleted:b"""
    ),
    "MaintenanceOrder": _fields(
        """MaintenanceOrder:s12^ MaintenanceOrderType:s4c^ MaintenanceOrderDesc:s40cu
        MaintOrdBasicStartDateTime:mcu MaintOrdBasicEndDateTime:mcu MaintOrdBasicStartDate:d
        MaintOrdBasicEndDate:d MaintOrderReferenceDateTime:m MaintenanceNotification:s12cu^
        MainWorkCenter:s8cu^ MainWorkCenterPlant:s4cu^ MaintenancePlanningPlant:s4c^ MaintenancePlant:s4cu^
        Equipment:s18cu^ FunctionalLocation:s30cu MaintenanceActivityType:s3cu^ MaintPriority:s1cu^
        LatestAcceptableCompletionDate:dcu LastChangeDateTime:m SystemStatusText:s40x"""
    ),
    "MaintenanceOrderOperation": _fields(
        """MaintenanceOrderOperation:s4c^ OperationControlKey:s4cu^ OperationDescription:s40cu WorkCenter:s8cu^
        Plant:s4cu^"""
    ),
    "MaintOrderOpComponent": _fields(
        """Product:s18cu^ MaintOrdOpCompRequiredQuantity:ncu BaseUnit:s3cu Plant:s4cu^ StorageLocation:s4cu^
        MaintOrdOpCompItemCategory:s1cu^"""
    ),
    "Equipment": _fields(
        """Equipment:s18^ EquipmentName:s40 FunctionalLocation:s30^ FunctionalLocationLabelName:s40^
        TechnicalObjectType:s10^ SuperordinateEquipment:s18^ SerialNumber:s18 ManufacturerSerialNumber:s30
        MaintenancePlanningPlant:s4^"""
    ),
    "FunctionalLocation": _fields(
        """FunctionalLocation:s30^ FunctionalLocationLabelName:s40^ FunctionalLocationName:s40
        SuperiorFunctionalLocation:s30^ TechnicalObjectType:s10^ MaintenancePlanningPlant:s4^"""
    ),
}

# Entity -> navigation -> entity behind it.
EXPANDABLE: dict[str, dict[str, str]] = {
    "MaintenanceNotification": {"to_Item": "MaintenanceNotificationItem"},
    "MaintenanceNotificationItem": {
        "to_ItemCause": "MaintNotificationItemCause",
        "to_ItemActivity": "MaintNotificationItemActivity",
    },
    "MaintenanceOrder": {"to_MaintenanceOrderOperation": "MaintenanceOrderOperation"},
    "MaintenanceOrderOperation": {"to_MaintOrderOpComponent": "MaintOrderOpComponent"},
}

_TYPES = {
    "s": "Edm.String",
    "d": "Edm.DateTime",
    "t": "Edm.Time",
    "m": "Edm.DateTimeOffset",
    "b": "Edm.Boolean",
    "n": "Edm.Decimal",
}


def metadata(entities: tuple[str, ...]) -> str:
    """The $metadata document of a service with these entities."""
    types = []
    for entity in entities:
        rows = []
        for field in ENTITIES[entity].values():
            told = f'<Property Name="{field.name}" Type="{_TYPES[field.kind]}"'
            told += f' MaxLength="{field.length}"' if field.length else ""
            told += "" if field.creatable else ' sap:creatable="false"'
            told += "" if field.updatable else ' sap:updatable="false"'
            told += "" if field.filterable else ' sap:filterable="false"'
            rows.append(told + "/>")
        types.append(f'<EntityType Name="{entity}Type">{"".join(rows)}</EntityType>')
    return (
        '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="1.0"><edmx:DataServices><Schema>'
        + "".join(types)
        + "</Schema></edmx:DataServices></edmx:Edmx>"
    )
