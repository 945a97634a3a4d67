"""Everything a route reads from, opened once by the entry point and passed down."""

from dataclasses import dataclass

from features.core.clock import Clock
from features.core.lake import Lake
from features.core.plant import Plant
from serving.predictor.champions import Champions
from serving.predictor.fleet import Fleet
from serving.store import Store

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """Plant, lake, store, models and time of one running API."""

    plant: Plant
    lake: Lake
    store: Store
    champions: Champions
    fleet: Fleet
    clock: Clock
