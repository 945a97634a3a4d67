"""Runs Tryton on loopback, and talks to it as people do: by its own JSON-RPC."""

import base64
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

__all__ = ["DATABASE", "Rpc", "Server"]

DATABASE = "works"
_PR_SET_PDEATHSIG = 1


class Server:
    """Tryton with a folder of databases.

    Args:
        env: Its environment.
        folder: Holds the databases; the configuration is written there.
    """

    def __init__(self, env: Path, folder: Path) -> None:
        self._env, self._folder = env, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._configuration = folder / "trytond.conf"
        self._configuration.write_text(
            f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{self._port}\n", "utf-8"
        )

    def admin(self, *arguments: str, **environment: str) -> None:
        """Run its own administration."""
        program = [str(self._env / "bin" / "trytond-admin"), "-c", str(self._configuration), "-d", DATABASE]
        done = subprocess.run(
            [*program, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-2000:]

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it; it ends with this process at the latest."""
        program = [str(self._env / "bin" / "trytond"), "-c", str(self._configuration), "-d", DATABASE]
        with (self._folder / "trytond.log").open("w") as log:
            process = subprocess.Popen(program, stdout=log, stderr=log, preexec_fn=_die_with_parent)
        deadline = time.monotonic() + 50
        while not self._answers():
            assert process.poll() is None, (self._folder / "trytond.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "Tryton did not start"
            time.sleep(0.1)
        return process

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address while it runs."""
        process = self.start()
        try:
            yield self.url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)

    def _answers(self) -> bool:
        try:
            httpx.post(f"{self.url}/rpc/", json=_call("common.server.version"), trust_env=False)
        except httpx.TransportError:
            return False
        return True


class Rpc:
    """A person in Tryton.

    Args:
        url: Of the server.
        user: Login name.
        password: Of that user.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)
        uid, token, *_ = self._post("common.db.login", user, {"password": password}, "en")
        session = base64.b64encode(f"{user}:{uid}:{token}".encode()).decode("ascii")
        self._client.headers["Authorization"] = f"Session {session}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def call(self, method: str, *arguments: object) -> Any:  # Any: a JSON document
        """What a method of a model gives."""
        return self._post(method, *arguments, {})

    def _post(self, method: str, *arguments: object) -> Any:  # Any: a JSON document
        answer = self._client.post(f"/{DATABASE}/rpc/", json=_call(method, *arguments))
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert "error" not in document, document
        return document["result"]


def _call(method: str, *arguments: object) -> dict[str, object]:
    return {"id": 1, "method": method, "params": list(arguments)}


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
