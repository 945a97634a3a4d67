"""Both ends of a connection under test: our adapter, and what people do in the ERP behind it."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from serving.erp import Orders, open_erp
from serving.erp.port import Exchange
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.serve import StandIn

__all__ = ["Held", "Peer", "Planner", "Vendor", "met"]


@dataclass(frozen=True, slots=True)
class Held:
    """An order as the ERP itself holds it, in its own units: what a person would see there."""

    title: str
    text: str
    priority: str
    status: str
    notes: str = ""


class Planner(Protocol):
    """A person in the ERP, by the ERP's own means (never by our adapter)."""

    def hold(self, number: str) -> Held:
        """The order as it stands."""
        ...

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        """Move the order to a state that `Vendor.states` lists; `codes` of `Capabilities.outcome_codes`."""
        ...

    def set_raw_status(self, number: str, status: str) -> None:
        """Give the order a status that our adapter has never heard of."""
        ...

    def edit(self, number: str, title: str) -> None:
        """Change the title, as planners do."""
        ...

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        """Make an order by hand, without any key; its number."""
        ...


@dataclass(slots=True)
class Peer:
    """One connection.

    Attributes:
        settings: Of the connection, as a person would write them into `serving.toml`.
        orders: The adapter of these settings.
        planner: A person in the ERP.
        standin: The running stand-in; None: it lives in this process or in folders.
        exchanges: All that any adapter of this peer has sent.
    """

    settings: ErpSettings
    orders: Orders
    planner: Planner
    standin: StandIn | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    _made: list[Orders] = field(default_factory=list)

    def connect(self, secret: bytes | None = None, timeout_s: float = 10.0) -> Orders:
        """Another adapter; the ERP must refuse a wrong secret."""
        told = {"timeout_s": timeout_s} | ({} if secret is None else {"secret": SecretStr(secret.decode())})
        self._made.append(open_erp(self.settings.model_copy(update=told), self.exchanges.append))
        return self._made[-1]

    def close(self) -> None:
        """Close all adapters."""
        for orders in (self.orders, *self._made):
            getattr(orders, "close", lambda: None)()


@contextmanager
def met(
    settings: ErpSettings, planner: Planner, standin: StandIn | None = None, *, made: type[Peer] = Peer
) -> Iterator[Peer]:
    """Both ends of the connection that these settings make."""
    exchanges: list[Exchange] = []
    writing = settings.model_copy(update={"mode": "approve"})
    peer = made(writing, open_erp(writing, exchanges.append), planner, standin, exchanges)
    try:
        yield peer
    finally:
        peer.close()


@dataclass(frozen=True, slots=True)
class Vendor:
    """How the contract suite meets one ERP.

    Attributes:
        kind: Registered kind of the adapter.
        start: Context manager that starts the ERP in a folder and gives a `Peer`.
        states: Neutral states that the ERP can show, in an order that it allows.
        place: Functional location and equipment number of an asset that the ERP knows.
        wrong_secret: The ERP refuses a wrong secret.
        two_writes: An order is two writes; after the first alone `find` tells nothing, and `create` goes on.
        more_than_a_page: So many orders do not fit into one page of its answers.
    """

    kind: str
    start: Callable[[Path], AbstractContextManager[Peer]]
    states: tuple[OrderState, ...]
    place: tuple[str, str]
    wrong_secret: bool = True
    two_writes: bool = False
    more_than_a_page: int = 130
