"""SAP's own CAP server with SAP's published entities, a real peer with faults in front of it."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from serving.orders import OrderState
from tests.peers.absent import absent
from tests.peers.sap_cap.install import PAGE, MissingPeerError, installed, node_of
from tests.standins.faults import Control
from tests.standins.peer import Peer, Vendor
from tests.standins.proxy import Proxy
from tests.standins.sap_s4 import SECRET
from tests.standins.sap_vendors import EQUIPMENT, LOCATION, started

__all__ = ["VENDOR", "VENDOR_ORDERS", "control"]


def control() -> Control:
    """The server, started here; it ends when this process does, because its standard input does."""
    folder = installed()
    port_file = Path(tempfile.mkdtemp()) / "port"
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PEER_SECRET": SECRET.decode(),
        "PEER_PORT_FILE": str(port_file),
    }
    process = subprocess.Popen(
        [str(node_of(folder)), "server.js"], cwd=folder, stdin=subprocess.PIPE, env=environment
    )
    deadline = time.monotonic() + 50
    while not port_file.exists():
        assert process.poll() is None, "SAP's CAP server ended at its start"
        assert time.monotonic() < deadline, "SAP's CAP server did not start"
        time.sleep(0.05)
    url = f"http://127.0.0.1:{port_file.read_text()}"
    return Control(lambda now: Proxy(url, now))


@contextmanager
def _start(folder: Path, *, target: Literal["request", "order"]) -> Iterator[Peer]:
    try:
        installed()
    except MissingPeerError as err:
        absent(str(err))
    options: dict[str, Any] = {"client": ""}
    with started(folder, standin="sap_cap", target=target, options=options) as peer:
        yield peer


@contextmanager
def _requests(folder: Path) -> Iterator[Peer]:
    with _start(folder, target="request") as peer:
        yield peer


@contextmanager
def _orders(folder: Path) -> Iterator[Peer]:
    with _start(folder, target="order") as peer:
        yield peer


_STATES = (OrderState.OPEN, OrderState.IN_PROGRESS, OrderState.ON_HOLD, OrderState.CANCELLED, OrderState.COMPLETED)
VENDOR = Vendor(
    kind="sap_s4", start=_requests, states=_STATES, place=(LOCATION, EQUIPMENT), more_than_a_page=PAGE + 5
)
VENDOR_ORDERS = Vendor(
    kind="sap_s4",
    start=_orders,
    states=(OrderState.OPEN, OrderState.PLANNED, OrderState.IN_PROGRESS, OrderState.COMPLETED),
    place=(LOCATION, EQUIPMENT),
    two_writes=True,
    more_than_a_page=PAGE + 5,
)
