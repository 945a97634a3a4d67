"""A person in Maximo, by its own screens and never by our adapter."""

import datetime as dt
import html
from collections.abc import Mapping

from serving.orders import OrderState
from tests.standins.peer import Held
from tests.standins.serve import StandIn

__all__ = ["Planner"]


class Planner:
    """A planner of a Maximo stand-in."""

    _WORDS: Mapping[OrderState, str] = {
        OrderState.OPEN: "APPR",
        OrderState.PLANNED: "WSCH",
        OrderState.IN_PROGRESS: "INPRG",
        OrderState.ON_HOLD: "HOLD",
        OrderState.COMPLETED: "DONE",
        OrderState.CLOSED: "CLOSE",
        OrderState.CANCELLED: "CAN",
    }
    _REQUEST_WORDS: Mapping[OrderState, str] = {
        OrderState.OPEN: "QUEUED",
        OrderState.IN_PROGRESS: "INPROG",
        OrderState.ON_HOLD: "PENDING",
        OrderState.COMPLETED: "RESOLVED",
        OrderState.CLOSED: "CLOSED",
    }

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def hold(self, number: str) -> Held:
        row = self._standin.control("hold", {"number": number})
        notes = "\n".join(_seen(line["description_longdescription"]) for line in row["worklog"])
        text = _seen(row["description_longdescription"] or "")
        return Held(row["description"], text, str(row["priority"]), row["status"], notes)

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        is_request = number.startswith("SR:")
        lines = [
            {"type": name.upper(), "failurecode": codes[name], "linenum": line}
            for line, name in enumerate(("problem", "cause", "remedy"))
            if name in codes
        ]
        if lines and not is_request:
            self._standin.control("lines", {"number": number, "lines": lines})
        fields = {"failurecode": codes["failure_class"]} if "failure_class" in codes else {}
        if "problem" in codes:
            fields["problemcode"] = codes["problem"]
        finish = None if completed_at is None else completed_at.isoformat()
        word = (self._REQUEST_WORDS if is_request else self._WORDS)[state]
        change = {"number": number, "word": word, "finish": finish, "fields": fields}
        self._standin.control("status", change)

    def set_raw_status(self, number: str, status: str) -> None:
        self._standin.control("status", {"number": number, "word": status, "internal": status})

    def edit(self, number: str, title: str) -> None:
        self._standin.control("edit", {"number": number, "title": title})

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        place = {"location": functional_location, "assetnum": equipment_number}
        return str(self._standin.control("own", place))


def _seen(markup: str) -> str:
    """A long description as its editor shows it."""
    return html.unescape(markup.replace("<br>", "\n"))
