"""What keeps orders from the ERP now, told above the list of machines."""

import datetime as dt
from dataclasses import dataclass

from serving.store import ALL_SITES, Store

__all__ = ["Notice", "notices"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a person must know; with `incident_id` it can be closed here."""

    head: str
    text: str
    incident_id: int | None = None


def notices(store: Store, wall: dt.datetime) -> list[Notice]:
    """Stops, the breaker and open incidents, the ones that stop most first.

    Args:
        store: Holds them.
        wall: The real time.
    """
    told = []
    for stop in store.brakes.stopped():
        where = "Every site is stopped." if stop.site_id == ALL_SITES else f"{stop.site_id} is stopped."
        text = f"Nothing is written, says {stop.by}: {stop.why}. To go on: wearcast erp resume {stop.site_id}"
        told.append(Notice(where, text))
    for breaker in store.brakes.breakers():
        if breaker.needs_person:
            text = f"{breaker.reason}. Nothing is sent until: wearcast erp check"
            told.append(Notice("The ERP refuses our user.", text))
        elif not breaker.lets_through(wall):
            told.append(Notice("The ERP does not answer.", f"{breaker.reason}. It is tried again every minute."))
    told += [Notice(f"Incident: {one.kind}.", one.message, one.id) for one in store.incidents.unclosed()]
    return told
