"""What keeps senders from the ERP: a person's stop of a site, and the circuit breaker of the connection."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from features.core.errors import RequestRejectedError
from serving.store import audit as chain
from serving.store.database import Database
from serving.store.schema import breakers, stops

__all__ = ["ALL_SITES", "Brakes", "Breaker", "Stop", "is_stopped"]

ALL_SITES = "*"
# Five failures in a row, then a minute of rest, then one try: the reference for ERP integration.
_FAILURES = 5
_REST = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Stop:
    """A site that nothing is written for, until a person resumes it."""

    site_id: str
    by: str
    why: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a connection fares. `needs_person`: it refused our user, only a person closes it again."""

    connection: str
    failures: int
    open_until: dt.datetime | None
    needs_person: bool
    reason: str

    def lets_through(self, wall: dt.datetime) -> bool:
        """Whether requests may be sent; after the rest one sender tries."""
        return not self.needs_person and (self.open_until is None or self.open_until <= wall)


class Brakes:
    """Stops and breakers, shared by all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def stop(self, site_id: str, *, by: str, why: str, now: dt.datetime) -> None:
        """Write nothing for a site any more (`*`: for none); what is queued stays queued.

        Raises:
            RequestRejectedError: No reason was given.
        """
        if not why.strip():
            raise RequestRejectedError("a stop needs a reason", {"reason": "invalid"})
        with self._database.writing() as connection:
            connection.execute(delete(stops).where(stops.c.site_id == site_id))
            connection.execute(insert(stops).values(site_id=site_id, by=by, why=why, at=now))
            chain.append(
                connection, actor=by, action="site.stopped", subject=site_id, detail={"why": why}, now=now
            )

    def resume(self, site_id: str, *, by: str, now: dt.datetime) -> bool:
        """Write for a site again; False: it was not stopped."""
        with self._database.writing() as connection:
            if connection.execute(delete(stops).where(stops.c.site_id == site_id)).rowcount == 0:
                return False
            chain.append(connection, actor=by, action="site.resumed", subject=site_id, detail={}, now=now)
            return True

    def is_stopped(self, site_id: str) -> bool:
        """Whether nothing may be written for a site now."""
        with self._database.reading() as connection:
            return is_stopped(connection, site_id)

    def stopped(self) -> list[Stop]:
        """All stops."""
        with self._database.reading() as connection:
            rows = connection.execute(select(stops).order_by(stops.c.site_id)).mappings()
            return [Stop(row["site_id"], row["by"], row["why"], row["at"]) for row in rows]

    def breaker(self, name: str) -> Breaker:
        """The breaker of a connection."""
        with self._database.reading() as connection:
            return _breaker(connection, name)

    def breakers(self) -> list[Breaker]:
        """The breakers of all connections."""
        with self._database.reading() as connection:
            rows = connection.execute(select(breakers).order_by(breakers.c.connection)).mappings()
            return [
                Breaker(row["connection"], row["failures"], row["open_until"], row["needs_person"], row["reason"])
                for row in rows
            ]

    def may_try(self, name: str, *, wall: dt.datetime) -> bool:
        """Whether a sender may ask the ERP now; after the rest, one of all senders gets a yes.

        Args:
            name: Connection.
            wall: The real time.
        """
        held = self.breaker(name)
        if held.open_until is None or not held.lets_through(wall):
            return held.lets_through(wall)
        with self._database.writing() as connection:
            held = _breaker(connection, name)
            if not held.lets_through(wall):
                return False
            if held.open_until is not None:
                _keep(connection, Breaker(name, held.failures, wall + _REST, False, held.reason), wall)
            return True

    def untried(self, name: str, *, wall: dt.datetime) -> None:
        """A sender that was let through after the rest had nothing to ask: the next one may try."""
        held = self.breaker(name)
        if held.open_until is None or held.needs_person or held.open_until <= wall:
            return
        with self._database.writing() as connection:
            _keep(connection, Breaker(name, held.failures, wall, False, held.reason), wall)

    def succeeded(self, name: str, *, wall: dt.datetime) -> None:
        """The ERP answered: the breaker is closed, unless it waits for a person.

        An answer that was on its way when the ERP refused our user says nothing about that.
        """
        held = self.breaker(name)
        if held.failures == 0 and held.open_until is None:
            return
        with self._database.writing() as connection:
            held = _breaker(connection, name)
            if held.needs_person:
                return
            _keep(connection, Breaker(name, 0, None, False, ""), wall)
            if held.open_until is not None:
                _tell(connection, "breaker.closed", name, "", wall)

    def failed(self, name: str, reason: str, *, wall: dt.datetime, rest_s: float | None = None) -> Breaker:
        """The ERP did not answer, or asked to wait for `rest_s` seconds: that opens the breaker at once."""
        with self._database.writing() as connection:
            held = _breaker(connection, name)
            failures, until = held.failures + 1, held.open_until
            if rest_s is not None:
                # Another sender may have been told to wait longer.
                until = max(until or wall, wall + dt.timedelta(seconds=rest_s))
            elif failures >= _FAILURES:
                until = max(until or wall, wall + _REST)
            now = Breaker(name, failures, until, held.needs_person, reason)
            _keep(connection, now, wall)
            if until is not None and held.open_until is None:
                _tell(connection, "breaker.opened", name, reason, wall)
            return now

    def refused(self, name: str, reason: str, *, wall: dt.datetime) -> None:
        """The ERP refused our user: nothing more is tried until a person says so, or the user is locked out."""
        with self._database.writing() as connection:
            held = _breaker(connection, name)
            _keep(connection, Breaker(name, held.failures + 1, None, True, reason), wall)
            if not held.needs_person:
                _tell(connection, "breaker.refused", name, reason, wall)

    def reset(self, name: str, *, by: str, wall: dt.datetime) -> None:
        """A person, or a check that went well, closes the breaker."""
        with self._database.writing() as connection:
            _keep(connection, Breaker(name, 0, None, False, ""), wall)
            chain.append(connection, actor=by, action="breaker.reset", subject=name, detail={}, now=wall)


def is_stopped(connection: Connection, site_id: str) -> bool:
    """Whether a person has stopped that site, or all."""
    query = select(stops.c.site_id).where(stops.c.site_id.in_((site_id, ALL_SITES)))
    return connection.execute(query).first() is not None


def _breaker(connection: Connection, name: str) -> Breaker:
    row = connection.execute(select(breakers).where(breakers.c.connection == name)).mappings().first()
    if row is None:
        return Breaker(name, 0, None, False, "")
    return Breaker(name, row["failures"], row["open_until"], row["needs_person"], row["reason"])


def _keep(connection: Connection, held: Breaker, wall: dt.datetime) -> None:
    values = {
        "failures": held.failures,
        "open_until": held.open_until,
        "needs_person": held.needs_person,
        "reason": held.reason,
        "changed_at": wall,
    }
    change = update(breakers).where(breakers.c.connection == held.connection).values(**values)
    if connection.execute(change).rowcount == 0:
        connection.execute(insert(breakers).values(connection=held.connection, **values))


def _tell(connection: Connection, action: str, name: str, reason: str, wall: dt.datetime) -> None:
    chain.append(connection, actor=f"erp:{name}", action=action, subject=name, detail={"why": reason}, now=wall)
