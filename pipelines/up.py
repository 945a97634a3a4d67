"""The long-running programs of this side: MLflow's server, Dagster's web server and daemon."""

import socket
import sys
from pathlib import Path

from features.core.errors import ConfigError
from pipelines.settings import PipelineSettings

__all__ = ["commands", "require_plant", "require_ports"]


def commands(settings: PipelineSettings) -> dict[str, list[str]]:
    """Command line of each program; all bind to loopback."""
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
