"""Logs: one line per unit of work, with ids from row to order."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

import structlog
from typing_extensions import override

__all__ = ["configure_logs", "log", "logs_in", "silence_dependencies"]


class _StandardError(io.TextIOBase):
    """Whatever standard error is when a line is written: a command's own may be closed by then."""

    @override
    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    @override
    def flush(self) -> None:
        sys.stderr.flush()


def log(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose events are nouns with verbs (`ingest.finished`) and whose values are fields."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(component=name)
    return logger


def configure_logs(log_format: str = "auto", target: TextIO | None = None) -> None:
    """Log to standard error: JSON for programs, readable in a terminal.

    Args:
        log_format: `json`, `pretty`, or `auto` (pretty when the target is a terminal).
        target: Where lines go instead of standard error.
    """
    is_terminal = (sys.stderr if target is None else target).isatty()
    pretty = log_format == "pretty" or (log_format == "auto" and is_terminal)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(
            cast("TextIO", _StandardError()) if target is None else target
        ),
        cache_logger_on_first_use=False,
    )


@contextmanager
def logs_in(file: Path) -> Iterator[None]:
    """Appends JSON lines to a file meanwhile, so that a command's own output stays readable."""
    with file.open("a", encoding="utf-8", buffering=1) as lines:
        configure_logs("json", lines)
        try:
            yield
        finally:
            configure_logs()


def silence_dependencies() -> None:
    """Switch off the telemetry of dependencies and MLflow's right to unpickle, before their import."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Its server would start runners of jobs that nobody sends: six processes, which outlive it.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
    os.environ.setdefault("DO_NOT_TRACK", "true")
