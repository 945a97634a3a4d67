"""What only SAP knows: services, customizing values, and which codes mean what at this site."""

import datetime as dt
import zoneinfo
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from serving.orders import OrderState

__all__ = ["SapOptions"]

_SERVICES = "sap/opu/odata/sap/"
# Code group and code, as in catalogues: `BEARING/0010`.
Code = Annotated[str, Field(pattern=r"^[^/]{1,8}/[^/]{1,4}$")]
# Notification phases; 2 from memory, the others are in texts of SAP's own views.
_PHASES = {
    "1": OrderState.OPEN,
    "2": OrderState.ON_HOLD,
    "3": OrderState.IN_PROGRESS,
    "4": OrderState.COMPLETED,
    "5": OrderState.CANCELLED,
}
# System statuses of an order in English, the one that decides last.
_STATUSES = {
    "CRTD": OrderState.OPEN,
    "REL": OrderState.PLANNED,
    "PCNF": OrderState.IN_PROGRESS,
    "CNF": OrderState.COMPLETED,
    "TECO": OrderState.COMPLETED,
    "CLSD": OrderState.CLOSED,
    "DLFL": OrderState.CANCELLED,
    "DLT": OrderState.CANCELLED,
}
# SAP's names of time zones are not IANA's.
_ZONES = {
    "CET": "Europe/Berlin",
    "EET": "Europe/Helsinki",
    "WET": "Europe/Lisbon",
    "GMTUK": "Europe/London",
    "EST": "America/New_York",
    "CST": "America/Chicago",
    "MST": "America/Denver",
    "PST": "America/Los_Angeles",
    "JAPAN": "Asia/Tokyo",
    "INDIA": "Asia/Kolkata",
}


class SapOptions(BaseModel):
    """The `options` of `erp` in `serving.toml` for kind `sap_s4`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auth: Literal["basic", "oauth", "api_key"] = Field("basic", description="oauth: client credentials.")
    token_url: str = Field("", description="Where oauth asks for tokens.")
    client: str = Field("", pattern=r"^(\d{3})?$", description="SAP client (on premise), e.g. 100.")
    language: str = Field("EN", description="Logon language; statuses of orders are read in it.")
    notification_service: str = _SERVICES + "API_MAINTNOTIFICATION"
    order_service: str = _SERVICES + "API_MAINTENANCEORDER"
    equipment_service: str = _SERVICES + "API_EQUIPMENT"
    location_service: str = _SERVICES + "API_FUNCTIONALLOCATION"
    orders: bool = Field(True, description="Orders made from notifications are followed; needs that service.")

    notification_type: str = Field("M1", max_length=2, description="M1: maintenance request, in most systems.")
    order_type: str = Field("PM01", max_length=4)
    control_key: str = Field("PM01", max_length=4, description="Of the operation of an order that we make.")
    priorities: dict[int, str] = Field({1: "1", 2: "2", 3: "3", 4: "4"}, description="Ours -> SAP's, 1 highest.")
    equipment_type: str = "EAMS_EQUI"
    location_type: str = Field("EAMS_FL", description="Some systems say EAMS_FLOC: `wearcast erp check` tells.")
    equipment_width: int = Field(18, ge=0, le=18, description="Equipment numbers are padded to it with zeros.")
    label_coded_locations: bool = Field(False, description="Locations have alternative labels: look ids up.")
    planning_plant: str = Field("", max_length=4)
    planner_group: str = Field("", max_length=3)
    maintenance_plant: str = Field("", max_length=4)
    work_center: str = Field("", max_length=8)
    work_center_plant: str = Field("", max_length=4)
    activity_type: str = Field("", max_length=3)
    reported_by: str = Field("", max_length=12)

    coding: Code | None = Field(None, description="Header code of our notifications, GROUP/CODE.")
    detection: Code | None = Field(None, description="Detection method of our notifications, GROUP/CODE.")
    damage: dict[str, Code] = Field(default_factory=dict, description="Failure mode -> predicted damage.")
    object_part: dict[str, Code] = Field(default_factory=dict, description="Failure mode -> object part.")
    spare_parts: bool = Field(False, description="The part number is a material: plan it in our orders.")
    storage_location: str = Field("", max_length=4)

    time_zone: str = Field("UTC", description="IANA zone of dates and times without one.")
    time_zones: dict[str, str] = Field(default_factory=dict, description="More SAP zones -> IANA zones.")
    phases: dict[str, OrderState] = Field(default_factory=dict, description="More or other phases.")
    statuses: dict[str, OrderState] = Field(default_factory=dict, description="More order statuses, e.g. FREI.")
    long_text: Literal["append", "replace"] = Field("append", description="What SAP does with a changed text.")
    cancel_order: str = "SetMaintOrderToDoNotExecute"
    changes_of: Literal["all", "ours"] = Field("all", description="Whose notifications are polled.")
    history_days: int = Field(90, ge=1, description="A first poll looks so far back for orders of others.")

    @field_validator("priorities")
    @classmethod
    def _known_priorities(cls, told: dict[int, str]) -> dict[int, str]:
        if not told or set(told) != set(range(1, len(told) + 1)):
            raise ValueError("give SAP's code for each priority from 1 on")
        return told

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        _zone(name)
        return name

    @field_validator("time_zones")
    @classmethod
    def _known_zones(cls, told: dict[str, str]) -> dict[str, str]:
        for name in told.values():
            _zone(name)
        return told

    def priority(self, ours: int) -> str:
        """SAP's code of one of our priorities; lower ones than SAP has are its lowest."""
        return self.priorities[min(max(ours, 1), max(self.priorities))]

    def is_higher(self, code: str, than: str) -> bool:
        """Whether one of SAP's codes is more urgent; never when the other is not in `priorities`."""
        ranks = {told: rank for rank, told in self.priorities.items()}
        return not than or (than in ranks and ranks[code] < ranks[than])

    def phase(self, code: str) -> OrderState:
        """State of a notification."""
        return (_PHASES | self.phases).get(code, OrderState.UNKNOWN)

    def status(self, line: str) -> OrderState:
        """State of an order by its line of system statuses; the most final one decides."""
        known = _STATUSES | self.statuses
        rank = {state: at for at, state in enumerate(OrderState)}
        told = [known[word] for word in line.split() if word in known]
        return max(told, key=rank.__getitem__, default=OrderState.UNKNOWN)

    def zone(self, sap_name: str = "") -> dt.tzinfo:
        """The zone that SAP names so; `time_zone` if it names none that is known."""
        name = (_ZONES | {"UTC": "UTC"} | self.time_zones).get(sap_name.strip(), self.time_zone)
        return zoneinfo.ZoneInfo(name)


def _zone(name: str) -> dt.tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as err:
        raise ValueError(f"{name!r} is no IANA time zone, e.g. Europe/Berlin") from err
