"""The folder that a customer's middleware writes to: JSON files of orders, changes and assets."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from features.core.errors import ErpUnavailableError
from serving.erp.documents import ChangeDocument, Page
from serving.erp.file.drop import made
from serving.orders import OrderChange

__all__ = ["Answers"]


class Answers:
    """What the middleware has told; a file is read again only when it has changed.

    Args:
        folder: Made when missing.

    Raises:
        ConfigError: It cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = made(folder)
        self._read: dict[str, tuple[tuple[int, int], Page]] = {}

    def troubles(self) -> list[tuple[str, str]]:
        """Files that are not readable, and why."""
        found = []
        for file in self._files():
            try:
                self._page(file)
            except ErpUnavailableError as err:
                found.append((file.name, str(err)))
        return found

    def pages(self) -> Iterator[Page]:
        """What the readable files tell; `troubles` names the others, and they stop `changes`."""
        for file in self._files():
            try:
                yield self._page(file)
            except ErpUnavailableError:
                continue

    def newest(self) -> dict[str, ChangeDocument]:
        """Key -> the last change that was told of it."""
        found: dict[str, ChangeDocument] = {}
        for page in self.pages():
            for change in page.changes:
                key = change.key or change.number
                held = found.get(key)
                if held is None or (change.changed_at, change.change_id) > (held.changed_at, held.change_id):
                    found[key] = change
        return found

    def changes(self) -> list[OrderChange]:
        """All changes, oldest first, each once.

        A change counts from the moment at which its file came, if that is later than what it says: files come
        late, and what came late must not be missed.

        Raises:
            ErpUnavailableError: A file is not readable.
        """
        found: dict[str, OrderChange] = {}
        for file in self._files():
            page = self._page(file)
            came = dt.datetime.fromtimestamp(file.stat().st_ctime, dt.UTC)
            for document in page.changes:
                change = _ours(document)
                found.setdefault(change.change_id, replace(change, changed_at=max(change.changed_at, came)))
        return sorted(found.values(), key=lambda change: (change.changed_at, change.change_id))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.json"))

    def _page(self, file: Path) -> Page:
        try:
            stat = file.stat()
            mark = (stat.st_mtime_ns, stat.st_size)
            kept = self._read.get(file.name)
            if kept is None or kept[0] != mark:
                kept = (mark, Page.model_validate_json(file.read_bytes()))
                self._read[file.name] = kept
        except OSError as err:
            raise ErpUnavailableError(f"{file}: {err.strerror}", {"file": str(file)}) from err
        except ValidationError as err:
            first = err.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "document"
            raise ErpUnavailableError(
                f"{file}: {place}: {first['msg']}: write it under another name and rename it when it is whole",
                {"file": str(file)},
            ) from err
        return kept[1]


def _ours(document: ChangeDocument) -> OrderChange:
    """The change under our number, which is the key; the ERP's own stands in its text."""
    change = document.value()
    if not change.key or change.number == change.key:
        return replace(change, number=change.number or change.key)
    text = f"{change.number}: {change.text}" if change.text else change.number
    return replace(change, number=change.key, text=text)
