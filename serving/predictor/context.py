"""Everything a route reads from, opened once by the entry point and passed down."""

from dataclasses import dataclass, field

from features.core.clock import Clock
from features.core.lake import Lake
from features.core.plant import Plant
from serving.erp.incoming import Incoming
from serving.predictor.champions import Champions
from serving.predictor.fleet import Fleet
from serving.settings import ErpSettings
from serving.store import Store

__all__ = ["Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """Plant, lake, store, models and time of one running API; messages of the ERP, if they are taken."""

    plant: Plant
    lake: Lake
    store: Store
    champions: Champions
    fleet: Fleet
    clock: Clock
    incoming: Incoming | None = None
    erp: ErpSettings = field(default_factory=ErpSettings)
