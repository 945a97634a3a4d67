"""The connection to the operational store: SQLite in WAL mode by default, PostgreSQL by URL."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, ProgrammingError

from features.core.errors import ConfigError, RetriableError
from serving.store.schema import audit_head

__all__ = ["Database"]

# How long a writer waits for the one before it. Transactions of the store last milliseconds.
_BUSY_SECONDS = 30
# Any fixed number: the lock that lets one process migrate a PostgreSQL store while others wait.
_MIGRATION_LOCK = 727_100_401
# As SQLite and PostgreSQL say it.
_NO_TABLE = re.compile(r"no such table|relation .* does not exist")


class Database:
    """An engine that reads freely and writes one transaction at a time.

    Args:
        url: SQLAlchemy URL, e.g. `sqlite:///data/store.db` or `postgresql://host/wearcast`.

    Raises:
        ConfigError: The URL is not one, or of a database that is not supported.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as err:
            # Its text is not told: it may hold a password.
            raise ConfigError(f"the store's URL is none: {err}; e.g. sqlite:///data/store.db") from None
        self._shown = parsed.render_as_string(hide_password=True)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ConfigError(f"store {self._shown}: only sqlite and postgresql are supported")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database not in (None, "", ":memory:"):
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        try:
            self.engine = self._sqlite(url) if self.is_sqlite else _postgresql(parsed)
        except (NoSuchModuleError, ImportError) as err:
            raise ConfigError(f"store {self._shown}: no driver installed ({err})") from err

    @staticmethod
    def _sqlite(url: str) -> Engine:
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: object) -> None:  # Any: the driver's own connection
            # The driver must not begin transactions by itself: `begin` below does, with the right lock.
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            writes = connection.get_execution_options().get("wearcast_write", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, and sees one moment of the store whatever others write meanwhile.

        Raises:
            RetriableError: The database does not answer.
        """
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._translated(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is alone among writers; committed at the end, rolled back on any error.

        Raises:
            RetriableError: The database does not answer, or another writer holds it for too long.
        """
        with (
            self._translated(),
            self.engine.connect().execution_options(wearcast_write=True) as connection,
            connection.begin(),
        ):
            connection.execute(select(audit_head.c.id).with_for_update())
            yield connection

    def migrate(self) -> None:
        """Bring the tables to the newest revision; several processes may call it at once."""
        with (
            self._translated(),
            self.engine.connect().execution_options(wearcast_write=True) as connection,
            connection.begin(),
        ):
            if not self.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, ProgrammingError) as err:
            if _NO_TABLE.search(str(err.orig)):
                raise ConfigError(f"store {self._shown} has no tables yet; call Store.migrate()") from err
            if isinstance(err, ProgrammingError):
                raise
            raise RetriableError(f"store {self._shown} does not answer: {err.orig}") from err


def _postgresql(url: URL) -> Engine:
    engine = create_engine(url, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # Any: the driver's own connection
        # A writer that hangs must not hang all others for ever.
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{_BUSY_SECONDS}s'")
        connection.commit()

    return engine
