"""Messages of the ERP that something changed: kept once each, and read by the worker as hints."""

import datetime as dt

from sqlalchemy import insert, select, update

from serving.store.database import Database
from serving.store.schema import erp_events

__all__ = ["Inbox"]


class Inbox:
    """Hints of all connections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, connection_name: str, event_id: str, number: str, *, now: dt.datetime) -> bool:
        """Keep a message; False: it came before."""
        c = erp_events.c
        with self._database.writing() as connection:
            seen = select(c.id).where(c.connection == connection_name, c.event_id == event_id)
            if connection.execute(seen).first() is not None:
                return False
            values = {"connection": connection_name, "event_id": event_id, "number": number}
            connection.execute(insert(erp_events).values(**values, received_at=now))
            return True

    def unread(self) -> int:
        """How many messages nobody has read yet."""
        with self._database.reading() as connection:
            return len(connection.execute(select(erp_events.c.id).where(erp_events.c.read_at.is_(None))).all())

    def read_all(self, *, now: dt.datetime) -> int:
        """Mark all as read, before the changes are asked for; how many there were."""
        with self._database.writing() as connection:
            change = update(erp_events).where(erp_events.c.read_at.is_(None)).values(read_at=now)
            return connection.execute(change).rowcount
