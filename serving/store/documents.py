"""Recommendations and requests as JSON text and back."""

import datetime as dt
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from features.core.statements import Recommendation
from serving.orders import CLOSED_STATES, MaintenanceRequest

__all__ = ["RECOMMENDATION", "REQUEST", "StoredRecommendation", "stored"]

RECOMMENDATION: TypeAdapter[Recommendation] = TypeAdapter(Recommendation)
REQUEST: TypeAdapter[MaintenanceRequest] = TypeAdapter(MaintenanceRequest)


@dataclass(frozen=True, slots=True)
class StoredRecommendation:
    """A recommendation with its way so far; `key` is the key of its order in the ERP.

    `proposed_at` is since when it counts against the site's budget (None: held back so far). `linked_order`
    is an order that a person made for the same asset, seen at `linked_at`. `calm_since` is since when the
    evidence of one that is over is gone.
    """

    id: int
    key: str
    state: str
    recommendation: Recommendation
    order_number: str | None
    order_state: str | None
    created_at: dt.datetime
    decided_by: str | None
    decided_at: dt.datetime | None
    site_id: str
    episode: int
    request: MaintenanceRequest
    updates: int
    updated_at: dt.datetime
    detail: str = ""
    raw_status: str | None = None
    proposed_at: dt.datetime | None = None
    linked_order: str | None = None
    linked_at: dt.datetime | None = None
    calm_since: dt.datetime | None = None

    @property
    def is_open(self) -> bool:
        """Its episode is not over."""
        return self.state not in CLOSED_STATES


def stored(row: RowMapping) -> StoredRecommendation:
    """A row of the table `recommendations` as a value."""
    return StoredRecommendation(
        id=row["id"],
        key=row["key"],
        state=row["state"],
        recommendation=RECOMMENDATION.validate_json(row["document"]),
        order_number=row["order_number"],
        order_state=row["order_state"],
        created_at=row["created_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        site_id=row["site_id"],
        episode=row["episode"],
        request=REQUEST.validate_json(row["request"]),
        updates=row["updates"],
        updated_at=row["updated_at"],
        detail=row["detail"],
        raw_status=row["raw_status"],
        proposed_at=row["proposed_at"],
        linked_order=row["linked_order"],
        linked_at=row["linked_at"],
        calm_since=row["calm_since"],
    )
