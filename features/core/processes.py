"""Programs that start together and end together: the one supervisor, of `wearcast up` and of each side's `up`.

`python -m features.core.processes '{"NAME": ["PROGRAM", "ARGUMENT"]}'` runs it by itself.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from features.core.errors import ConfigError
from features.core.telemetry import configure_logs, log, silence_dependencies

__all__ = ["held", "run_together"]

# What a program gets to end by itself before it is killed, in seconds.
# A side that has to end its own programs gets twice that.
GRACE_S = 20.0
# What `features.core.lifeline` answers for a program that was killed: 128 + SIGKILL.
_KILLED = 128 + 9


def held(command: Sequence[str], grace_s: float = GRACE_S) -> list[str]:
    """Command line by which a program ends with its starter, who gives it a pipe as standard input."""
    return [sys.executable, "-m", "features.core.lifeline", str(grace_s), *command]


def run_together(
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str] | None = None,
    log_folder: Path | None = None,
    grace_s: float = GRACE_S,
) -> int:
    """Runs all programs until one ends or SIGINT or SIGTERM comes, then ends the others.

    They end, too, when this process is killed (`features.core.lifeline`).

    Args:
        commands: Name -> command line.
        environment: Variables in addition to the present ones.
        log_folder: Where `NAME.log` gets what a program writes; None: it goes where ours goes.
        grace_s: What a program gets to end by itself before it is killed, in seconds.

    Returns:
        0 after a signal; at least 1 when a program ended by itself: its code.

    Raises:
        ConfigError: A program is not there; nothing was started.
    """
    silence_dependencies()
    for name, command in commands.items():
        if shutil.which(command[0]) is None:
            raise ConfigError(
                f"cannot start {name}: {command[0]} is not there or may not be run", {"command": command[0]}
            )
    bound, stopping = log("up"), list[int]()
    # Before the first start: a signal in between would leave the waiting of `_stop` out.
    before = {
        number: signal.signal(number, lambda number, _: stopping.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            running[name] = _start(name, held(command, grace_s), {**os.environ, **(environment or {})}, log_folder)
            bound.info("process.started", name=name)
        ended: list[str] = []
        while not stopping and not ended:
            time.sleep(0.1)
            ended = [name for name, process in running.items() if process.poll() is not None]
        for name in ended:
            bound.error("process.ended", name=name, code=running[name].returncode)
        return max([abs(running[name].returncode) or 1 for name in ended], default=0)
    finally:
        _stop(running)
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(
    name: str, command: Sequence[str], environment: Mapping[str, str], log_folder: Path | None
) -> subprocess.Popen[bytes]:
    with ExitStack() as opened:
        output = None
        if log_folder is not None:
            log_folder.mkdir(parents=True, exist_ok=True)
            output = opened.enter_context((log_folder / f"{name}.log").open("ab"))
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
        )


def _stop(running: Mapping[str, subprocess.Popen[bytes]]) -> None:
    was_running = {name for name, process in running.items() if process.poll() is None}
    for process in running.values():
        if process.stdin is not None:
            process.stdin.close()
    for name, process in running.items():
        if process.wait() == _KILLED and name in was_running:
            log("up").warning("process.killed", name=name)


if __name__ == "__main__":
    configure_logs()
    sys.exit(run_together(json.loads(sys.argv[1]), grace_s=2 * GRACE_S))
