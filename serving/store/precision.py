"""How often recommendations were right, by what closed orders found."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from features.core.statements import Outcome
from serving.store.database import Database
from serving.store.schema import order_changes, recommendations

__all__ = ["Precision", "precision"]

_RIGHT = (Outcome.CONFIRMED_FAILURE, Outcome.INCIPIENT_FAULT)
_WRONG = (Outcome.NO_FAULT_FOUND, Outcome.SENSOR_FAULT)


@dataclass(frozen=True, slots=True)
class Precision:
    """Orders of a component class whose outcome says something about the recommendation.

    A good part that was replaced as a precaution says nothing, nor does a cancelled order.
    """

    right: int = 0
    wrong: int = 0

    @property
    def judged(self) -> int:
        """Orders that were judged."""
        return self.right + self.wrong

    @property
    def share(self) -> float | None:
        """Share that was right; None: none was judged."""
        return self.right / self.judged if self.judged else None


def precision(database: Database) -> Mapping[tuple[str, str], Precision]:
    """Site and component class -> precision; of each recommendation the newest outcome counts."""
    r, c = recommendations.c, order_changes.c
    query = (
        select(r.key, r.site_id, r.failure_mode, c.outcome)
        .join(order_changes, (c.key == r.key) | (c.number == r.linked_order))
        .where(c.outcome.is_not(None))
        .order_by(c.changed_at, c.id)
    )
    with database.reading() as connection:
        newest = {row.key: (row.site_id, row.failure_mode, row.outcome) for row in connection.execute(query)}
    found: dict[tuple[str, str], Precision] = {}
    for site_id, failure_mode, outcome in newest.values():
        held = found.get((site_id, failure_mode), Precision())
        found[site_id, failure_mode] = Precision(
            held.right + (outcome in _RIGHT), held.wrong + (outcome in _WRONG)
        )
    return found
