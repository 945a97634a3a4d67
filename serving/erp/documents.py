"""Our own form of what an ERP tells: orders, changes and assets as JSON, for the webhook and for files."""

import datetime as dt

from pydantic import AliasChoices, AwareDatetime, BaseModel, ConfigDict, Field

from features.core.statements import Outcome
from serving.erp.port import Asset
from serving.orders import OrderChange, OrderState, WorkOrder

__all__ = ["ChangeDocument", "OrderDocument", "Page", "state_of"]


def state_of(raw: str) -> OrderState:
    """The neutral state; a word that is none is `unknown`."""
    return OrderState(raw) if raw in list(OrderState) else OrderState.UNKNOWN


class OrderDocument(BaseModel):
    """An order as it stands."""

    model_config = ConfigDict(extra="ignore")

    number: str = Field(min_length=1, validation_alias=AliasChoices("number", "external_id"))
    key: str = ""
    status: str = ""
    functional_location: str = ""
    equipment_number: str = ""
    text: str = ""

    def value(self) -> WorkOrder:
        """As the port gives it."""
        return WorkOrder(
            self.key, self.number, state_of(self.status), self.status, self.functional_location, self.text
        )


class ChangeDocument(BaseModel):
    """One change of an order; `change_id` is unique and never used again."""

    model_config = ConfigDict(extra="ignore")

    change_id: str
    number: str = ""
    key: str = ""
    status: str
    changed_at: AwareDatetime
    completed_at: AwareDatetime | None = None
    outcome: str | None = None
    failure_mode: str | None = None
    text: str = ""
    codes: dict[str, str] = Field(default_factory=dict)
    malfunction_at: AwareDatetime | None = None

    def value(self) -> OrderChange:
        """As the port gives it, times in UTC."""
        outcome = self.outcome or ""
        return OrderChange(
            number=self.number,
            key=self.key,
            change_id=self.change_id,
            state=state_of(self.status),
            raw_status=self.status,
            changed_at=self.changed_at.astimezone(dt.UTC),
            completed_at=_utc(self.completed_at),
            outcome=Outcome(outcome) if outcome in list(Outcome) else None,
            raw_outcome=outcome,
            failure_mode=self.failure_mode,
            text=self.text,
            codes=self.codes,
            malfunction_at=_utc(self.malfunction_at),
        )


class Page(BaseModel):
    """What one answer or one file tells."""

    model_config = ConfigDict(extra="ignore")

    orders: list[OrderDocument] = Field(default_factory=list)
    changes: list[ChangeDocument] = Field(default_factory=list)
    assets: list[Asset] = Field(default_factory=list)
    next: str | None = None


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else moment.astimezone(dt.UTC)
