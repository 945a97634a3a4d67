"""What the tests of one ERP's wire format begin with: a request, and a far side that answers in turn."""

import datetime as dt
import json
from typing import Any

import httpx

from features.core.statements import Action
from serving.orders import MaintenanceRequest

__all__ = ["KEY", "Answers", "bearing_request"]

KEY = "WC-ABCDEFGHIJKLMNOPQ"


def bearing_request(**values: object) -> MaintenanceRequest:
    """A bearing's replacement, with these fields instead; the due time has an offset, the text markup."""
    told: dict[str, Any] = {  # Any: fields of a request
        "key": KEY,
        "site_id": "works",
        "machine_id": "P101",
        "slot": "DE-bearing",
        "functional_location": "W1-P101",
        "equipment_number": "100042",
        "action": Action.REPLACE,
        "failure_mode": "bearing",
        "priority": 2,
        "title": "Replace bearing",
        "text": "a < b\nβ",
        "due": dt.datetime(2026, 2, 28, 5, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    }
    return MaintenanceRequest(**(told | values))


class Answers:
    """Answers requests in turn, and keeps them as they were when they came."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        # The same request may be sent again with another token: what it was is kept.
        self.asked.append(
            httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        )
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def body(self, number: int = -1) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.asked[number].content)
        return found
