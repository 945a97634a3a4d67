"""Historians: the port and its adapters, one file (or folder) each.

port        `pipelines.historian.port`         what every adapter gives
simulator   `pipelines.historian.simulator`    a plant that wears, for the demo and the benchmark
csv         `pipelines.historian.csv`          a folder of files
memory      `pipelines.historian.memory`       rows held in memory
truth       `pipelines.historian.truth`        what the simulator hides; only evaluation and tests read it
"""

import importlib
from collections.abc import Callable
from typing import cast

from features.core.clock import Clock
from features.core.errors import ConfigError
from features.core.settings import nearest
from pipelines.historian.port import Historian
from pipelines.settings import SourceSettings

__all__ = ["KINDS", "open_historian"]

# kind -> "module:Class"; the class has `from_settings(name, settings, clock)`.
KINDS: dict[str, str] = {
    "simulator": "pipelines.historian.simulator:Simulator",
    "csv": "pipelines.historian.csv:CsvFolder",
    "memory": "pipelines.historian.memory:MemoryHistorian",
}


def open_historian(name: str, settings: SourceSettings, clock: Clock) -> Historian:
    """The adapter that a source's settings ask for, opened.

    Args:
        name: The historian's name, as the plant file's tags use it.
        settings: `kind` and the adapter's own keys.
        clock: What the adapter takes for now.

    Raises:
        ConfigError: No such kind, or the adapter refuses its keys.
    """
    target = KINDS.get(settings.kind)
    if target is None:
        raise ConfigError(
            f"source {name!r}: kind {settings.kind!r} is no historian; {nearest(settings.kind, list(KINDS))}",
            {"source": name, "kind": settings.kind},
        )
    module, _, attribute = target.partition(":")
    adapter = getattr(importlib.import_module(module), attribute)
    opener = cast("Callable[[str, SourceSettings, Clock], Historian]", adapter.from_settings)
    return opener(name, settings, clock)
