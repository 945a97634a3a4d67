"""Requests to the ERP and its answers, kept in the audit."""

from features.core.clock import Clock
from serving.erp.port import Exchange, Record
from serving.store import Store

__all__ = ["recorder"]

# Questions that are asked every round; when all is well they say nothing that is worth keeping.
_ROUTINE = frozenset({"changes", "assets", "open_orders", "check", "reconcile"})


def recorder(store: Store, connection: str, clock: Clock) -> Record:
    """Writes each exchange as an audit row; routine questions only when they go wrong.

    Args:
        store: Holds the audit.
        connection: Name of the kind of ERP.
        clock: Moment of the rows.
    """

    def record(exchange: Exchange) -> None:
        went_well = exchange.status is not None and exchange.status < 400
        if went_well and not exchange.writes and exchange.purpose in _ROUTINE:
            return
        store.audit(
            f"erp:{connection}",
            f"exchange.{exchange.purpose}",
            exchange.key or exchange.purpose,
            {
                "method": exchange.method,
                "url": exchange.url,
                "request": exchange.request,
                "status": exchange.status,
                "answer": exchange.answer,
                "ms": round(exchange.took_ms, 1),
            },
            clock.now(),
        )

    return record
