"""Orders through two folders: requests that a customer's middleware picks up, and what it tells back."""

import datetime as dt
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from features.core.clock import Clock, SystemClock
from features.core.errors import ErpUnavailableError, OrderRejectedError
from serving.erp.documents import ChangeDocument
from serving.erp.file.answers import Answers
from serving.erp.file.drop import Drop
from serving.erp.options import read_options
from serving.erp.port import (
    Asset,
    Capabilities,
    ConnectionReport,
    Exchange,
    Finding,
    Preview,
    Record,
    Severity,
)
from serving.erp.texts import cut
from serving.orders import MaintenanceRequest, OrderChange, OrderState, WorkOrder
from serving.settings import ErpSettings

__all__ = ["FileErp"]

_REQUEST: TypeAdapter[MaintenanceRequest] = TypeAdapter(MaintenanceRequest)
_KEY = re.compile(r"[A-Z0-9][A-Z0-9-]{0,39}")
# Nobody notes more often on one order.
_MOST_NOTES = 9999


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Path = Field(description="Folder of files that we write.")
    answers: Path = Field(description="Folder of files that the middleware writes.")


class FileErp:
    """Orders as files; the order's number here is its key, because the ERP's own is not known when it is made.

    A file appears whole or not at all, and a name is never used twice: that is how a second order with the same
    key finds the first.

    Args:
        requests: Folder that we write to; the middleware may move files into `done` below it.
        answers: Folder that the middleware writes to.
        clock: For the moments in what we write.
        record: Gets every file that is written.

    Raises:
        ConfigError: A folder is not there and cannot be made.
    """

    def __init__(
        self, requests: Path, answers: Path, *, clock: Clock | None = None, record: Record | None = None
    ) -> None:
        self._requests, self._answers = Drop(requests), Answers(answers)
        self._clock, self._record = clock or SystemClock(), record

    @classmethod
    def from_settings(cls, settings: ErpSettings, record: Record | None = None) -> Self:
        """The adapter as the settings describe it.

        Raises:
            ConfigError: Options that are not known, or folders that cannot be made.
        """
        options = read_options(settings, _Options)
        return cls(options.requests, options.answers, record=record)

    @property
    def name(self) -> str:
        """Name of the connection."""
        return f"file:{self._requests.folder.absolute()}"

    @property
    def capabilities(self) -> Capabilities:
        """File names guard the keys; priorities are raised by the middleware, which is told."""
        return Capabilities(
            unique_key=True, targets=frozenset({"request", "order"}), text_length=4000, outcome_codes=("outcome",)
        )

    def check(self) -> ConnectionReport:
        """Whether requests can be written and all answers read."""
        trouble = self._requests.trouble()
        findings = [
            Finding(Severity.ERROR if trouble else Severity.OK, "requests", trouble or "files can be made"),
            *(Finding(Severity.ERROR, name, why) for name, why in self._answers.troubles()),
        ]
        orders = len(self._made(""))
        line = f"{orders} orders in {self._requests.folder}, answers from {self._answers.folder}"
        return ConnectionReport(line, tuple(findings))

    def find(self, key: str) -> list[WorkOrder]:
        """The order with that key, if there is one."""
        return [self._order(key, self._answers.newest())] if self._is_there(key) else []

    def keys(self, prefix: str) -> list[WorkOrder]:
        """All orders whose key begins so."""
        told = self._answers.newest()
        return [self._order(key, told) for key in self._made(prefix)]

    def preview(self, request: MaintenanceRequest) -> Preview:
        """The file that would be written; its moment is that of the writing."""
        return Preview("WRITE", str(self._requests.folder / f"{request.key}.jsonl"), self._line("create", request))

    def create(self, request: MaintenanceRequest) -> WorkOrder:
        """Write the request; one with the same key that is there already stays as it is."""
        if not _KEY.fullmatch(request.key):
            raise OrderRejectedError(f"key {request.key!r} is no file name", {"key": request.key})
        self._put(f"{request.key}.jsonl", self._line("create", request), "create", request.key)
        return self._order(request.key, self._answers.newest())

    def annotate(self, number: str, note: str, priority: int) -> None:
        """Write a note beside the request; the middleware raises the priority and never lowers it.

        Raises:
            OrderRejectedError: No such order.
        """
        self._append(number, "note", {"note": note, "priority": priority}, "annotate")

    def cancel(self, number: str, note: str) -> None:
        """Withdraw the request, unless it is told to be over.

        Raises:
            OrderRejectedError: No such order.
        """
        if any(order.state.is_terminal for order in self.find(number)):
            return
        self._append(number, "cancel", {"note": note}, "cancel")

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        """Changes that came at or after `since`, oldest first.

        Raises:
            ErpUnavailableError: A file is not readable.
        """
        return [change for change in self._answers.changes() if change.changed_at >= since]

    def assets(self) -> list[Asset]:
        """All assets that the middleware has told of, each once."""
        return list({asset: None for page in self._answers.pages() for asset in page.assets})

    def open_orders(self, functional_location: str, equipment_number: str = "") -> list[WorkOrder]:
        """Orders there that are not finished: ours, and those that the middleware has told of."""
        told: dict[str, WorkOrder] = {}
        for page in self._answers.pages():
            for order in page.orders:
                at_place = functional_location and order.functional_location == functional_location
                if at_place or (equipment_number and order.equipment_number == equipment_number):
                    told[order.number] = order.value()
        newest = self._answers.newest()
        for key in self._made(""):
            request = self._request(key)
            at_place = functional_location and request.functional_location == functional_location
            if at_place or (equipment_number and request.equipment_number == equipment_number):
                told[key] = self._order(key, newest)
        return [order for order in told.values() if not order.state.is_terminal]

    def _is_there(self, key: str) -> bool:
        return _KEY.fullmatch(key) is not None and self._requests.file(f"{key}.jsonl") is not None

    def _made(self, prefix: str) -> list[str]:
        """Keys of all requests."""
        return sorted(one for one in self._requests.stems() if one.startswith(prefix) and _KEY.fullmatch(one))

    def _request(self, key: str) -> MaintenanceRequest:
        file = self._requests.file(f"{key}.jsonl")
        if file is None:
            raise OrderRejectedError(f"no order {key} in {self._requests.folder}", {"number": key})
        try:
            return _REQUEST.validate_python(json.loads(file.read_text(encoding="utf-8"))["request"])
        except (OSError, ValueError, KeyError, ValidationError) as err:
            message = f"{file} is no request of ours any more: {err}"
            raise ErpUnavailableError(message, {"file": str(file)}) from err

    def _order(self, key: str, told: Mapping[str, ChangeDocument]) -> WorkOrder:
        request, newest = self._request(key), told.get(key)
        if newest is not None:
            state = newest.value().state
        else:
            is_withdrawn = self._requests.file(f"{key}.cancel-0001.jsonl") is not None
            state = OrderState.CANCELLED if is_withdrawn else OrderState.OPEN
        raw = "" if newest is None else newest.status
        return WorkOrder(key, key, state, raw, request.functional_location, request.text)

    def _append(self, number: str, kind: str, values: dict[str, object], purpose: str) -> None:
        if not self._is_there(number):
            raise OrderRejectedError(f"no order {number} in {self._requests.folder}", {"number": number})
        line = json.dumps({"type": kind, "key": number, "at": self._clock.now().isoformat(), **values}) + "\n"
        names = (f"{number}.{kind}-{count:04d}.jsonl" for count in range(1, _MOST_NOTES + 1))
        if not any(self._put(name, line, purpose, number) for name in names):
            raise OrderRejectedError(f"order {number} has {_MOST_NOTES} files of that kind", {"number": number})

    def _line(self, kind: str, request: MaintenanceRequest) -> str:
        caps = self.capabilities
        title, text = cut(request.title, caps.title_length), cut(request.text, caps.text_length)
        told = _REQUEST.dump_python(replace(request, title=title, text=text), mode="json")
        return json.dumps({"type": kind, "key": request.key, "request": told}, ensure_ascii=False) + "\n"

    def _put(self, name: str, line: str, purpose: str, key: str) -> bool:
        start = time.perf_counter()
        is_new = self._requests.put(name, line)
        if is_new and self._record is not None:
            took_ms = (time.perf_counter() - start) * 1e3
            where = str(self._requests.folder / name)
            self._record(Exchange(purpose, key, "WRITE", where, line, 201, "", took_ms, writes=True))
        return is_new
