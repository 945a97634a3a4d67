"""A person in Field Service, by its own screens and never by our adapter."""

import datetime as dt
import html
from collections.abc import Mapping

from serving.orders import OrderState
from tests.standins.dynamics365_store import named
from tests.standins.peer import Held
from tests.standins.serve import StandIn

__all__ = ["Planner"]


class Planner:
    """A planner of a Field Service stand-in."""

    _STATES: Mapping[OrderState, int] = {
        OrderState.OPEN: 690_970_000,
        OrderState.PLANNED: 690_970_001,
        OrderState.IN_PROGRESS: 690_970_002,
        OrderState.COMPLETED: 690_970_003,
        OrderState.CLOSED: 690_970_004,
        OrderState.CANCELLED: 690_970_005,
    }
    _CODES: Mapping[str, str] = {
        "incident_type": "_msdyn_primaryincidenttype_value",
        "resolution": "_msdyn_primaryresolution_value",
        "substatus": "_msdyn_substatus_value",
    }

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    def hold(self, number: str) -> Held:
        row = self._standin.control("hold", {"number": number})
        notes = "\n".join(html.unescape(note.replace("<br>", "\n")) for note in row["notes"])
        title, text = row["msdyn_workordersummary"] or "", row["msdyn_instructions"] or ""
        return Held(title, text, row["priority"], str(row["msdyn_systemstatus"]), notes)

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        values: dict[str, object] = {"msdyn_systemstatus": self._STATES[state]}
        if completed_at is not None:
            values["msdyn_completedon"] = completed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        values |= {self._CODES[name]: named(code) for name, code in codes.items()}
        labels = {named(code): code for code in codes.values()}
        self._change(number, values, labels)

    def set_raw_status(self, number: str, status: str) -> None:
        self._change(number, {"msdyn_systemstatus": 690_970_099}, {"690970099": status})

    def edit(self, number: str, title: str) -> None:
        self._change(number, {"msdyn_workordersummary": title}, {})

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        place = {
            "msdyn_CustomerAsset@odata.bind": f"/msdyn_customerassets({equipment_number})",
            "msdyn_FunctionalLocation@odata.bind": f"/msdyn_functionallocations({functional_location})",
        }
        return str(self._standin.control("own", place))

    def _change(self, number: str, values: Mapping[str, object], labels: Mapping[str, str]) -> None:
        self._standin.control("change", {"number": number, "values": values, "labels": labels})
