"""The sandbox ERP with faults, as the contract suite meets the signed webhook."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp

from serving.orders import OrderState
from serving.sandbox_erp.app import Manners, create_app
from serving.sandbox_erp.book import OrderBook
from serving.settings import ErpSettings
from tests.standins.faults import Control
from tests.standins.peer import Held, Peer, Vendor, met
from tests.standins.serve import StandIn, running

__all__ = ["SECRET", "VENDOR", "control", "made", "started"]

SECRET = b"a secret for tests"


class _Clock:
    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self.now = now


def control() -> Control:
    """The stand-in: the sandbox ERP itself, and what people do in it."""
    return Control(lambda now: made(now, Manners()))


def made(now: Callable[[], dt.datetime], manners: Manners) -> ASGIApp:
    """The sandbox ERP with those manners, and what people do in it."""
    book = OrderBook(Path(tempfile.mkdtemp()) / "erp.db")
    app: FastAPI = create_app(book, SECRET, _Clock(now), manners)

    @app.post("/__control/hold/{number}")
    def hold(number: int) -> dict[str, object]:
        order = book.order(number)
        assert order is not None
        return order | {"notes": "\n".join(book.notes(number))}

    @app.post("/__control/status/{number}")
    def status(number: int, change: dict[str, object]) -> None:
        book.set_status(number, {"text": ""} | change, now())

    @app.post("/__control/edit/{number}")
    def edit(number: int, change: dict[str, str]) -> None:
        book.edit(number, change["title"])

    @app.post("/__control/own")
    def own(order: dict[str, object]) -> int:
        row = {"key": "", "title": "made by hand", "text": "", "machine_id": "", "priority": 3} | order
        return int(str(book.create(row, now())["number"]))

    return app


class _Planner:
    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def hold(self, number: str) -> Held:
        row = self._standin.control(f"hold/{number}", {})
        return Held(row["title"], row["text"], str(row["priority"]), row["status"], row["notes"])

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        done = None if completed_at is None else completed_at.isoformat()
        change = {"status": state.value, "outcome": codes.get("outcome"), "completed_at": done}
        self._standin.control(f"status/{number}", change)

    def set_raw_status(self, number: str, status: str) -> None:
        self._standin.control(f"status/{number}", {"status": status})

    def edit(self, number: str, title: str) -> None:
        self._standin.control(f"edit/{number}", {"title": title})

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        place = {"functional_location": functional_location, "equipment_number": equipment_number}
        return str(self._standin.control("own", place))


@contextmanager
def started(folder: Path, standin: str, **options: bool) -> Iterator[Peer]:
    """A stand-in of that name, and the adapter with those options."""
    with running(standin, folder) as running_one:
        settings = ErpSettings(
            kind="webhook",
            url=running_one.url,
            secret=SecretStr(SECRET.decode()),
            options=dict(options),
        )
        with met(settings, _Planner(running_one), running_one) as peer:
            yield peer


@contextmanager
def _start(folder: Path) -> Iterator[Peer]:
    with started(folder, "sandbox") as peer:
        yield peer


VENDOR = Vendor(kind="webhook", start=_start, states=tuple(OrderState)[:-1], place=("W1-P101", "100042"))
