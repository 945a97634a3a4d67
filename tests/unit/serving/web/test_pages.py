"""The pages themselves: forms, escaping, headings, what a planner must see."""

import datetime as dt
import re
from dataclasses import replace
from typing import Any

from features.core.statements import PAST_LIFE, Evidence, HealthState, Refusal, RefusalReason, Rung
from serving.orders import RecommendationState
from serving.planning.attention import attend, matters
from serving.settings import ErpSettings
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


def test_what_keeps_orders_back_is_told_with_the_way_to_what_to_do(pages: Any, store: Store) -> None:
    store.brakes.stop("works", by="officer", why="drill <1>", now=pages.now)
    store.brakes.refused("sap", "401", wall=pages.now)
    store.incidents.open(IncidentKind.STORM, "works/bearing", "9 of 12 machines", {}, now=pages.now)
    told = notices(matters(store, ErpSettings(), wall=pages.now))
    page = pages.machines(pages.view(pages.prediction()), told=told)
    assert [one.head for one in told] == [
        "works is stopped.", "The ERP refuses our user.", "Many machines at once: bearing at works."
    ]  # fmt: skip
    assert "drill &lt;1&gt;" in page
    assert 'href="/attention#incident-1"' in page
    assert 'id="incident-1"' in pages.attention(attend(store, ErpSettings(), (), wall=pages.now))


def test_what_waits_elsewhere_is_no_notice_above_the_list(pages: Any, store: Store, orders: Any) -> None:
    orders.given_up(store)
    found = matters(store, ErpSettings(), wall=pages.now)
    assert (len(found), notices(found)) == (1, [])


def test_a_number_that_is_not_calibrated_says_so_in_the_list(pages: Any) -> None:
    told = pages.prediction(rung=Rung.UNCALIBRATED_RUL, p10=None, p90=None, calibrated=False, calibration_units=7)
    assert "Not calibrated" in pages.machines(pages.view(told))
    assert "Not calibrated" not in pages.machines(pages.view(pages.prediction()))


def test_the_list_tells_what_each_number_stands_on(pages: Any) -> None:
    assert "Calibrated remaining life" in pages.machines(pages.view(pages.prediction()))


def test_a_machine_without_data_is_not_told_an_age_of_them(pages: Any) -> None:
    assert "Newest data none yet" in pages.machine(pages.view(None))


def test_an_order_that_was_due_already_is_marked(pages: Any) -> None:
    stored = pages.stored(RecommendationState.PROPOSED)
    past = replace(stored, recommendation=replace(stored.recommendation, due=pages.now - dt.timedelta(hours=1)))
    assert "at once" in pages.machines(pages.view(pages.prediction(), past))
    assert "at once" not in pages.machines(pages.view(pages.prediction(), stored))


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
