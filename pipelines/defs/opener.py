"""How Dagster's steps come by the walk: opened on first use, in the process that runs the step."""

import datetime as dt
import functools

import dagster as dg

from pipelines.settings import PipelineSettings
from pipelines.walk import Walk

__all__ = ["WalkOpener", "as_of_of"]


class WalkOpener(dg.ConfigurableResource):  # type: ignore[type-arg]  # Dagster's own generic default
    """Opens the walk from `pipelines.toml` and the environment."""

    def open(self) -> Walk:
        """The walk, with the settings as they are now.

        Raises:
            ConfigError: Settings or plant file are wrong.
        """
        return _open()


@functools.lru_cache(maxsize=1)
def _open() -> Walk:
    return Walk.open(PipelineSettings.read())


def as_of_of(context: dg.AssetExecutionContext, walk: Walk) -> dt.datetime:
    """The moment that a partition asks about: the end of its last day, or now when that is earlier."""
    end: dt.datetime = context.partition_time_window.end.astimezone(dt.UTC)
    return min(end, walk.clock.now())
