"""The ERP in memory as the contract suite meets it."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from features.core.statements import Action, Outcome
from serving.erp.memory import MemoryErp
from serving.orders import MaintenanceRequest, OrderState
from serving.settings import ErpSettings
from tests.standins.peer import Held, Peer, Vendor

__all__ = ["VENDOR"]


class _Planner:
    def __init__(self, erp: MemoryErp) -> None:
        self._erp = erp

    def hold(self, number: str) -> Held:
        request = self._erp.request(number)
        notes = "\n".join(note for of, note in self._erp.notes if of == number)
        status = next(order.state.value for order in self._erp.orders if order.number == number)
        return Held(request.title, request.text, str(request.priority), status, notes)

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        told = codes.get("outcome", "")
        known = Outcome(told) if told in list(Outcome) else None
        self._erp.set_status(number, state, outcome=known, raw_outcome=told, completed_at=completed_at)

    def set_raw_status(self, number: str, status: str) -> None:
        self._erp.set_status(number, OrderState.UNKNOWN, raw_status=status)

    def edit(self, number: str, title: str) -> None:
        self._erp.edit(number, title)

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        made = self._erp.create(
            MaintenanceRequest(
                key="",
                site_id="",
                machine_id="",
                slot="",
                functional_location=functional_location,
                equipment_number=equipment_number,
                action=Action.INSPECT,
                failure_mode="",
                priority=3,
                title="made by hand",
                text="",
                due=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
            )
        )
        return str(made.number)


@contextmanager
def _start(_folder: Path) -> Iterator[Peer]:
    erp = MemoryErp()
    yield Peer(ErpSettings(kind="memory", mode="approve"), erp, _Planner(erp))


VENDOR = Vendor(
    kind="memory",
    start=_start,
    states=tuple(OrderState)[:-1],
    place=("W1-P101", "100042"),
    wrong_secret=False,
)
