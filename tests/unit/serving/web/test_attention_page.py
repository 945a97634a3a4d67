"""The page of what waits for a person."""

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest

from features.core.statements import Outcome
from serving.orders import RecommendationState
from serving.planning.attention import Act, Attention, Matter, MatterKind
from serving.planning.shadow import Shadow
from serving.web.views.attention import OUTCOMES, attention_view


def _matter(now: dt.datetime, **changes: Any) -> Matter:
    values: dict[str, Any] = {
        "kind": MatterKind.DEAD_LETTER,
        "head": "No order for <Replace> P1/DE",
        "says": "no such asset",
        "to_do": "Put it right.",
        "since": now - dt.timedelta(hours=3),
        "site_id": "north",
        "machines": ("P1",),
        "command": "wearcast erp requeue 7",
        "acts": (Act.REJECT, Act.REQUEUE),
        "id": 7,
    }
    return Matter(**values | changes)


def _found(*waiting: Matter, held: tuple[Matter, ...] = (), shadow: Shadow | None = None) -> Attention:
    return Attention(waiting, held, shadow or Shadow(()), ("north",) if shadow else ())


def test_a_matter_is_told_in_the_sites_time_with_its_age(pages: Any) -> None:
    (section,) = attention_view(_found(_matter(pages.now)), pages.plant().sites, pages.now).sections
    (told,) = section.matters
    assert (told.since, told.age, told.site) == ("28 Mar 2026, 10:00 CET", "3 hours ago", "north")
    assert (told.says, told.acts) == ("No such asset", ("requeue", "reject"))


def test_sections_stand_in_the_order_of_what_stops_most(pages: Any) -> None:
    found = _found(
        *(_matter(pages.now, kind=kind) for kind in reversed(MatterKind) if kind is not MatterKind.HELD)
    )
    view = attention_view(found, pages.plant().sites, pages.now)
    assert [section.anchor.replace("-", "_") for section in view.sections] == [
        kind.value for kind in MatterKind if kind is not MatterKind.HELD
    ]
    assert view.count == 6


def test_every_outcome_can_be_told() -> None:
    assert set(OUTCOMES) == set(Outcome)


@pytest.mark.parametrize(
    ("act", "path"),
    [
        (Act.CLOSE, "/incidents/7/close"),
        (Act.REQUEUE, "/recommendations/7/requeue"),
        (Act.REJECT, "/recommendations/7/reject"),
        (Act.RELEASE, "/recommendations/7/release"),
        (Act.TELL, "/outcomes/7"),
    ],
)
def test_every_act_has_a_form_with_the_csrf_token_and_a_name_of_its_own(pages: Any, act: Act, path: str) -> None:
    page = pages.attention(_found(_matter(pages.now, acts=(act,))))
    assert f'<form method="post" action="{path}"' in page
    assert page.count('name="csrf" value="csrf-of-session"') == 2  # sign out, and the act
    assert re.search(r'<button[^>]*aria-label="[^"]+: No order for &lt;Replace&gt; P1/DE"', page)


def test_fields_have_labels_and_pages_no_script(pages: Any) -> None:
    page = pages.attention(_found(_matter(pages.now, acts=(Act.REJECT, Act.TELL))))
    fields = re.findall(r'<(?:input|select) id="([^"]+)"', page)
    assert fields
    assert fields == re.findall(r'<label class="hidden" for="([^"]+)"', page)
    assert re.findall(r"<script|style=|onclick|javascript:", page) == []


def test_the_page_says_when_nothing_waits(pages: Any) -> None:
    assert "Nothing waits for a person" in pages.attention(_found())
    assert "Nothing waits for a person" not in pages.attention(_found(_matter(pages.now)))


def test_the_navigation_tells_how_many(pages: Any) -> None:
    page = pages.attention(_found(_matter(pages.now), _matter(pages.now, id=8)))
    assert '<span class="badge">2<span class="hidden"> things wait for a person' in page
    assert 'class="badge"' not in pages.attention(_found())


def test_the_shadow_report_has_a_row_a_recommendation_and_units(pages: Any) -> None:
    stored = pages.stored(RecommendationState.WOULD_SEND)
    linked = replace(stored, linked_order="10004711", linked_at=pages.now + dt.timedelta(hours=36))
    page = pages.attention(_found(shadow=Shadow((linked, stored))))
    assert "10004711" in page
    assert page.count("36 h") == 2  # the median, and the row
    assert "28 Mar 2026, 13:00 CET" in page
