"""Predictions over time as a drawing."""

import datetime as dt
import re
import xml.etree.ElementTree as ET
from typing import Any

from features.core.statements import Prediction, Refusal, RefusalReason
from serving.predictor.fleet import Told
from serving.web.chart import life_chart


def _history(pages: Any, days: int) -> list[Told]:
    found = []
    for day in range(days):
        moment, life = pages.now + dt.timedelta(days=day), 1 if day < days // 2 else 2
        statement: Prediction | Refusal = pages.prediction(max(0.0, 500.0 - day), as_of=moment, life_number=life)
        if day == 3:
            statement = Refusal("P1/DE", moment, RefusalReason.STALE_DATA, "old")
        found.append(Told("P1", "DE", statement, 0.5))
    return found


def _shapes(drawing: str) -> list[tuple[str, str]]:
    return [(node.tag, node.get("class", "")) for node in ET.fromstring(drawing)]  # noqa: S314 - made by us


def test_a_chart_has_a_gap_at_a_refusal_and_a_mark_at_a_new_part(pages: Any) -> None:
    drawing = life_chart(_history(pages, 20), "Europe/Berlin", 'Life of "P1"')
    assert drawing is not None
    shapes = _shapes(drawing)
    assert shapes.count(("polyline", "median")) == 3
    assert shapes.count(("polygon", "band")) == 3
    assert shapes.count(("line", "renewal")) == 1


def test_a_chart_without_numbers_shows_the_states_only(pages: Any) -> None:
    drawing = life_chart(
        [told for told in _history(pages, 4) if isinstance(told.statement, Refusal)] * 2, "UTC", "Life"
    )
    assert drawing is not None
    assert [shape for shape in _shapes(drawing) if shape[1] in ("median", "band")] == []


def test_one_statement_is_no_chart(pages: Any) -> None:
    assert life_chart(_history(pages, 1), "UTC", "Life") is None


def test_a_chart_stays_inside_its_frame_and_small(pages: Any) -> None:
    drawing = str(life_chart(_history(pages, 3000), "UTC", "Life"))
    assert len(drawing) < 60_000
    numbers = [float(n) for pair in re.findall(r'points="([^"]+)"', drawing) for n in re.split("[ ,]", pair)]
    assert min(numbers) >= 0.0
    assert max(numbers) <= 1120.0
