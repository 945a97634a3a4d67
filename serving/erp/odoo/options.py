"""What a site says of its Odoo: `[erp.options]`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.orders import OrderState

__all__ = ["OdooOptions"]

# Since these versions: JSON-2, notes that say they are HTML, descriptions that are HTML (Odoo's external_api,
# mail.thread and maintenance.request).
_JSON2, _HTML_NOTES, _HTML_DESCRIPTION = 19, 17, 15


class OdooOptions(BaseModel):
    """Options of kind `odoo`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api: Literal["json2", "jsonrpc"] = Field("json2", description="json2 from 19 on, jsonrpc for 14 to 18.")
    version: int | None = Field(None, ge=14, description="Major version; default 19 (json2) or 17 (jsonrpc).")
    database: str = Field("", description="Name of the database; jsonrpc needs it, json2 where there are several.")
    module: str = Field("wearcast", pattern=r"^[a-z][a-z0-9_]*$", description="Module part of the external ids.")
    language: str = Field("en_US", description="Language in which the names of stages are read.")
    company_id: int | None = Field(None, description="Company of new requests; default the user's.")
    team_id: int | None = Field(None, description="Maintenance team of new requests; default Odoo's.")
    maintenance_type: Literal["corrective", "preventive"] = "corrective"
    equipment_by: Literal["id", "serial_no"] = Field("id", description="What our equipment numbers are in Odoo.")
    location_field: str = Field("", description="Field of maintenance.equipment with the functional location.")
    schedule: bool = Field(False, description="Write the proposed start as Scheduled Date (a planner's field).")
    stages: dict[str, OrderState] = Field(default_factory=dict, description="Name of a stage -> its meaning.")
    code_fields: dict[str, str] = Field(default_factory=dict, description="Name of an outcome code -> its field.")
    page: int = Field(100, ge=1, le=1000, description="Records a page.")

    @property
    def notes_say_html(self) -> bool:
        """A note must say that it is HTML, else its markup is shown as text."""
        return self._version >= _HTML_NOTES

    @property
    def description_is_html(self) -> bool:
        """The description of a request is HTML, not plain text."""
        return self._version >= _HTML_DESCRIPTION

    @property
    def _version(self) -> int:
        return self.version or (_JSON2 if self.api == "json2" else _HTML_NOTES)
