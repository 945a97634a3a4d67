"""Shadow mode: what would have been written, held against what planners did themselves."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from serving.store import Store, StoredRecommendation

__all__ = ["Shadow", "compare"]


@dataclass(frozen=True, slots=True)
class Shadow:
    """Recommendations that never left the house, each with the planner's own order for the same asset, if any."""

    recommendations: tuple[StoredRecommendation, ...]

    @property
    def confirmed(self) -> tuple[StoredRecommendation, ...]:
        """Those that a planner made an order of his own for."""
        return tuple(one for one in self.recommendations if one.linked_order is not None)

    def facts(self) -> dict[str, Any]:  # Any: a JSON document
        """Counts, and by how much earlier Wearcast was, median of the confirmed ones."""
        leads = sorted(_lead(one) for one in self.confirmed)
        median = leads[len(leads) // 2] if leads else None
        return {
            "would_have_been_written": len(self.recommendations),
            "planners_ordered_too": len(self.confirmed),
            "nobody_ordered": len(self.recommendations) - len(self.confirmed),
            "median_lead_hours": None if median is None else round(median.total_seconds() / 3600, 1),
        }

    def rows(self) -> list[dict[str, Any]]:  # Any: a JSON document
        """One row a recommendation, newest first."""
        return [
            {
                "id": one.id,
                "component": f"{one.recommendation.machine_id}/{one.recommendation.slot}",
                "action": one.recommendation.action.value,
                "made": one.created_at.isoformat(timespec="minutes"),
                "planners_order": one.linked_order,
                "seen": None if one.linked_at is None else one.linked_at.isoformat(timespec="minutes"),
            }
            for one in self.recommendations
        ]


def compare(store: Store) -> Shadow:
    """All recommendations without an order of ours."""
    return Shadow(tuple(one for one in store.recommendations() if one.order_number is None))


def _lead(one: StoredRecommendation) -> dt.timedelta:
    return (one.linked_at or one.created_at) - one.created_at
