"""Runs a stand-in ERP in a process of its own: `python -m tests.standins.serve VENDOR --port-file FILE`.

A vendor is a module beside this one with `control() -> Control`.
"""

import argparse
import importlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

__all__ = ["StandIn", "running"]

# Made once: a context of its own for each request costs more than the request.
_TLS = ssl.create_default_context()
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class StandIn:
    """A stand-in that answers at `url`."""

    url: str

    def faults(self, **plan: object) -> None:
        """Replace the fault plan; none: nothing goes wrong, and its clock runs."""
        httpx.post(f"{self.url}/__control/faults", json=plan, trust_env=False, verify=_TLS).raise_for_status()

    def counts(self) -> dict[str, int]:
        """How often each fault struck, and how many writes came and were done."""
        counts: dict[str, int] = httpx.get(f"{self.url}/__control/counts", trust_env=False, verify=_TLS).json()
        return counts

    def control(self, path: str, document: object) -> Any:  # Any: a JSON document
        """A POST to the vendor's own `/__control/` routes: what people do in the ERP."""
        answer = httpx.post(f"{self.url}/__control/{path}", json=document, trust_env=False, verify=_TLS)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@contextmanager
def running(vendor: str, folder: Path) -> Iterator[StandIn]:
    """A stand-in on a free port of 127.0.0.1, ended by its process id."""
    folder.mkdir(parents=True, exist_ok=True)
    port_file = folder / f"{vendor}.port"
    command = [sys.executable, "-m", "tests.standins.serve", vendor, "--port-file", str(port_file)]
    with (folder / f"{vendor}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not port_file.exists():
            assert process.poll() is None, (folder / f"{vendor}.log").read_text()
            assert time.monotonic() < deadline, f"the stand-in {vendor} did not start"
            time.sleep(0.05)
        yield StandIn(f"http://127.0.0.1:{port_file.read_text()}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vendor")
    parser.add_argument("--port-file", type=Path, required=True)
    options = parser.parse_args()
    control = importlib.import_module(f"tests.standins.{options.vendor}").control()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    draft = options.port_file.with_name(options.port_file.name + ".new")
    draft.write_text(str(listener.getsockname()[1]), encoding="ascii")
    os.replace(draft, options.port_file)
    config = uvicorn.Config(
        control,
        log_level="error",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=2,
        lifespan="off",
        date_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
