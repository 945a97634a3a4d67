"""The pages themselves: forms, escaping, headings, what a planner must see."""

import datetime as dt
import re
from dataclasses import replace
from typing import Any

from features.core.statements import PAST_LIFE, Evidence, HealthState, Refusal, RefusalReason, Rung
from serving.orders import RecommendationState
from serving.store import IncidentKind, Store
from serving.web.notices import notices

ZONE = Evidence(
    "vibration_h.velocity_rms_mm_s", 7.9, 4.5, "mm/s", rung=Rung.LIMITS, verdict="zone D", note="table A.2"
)
FAULT = Evidence("diagnosis.outer_race", 9.0, None, "dB", rung=Rung.PHYSICS, verdict="outer_race", note="why")
LINE = replace(FAULT, feature="diagnosis.outer_race.2_x_bpfo", value=27.4, order=7.17, frequency_hz=175.7)


def test_the_list_has_an_approve_form_with_the_csrf_token_of_the_session(pages: Any) -> None:
    page = pages.machines(pages.view(pages.prediction(), pages.stored(RecommendationState.PROPOSED)))
    assert '<form method="post" action="/recommendations/1/approve"' in page
    assert page.count('name="csrf" value="csrf-of-session"') == 2  # sign out, approve


def test_the_list_tells_number_and_state_of_the_order_and_has_no_button_then(pages: Any) -> None:
    page = pages.machines(pages.view(pages.prediction(), pages.stored(RecommendationState.SENT, "000004711")))
    assert "000004711" in page
    assert "(planned)" in page
    assert "Approve" not in page


def test_what_keeps_orders_back_is_told_and_an_incident_can_be_closed(pages: Any, store: Store) -> None:
    store.brakes.stop("works", by="officer", why="drill <1>", now=pages.now)
    store.brakes.refused("sap", "401", wall=pages.now)
    store.incidents.open(IncidentKind.STORM, "works/bearing", "9 of 12 machines", {}, now=pages.now)
    told = notices(store, pages.now)
    page = pages.machines(pages.view(pages.prediction()), told=told)
    assert [one.head for one in told] == [
        "works is stopped.", "The ERP refuses our user.", "Incident: storm."
    ]  # fmt: skip
    assert "drill &lt;1&gt;" in page
    assert 'action="/incidents/1/close"' in page
    store.incidents.close(1, by="engineer", now=pages.now)
    store.brakes.resume("works", by="officer", now=pages.now)
    store.brakes.reset("sap", by="officer", wall=pages.now)
    assert notices(store, pages.now) == []


def test_connection_that_rests_is_told_until_it_is_tried_again(pages: Any, store: Store) -> None:
    for _ in range(5):
        store.brakes.failed("sap", "timed out", wall=pages.now)
    assert [one.head for one in notices(store, pages.now)] == ["The ERP does not answer."]
    assert notices(store, pages.now + dt.timedelta(minutes=2)) == []


def test_text_from_outside_is_escaped(pages: Any) -> None:
    assert "&lt;b&gt;Feed&lt;/b&gt; pump" in pages.machines(pages.view(pages.prediction()))


def test_a_table_has_a_caption_and_header_cells_with_scope(pages: Any) -> None:
    page = pages.machines(pages.view(pages.prediction()))
    assert "<caption" in page
    assert re.findall(r"<th(?![^>]*scope=)[ >]", page) == []
    assert page.count('<th scope="col"') == 6


def test_pages_carry_no_script_and_no_inline_style(pages: Any) -> None:
    page = pages.machines(pages.view(pages.prediction(), pages.stored(RecommendationState.PROPOSED)))
    assert re.findall(r"<script|style=|onclick|javascript:", page) == []


def test_past_lives_are_told_in_a_line_each_and_are_no_measurement(pages: Any) -> None:
    note = "looked like P204/DE, life 2, 310 running hours before its failure (outer race fault)"
    past = Evidence(
        PAST_LIFE, 310.0, None, "h", rung=Rung.CALIBRATED_RUL, verdict="outer_race", note=note, distance=0.04
    )
    view = pages.view(replace(pages.prediction(), evidence=(past, past)))
    assert (view.evidence, view.past_lives) == ((), (f"L{note[1:]}",) * 2)
    assert "Past lives like it L" + note[1:] + ". L" in pages.machine(view)
    assert "No feature stands out" not in pages.machine(view)


def test_the_machine_page_shows_zone_fault_and_lines(pages: Any) -> None:
    refusal = Refusal(
        "P1/DE",
        pages.now,
        RefusalReason.NO_MODEL,
        "none",
        pages.now,
        Rung.LIMITS,
        HealthState.FAILURE,
        None,
        (FAULT, LINE, ZONE),
    )
    view = pages.view(refusal)
    assert view.reason == "Spectrum: outer race fault; Vibration, horizontal: velocity RMS 7.9 mm/s, zone D"
    text = pages.machine(view)
    assert "Limits and ISO zones, nothing learnt" in text
    assert "Zone D 7.9 mm/s 4.5 mm/s table A.2" in text
    assert "Spectrum: Outer race fault" in text
    assert "2 x BPFO 7.17 176 Hz 27 dB" in text
    assert "Condition and model" not in text
