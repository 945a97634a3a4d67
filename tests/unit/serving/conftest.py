"""A store as the migrations make it, and recommendations in the states that need a person."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from features.core.statements import Action, Recommendation, Rung, order_key
from serving.orders import MaintenanceRequest, OrderState, WorkOrder
from serving.store import Store, StoredRecommendation

T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
LEASE = dt.timedelta(minutes=1)


class Orders:
    """Makes them; `now` is when."""

    now = T

    def proposed(self, store: Store, machine_id: str = "P101", **changes: Any) -> StoredRecommendation:
        """A replacement of a bearing, before people; with `suppressed=why` held back."""
        what = Recommendation(
            *(machine_id, "DE", Action.REPLACE, "bearing", 2, "why", T, T, None, None, None, None, "EUR"),
            Rung.NONE,
        )
        key = order_key("works", machine_id, "DE", "bearing", 1)
        request = MaintenanceRequest(
            key, "works", machine_id, "DE", "L", "", Action.REPLACE, "bearing", 2, "", "", T
        )
        stored = store.propose(what, request, episode=1, now=T, **changes)
        assert stored is not None
        return stored

    def given_up(self, store: Store, machine_id: str = "P101", why: str = "no such asset") -> StoredRecommendation:
        """Approved, and refused by the ERP."""
        stored = self.proposed(store, machine_id)
        store.approve(stored.id, "planner", T)
        self._claimed(store, lambda item: store.deliveries.given_up(item, error=why, now=T))
        return store.recommendation(stored.id)

    def sent(self, store: Store, number: str, machine_id: str = "P101") -> StoredRecommendation:
        """In the ERP under that number."""
        stored = self.proposed(store, machine_id)
        store.approve(stored.id, "planner", T)
        order = WorkOrder(stored.key, number, OrderState.OPEN)
        self._claimed(store, lambda item: store.deliveries.delivered(item, order, now=T))
        return store.recommendation(stored.id)

    def note_given_up(self, store: Store, number: str) -> StoredRecommendation:
        """In the ERP, and a note to it was refused."""
        stored = self.sent(store, number)
        store.revise(stored.id, stored.recommendation, stored.request, now=T)
        self._claimed(store, lambda item: store.deliveries.given_up(item, error="order is locked", now=T))
        return store.recommendation(stored.id)

    def _claimed(self, store: Store, then: Callable[[Any], bool]) -> None:
        item = store.deliveries.claim("worker", wall=T, lease=LEASE, now=T)
        assert item is not None
        assert then(item)


@pytest.fixture
def orders() -> Orders:
    """What makes recommendations in their states."""
    return Orders()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store: migrated once, copied for each test."""
    file = tmp_path_factory.mktemp("store") / "store.db"
    made = Store(f"sqlite:///{file}")
    made.migrate()
    made.close()
    return file


@pytest.fixture
def store(tmp_path: Path, migrated: Path) -> Iterator[Store]:
    """An empty store."""
    shutil.copy(migrated, tmp_path / "store.db")
    made = Store(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()
