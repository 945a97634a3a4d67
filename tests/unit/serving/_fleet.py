"""A site of pumps with one bearing each, and what is predicted of them."""

import datetime as dt
import json
from collections.abc import Iterable

from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import Action, EventKind, MaintenanceEvent, Recommendation, Rung, order_key
from features.core.tables import PREDICTIONS
from serving.erp.memory import MemoryErp
from serving.orders import MaintenanceRequest
from serving.store import Budget, Store, StoredRecommendation

# Friday 20 February 2026.
NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
MACHINES = [f"P{number}" for number in range(1, 13)]
# Nothing is wanted of a bearing that lasts so long.
CALM_H = 5000.0


def plant_of(machines: Iterable[str] = MACHINES, location: str = "W1-", slots: tuple[str, ...] = ("DE",)) -> Plant:
    """Pumps whose functional locations begin so; empty: not mapped."""
    point = {"id": "v", "role": "vibration", "quantity": "temperature", "unit": "K"}
    documents = [
        {
            "id": machine,
            "functional_location": location and f"{location}{machine}",
            "components": [{"slot": slot, "component_class": "bearing"} for slot in slots],
            "measuring_points": [point],
        }
        for machine in machines
    ]
    site = {"id": "works", "machines": documents}
    return Plant.model_validate({"component_classes": [{"id": "bearing"}], "sites": [site]})


def predict(lake: Lake, p10_by_machine: dict[str, float], time: dt.datetime = NOW, **changes: object) -> None:
    """Predictions that are calibrated, P10 in hours from then."""
    rows: list[dict[str, object]] = [
        {
            "group": "area-1",
            "date": time.date(),
            "machine_id": machine,
            "slot": "DE",
            "component_class": "bearing",
            "time": time,
            "available_at": time,
            "data_time": time,
            "life_number": 1,
            "life_unit": "running_h",
            "rung": "calibrated_rul",
            "mean": p10 + 100,
            "p10": p10,
            "p50": p10 + 100,
            "p90": p10 + 200,
            "calibrated": True,
            "calibration_units": 40,
            "refusal": None,
            "detail": None,
            "health_state": "normal",
            "condition_index": 0.2,
            "utilisation": 1.0,
            "evidence": json.dumps([]),
            "model_name": "m",
            "model_version": "1",
            "fingerprint": "f",
        }
        | changes
        for machine, p10 in p10_by_machine.items()
    ]
    lake.upsert(PREDICTIONS, PREDICTIONS.frame(rows), writer="scoring")


def renew(lake: Lake, at: dt.datetime, machine: str = "P1", known: dt.datetime | None = None) -> None:
    """The bearing of a machine is replaced, and one hears of it then."""
    event = MaintenanceEvent(
        "test", at.isoformat(), 1, machine, "DE", EventKind.REPLACEMENT, None, None, at, known or at
    )
    lake.append_events([event], writer="events")


def order_by_hand(erp: MemoryErp, machine: str = "P1", key: str = "") -> str:
    """An order that a person made for a machine; its number."""
    request = MaintenanceRequest(
        key=key,
        site_id="works",
        machine_id="",
        slot="",
        functional_location=f"W1-{machine}",
        equipment_number="",
        action=Action.INSPECT,
        failure_mode="",
        priority=3,
        title="by hand",
        text="",
        due=NOW,
    )
    return str(erp.create(request).number)


def propose(
    store: Store, machine: str, location: str = "W1", episode: int = 1, budget: Budget | None = None
) -> StoredRecommendation:
    """A recommendation to replace its bearing, before people."""
    recommendation = Recommendation(
        *(machine, "DE", Action.REPLACE, "bearing", 2, "why", NOW, NOW + DAY),
        *(None, None, None, None, "EUR", Rung.NONE),
    )
    key = order_key("works", machine, "DE", "bearing", episode)
    request = MaintenanceRequest(
        key, "works", machine, "DE", location, "", Action.REPLACE, "bearing", 2, "title", "why", NOW + DAY
    )
    stored = store.propose(recommendation, request, episode=episode, now=NOW, budget=budget)
    assert stored is not None
    return stored
