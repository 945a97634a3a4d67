"""What only one Dynamics 365 knows: its tenant, the records that every order refers to, names of columns."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.core.statements import order_key

__all__ = ["KEY_LENGTH", "Dynamics365Options"]

# Characters of an order key; the key column must hold so many.
KEY_LENGTH = len(order_key("", "", "", "", 1))
_SIGN_IN = "https://login.microsoftonline.com"


class Dynamics365Options(BaseModel):
    """`[erp.options]` of a Dynamics 365 connection; records are given by their ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: str = Field("", description="Entra tenant id or domain.")
    token_url: str = Field("", description="Where tokens are given; empty: that of the tenant.")
    scope: str = Field("", description="Empty: `<url>/.default`.")
    api_version: str = "v9.2"
    service_account: UUID = Field(description="Account that every order is for: the plant.")
    work_order_type: UUID | None = None
    price_list: UUID | None = None
    taxable: bool = False
    incident_types: dict[str, UUID] = Field(
        default_factory=dict, description="Failure mode -> incident type: it brings tasks, parts and skills."
    )
    priorities: dict[int, UUID] = Field(
        default_factory=dict, description="Our priority (1 highest) -> msdyn_priority; empty: none is written."
    )
    key_column: str = Field("wearcast_externalref", description="Text column with an alternate key of its own.")
    asset_binding: str = Field(
        "msdyn_CustomerAsset", description="Navigation property, upper and lower case matter."
    )
    location_binding: str = Field("msdyn_FunctionalLocation", description="As above; empty: it is not written.")
    title_length: int = Field(200, ge=40, description="Characters of msdyn_workordersummary that are used.")
    text_length: int = Field(2000, ge=200, description="Characters that msdyn_instructions holds.")
    completed_column: str = "msdyn_completedon"
    malfunction_column: str = Field("", description="Column with the time of the breakdown, if the plant has one.")
    codes: dict[str, str] = Field(
        default_factory=lambda: {
            "incident_type": "_msdyn_primaryincidenttype_value",
            "resolution": "_msdyn_primaryresolution_value",
            "substatus": "_msdyn_substatus_value",
        },
        description="Name of a code in outcome files -> column that tells it when an order is finished.",
    )
    asset_category_column: str = Field("_msdyn_customerassetcategory_value", description="Empty: it is not read.")
    page_size: int = Field(500, ge=1, le=5000)

    @field_validator("priorities")
    @classmethod
    def _all_or_none(cls, value: dict[int, UUID]) -> dict[int, UUID]:
        if value and (sorted(value) != [1, 2, 3, 4, 5]):
            raise ValueError("give one msdyn_priority for each of 1, 2, 3, 4, 5 (two may be the same), or none")
        return value

    @model_validator(mode="after")
    def _somebody_gives_tokens(self) -> Self:
        if not (self.tenant or self.token_url):
            raise ValueError("set tenant (or token_url): somebody must give tokens")
        return self

    @property
    def signs_in_at(self) -> str:
        """Where tokens are given."""
        return self.token_url or f"{_SIGN_IN}/{self.tenant}/oauth2/v2.0/token"
