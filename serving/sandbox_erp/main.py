"""Starts the sandbox ERP on this machine's loopback address."""

import os
import socket
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from features.core.clock import SystemClock
from features.core.errors import ConfigError
from serving.sandbox_erp.app import Manners, create_app
from serving.sandbox_erp.book import OrderBook
from serving.sandbox_erp.faults import FaultPlan, Faults

__all__ = ["main"]


def main(
    port: int,
    database: Path,
    secret: bytes,
    *,
    port_file: Path | None = None,
    faults: FaultPlan,
    manners: Manners | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        port: Port on 127.0.0.1; 0: a free one.
        database: SQLite file of its orders.
        secret: What clients sign with.
        port_file: Gets the port once it is bound.
        faults: What goes wrong on purpose.
        manners: How it takes new orders.

    Raises:
        ConfigError: The port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as err:
        raise ConfigError(f"port {port} of 127.0.0.1: {err.strerror}", {"port": port}) from err
    app: ASGIApp = Faults(create_app(OrderBook(database), secret, SystemClock(), manners), faults)
    listener.listen(128)
    if port_file is not None:
        draft = port_file.with_name(port_file.name + ".new")
        draft.write_text(str(listener.getsockname()[1]), encoding="ascii")
        os.replace(draft, port_file)
    config = uvicorn.Config(app, log_level="critical", access_log=False, server_header=False, ws="none")
    uvicorn.Server(config).run(sockets=[listener])
