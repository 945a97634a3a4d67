"""What waits for a person, as it goes over the wire."""

import dataclasses
import datetime as dt

from pydantic import BaseModel, ConfigDict, Field

from features.core.statements import Outcome
from serving.planning.attention import Act, Attention, Matter, MatterKind

__all__ = ["AttentionOut", "IncidentClosed", "MatterOut", "OutcomeTold", "ShadowOut", "Told", "attention_out"]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class MatterOut(_Out):
    """One thing that waits for a person."""

    kind: MatterKind
    head: str = Field(description="What happened, in a few words.")
    says: str = Field(description="What is known of it, the ERP's own words among it.")
    to_do: str = Field(description="What ends it.")
    since: dt.datetime | None
    site_id: str | None = Field(description="Null: all, or not known.")
    machines: list[str]
    command: str = Field(description="Command line that ends it or helps to; empty: there is none.")
    acts: list[Act] = Field(
        description="`close`: POST /v1/incidents/{id}/close; `tell`: POST /v1/outcomes/{id}; "
        "`requeue`, `reject`, `release`: POST /v1/work-orders/{id}/ and that word."
    )
    id: int | None


class ShadowRow(_Out):
    """A recommendation that was not written, and what planners did."""

    id: int
    component: str
    action: str
    made: dt.datetime
    planners_order: str | None
    seen: dt.datetime | None


class ShadowOut(_Out):
    """What would have been written at the sites for which nothing is, held against what planners did."""

    sites: list[str]
    would_have_been_written: int
    planners_ordered_too: int
    nobody_ordered: int
    median_lead_hours: float | None = Field(description="By how much earlier Wearcast was, median.")
    recommendations: list[ShadowRow]


class AttentionOut(_Out):
    """All of it; `waiting` stops most first, `held` ends by itself."""

    as_of: dt.datetime
    waiting: list[MatterOut]
    held: list[MatterOut]
    shadow: ShadowOut


class IncidentClosed(_Out):
    """An incident that a person has dealt with."""

    id: int
    closed_at: dt.datetime | None
    closed_by: str | None


class Told(BaseModel):
    """What a closed order found."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome = Field(
        description="What was found, e.g. `incipient_fault`, `no_fault_found`, `sensor_fault`."
    )


class OutcomeTold(_Out):
    """The event that a person's word led to; it is known from `available_at` on."""

    machine_id: str
    slot: str | None
    outcome: Outcome | None
    occurred_at: dt.datetime
    available_at: dt.datetime
    revision: int


def attention_out(found: Attention, as_of: dt.datetime) -> AttentionOut:
    """All of it as it goes over the wire."""
    shadow = found.shadow.facts() | {"sites": list(found.shadow_sites), "recommendations": found.shadow.rows()}
    return AttentionOut(
        as_of=as_of,
        waiting=[_matter(one) for one in found.waiting],
        held=[_matter(one) for one in found.held],
        shadow=ShadowOut.model_validate(shadow),
    )


def _matter(matter: Matter) -> MatterOut:
    return MatterOut.model_validate(dataclasses.asdict(matter))
