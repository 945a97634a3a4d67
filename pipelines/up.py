"""The long-running processes of this side: MLflow's server, Dagster's web server and daemon."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from features.core.errors import ConfigError
from features.core.telemetry import log, silence_dependencies
from pipelines.settings import PipelineSettings

__all__ = ["Supervisor", "commands"]

# What a process gets to end by itself before it is killed, in seconds.
GRACE_S = 20.0
# How a process is asked to end. MLflow 3.17's server waits for its job runner for ever after a SIGINT.
_ENDING = {"mlflow": signal.SIGTERM}

_log = log("pipelines.up")


def commands(settings: PipelineSettings) -> dict[str, list[str]]:
    """Command line of each process; all bind to loopback."""
    dagster_bin = Path(sys.executable).parent
    module = ["-m", "pipelines.definitions"]
    listed = {
        "dagster-webserver": [
            str(dagster_bin / "dagster-webserver"),
            *module,
            *("--host", "127.0.0.1", "--port", str(settings.dagster_port)),
        ],
        "dagster-daemon": [str(dagster_bin / "dagster-daemon"), "run", *module],
    }
    if settings.models.startswith("sqlite:"):
        listed["mlflow"] = [
            *(sys.executable, "-m", "mlflow", "server"),
            *("--backend-store-uri", settings.models),
            *("--artifacts-destination", settings.artifacts),
            *("--host", "127.0.0.1", "--port", str(settings.mlflow_port), "--workers", "1"),
        ]
    return listed


class Supervisor:
    """Starts processes, watches them, and ends them all when one ends or a signal comes.

    Args:
        listed: Name -> command line.
        environment: Variables in addition to the present ones.
        log_folder: Where each process's output goes.
    """

    def __init__(self, listed: Mapping[str, list[str]], environment: Mapping[str, str], log_folder: Path) -> None:
        silence_dependencies()
        log_folder.mkdir(parents=True, exist_ok=True)
        self._stopping = False
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        # Before the first start: a signal in between would leave what runs alone.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        try:
            for name, command in listed.items():
                with (log_folder / f"{name}.log").open("ab") as output:
                    self._processes[name] = subprocess.Popen(
                        command,
                        env={**os.environ, **environment},
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                _log.info("process.started", name=name, pid=self._processes[name].pid)
        except OSError as err:
            self.stop()
            raise ConfigError(f"cannot start {name}: {command[0]}: {err.strerror}", {"name": name}) from err

    def run(self) -> int:
        """Waits for SIGINT or SIGTERM, then ends every process.

        Returns:
            0 after a signal; 1 when a process ended by itself.
        """
        ended: list[str] = []
        while not self._stopping and not ended:
            time.sleep(0.2)
            ended = [name for name, process in self._processes.items() if process.poll() is not None]
        for name in ended:
            _log.error("process.ended", name=name, code=self._processes[name].returncode)
        self.stop()
        return 1 if ended else 0

    def stop(self) -> None:
        """Asks every process to end, and kills what is still there after the grace."""
        for name, process in self._processes.items():
            if process.poll() is None:
                os.killpg(process.pid, _ENDING.get(name, signal.SIGINT))
        deadline = time.monotonic() + GRACE_S
        for name, process in self._processes.items():
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                _log.warning("process.killed", name=name)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            # What it started itself and left: gRPC servers, job runners.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True


def require_ports(settings: PipelineSettings) -> None:
    """Refuses to start beside somebody else: Dagster would quietly take another port.

    Raises:
        ConfigError: A port is taken.
    """
    for name in ("dagster_port", "mlflow_port"):
        port = getattr(settings, name)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as err:
                raise ConfigError(
                    f"cannot listen on 127.0.0.1:{port}: {err.strerror}; set another {name}",
                    {"setting": name, "port": port},
                ) from err


def require_plant(settings: PipelineSettings) -> None:
    """Refuses to start what would only fail later.

    Raises:
        ConfigError: There is no plant file yet.
    """
    if not settings.plant.exists():
        raise ConfigError(
            f"no plant file at {settings.plant}; run `make demo`, or `wearcast init` for your own plant"
        )
