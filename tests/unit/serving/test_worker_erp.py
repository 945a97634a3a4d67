"""What the worker does when the ERP, or one thing in it, is wrong."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from features.core.clock import DemoClock
from features.core.errors import ConfigError, OrderRejectedError
from features.core.lake import Lake
from serving.erp.memory import MemoryErp
from serving.orders import OrderChange, WorkOrder
from serving.settings import ErpSettings
from serving.store import Store
from serving.worker import Worker
from tests.unit.serving._fleet import NOW, plant_of, predict

T = TypeVar("T")


class Wrong(MemoryErp):
    """Raises in one of its questions, and counts them."""

    def __init__(self, question: str, error: Exception) -> None:
        super().__init__(DemoClock(NOW))
        self.question, self._error = question, error
        self.asked: list[str] = []

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        return self._answer("open_orders", lambda: super(Wrong, self).open_orders(functional_location))

    def changes(self, since: object) -> list[OrderChange]:
        return self._answer("changes", list)

    def keys(self, prefix: str) -> list[WorkOrder]:
        return self._answer("keys", list)

    def _answer(self, question: str, work: Callable[[], list[T]]) -> list[T]:
        self.asked.append(question)
        if question == self.question:
            raise self._error
        return work()


def worker_of(lake: Lake, store: Store, erp: MemoryErp) -> Worker:
    predict(lake, {"P1": 90.0})
    return Worker(
        lake, plant_of(["P1"]), store, erp, DemoClock(NOW), 0.01, ErpSettings(kind="memory", mode="approve")
    )


def test_user_that_is_refused_while_planning_ends_no_worker(lake: Lake, store: Store) -> None:
    erp = Wrong("open_orders", ConfigError("401"))
    worker = worker_of(lake, store, erp)
    for _ in range(2):
        worker.round()
    assert erp.asked == ["open_orders"]
    assert store.brakes.breaker("memory").needs_person
    assert len(store.recommendations("proposed")) == 1


def test_comparison_that_failed_is_done_in_the_next_round(lake: Lake, store: Store) -> None:
    erp = Wrong("keys", OrderRejectedError("400"))
    worker = worker_of(lake, store, erp)
    worker.round()
    erp.question = ""
    worker.round()
    worker.round()
    assert erp.asked.count("keys") == 2


@pytest.mark.parametrize("error", [OrderRejectedError("400: unknown field"), KeyError("number")])
@pytest.mark.parametrize("question", ["open_orders", "changes", "keys"])
def test_question_that_goes_wrong_ends_no_worker(
    lake: Lake, store: Store, question: str, error: Exception
) -> None:
    erp = Wrong(question, error)
    worker_of(lake, store, erp).round()
    assert erp.asked == ["open_orders", "changes", "keys"]
