"""Rows of the list and sections of a machine's page: what is told of a component."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from features.core.statements import Evidence, Refusal, RefusalReason, Rung
from serving.orders import NO_MAPPING, RecommendationState
from serving.web import views


def test_quantiles_are_told_as_local_dates_and_in_life_units(pages: Any) -> None:
    # 60 h, 120 h and 240 h at half a running hour an hour; the night between brings summer time.
    assert pages.view(pages.prediction()).quantiles == (
        ("P10", "2 Apr 2026", "60 running hours"),
        ("P50", "7 Apr 2026", "120 running hours"),
        ("P90", "17 Apr 2026", "240 running hours"),
    )


def test_without_a_utilisation_there_is_no_date_and_the_page_says_why(pages: Any) -> None:
    view = pages.view(pages.prediction(), utilisation=None)
    assert [date for _, date, _ in view.quantiles] == ["–", "–", "–"]
    assert view.note == "No dates: the utilisation of the last 28 days is not known."


def test_a_band_that_is_not_calibrated_is_not_shown(pages: Any) -> None:
    view = pages.view(pages.prediction(p10=None, p90=None, calibrated=False, calibration_units=7))
    assert [label for label, _, _ in view.quantiles] == ["P50"]
    assert view.note == "Band not calibrated: only 7 failed units are known."


def test_a_day_that_has_passed_is_told_as_now(pages: Any) -> None:
    before = pages.now - dt.timedelta(hours=20)
    view = pages.view(pages.prediction(5.0, as_of=before, data_time=before))  # P10 is five hours after that
    assert view.quantiles[0] == ("P10", "now", "2.5 running hours")


def test_the_longest_life_that_is_taught_is_told_as_at_least(pages: Any) -> None:
    view = pages.view(pages.prediction(120.0), cap=120.0)
    assert [amount for _, _, amount in view.quantiles] == [
        "60 running hours", "at least 120 running hours", "240 running hours"
    ]  # fmt: skip
    assert view.quantiles[1][1] == "7 Apr 2026 or later"
    assert view.note.endswith("More than 120 running hours is not told: nothing longer is taught.")
    assert "at least" not in str(pages.view(pages.prediction(119.0), cap=120.0).quantiles)


def test_moments_and_units_in_notes_are_the_sites(pages: Any) -> None:
    note = "limit of 85 degC; waveforms until 2026-03-28 10:00 UTC"
    limit = Evidence("t", 300.0, 358.15, "K", rung=Rung.LIMITS, verdict="within limits", note=note)
    (told,) = pages.view(pages.prediction(evidence=(limit,))).limits
    assert told.note == "limit of 85 °C; waveforms until 28 Mar 2026, 11:00 CET"


def test_an_unmapped_machine_has_no_button_that_would_let_it_through(pages: Any) -> None:
    held = replace(pages.stored(RecommendationState.SUPPRESSED), detail=f"P1 {NO_MAPPING}: match it")
    assert views.order_view(held, pages.plant().sites[0], pages.now).can_release is False
    free = replace(held, detail="the budget of 5 orders a week is used up")
    assert views.order_view(free, pages.plant().sites[0], pages.now).can_release is True


@pytest.mark.parametrize("reason", list(RefusalReason))
def test_every_refusal_has_plain_words(pages: Any, reason: RefusalReason) -> None:
    view = pages.view(Refusal("P1/DE", pages.now, reason, "detail"))
    assert view.quantiles == ()
    assert view.refusal.endswith(".")
    assert "_" not in view.refusal


@pytest.mark.parametrize("state", list(RecommendationState))
def test_every_state_of_a_recommendation_has_words(pages: Any, state: RecommendationState) -> None:
    order = pages.view(pages.prediction(), pages.stored(state)).orders[0]
    assert order.state
    assert order.can_approve is (state is RecommendationState.PROPOSED)


def test_the_reason_of_the_recommendation_comes_before_the_evidence(pages: Any) -> None:
    assert pages.view(pages.prediction()).reason.startswith(
        "Vibration, horizontal: envelope at the outer race (BPFO)"
    )
    assert (
        pages.view(pages.prediction(), pages.stored(RecommendationState.PROPOSED)).reason
        == "It will probably fail soon."
    )


def test_the_newest_open_recommendation_is_the_one_in_the_list(pages: Any) -> None:
    over, new = (
        pages.stored(RecommendationState.COMPLETED, "4711", 1),
        pages.stored(RecommendationState.SENT, "4712", 2),
    )
    order = pages.view(pages.prediction(), over, new).open_order
    assert order is not None
    assert (order.number, order.order_state) == ("4712", "planned")


def test_counts_tell_what_waits_for_a_person(pages: Any) -> None:
    rows = [pages.view(pages.prediction(), pages.stored(RecommendationState.PROPOSED)), pages.view(None)]
    assert views.counts(rows) == {"failing": 1, "unjudged": 1, "stale": 0, "waiting": 1}


def test_a_life_by_age_alone_says_so_and_judges_no_state(pages: Any) -> None:
    note = "typical life 900 running hours, as the plant file declares it, Weibull shape 2"
    age = Evidence("age", 300.0, 900.0, "h", rung=Rung.CLASS_PRIOR, verdict="declared", note=note)
    told = replace(
        pages.prediction(),
        rung=Rung.CLASS_PRIOR,
        p10=None,
        p90=None,
        calibrated=False,
        calibration_units=0,
        health_state=None,
        condition_index=None,
        evidence=(age,),
    )
    view = pages.view(told)
    assert (view.state.word, view.stands_on) == (
        "Not judged",
        "Age and the usual life of its class, no measurement",
    )
    assert view.note == "By its age alone: no range, and no work is planned on it."
    assert [label for label, _, _ in view.quantiles] == ["P50"]
    assert (view.evidence, view.by_age) == ((), (f"T{note[1:]}",))


def test_a_recommendation_is_told_with_the_fault_that_was_named(pages: Any) -> None:
    stored = pages.stored(RecommendationState.PROPOSED)
    named = replace(stored, recommendation=replace(stored.recommendation, fault="outer_race"))
    site = pages.plant().sites[0]
    assert views.order_view(stored, site, pages.now).failure_mode == "not named by what was measured"
    assert views.order_view(named, site, pages.now).failure_mode == "outer race fault"
