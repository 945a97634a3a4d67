"""The stand-in ERP as a process of its own, and the craftsman who closes an order there."""

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from features.core.clock import SystemClock
from features.core.errors import ErpUnavailableError
from features.core.processes import held
from serving.demo.home import erp_database, signing_secret
from serving.erp.signature import HEADER, TIMESTAMP_HEADER, sign

__all__ = ["close_order", "sandbox"]

# How long the program may take to start, in seconds.
START_S = 30.0


@contextmanager
def sandbox(home: Path) -> Iterator[int]:
    """Runs the stand-in ERP on a free port of this machine and gives the port.

    Raises:
        ErpUnavailableError: It did not start.
    """
    signing_secret(home)
    port_file = home / "sandbox-erp.port"
    port_file.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "serving", "sandbox-erp", "--port", "0", "--port-file", str(port_file)),
        *("--database", str(erp_database(home)), "--secret-file", str(home / "erp.secret")),
    ]
    with (home / "sandbox-erp.log").open("ab") as log:
        process = subprocess.Popen(
            held(command, grace_s=10.0), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log
        )
    try:
        deadline = time.monotonic() + START_S
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ErpUnavailableError("the stand-in ERP did not start", {"code": process.poll()})
            time.sleep(0.05)
        yield int(port_file.read_text(encoding="ascii"))
    finally:
        # The end of its input ends it; a signal that ends us on the spot closes that, too.
        process.communicate()


def close_order(
    port: int, secret: bytes, number: str, *, outcome: str, text: str, completed_at: dt.datetime
) -> None:
    """What a craftsman does in the ERP after the work: completed, with what was found."""
    change = {"status": "completed", "outcome": outcome, "text": text, "completed_at": completed_at.isoformat()}
    path, body = f"/orders/{number}/status", json.dumps(change).encode("utf-8")
    stamp = int(SystemClock().now().timestamp())
    headers = {
        HEADER: sign(secret, method="POST", path=path, timestamp=stamp, body=body),
        TIMESTAMP_HEADER: str(stamp),
        "content-type": "application/json",
    }
    httpx.post(f"http://127.0.0.1:{port}{path}", content=body, headers=headers, timeout=10).raise_for_status()
