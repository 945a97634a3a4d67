"""What only a Maximo knows: its site, the names of its structures and fields, its priorities and codes."""

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.core.statements import order_key

__all__ = ["KEY_LENGTH", "MaximoOptions"]

# Characters of an order key; Maximo's field must hold so many.
KEY_LENGTH = len(order_key("", "", "", "", 1))


class MaximoOptions(BaseModel):
    """`[erp.options]` of a Maximo connection; each default is what Maximo is delivered with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str = Field("", description="SITEID of every order; empty: the API user's default insert site.")
    organization: str = Field("", description="ORGID, where the site alone does not tell it.")
    request_as: Literal["work_order", "service_request"] = Field(
        "work_order", description="What target `request` writes: a work order that waits for approval, or an SR."
    )
    order_structure: str = "mxapiwodetail"
    request_structure: str = "mxapisr"
    asset_structure: str = "mxapiasset"
    location_structure: str = Field("mxapioperloc", description="Empty: locations are not read.")
    key_field: str = Field("externalrefid", description="Holds the order key in a work order.")
    request_key_field: str = Field("externalrecid", description="Holds the order key in a service request.")
    work_type: str = Field("CM", description="WORKTYPE of every work order: it decides whose list it lands in.")
    reported_by: str = Field("", description="REPORTEDBY; empty: the API user.")
    failure_class: str = Field("", description="FAILURECODE (failure class); empty: the asset's own.")
    problem_codes: dict[str, str] = Field(default_factory=dict, description="Failure mode -> PROBLEMCODE.")
    priorities: dict[int, int] = Field(
        default_factory=lambda: {n: n for n in range(1, 6)},
        description="Our priority (1 highest) -> WOPRIORITY; rising or falling throughout.",
    )
    plan_parts: bool = Field(False, description="Write the spare part as a planned material (WPMATERIAL).")
    storeroom: str = Field("", description="STORELOC of planned materials.")
    note_type: str = Field("CLIENTNOTE", description="LOGTYPE of our notes in the work log.")
    approved: str = Field("APPR", description="The site's word for approved: target `order` ends there.")
    cancelled: str = Field("CAN", description="The site's word for cancelled.")
    request_closed: str = Field("CLOSED", description="The site's word for a closed service request.")
    states: dict[str, str] = Field(
        default_factory=dict,
        description="The site's status words -> Maximo's internal ones, where the API does not tell them.",
    )
    time_zone: str = Field(
        "", description="Zone of stamps without offset, e.g. Europe/Berlin; set it only if Maximo refuses offsets."
    )
    changes: Literal["all", "ours"] = Field(
        "all", description="`ours`: only orders with our keys are polled (sites with very many orders)."
    )
    retry_codes: tuple[str, ...] = Field(
        ("BMXAA8229W",), description="Reasons that mean: somebody else is editing, come back later."
    )
    page_size: int = Field(100, ge=1, le=1000)

    @field_validator("priorities")
    @classmethod
    def _monotonic(cls, value: dict[int, int]) -> dict[int, int]:
        told = [value[ours] for ours in sorted(value)]
        if sorted(value) != [1, 2, 3, 4, 5] or (sorted(told) != told and sorted(told, reverse=True) != told):
            raise ValueError("give one WOPRIORITY for each of 1, 2, 3, 4, 5, rising or falling throughout")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as err:
                raise ValueError(f"{value!r} is not a time zone; e.g. Europe/Berlin") from err
        return value

    @property
    def has_requests(self) -> bool:
        """Service requests may hold keys of ours."""
        return self.request_as == "service_request"
