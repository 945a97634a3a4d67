"""What pages say: words, charts, rows and the templates around them."""

import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request

from features.core.plant import Plant
from features.core.statements import (
    PAST_LIFE,
    Action,
    Evidence,
    HealthState,
    Prediction,
    Recommendation,
    Refusal,
    RefusalReason,
    Rung,
)
from serving.auth import Identity, Session
from serving.orders import MaintenanceRequest, RecommendationState
from serving.predictor.fleet import ComponentStatus, MachineStatus, Told
from serving.store import IncidentKind, Store, StoredRecommendation
from serving.web import views, words
from serving.web.chart import life_chart
from serving.web.notices import Notice, notices
from serving.web.render import render

NOW = dt.datetime(2026, 3, 28, 12, 0, tzinfo=dt.UTC)
EVIDENCE = (Evidence("vibration_h.envelope_bpfo_m_s2", 6.0, 2.0, "m/s^2"),)


def _plant() -> Plant:
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


def _prediction(p50: float = 120.0, **changes: Any) -> Prediction:
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


def _stored(state: RecommendationState, number: str | None = None, id_: int = 1) -> StoredRecommendation:
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


def _view(
    statement: Prediction | Refusal | None, *stored: StoredRecommendation, utilisation: float | None = 0.5
) -> views.ComponentView:
    plant = _plant()
    machine = plant.machines[0]
    told = None if statement is None else Told("P1", "DE", statement, utilisation)
    status = ComponentStatus(machine, machine.components[0], told, stale=False)
    (view,) = views.list_views([MachineStatus(plant.sites[0], machine, (status,))], stored, NOW)
    return view


def test_quantiles_are_told_as_local_dates_and_in_life_units() -> None:
    # 60 h, 120 h and 240 h at half a running hour an hour; the night between brings summer time.
    assert _view(_prediction()).quantiles == (
        ("P10", "2 Apr 2026", "60 running hours"),
        ("P50", "7 Apr 2026", "120 running hours"),
        ("P90", "17 Apr 2026", "240 running hours"),
    )


def test_without_a_utilisation_there_is_no_date_and_the_page_says_why() -> None:
    view = _view(_prediction(), utilisation=None)
    assert [date for _, date, _ in view.quantiles] == ["–", "–", "–"]
    assert view.note == "No dates: the utilisation of the last 28 days is not known."


def test_a_band_that_is_not_calibrated_is_not_shown() -> None:
    view = _view(_prediction(p10=None, p90=None, calibrated=False, calibration_units=7))
    assert [label for label, _, _ in view.quantiles] == ["P50"]
    assert view.note == "Band not calibrated: only 7 failed units are known."


@pytest.mark.parametrize("reason", list(RefusalReason))
def test_every_refusal_has_plain_words(reason: RefusalReason) -> None:
    view = _view(Refusal("P1/DE", NOW, reason, "detail"))
    assert view.quantiles == ()
    assert view.refusal.endswith(".")
    assert "_" not in view.refusal


@pytest.mark.parametrize("state", [*HealthState, None])
def test_every_state_has_a_word_and_a_style_of_its_own(state: HealthState | None) -> None:
    own = words.state_word(state)
    others = [words.state_word(other) for other in [*HealthState, None] if other is not state]
    assert own.word not in [other.word for other in others]
    assert own.style not in [other.style for other in others]


@pytest.mark.parametrize("state", list(RecommendationState))
def test_every_state_of_a_recommendation_has_words(state: RecommendationState) -> None:
    order = _view(_prediction(), _stored(state)).orders[0]
    assert order.state
    assert order.can_approve is (state is RecommendationState.PROPOSED)


def test_the_reason_of_the_recommendation_comes_before_the_evidence() -> None:
    assert _view(_prediction()).reason.startswith("Vibration, horizontal: envelope at the outer race (BPFO)")
    assert _view(_prediction(), _stored(RecommendationState.PROPOSED)).reason == "It will probably fail soon."


def test_the_newest_open_recommendation_is_the_one_in_the_list() -> None:
    over, new = _stored(RecommendationState.COMPLETED, "4711", 1), _stored(RecommendationState.SENT, "4712", 2)
    order = _view(_prediction(), over, new).open_order
    assert order is not None
    assert (order.number, order.order_state) == ("4712", "planned")


def test_counts_tell_what_waits_for_a_person() -> None:
    rows = [_view(_prediction(), _stored(RecommendationState.PROPOSED)), _view(None)]
    assert views.counts(rows) == {"failing": 1, "unjudged": 1, "stale": 0, "waiting": 1}


@pytest.mark.parametrize(
    ("feature", "value", "unit", "told"),
    [
        ("winding_temperature.level_k", 353.15, "K", "80 °C"),
        ("winding_temperature.level_k.mean_2d", 353.15, "K", "80 °C"),
        ("winding_temperature.level_k.delta_7d", 12.0, "K", "12 K"),
        ("bearing_temperature.rise_over_ambient_k", 38.0, "K", "38 K"),
        ("vibration_h.rms_m_s2.slope_7d", 0.01, "m/s^2/h", "0.01 m/s²/h"),
        ("vibration_h.kurtosis", 3.14159, "1", "3.14"),
        ("vibration_h.kurtosis", float("nan"), "1", "–"),
    ],
)
def test_quantities_are_in_units_that_people_read(feature: str, value: float, unit: str, told: str) -> None:
    assert words.quantity(feature, value, unit) == told


def _history(days: int) -> list[Told]:
    found = []
    for day in range(days):
        moment, life = NOW + dt.timedelta(days=day), 1 if day < days // 2 else 2
        statement: Prediction | Refusal = _prediction(max(0.0, 500.0 - day), as_of=moment, life_number=life)
        if day == 3:
            statement = Refusal("P1/DE", moment, RefusalReason.STALE_DATA, "old")
        found.append(Told("P1", "DE", statement, 0.5))
    return found


def _shapes(drawing: str) -> list[tuple[str, str]]:
    return [(node.tag, node.get("class", "")) for node in ET.fromstring(drawing)]  # noqa: S314 - made by us


ZONE = Evidence(
    "vibration_h.velocity_rms_mm_s", 7.9, 4.5, "mm/s", rung=Rung.LIMITS, verdict="zone D", note="table A.2"
)
FAULT = Evidence("diagnosis.outer_race", 9.0, None, "dB", rung=Rung.PHYSICS, verdict="outer_race", note="why")
LINE = replace(FAULT, feature="diagnosis.outer_race.2_x_bpfo", value=27.4, order=7.17, frequency_hz=175.7)


def test_a_life_by_age_alone_says_so_and_judges_no_state() -> None:
    note = "typical life 900 running hours, as the plant file declares it, Weibull shape 2"
    age = Evidence("age", 300.0, 900.0, "h", rung=Rung.CLASS_PRIOR, verdict="declared", note=note)
    told = replace(
        _prediction(),
        rung=Rung.CLASS_PRIOR,
        p10=None,
        p90=None,
        calibrated=False,
        calibration_units=0,
        health_state=None,
        condition_index=None,
        evidence=(age,),
    )
    view = _view(told)
    assert (view.state.word, view.stands_on) == (
        "Not judged",
        "Age and the usual life of its class, no measurement",
    )
    assert view.note == "By its age alone: no range, and no work is planned on it."
    assert [label for label, _, _ in view.quantiles] == ["P50"]
    assert (view.evidence, view.by_age) == ((), (f"T{note[1:]}",))


def _page_of(view: views.ComponentView) -> str:
    """What the machine's page says, without its tags."""
    page = render(
        _request(None),
        "machine.html",
        machine=_plant().machines[0],
        site=_plant().sites[0],
        sections=[(view, None, [])],
        model_facts=[[]],
        as_of="now",
        back="/",
    )
    return " ".join(re.sub(r"<[^>]+>", " ", bytes(page.body).decode("utf-8")).split())


def test_past_lives_are_told_in_a_line_each_and_are_no_measurement() -> None:
    note = "looked like P204/DE, life 2, 310 running hours before its failure (outer race fault)"
    past = Evidence(
        PAST_LIFE, 310.0, None, "h", rung=Rung.CALIBRATED_RUL, verdict="outer_race", note=note, distance=0.04
    )
    view = _view(replace(_prediction(), evidence=(past, past)))
    assert (view.evidence, view.past_lives) == ((), (f"L{note[1:]}",) * 2)
    assert "Past lives like it L" + note[1:] + ". L" in _page_of(view)
    assert "No feature stands out" not in _page_of(view)


def test_the_machine_page_shows_zone_fault_and_lines() -> None:
    refusal = Refusal(
        "P1/DE",
        NOW,
        RefusalReason.NO_MODEL,
        "none",
        NOW,
        Rung.LIMITS,
        HealthState.FAILURE,
        None,
        (FAULT, LINE, ZONE),
    )
    view = _view(refusal)
    assert view.reason == "Spectrum: outer race fault; Vibration, horizontal: velocity RMS 7.9 mm/s, zone D"
    text = _page_of(view)
    assert "Limits and ISO zones, nothing learnt" in text
    assert "Zone D 7.9 mm/s 4.5 mm/s table A.2" in text
    assert "Spectrum: Outer race fault" in text
    assert "2 x BPFO 7.17 176 Hz 27 dB" in text
    assert "Condition and model" not in text


def test_a_recommendation_is_told_with_the_fault_that_was_named() -> None:
    stored = _stored(RecommendationState.PROPOSED)
    named = replace(stored, recommendation=replace(stored.recommendation, fault="outer_race"))
    site = _plant().sites[0]
    assert views.order_view(stored, site).failure_mode == "rolling bearing"
    assert views.order_view(named, site).failure_mode == "outer race fault"


def test_a_chart_has_a_gap_at_a_refusal_and_a_mark_at_a_new_part() -> None:
    drawing = life_chart(_history(20), "Europe/Berlin", 'Life of "P1"')
    assert drawing is not None
    shapes = _shapes(drawing)
    assert shapes.count(("polyline", "median")) == 3
    assert shapes.count(("polygon", "band")) == 3
    assert shapes.count(("line", "renewal")) == 1


def test_a_chart_without_numbers_shows_the_states_only() -> None:
    drawing = life_chart([told for told in _history(4) if isinstance(told.statement, Refusal)] * 2, "UTC", "Life")
    assert drawing is not None
    assert [shape for shape in _shapes(drawing) if shape[1] in ("median", "band")] == []


def test_one_statement_is_no_chart() -> None:
    assert life_chart(_history(1), "UTC", "Life") is None


def test_a_chart_stays_inside_its_frame_and_small() -> None:
    drawing = str(life_chart(_history(3000), "UTC", "Life"))
    assert len(drawing) < 60_000
    numbers = [float(n) for pair in re.findall(r'points="([^"]+)"', drawing) for n in re.split("[ ,]", pair)]
    assert min(numbers) >= 0.0
    assert max(numbers) <= 1120.0


def _request(session: Session | None) -> Request:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "state": {}}
    request = Request(scope)
    request.state.identity = Identity("admin (page)", session)
    return request


def _page(view: views.ComponentView, session: Session | None = None, told: Sequence[Notice] = ()) -> str:
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


def test_the_list_has_an_approve_form_with_the_csrf_token_of_the_session() -> None:
    page = _page(_view(_prediction(), _stored(RecommendationState.PROPOSED)))
    assert '<form method="post" action="/recommendations/1/approve"' in page
    assert page.count('name="csrf" value="csrf-of-session"') == 2  # sign out, approve


def test_the_list_tells_number_and_state_of_the_order_and_has_no_button_then() -> None:
    page = _page(_view(_prediction(), _stored(RecommendationState.SENT, "000004711")))
    assert "000004711" in page
    assert "(planned)" in page
    assert "Approve" not in page


def test_what_keeps_orders_back_is_told_and_an_incident_can_be_closed(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    store.brakes.stop("works", by="officer", why="drill <1>", now=NOW)
    store.brakes.refused("sap", "401", wall=NOW)
    store.incidents.open(IncidentKind.STORM, "works/bearing", "9 of 12 machines", {}, now=NOW)
    told = notices(store, NOW)
    page = _page(_view(_prediction()), told=told)
    assert [one.head for one in told] == [
        "works is stopped.", "The ERP refuses our user.", "Incident: storm."
    ]  # fmt: skip
    assert "drill &lt;1&gt;" in page
    assert 'action="/incidents/1/close"' in page
    store.incidents.close(1, by="engineer", now=NOW)
    store.brakes.resume("works", by="officer", now=NOW)
    store.brakes.reset("sap", by="officer", wall=NOW)
    assert notices(store, NOW) == []
    store.close()


def test_connection_that_rests_is_told_until_it_is_tried_again(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    for _ in range(5):
        store.brakes.failed("sap", "timed out", wall=NOW)
    assert [one.head for one in notices(store, NOW)] == ["The ERP does not answer."]
    assert notices(store, NOW + dt.timedelta(minutes=2)) == []
    store.close()


def test_text_from_outside_is_escaped() -> None:
    assert "&lt;b&gt;Feed&lt;/b&gt; pump" in _page(_view(_prediction()))


def test_a_table_has_a_caption_and_header_cells_with_scope() -> None:
    page = _page(_view(_prediction()))
    assert "<caption" in page
    assert re.findall(r"<th(?![^>]*scope=)[ >]", page) == []
    assert page.count('<th scope="col"') == 6


def test_pages_carry_no_script_and_no_inline_style() -> None:
    page = _page(_view(_prediction(), _stored(RecommendationState.PROPOSED)))
    assert re.findall(r"<script|style=|onclick|javascript:", page) == []
