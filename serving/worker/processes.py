"""Child processes that start together and end together."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from types import FrameType

from features.core.errors import ConfigError
from features.core.telemetry import log

__all__ = ["run_together"]

# What a process gets to end by itself before it is killed, in seconds.
_GRACE_S = 20.0


def run_together(commands: Mapping[str, Sequence[str]], environment: Mapping[str, str] | None = None) -> int:
    """Run all commands until one ends or SIGINT or SIGTERM comes, then end the others.

    Args:
        commands: Name -> command line.
        environment: Their whole environment; None: ours.

    Returns:
        0 after a signal; 1 when a process ended by itself.

    Raises:
        ConfigError: A program is not there; those that were started have ended.
    """
    bound, stopping = log("serving.up"), []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            children[name] = _start(name, command, environment)
        ended: list[str] = []
        while not stopping and not ended:
            time.sleep(0.1)
            ended = [name for name, child in children.items() if child.poll() is not None]
        for name in ended:
            bound.error("process.ended", name=name, code=children[name].returncode)
        return 1 if ended else 0
    finally:
        _stop(children)
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(name: str, command: Sequence[str], environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            # A session of its own: Ctrl-C in a terminal reaches only us, and we stop all in order.
            start_new_session=True,
        )
    except OSError as err:
        raise ConfigError(f"cannot start {name}: {command[0]}: {err.strerror}", {"command": command[0]}) from err


def _stop(children: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    for name, child in children.items():
        try:
            child.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            log("serving.up").warning("process.killed", name=name)
            child.kill()
            child.wait()
