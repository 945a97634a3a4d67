"""What pages are made of: a plant, statements, recommendations, and the pages of them."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import Request

from features.core.plant import Plant
from features.core.statements import Action, Evidence, HealthState, Prediction, Recommendation, Refusal, Rung
from serving.auth import Identity, Session
from serving.orders import MaintenanceRequest, RecommendationState
from serving.planning.attention import Attention
from serving.predictor.fleet import ComponentStatus, MachineStatus, Told
from serving.store import StoredRecommendation
from serving.web import views
from serving.web.notices import Notice
from serving.web.render import render
from serving.web.views.attention import OUTCOMES, attention_view

NOW = dt.datetime(2026, 3, 28, 12, 0, tzinfo=dt.UTC)
EVIDENCE = (Evidence("vibration_h.envelope_bpfo_m_s2", 6.0, 2.0, "m/s^2"),)


class Pages:
    """Makes them."""

    now = NOW

    def plant(self) -> Plant:
        return Plant.model_validate(
            {
                "component_classes": [{"id": "rolling_bearing"}],
                "sites": [
                    {
                        "id": "north",
                        "time_zone": "Europe/Berlin",
                        "machines": [
                            {
                                "id": "P1",
                                "name": "<b>Feed</b> pump",
                                "grid": "1h",
                                "components": [{"slot": "DE", "component_class": "rolling_bearing"}],
                                "measuring_points": [
                                    {"id": "t", "role": "temperature", "quantity": "temperature", "unit": "K"}
                                ],
                            }
                        ],
                    }
                ],
            }
        )

    def prediction(self, p50: float = 120.0, **changes: Any) -> Prediction:
        values: dict[str, Any] = {
            "component_id": "P1/DE",
            "as_of": NOW,
            "data_time": NOW,
            "life_number": 1,
            "life_unit": "running_h",
            "rung": Rung.CALIBRATED_RUL,
            "mean": p50,
            "p10": p50 / 2,
            "p50": p50,
            "p90": p50 * 2,
            "calibrated": True,
            "calibration_units": 34,
            "health_state": HealthState.MAINTENANCE_REQUIRED,
            "condition_index": 3.0,
            "model_name": "m",
            "model_version": "1",
            "fingerprint": "f",
            "evidence": EVIDENCE,
        }
        return Prediction(**values | changes)

    def stored(self, state: RecommendationState, number: str | None = None, id_: int = 1) -> StoredRecommendation:
        what = Recommendation(
            machine_id="P1",
            slot="DE",
            action=Action.REPLACE,
            failure_mode="rolling_bearing",
            priority=1,
            reason="It will probably fail soon.",
            as_of=NOW,
            due=NOW,
            window_id="saturday",
            window_start=NOW,
            part_number="6205",
            cost_of_waiting=1234.0,
            currency="EUR",
            rung=Rung.CALIBRATED_RUL,
        )
        request = MaintenanceRequest(
            "WC-1", "north", "P1", "DE", "", "", Action.REPLACE, "rolling_bearing", 1, "t", "", NOW
        )
        return StoredRecommendation(
            id=id_,
            key="WC-1",
            state=state,
            recommendation=what,
            order_number=number,
            order_state="planned" if number else None,
            created_at=NOW,
            decided_by=None,
            decided_at=None,
            site_id="north",
            episode=1,
            request=request,
            updates=0,
            updated_at=NOW,
        )

    def view(
        self,
        statement: Prediction | Refusal | None,
        *stored: StoredRecommendation,
        utilisation: float | None = 0.5,
        cap: float | None = None,
    ) -> views.ComponentView:
        plant = self.plant()
        machine = plant.machines[0]
        caps = {} if cap is None else {"rolling_bearing": cap}
        told = None if statement is None else Told("P1", "DE", statement, utilisation)
        status = ComponentStatus(machine, machine.components[0], told, stale=False)
        (view,) = views.list_views([MachineStatus(plant.sites[0], machine, (status,))], stored, NOW, caps)
        return view

    def machine(self, view: views.ComponentView) -> str:
        """What the machine's page says, without its tags."""
        page = render(
            _request(None),
            "machine.html",
            machine=self.plant().machines[0],
            site=self.plant().sites[0],
            sections=[(view, None, [])],
            model_facts=[[]],
            as_of="now",
            back="/",
        )
        return " ".join(re.sub(r"<[^>]+>", " ", bytes(page.body).decode("utf-8")).split())

    def machines(
        self, view: views.ComponentView, session: Session | None = None, told: Sequence[Notice] = ()
    ) -> str:
        page = render(
            _request(session or Session("csrf-of-session", 0.0, 0.0)),
            "machines.html",
            views=[view],
            counts=views.counts([view]),
            told=told,
            as_of="now",
            zones="Europe/Berlin",
        )
        return bytes(page.body).decode("utf-8")

    def attention(self, found: Attention) -> str:
        """The page of what waits for a person."""
        page = render(
            _request(Session("csrf-of-session", 0.0, 0.0)),
            "attention.html",
            attention=len(found.waiting),
            view=attention_view(found, self.plant().sites, NOW),
            outcomes=OUTCOMES,
            as_of="now",
            back="/attention",
        )
        return bytes(page.body).decode("utf-8")


def _request(session: Session | None) -> Request:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "state": {}}
    request = Request(scope)
    request.state.identity = Identity("admin (page)", session)
    return request


@pytest.fixture
def pages() -> Pages:
    """What makes the things that pages show."""
    return Pages()
