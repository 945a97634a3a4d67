"""The people of a simulated plant: they work on orders by what is true, and write up what no order told of."""

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.core.clock import DemoClock
from serving.erp.memory import MemoryErp
from serving.orders import MaintenanceRequest, OrderState

__all__ = ["OUTCOMES", "Ended", "Entry", "Workshop", "ends_of"]

HOUR = dt.timedelta(hours=1)
# How long an order waits for what it foretells before somebody looks and closes it.
PATIENCE = dt.timedelta(days=6)
COLUMNS = ("event_id", "machine_id", "slot", "kind", "outcome", "failure_mode", "occurred_at", "known_at")

# What a site writes down about its codes. `SUDN` and `LUBE` are other modes than the one that was ordered for.
OUTCOMES = """
rules:
  - when: {activity: BRKD}
    outcome: confirmed_failure
  - when: {activity: REPL, damage: [WEAR, CRCK]}
    outcome: incipient_fault
  - when: {activity: REPL, damage: NONE}
    outcome: preventive_replacement
  - when: {activity: CHEK, damage: NONE}
    outcome: no_fault_found
  - when: {activity: CHEK, damage: SENS}
    outcome: sensor_fault
  - when: {activity: LATR}
    outcome: deferred
  - when: {cause: LUBE}
    failure_mode: lubrication
  - when: {cause: SUDN}
    failure_mode: sudden
"""
_CAUSES = {"lubrication": "LUBE", "sudden": "SUDN"}


@dataclass(frozen=True, slots=True)
class Ended:
    """One true end of life, and from when on the new part runs; `worn`: damage could be seen."""

    machine_id: str
    slot: str
    number: int
    time: dt.datetime
    repaired: dt.datetime
    is_failure: bool
    mode: str
    worn: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What was told of a component: `row` is the outcome, or `log failure` and `log replacement`.

    `asked` is when the order was made, `since` when a sensor began to read wrong, `broke` and `done` begin and end
    of the repair.
    """

    machine_id: str
    slot: str
    row: str
    done: dt.datetime
    broke: dt.datetime | None = None
    asked: dt.datetime | None = None
    since: dt.datetime | None = None
    mode: str | None = None


def ends_of(truth: pl.DataFrame) -> list[Ended]:
    """Every end of life whose repair is over, in order of time."""
    following = pl.col("installed_at").shift(-1).over("machine_id", "slot")
    rows = truth.sort("machine_id", "slot", "life_number").with_columns(repaired=following)
    over = rows.filter(pl.col("ended_at").is_not_null(), pl.col("repaired").is_not_null())
    return [
        Ended(
            *(row["machine_id"], row["slot"], row["life_number"], row["ended_at"], row["repaired"]),
            is_failure=row["ending"] == "failure",
            mode=row["failure_mode"] or "",
            worn=row["onset_at"] is not None,
        )
        for row in over.sort("ended_at", "machine_id", "slot").iter_rows(named=True)
    ]


class Workshop:
    """Works on the orders of an ERP, and keeps the book that everything is held against.

    Args:
        erp: Orders and their codes.
        clock: The ERP's.
        truth: Lives as they really were, table of the truth file.
        wrong: Machine id -> stretches in which its sensor really read wrong.
        families: Component -> what its orders are for, which a closed order without a cause confirms.
        folder: Where log files go.
    """

    def __init__(
        self,
        erp: MemoryErp,
        clock: DemoClock,
        truth: pl.DataFrame,
        wrong: Mapping[str, list[tuple[dt.datetime, dt.datetime]]],
        families: Mapping[tuple[str, str], str],
        folder: Path,
    ) -> None:
        self.erp, self.book, self._families = erp, list[Entry](), families
        self._clock, self._truth, self._wrong, self._folder = clock, truth, wrong, folder
        self._ends = ends_of(truth)
        self._made: dict[str, dt.datetime] = {}
        self._logged: set[tuple[str, str, int, bool]] = set()

    def work(self) -> None:
        """Everything up to now: orders that came to something, and those that nothing came of."""
        now = self._clock.now()
        for order in self.erp.orders:
            number = str(order.number)
            if order.state.is_terminal or number not in self._made:
                continue
            request, asked = self.erp.request(number), self._made[number]
            end = next(
                (
                    end
                    for end in self._ends
                    if (end.machine_id, end.slot) == (request.machine_id, request.slot)
                    and asked < end.time
                    and end.repaired <= now
                ),
                None,
            )
            if end is not None:
                self._repaired(number, end, asked)
            elif now - asked >= PATIENCE:
                self._looked(number, request, asked, now)

    def take_orders(self) -> None:
        """New orders begin to count as asked for now."""
        for order in self.erp.orders:
            self._made.setdefault(str(order.number), self._clock.now())

    def write_log(self, number: int) -> Path:
        """Ends up to now that no order was open for, as a file for `wearcast events import`."""
        file, now = self._folder / f"log-{number:02d}.csv", self._clock.now()
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            for end in self._ends:
                if end.time <= now and not self._is_ordered(end):
                    writer.writerows(self._lines(end, now))
        return file

    def _repaired(self, number: str, end: Ended, asked: dt.datetime) -> None:
        place = (end.machine_id, end.slot)
        if end.is_failure:
            cause = _CAUSES.get(end.mode, "")
            codes = {"activity": "BRKD", "cause": cause}
            row = "other failure mode" if cause else "confirmed_failure"
            named = end.mode if cause else self._families[place]
            self.book.append(Entry(*place, row, end.repaired, broke=end.time, asked=asked, mode=named))
        else:
            codes = {"activity": "REPL", "damage": "WEAR" if end.worn else "NONE"}
            row = "incipient_fault" if end.worn else "preventive_replacement"
            mode = self._families[place] if end.worn else None
            self.book.append(Entry(*place, row, end.repaired, asked=asked, mode=mode))
        broke = end.time if end.is_failure else None
        self.erp.set_status(
            number, OrderState.COMPLETED, completed_at=end.repaired, malfunction_at=broke, codes=codes
        )

    def _looked(self, number: str, request: MaintenanceRequest, asked: dt.datetime, now: dt.datetime) -> None:
        """Nothing came of it: cancelled or put off by planners, or somebody looked and wrote what he saw."""
        machine_id, slot, done = request.machine_id, request.slot, now - 2 * HOUR
        choice = int(number) % 10
        since = next((a for a, b in self._wrong.get(machine_id, []) if a < asked and b > done), None)
        if choice == 0:
            self.erp.set_status(number, OrderState.CANCELLED)
            row, since = "cancelled", None
        elif choice == 1:
            self.erp.set_status(number, OrderState.CLOSED, completed_at=done, codes={"activity": "LATR"})
            row, since = "deferred", None
        elif since is not None and slot == "DE-bearing":
            codes = {"activity": "CHEK", "damage": "SENS"}
            self.erp.set_status(number, OrderState.COMPLETED, completed_at=done, malfunction_at=since, codes=codes)
            row = "sensor_fault"
        elif self._is_worn(machine_id, slot, now):
            return  # the part waits for its window, and the order with it
        else:
            codes = {"activity": "CHEK", "damage": "NONE"}
            self.erp.set_status(number, OrderState.COMPLETED, completed_at=done, codes=codes)
            row, since = "no_fault_found", None
        self.book.append(Entry(machine_id, slot, row, done, asked=asked, since=since))

    def _is_worn(self, machine_id: str, slot: str, now: dt.datetime) -> bool:
        """Whether damage can be seen, or the part is just being replaced."""
        mine = self._truth.filter(
            pl.col("machine_id") == machine_id, pl.col("slot") == slot, pl.col("installed_at") <= now
        )
        life = mine.sort("life_number").row(-1, named=True)
        over = life["ended_at"] is not None and life["ended_at"] <= now
        return over or (life["onset_at"] is not None and life["onset_at"] <= now)

    def _is_ordered(self, end: Ended) -> bool:
        """Whether an order was open when the life ended, so that it tells of the end."""
        told = any(
            (one.machine_id, one.slot) == (end.machine_id, end.slot) and end.repaired == one.done
            for one in self.book
            if one.asked is not None
        )
        return told or any(
            not order.state.is_terminal
            and self._made.get(str(order.number), end.time) < end.time
            and (request.machine_id, request.slot) == (end.machine_id, end.slot)
            for order in self.erp.orders
            for request in [self.erp.request(str(order.number))]
        )

    def _lines(self, end: Ended, now: dt.datetime) -> Iterator[dict[str, str]]:
        """Lines of the log that became known since the last time."""
        key, place = (end.machine_id, end.slot, end.number), (end.machine_id, end.slot)
        mode = end.mode or None
        if end.is_failure and (*key, True) not in self._logged:
            self._logged.add((*key, True))
            self.book.append(Entry(*place, "log failure", end.time, broke=end.time, mode=mode))
            yield _line(end, "failure", "confirmed_failure", end.time)
        if end.repaired <= now and (*key, False) not in self._logged:
            self._logged.add((*key, False))
            if end.is_failure:
                so_far = self.book.index(Entry(*place, "log failure", end.time, broke=end.time, mode=mode))
                self.book[so_far] = Entry(*place, "log failure", end.repaired, broke=end.time, mode=mode)
            else:
                self.book.append(Entry(*place, "log replacement", end.repaired))
            yield _line(end, "replacement", "" if end.is_failure else "preventive_replacement", end.repaired)


def _line(end: Ended, kind: str, outcome: str, time: dt.datetime) -> dict[str, str]:
    return {
        "event_id": f"{end.machine_id}-{end.slot}-{end.number}-{kind}",
        "machine_id": end.machine_id,
        "slot": end.slot,
        "kind": kind,
        "outcome": outcome,
        "failure_mode": end.mode if kind == "failure" else "",
        "occurred_at": time.isoformat(),
        "known_at": time.isoformat(),
    }
