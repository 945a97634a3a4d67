"""A program that ends with the one who started it, even when that one is killed.

`python -m features.core.lifeline GRACE_S PROGRAM [ARGUMENT ...]` runs the program and keeps hold of standard
input: a pipe whose other end only the starter has. However the starter ends, the system closes that end; then
the program and whatever it started in its process group gets SIGTERM and, after the grace, SIGKILL. Closing the
pipe is also how a starter stops the program in order. This works on every POSIX system. On Linux the kernel
ends the program, too, when this process between the two is killed itself.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from subprocess import DEVNULL, Popen

__all__: list[str] = []

# prctl(2): the signal that a process gets when its parent is gone (linux/prctl.h).
_PR_SET_PDEATHSIG = 1


def _run(grace_s: float, command: list[str]) -> int:
    child = Popen(
        command,
        stdin=DEVNULL,
        # A group of its own: it can be ended with all that it started, and Ctrl-C in a terminal does not reach it.
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: _send(child.pid, number))
    threading.Thread(target=_hold, args=(child.pid, grace_s), daemon=True).start()
    code = child.wait()
    # What it started itself and left: gRPC servers, job runners.
    _send(child.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


def _hold(group: int, grace_s: float) -> None:
    while os.read(0, 1):
        pass
    _send(group, signal.SIGTERM)
    time.sleep(grace_s)
    _send(group, signal.SIGKILL)


def _send(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(_run(float(sys.argv[1]), sys.argv[2:]))
