"""What a site says of its ERPNext: `[erp.options]`."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from serving.orders import OrderState

__all__ = ["ErpNextOptions"]

_FIELD = r"^[a-z][a-z0-9_]*$"


class ErpNextOptions(BaseModel):
    """Options of kind `erpnext`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: str = Field("", description="Time zone of the server's stamps; default what the server tells.")
    key_field: str = Field("wearcast_external_ref", pattern=_FIELD, description="Unique custom field for the key.")
    naming_series: str = Field("", description="Series of new repairs, e.g. ACC-ASR-.YYYY.-; default the first.")
    status_field: str = Field(
        "repair_status", pattern=_FIELD, description="Field with the status, or workflow_state."
    )
    states: dict[str, OrderState] = Field(
        default_factory=dict, description="Status -> its meaning, beside Frappe's."
    )
    cancelled: str = Field("Cancelled", description="The status that `cancel` writes.")
    code_fields: dict[str, str] = Field(default_factory=dict, description="Name of an outcome code -> its field.")
    page: int = Field(100, ge=1, le=1000, description="Documents a page.")

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key if value else ""
        except (ZoneInfoNotFoundError, ValueError, OSError) as err:
            raise ValueError("is no time zone; e.g. Europe/Berlin") from err
