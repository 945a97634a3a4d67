"""The sandbox ERP's own records: orders, notes and status changes in SQLite."""

import datetime as dt
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["PAGE", "STATUSES", "OrderBook"]

STATUSES = ("open", "planned", "in_progress", "on_hold", "completed", "closed", "cancelled")
# Changes in one answer; more come with the next request.
PAGE = 50
_FIRST_NUMBER = 4_000_000_001
_TABLES = """
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
    functional_location TEXT NOT NULL, equipment_number TEXT NOT NULL, machine_id TEXT NOT NULL,
    priority INTEGER NOT NULL, due TEXT, planned_start TEXT, part_number TEXT, status TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_by_key ON orders (key);
CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL REFERENCES orders (number), status TEXT NOT NULL,
    changed_at TEXT NOT NULL, completed_at TEXT, outcome TEXT, failure_mode TEXT, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY, number INTEGER NOT NULL REFERENCES orders (number), at TEXT NOT NULL,
    note TEXT NOT NULL);
"""
_FIELDS = (
    "key", "title", "text", "functional_location", "equipment_number", "machine_id", "priority", "due",
    "planned_start", "part_number",
)  # fmt: skip


class OrderBook:
    """Orders with numbers of ten digits from 4000000001 on.

    Args:
        database: SQLite file; made when missing.
    """

    def __init__(self, database: Path) -> None:
        database.parent.mkdir(parents=True, exist_ok=True)
        self._file = database
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)

    def create(self, order: Mapping[str, object], now: dt.datetime) -> dict[str, object]:
        """A new order; the key is kept, not checked."""
        values = [order.get(name) for name in _FIELDS]
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            newest = connection.execute("SELECT max(number) FROM orders").fetchone()[0]
            number = _FIRST_NUMBER if newest is None else newest + 1
            marks = ", ".join("?" * (len(_FIELDS) + 3))
            connection.execute(
                f"INSERT INTO orders ({', '.join(_FIELDS)}, number, status, created_at) VALUES ({marks})",  # noqa: S608  names are ours
                [*values, number, "open", _stamp(now)],
            )
            connection.execute("COMMIT")
        return self.order(number) or {}

    def order(self, number: int) -> dict[str, object] | None:
        """The order of that number."""
        found = self._select("SELECT * FROM orders WHERE number = ?", (number,))
        return found[0] if found else None

    def by_key(self, key: str) -> list[dict[str, object]]:
        """All orders with that key."""
        return self._select("SELECT * FROM orders WHERE key = ? ORDER BY number", (key,))

    def by_place(self, functional_location: str, equipment_number: str) -> list[dict[str, object]]:
        """All orders on that location or that piece of equipment; an empty one is none."""
        return self._select(
            "SELECT * FROM orders WHERE (functional_location = ? AND functional_location <> '') "
            "OR (equipment_number = ? AND equipment_number <> '') ORDER BY number",
            (functional_location, equipment_number),
        )

    def orders(self) -> list[dict[str, object]]:
        """All orders, newest first, each with its newest outcome and its number of notes."""
        return self._select(
            "SELECT o.*, (SELECT c.outcome FROM changes c WHERE c.number = o.number ORDER BY c.id DESC LIMIT 1) "
            "AS outcome, (SELECT count(*) FROM notes n WHERE n.number = o.number) AS notes "
            "FROM orders o ORDER BY o.number DESC",
            (),
        )

    def assets(self) -> list[dict[str, object]]:
        """Locations and equipment that orders were written for, each once."""
        return self._select(
            "SELECT functional_location, equipment_number, max(machine_id) AS description FROM orders "
            "WHERE functional_location <> '' GROUP BY 1, 2 ORDER BY 1, 2",
            (),
        )

    def changes(self, since: dt.datetime, after: int) -> list[dict[str, object]]:
        """At most `PAGE` changes at or after `since`, with an id above `after`, oldest first."""
        return self._select(
            "SELECT c.*, o.key FROM changes c JOIN orders o ON o.number = c.number "
            "WHERE c.changed_at >= ? AND c.id > ? ORDER BY c.id LIMIT ?",
            (_stamp(since), after, PAGE),
        )

    def set_status(self, number: int, change: Mapping[str, object], now: dt.datetime) -> None:
        """Change an order's status, and remember the change."""
        names = ("status", "completed_at", "outcome", "failure_mode", "text")
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE orders SET status = ? WHERE number = ?", (change["status"], number))
            connection.execute(
                "INSERT INTO changes (status, completed_at, outcome, failure_mode, text, number, changed_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                [*(change.get(name) for name in names), number, _stamp(now)],
            )
            connection.execute("COMMIT")

    def add_note(self, number: int, note: str, priority: int, now: dt.datetime) -> None:
        """Add a note; the priority rises (falls in number) or stays."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "UPDATE orders SET priority = min(priority, ?) WHERE number = ?", (priority, number)
            )
            connection.execute(
                "INSERT INTO notes (number, at, note) VALUES (?, ?, ?)", (number, _stamp(now), note)
            )
            connection.execute("COMMIT")

    def notes(self, number: int) -> list[str]:
        """Notes of an order, oldest first."""
        found = self._select("SELECT note FROM notes WHERE number = ? ORDER BY id", (number,))
        return [str(row["note"]) for row in found]

    def edit(self, number: int, title: str) -> None:
        """Change an order's title, as planners do."""
        with self._open() as connection:
            connection.execute("UPDATE orders SET title = ? WHERE number = ?", (title, number))

    def _select(self, query: str, values: tuple[object, ...]) -> list[dict[str, object]]:
        with self._open() as connection:
            return [dict(row) for row in connection.execute(query, values)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._file, timeout=30, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            yield connection
        finally:
            connection.close()


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")
