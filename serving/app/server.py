"""The process: a token, a port, the application, until it is told to stop."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn
from typing_extensions import override

from features.core.errors import ConfigError
from features.core.telemetry import configure_logs, log
from serving.app.application import create_app, open_context
from serving.auth import ensure_token
from serving.settings import ServingSettings

__all__ = ["main"]

_LOG = log("serving.app")
# Seconds that requests in flight get at the end.
_GRACE_S = 5


class _Server(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._listening()


def main(
    settings: ServingSettings, *, port_file: Path | None = None, announce: Callable[[str], None] | None = None
) -> None:
    """Serve until the process is told to stop.

    Args:
        settings: Where everything is; port 0 takes a free one.
        port_file: Gets the port as text once the server listens.
        announce: Gets the token on first start; default: a line on standard output.

    Raises:
        ConfigError: A setting is wrong, or the port is taken.
    """
    configure_logs(settings.log_format)
    token = ensure_token(settings.token_file, announce or _to_terminal)
    if port_file is not None:
        port_file.unlink(missing_ok=True)
    app = create_app(open_context(settings), token)
    bound = _bind(settings.host, settings.port)
    host, port = bound.getsockname()[:2]

    def listening() -> None:
        _LOG.info("server.listening", url=f"http://{host}:{port}/")
        if port_file is not None:
            draft = port_file.with_name(port_file.name + ".draft")
            draft.write_text(f"{port}\n", encoding="ascii")
            draft.replace(port_file)

    config = uvicorn.Config(
        app, access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=_GRACE_S
    )
    _Server(config, listening).run(sockets=[bound])


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as err:
        bound.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {err.strerror}; set another port", {"port": port}
        ) from err
    return bound


def _to_terminal(token: str) -> None:
    sys.stdout.write(
        f"Wearcast's token, shown this once: {token}\nSign in with it, or send it as a bearer token.\n"
    )
    sys.stdout.flush()
