"""Tryton, a real ERP from the Python package index, as the contract suite meets the mapping for it."""

import datetime as dt
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from serving.erp import Orders
from serving.erp.rest.files import SHIPPED
from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.peers.absent import absent
from tests.peers.tryton.install import PASSWORDS, MissingPeerError, installed
from tests.peers.tryton.server import DATABASE, Rpc, Server
from tests.standins.faults import Control
from tests.standins.peer import Held, Peer, Vendor, met
from tests.standins.proxy import Proxy
from tests.standins.serve import StandIn, running

__all__ = ["VENDOR", "control"]

_READS = ("search_read", "get_access", "common.db.login")
_STATUSES = {
    OrderState.OPEN: "Open",
    OrderState.PLANNED: "Planned",
    OrderState.IN_PROGRESS: "In progress",
    OrderState.ON_HOLD: "On hold",
    OrderState.COMPLETED: "Done",
    OrderState.CANCELLED: "Cancelled",
}


class _TrytonControl(Control):
    """Every call is a POST to one path: what only reads is told from the method's name."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/rpc/"):
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), bool(message.get("more_body"))
            kind = "read" if any(name in body[:120].decode("utf-8", "replace") for name in _READS) else "write"
            scope, receive = {**scope, "path": f"/{kind}"}, _again(body)
        await super().__call__(scope, receive, send)


def _again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def control() -> Control:
    """A fresh copy of the prepared Tryton with faults in front; it ends with this process."""
    prepared = installed()
    folder = Path(tempfile.mkdtemp())
    shutil.copyfile(prepared / "template" / f"{DATABASE}.sqlite", folder / f"{DATABASE}.sqlite")
    server = Server(prepared / "env", folder)
    server.start()
    told = json.loads((prepared / "told.json").read_text(encoding="utf-8"))
    return _TrytonControl(lambda now: _made(server, folder, told, now), sign_in=("/read",))


def _made(server: Server, folder: Path, told: dict[str, Any], now: Callable[[], dt.datetime]) -> ASGIApp:
    proxy, people = Proxy(server.url, now), FastAPI()
    rpc = Rpc(server.url, "admin", PASSWORDS["admin"])

    def stamped(number: int) -> None:
        """Its clock cannot be set: its stamp is, where the clock of the faults stands still."""
        ahead = now() - dt.datetime.now(dt.UTC)
        if abs(ahead) > dt.timedelta(seconds=30):
            stamp = now().replace(tzinfo=None).isoformat(" ", "microseconds")
            with closing(sqlite3.connect(folder / f"{DATABASE}.sqlite", timeout=30)) as database, database:
                database.execute("UPDATE project_work SET write_date = ? WHERE id = ?", (stamp, number))

    @people.post("/__control/hold/{number}")
    def hold(number: int) -> dict[str, Any]:
        fields = ["name", "comment", "status.name"]
        held = rpc.call("model.project.work.search_read", [["id", "=", number]], 0, 1, None, fields)[0]
        of = [["resource", "=", f"project.work,{number}"]]
        notes = rpc.call("model.ir.note.search_read", of, 0, None, None, ["message"])
        return {"status": held["status."]["name"], "notes": [note["message"] for note in notes], **held}

    @people.post("/__control/status/{number}")
    def status(number: int, change: dict[str, str]) -> None:
        name = change["name"]
        if name not in told["statuses"]:
            new = rpc.call("model.project.work.status.create", [{"name": name, "types": ["task"]}])
            told["statuses"][name] = new[0]
        progress = {"progress": 1.0} if name == "Done" else {}
        rpc.call("model.project.work.write", [number], {"status": told["statuses"][name], **progress})
        stamped(number)

    @people.post("/__control/edit/{number}")
    def edit(number: int, change: dict[str, str]) -> None:
        rpc.call("model.project.work.write", [number], change)

    @people.post("/__control/own")
    def own(task: dict[str, Any]) -> int:
        own = {"name": "made by hand", "type": "task", "company": told["company"]}
        return int(rpc.call("model.project.work.create", [own | task])[0])

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        is_people = scope["type"] == "http" and scope["path"].startswith("/__control/")
        await (people if is_people else proxy)(scope, receive, send)

    return both


class _Planner:
    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def hold(self, number: str) -> Held:
        task = self._standin.control(f"hold/{number}", {})
        return Held(task["name"], task["comment"], "", task["status"], "\n".join(task["notes"]))

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        self.set_raw_status(number, _STATUSES[state])

    def set_raw_status(self, number: str, status: str) -> None:
        self._standin.control(f"status/{number}", {"name": status})

    def edit(self, number: str, title: str) -> None:
        self._standin.control(f"edit/{number}", {"name": title})

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        return str(self._standin.control("own", {"parent": int(equipment_number)}))


class _Patient(Peer):
    """Tryton takes its time with a user who has just failed to sign in, until one sign-in is right."""

    @override
    def connect(self, secret: bytes | None = None, timeout_s: float = 10.0) -> Orders:
        if timeout_s == 10:
            return Peer.connect(self, secret, timeout_s)
        with Rpc(self.settings.url, "wearcast", PASSWORDS["wearcast"]):
            return Peer.connect(self, secret, 2 * timeout_s)


@contextmanager
def _start(folder: Path) -> Iterator[Peer]:
    try:
        prepared = installed()
    except MissingPeerError as err:
        absent(str(err))
    told = json.loads((prepared / "told.json").read_text(encoding="utf-8"))
    # The shipped mapping with small pages, so that few orders need two.
    mapping = folder / "tryton.yaml"
    shipped = (SHIPPED / "tryton.yaml").read_text(encoding="utf-8")
    assert "size: 100}" in shipped
    mapping.write_text(shipped.replace("size: 100}", "size: 10}"), encoding="utf-8")
    own = {"database": DATABASE, "company": told["company"], "cancelled": told["statuses"]["Cancelled"]}
    with running("tryton", folder) as standin:
        settings = ErpSettings(
            kind="rest",
            url=standin.url,
            user="wearcast",
            secret=SecretStr(PASSWORDS["wearcast"]),
            options={"mapping": str(mapping), "settings": own},
        )
        with met(settings, _Planner(standin), standin, made=_Patient) as peer:
            yield peer


VENDOR = Vendor(kind="rest", start=_start, states=tuple(_STATUSES), place=("P101", "1"), more_than_a_page=12)
