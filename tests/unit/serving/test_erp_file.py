"""Two folders as an ERP: files appear whole, a key is a name, what comes late is not missed."""

import datetime as dt
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from features.core.clock import SystemClock
from features.core.errors import ConfigError, ErpUnavailableError, OrderRejectedError
from serving.erp import open_erp
from serving.erp.file import FileErp
from serving.erp.file.drop import Drop
from serving.erp.port import Exchange
from serving.orders import MaintenanceRequest, OrderState
from serving.settings import ErpSettings
from tests.unit.serving._erp import bearing_request

KEY = "WC-ABCDEFGHIJKLMNOPQ"
CHANGED = "2026-02-01T00:00:00Z"
LONG_AGO = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
Tell = Callable[..., Path]


def request(key: str = KEY, title: str = "Replace") -> MaintenanceRequest:
    return bearing_request(
        key=key, title=title, text="bald – 80 %", due=dt.datetime(2026, 2, 28, 5, tzinfo=dt.UTC)
    )


@pytest.fixture
def erp(tmp_path: Path) -> FileErp:
    return FileErp(tmp_path / "requests", tmp_path / "answers")


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    def tell(name: str, **document: object) -> Path:
        file = tmp_path / "answers" / f"{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(document))
        return file

    return tell


def change(status: str, **values: object) -> dict[str, object]:
    told = {
        "change_id": status,
        "key": KEY,
        "number": "4711",
        "status": status,
        "changed_at": "2026-02-01T00:00:00Z",
    }
    return told | values


def test_request_is_one_line_in_a_file_named_by_its_key(erp: FileErp, tmp_path: Path) -> None:
    erp.create(request())
    text = (tmp_path / "requests" / f"{KEY}.jsonl").read_text()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    line = json.loads(text)
    assert (line["type"], line["key"]) == ("create", KEY)
    assert line["request"]["text"] == "bald – 80 %"
    assert line["request"]["due"] == "2026-02-28T05:00:00Z"


def test_second_request_with_the_key_changes_nothing_also_when_the_first_was_picked_up(
    erp: FileErp, tmp_path: Path
) -> None:
    erp.create(request())
    folder = tmp_path / "requests"
    os.replace(folder / f"{KEY}.jsonl", folder / "done" / f"{KEY}.jsonl")
    assert erp.create(request(title="Other")).number == KEY
    assert [file.name for file in folder.glob("*.jsonl")] == []
    assert [order.key for order in erp.find(KEY)] == [KEY]


def _put(folder: str) -> bool:
    return Drop(Path(folder)).put("one.jsonl", f"{threading.get_ident()}\n" * 1000)


def test_of_many_writers_one_makes_the_file_and_it_is_whole(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(_put, [str(tmp_path)] * 40))
    assert sum(made) == 1
    lines = (tmp_path / "one.jsonl").read_text().splitlines()
    assert len(lines) == 1000
    assert len(set(lines)) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["done", "one.jsonl"]


def test_notes_and_withdrawals_are_files_of_their_own(erp: FileErp, tmp_path: Path) -> None:
    erp.create(request())
    erp.annotate(KEY, "worse", 1)
    erp.annotate(KEY, "much worse", 1)
    erp.cancel(KEY, "a duplicate")
    names = sorted(file.name for file in (tmp_path / "requests").glob("*.jsonl"))
    assert names == [
        f"{KEY}.cancel-0001.jsonl",
        f"{KEY}.jsonl",
        f"{KEY}.note-0001.jsonl",
        f"{KEY}.note-0002.jsonl",
    ]
    assert erp.keys("WC-")[0].state is OrderState.CANCELLED
    assert len(erp.keys("WC-")) == 1


@pytest.mark.parametrize("number", ["../../etc/passwd", "WC-NONE", "", ".."])
def test_number_that_is_no_order_is_refused(erp: FileErp, number: str) -> None:
    with pytest.raises(OrderRejectedError):
        erp.annotate(number, "note", 1)


def test_key_that_is_no_file_name_is_refused(erp: FileErp) -> None:
    with pytest.raises(OrderRejectedError, match="no file name"):
        erp.create(request("../WC-A"))
    assert erp.find("../WC-A") == []


def test_change_comes_under_our_number_with_the_erps_in_its_text(erp: FileErp, tell: Tell) -> None:
    erp.create(request())
    tell("1", changes=[change("completed", completed_at="2026-02-01T10:00:00+01:00", text="done")])
    told = erp.changes(LONG_AGO)[0]
    assert (told.number, told.key, told.text, told.state) == (KEY, KEY, "4711: done", OrderState.COMPLETED)
    assert told.completed_at == dt.datetime(2026, 2, 1, 9, tzinfo=dt.UTC)
    assert erp.find(KEY)[0].state is OrderState.COMPLETED


def test_file_that_comes_late_is_not_missed(erp: FileErp, tell: Tell) -> None:
    before = SystemClock().now() - dt.timedelta(seconds=5)
    file = tell("1", changes=[change("planned")])
    os.utime(file, (0, 0))
    assert [one.raw_status for one in erp.changes(before)] == ["planned"]


def test_half_a_file_stops_changes_and_is_named_by_check_but_orders_go_on(erp: FileErp, tell: Tell) -> None:
    good = tell("1", changes=[change("planned")])
    bad = good.with_name("2.json")
    bad.write_text('{"changes": [')
    with pytest.raises(ErpUnavailableError, match=r"2\.json.*rename"):
        erp.changes(LONG_AGO)
    assert not erp.check().is_usable
    assert erp.create(request()).state is OrderState.PLANNED
    bad.unlink()
    assert erp.check().is_usable


def test_moment_without_a_zone_is_refused_with_its_place(erp: FileErp, tell: Tell) -> None:
    tell("1", changes=[change("planned", changed_at="2026-02-01T00:00:00")])
    with pytest.raises(ErpUnavailableError, match=r"changes\.0\.changed_at"):
        erp.changes(LONG_AGO)


def test_folder_that_cannot_be_made_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    options = {"requests": str(tmp_path / "file" / "requests"), "answers": str(tmp_path)}
    with pytest.raises(ConfigError, match="requests"):
        open_erp(ErpSettings(kind="file", mode="approve", options=options))
    with pytest.raises(ConfigError, match="answers"):
        open_erp(ErpSettings(kind="file", mode="approve", options={"answer": "x"}))


def test_written_files_are_recorded(tmp_path: Path) -> None:
    exchanges: list[Exchange] = []
    erp = FileErp(tmp_path / "requests", tmp_path / "answers", record=exchanges.append)
    erp.create(request())
    erp.create(request())
    assert [(one.purpose, one.key, one.writes) for one in exchanges] == [("create", KEY, True)]
