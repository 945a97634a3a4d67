"""The two folders of kind `file`, with the middleware and the people behind them played by the tests."""

import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from serving.orders import OrderState
from serving.settings import ErpSettings
from tests.standins.peer import Held, Peer, Vendor, met

__all__ = ["VENDOR"]


class _Planner:
    """What middleware would do: reads requests in the order of their names, tells what became of them."""

    def __init__(self, requests: Path, answers: Path) -> None:
        self._requests, self._answers = requests, answers
        self._titles: dict[str, str] = {}
        self._count = count(1)

    def hold(self, number: str) -> Held:
        first, *more = [json.loads(file.read_text()) for file in self._files(number)]
        notes = [line for line in more if line["type"] == "note"]
        priority = min([first["request"]["priority"], *(line["priority"] for line in notes)])
        title = self._titles.get(number, first["request"]["title"])
        told = "\n".join(line["note"] for line in notes)
        return Held(title, first["request"]["text"], str(priority), "", told)

    def set_state(
        self, number: str, state: OrderState, *, codes: Mapping[str, str], completed_at: dt.datetime | None = None
    ) -> None:
        done = None if completed_at is None else completed_at.isoformat()
        self._tell(number, state.value, outcome=codes.get("outcome"), completed_at=done)

    def set_raw_status(self, number: str, status: str) -> None:
        self._tell(number, status)

    def edit(self, number: str, title: str) -> None:
        self._titles[number] = title

    def own_order(self, functional_location: str, equipment_number: str) -> str:
        number = f"4{next(self._count):06d}"
        place = {"functional_location": functional_location, "equipment_number": equipment_number}
        order = {"number": number, "status": "open", **place}
        self._drop({"orders": [order], "assets": [{**place, "description": "a pump"}]})
        return number

    def _files(self, number: str) -> list[Path]:
        return sorted(self._requests.glob(f"{number}*.jsonl"), key=lambda file: (len(file.name), file.name))

    def _tell(self, key: str, status: str, **values: object) -> None:
        now = dt.datetime.now(dt.UTC).isoformat()
        change = {"change_id": f"c{next(self._count)}", "key": key, "number": "4711", "status": status}
        self._drop({"changes": [change | {"changed_at": now} | values]})

    def _drop(self, document: object) -> None:
        file = self._answers / f"{next(self._count):06d}.json"
        draft = file.with_suffix(".part")
        draft.write_text(json.dumps(document))
        os.replace(draft, file)


@contextmanager
def _start(folder: Path) -> Iterator[Peer]:
    options = {"requests": str(folder / "requests"), "answers": str(folder / "answers")}
    planner = _Planner(folder / "requests", folder / "answers")
    with met(ErpSettings(kind="file", options=options), planner) as peer:
        planner.own_order("W1-P101", "100042")
        yield peer


VENDOR = Vendor(
    kind="file", start=_start, states=tuple(OrderState)[:-1], place=("W1-P101", "100042"), wrong_secret=False
)
