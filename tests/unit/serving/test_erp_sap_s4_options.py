"""Options of SAP: priorities, words for states, what is refused, and that the page names what there is."""

import re
from pathlib import Path

import pytest

from features.core.errors import ConfigError
from serving.erp.options import read_options
from serving.erp.sap_s4.options import SapOptions
from serving.orders import OrderState
from serving.settings import ErpSettings


def test_priority_below_saps_lowest_is_its_lowest() -> None:
    options = SapOptions(priorities={1: "A", 2: "B"})
    assert [options.priority(ours) for ours in (0, 1, 2, 5)] == ["A", "A", "B", "B"]
    assert options.is_higher("A", than="B")
    assert not options.is_higher("A", than="Z")


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("CRTD MANC NMAT", OrderState.OPEN),
        ("REL NMAT PRC SETC", OrderState.PLANNED),
        ("REL PCNF", OrderState.IN_PROGRESS),
        ("REL CNF", OrderState.COMPLETED),
        ("TECO PCNF PRC", OrderState.COMPLETED),
        ("CLSD CNF", OrderState.CLOSED),
        ("DLFL", OrderState.CANCELLED),
        ("FREI", OrderState.UNKNOWN),
        ("", OrderState.UNKNOWN),
    ],
)
def test_most_final_status_of_an_order_decides(line: str, state: OrderState) -> None:
    assert SapOptions().status(line) is state


def test_statuses_of_another_language_are_given_by_options() -> None:
    assert SapOptions(statuses={"FREI": OrderState.PLANNED}).status("FREI NMVP") is OrderState.PLANNED


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"work_centre": "X"}, "work_centre"),
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"time_zones": {"X": "Berlin"}}, "time_zones"),
        ({"priorities": {2: "1"}}, "priorities"),
        ({"damage": {"bearing": "no slash"}}, "damage"),
        ({"client": "1"}, "client"),
    ],
)
def test_wrong_option_is_named(options: dict[str, object], place: str) -> None:
    with pytest.raises(ConfigError, match=rf"erp\.options\.{place}"):
        read_options(ErpSettings(kind="sap_s4", options=options), SapOptions)


def test_every_option_that_the_page_names_is_one() -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "connect-sap-s4.md"
    text = page.read_text(encoding="utf-8")
    table = text.partition("| option | for |")[2].partition("\n\n")[0]
    firsts = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    named = {name for first in firsts for name in re.findall(r"`(\w+)`", first)}
    example = re.findall(r"^(\w+) =", text.partition("[erp.options]")[2].partition("```")[0], re.MULTILINE)
    assert len(named) > 15
    assert (named | set(example)) - set(SapOptions.model_fields) == set()
