"""Exactly one order a recommendation, through the stand-ins of several ERPs, whatever crashes.

Fault model. An answer may be lost after the ERP has done the work. A sender may die by SIGKILL between any two
steps and in the middle of a request. The ERP may be away for an hour. A request that is sent is executed before
the sender's lease ends: the client's time-out is below half of the lease. Within this model there is one order
a key, without reconciliation. An ERP without unique keys may execute a request later than that: this is switched
on in a second run, duplicates are counted before and after reconciliation.

Leases and pauses run on a clock that jumps whenever all senders are at rest, so that none of them is ever late
on it. Recommendations are approved in the store; senders are processes of their own.

    wearcast benchmark exactly-once [--vendors A,B,C] [--recommendations N] [--peers] [--json]
"""

import sys
from pathlib import Path

# Started as a script, its own folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import datetime as dt
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass

from features.core.clock import SystemClock
from features.core.lake import Lake
from features.core.statements import Action, Recommendation, Rung, order_key
from features.core.telemetry import logs_in
from serving.erp import Orders
from serving.orders import MaintenanceRequest
from serving.outbox import DeliveryRules
from serving.store import Store
from serving.sync import reconcile
from tests.benchmarks._computer import describe_computer
from tests.benchmarks._senders import STEPS, Board, Crew
from tests.standins.peer import Peer, Vendor
from tests.standins.vendors import PEERS, vendor

STANDINS = ("sap_s4", "odoo", "maximo")
T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
SENDERS, LOST, KILLS = 6, 0.4, 0.01
LATE, LATE_SHARE, LATE_S = 100, 0.2, 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run left behind."""

    vendor: str
    recommendations: int
    orders: int
    duplicates: int
    lost: int
    lost_answers: int
    kills: int
    kills_by_step: dict[str, int]
    rounds: int
    seconds: float
    reconciliation_clean: bool


def log(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def approve_many(store: Store, chosen: Vendor, count: int, episode: int, letter: str = "P") -> list[str]:
    """Approved recommendations, each with its outbox row; their keys."""
    location, equipment = chosen.place
    keys = []
    for number in range(count):
        machine = f"{letter}{number:05d}"
        key = order_key("works", machine, "DE-bearing", "bearing", episode)
        recommendation = Recommendation(
            machine_id=machine,
            slot="DE-bearing",
            failure_mode="bearing",
            action=Action.REPLACE,
            priority=2,
            reason="Wear; 20 h are left at worst.",
            due=T + dt.timedelta(hours=20),
            window_id=None,
            window_start=None,
            part_number="6205",
            cost_of_waiting=None,
            currency="EUR",
            p10_at=T + dt.timedelta(hours=20),
            p50_at=None,
            p90_at=None,
            rung=Rung.CALIBRATED_RUL,
            as_of=T,
            assumption="",
            model_version="1",
        )
        request = MaintenanceRequest(
            key=key,
            site_id="works",
            machine_id=machine,
            slot="DE-bearing",
            functional_location=location,
            equipment_number=equipment,
            action=Action.REPLACE,
            failure_mode="bearing",
            priority=2,
            title=f"Replace bearing {machine}",
            text=recommendation.reason,
            due=recommendation.due,
        )
        stored = store.propose(recommendation, request, episode=episode, now=T)
        assert stored is not None
        store.approve(stored.id, "planner", T)
        keys.append(key)
    return keys


class Run:
    """One store, one ERP, one crew."""

    def __init__(self, chosen: Vendor, peer: Peer, folder: Path, *, kill_share: float) -> None:
        folder.mkdir(parents=True)
        self.chosen, self.peer, self.folder = chosen, peer, folder
        self.url = f"sqlite:///{folder}/store.db"
        self.store = Store(self.url)
        self.store.migrate()
        self.board = Board(folder)
        self.board.jump(0.0)
        # The time-out of the adapters under test is 10 s.
        rules = DeliveryRules(lease=dt.timedelta(seconds=60))
        self.crew = Crew(self.board, self.url, self._connect, SENDERS, kill_share, T, rules)

    def _connect(self) -> Orders:
        return self.peer.connect(timeout_s=10.0)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def is_done(self) -> bool:
        """Nothing is waiting or on its way."""
        return set(self.store.deliveries.counts()) <= {"done", "dead_letter", "would_send"}

    def deliver_all(self, *, most_rounds: int = 400) -> int:
        """Rounds of sending, the clock jumping in between, until all is delivered."""
        for number in range(most_rounds):
            self.crew.work()
            if self.is_done():
                return number + 1
            self.board.jump(31.0 if number % 2 else 61.0)
        raise AssertionError(f"not done after {most_rounds} rounds: {self.store.deliveries.counts()}")

    def orders(self, keys: list[str]) -> Counter[str]:
        """Open orders in the ERP, by key."""
        wanted = set(keys)
        held = [one for one in self.peer.orders.keys("WC-") if one.key in wanted and not one.state.is_terminal]
        return Counter(one.key for one in held)

    def reconciled(self) -> bool:
        """Hold both sides against each other; whether they told the same."""
        lake = Lake(self.folder / "lake")
        later = T + dt.timedelta(hours=2)
        return reconcile(self.store, self.peer.orders, lake, now=later).is_clean


def exactly_once(name: str, chosen: Vendor, peer: Peer, folder: Path, count: int, episode: int) -> Outcome:
    """Lost answers, killed senders, an outage: how many orders there are then."""
    run = Run(chosen, peer, folder, kill_share=KILLS)
    assert peer.standin is not None
    keys = approve_many(run.store, chosen, count, episode)
    before = peer.standin.counts()
    start = time.monotonic()
    peer.standin.faults(lose_answers=LOST, seed=7)
    run.crew.work()
    peer.standin.faults(outage=True)
    for _ in range(12):
        run.board.jump(300.0)
        run.crew.work()
    peer.standin.faults(lose_answers=LOST, seed=8)
    run.board.jump(300.0)
    rounds = run.deliver_all()
    peer.standin.faults()
    seconds = time.monotonic() - start
    found, after = run.orders(keys), peer.standin.counts()
    told = {one.key for one in run.store.recommendations("sent")}
    clean = run.reconciled()
    run.close()
    kills = dict(sorted(run.crew.kills.items()))
    outcome = Outcome(
        vendor=name,
        recommendations=count,
        orders=sum(found.values()),
        duplicates=sum(found.values()) - len(found),
        lost=len([key for key in keys if found[key] == 0 or key not in told]),
        lost_answers=after.get("lose_answers", 0) - before.get("lose_answers", 0),
        kills=sum(kills.values()),
        kills_by_step=kills,
        rounds=rounds + 13,
        seconds=seconds,
        reconciliation_clean=clean,
    )
    log(
        f"{name}: {outcome.orders} orders of {count}, {outcome.duplicates} twice, {outcome.lost} lost; "
        f"{outcome.lost_answers} answers lost, {outcome.kills} senders killed, {seconds:.0f} s"
    )
    return outcome


def late(name: str, chosen: Vendor, peer: Peer, folder: Path, count: int, episode: int) -> dict[str, object]:
    """Some requests are executed after the lease: duplicates before and after reconciliation."""
    run = Run(chosen, peer, folder, kill_share=0.0)
    assert peer.standin is not None
    keys = approve_many(run.store, chosen, count, episode)
    # Late by more real seconds than a round takes: the clock has jumped past lease and look-ups by then.
    peer.standin.faults(late=LATE_SHARE, late_s=LATE_S, seed=9)
    rounds = run.deliver_all()
    # The last one is late too.
    until = time.monotonic() + 22.0
    while time.monotonic() < until:
        time.sleep(0.2)
    peer.standin.faults()
    time.sleep(0.5)
    before = run.orders(keys)
    run.reconciled()
    after = run.orders(keys)
    is_clean = run.reconciled()
    run.close()
    row: dict[str, object] = {
        "vendor": name,
        "recommendations": count,
        "unique_key": peer.orders.capabilities.unique_key,
        "duplicates_before": sum(before.values()) - len(before),
        "duplicates_after": sum(after.values()) - len(after),
        "lost_after": len([key for key in keys if after[key] == 0]),
        "clean_after": is_clean,
        "rounds": rounds,
    }
    log(f"{name}, late: {row['duplicates_before']} twice before, {row['duplicates_after']} after reconciliation")
    return row


def plainly(name: str, chosen: Vendor, peer: Peer, folder: Path, count: int, episode: int) -> dict[str, object]:
    """Nothing goes wrong: how fast it is, and how long an order takes from approval to its number."""
    run = Run(chosen, peer, folder, kill_share=0.0)
    start = time.monotonic()
    keys = approve_many(run.store, chosen, count, episode)
    approving = time.monotonic() - start
    start = time.monotonic()
    run.deliver_all()
    seconds = time.monotonic() - start
    assert run.orders(keys).total() == count
    one = approve_many(run.store, chosen, 1, episode, "Q")[0]
    start = time.monotonic()
    run.crew.senders = 1
    run.crew.work()
    single = time.monotonic() - start
    assert next(held for held in run.store.recommendations("sent") if held.key == one).order_number
    run.close()
    return {
        "vendor": name,
        "orders": count,
        "approvals_per_s": count / approving,
        "orders_per_s": count / seconds,
        "approval_to_number_s": single,
    }


def run_all(names: list[str], count: int, late_count: int) -> dict[str, object]:
    """Every vendor in turn, as one object."""
    outcomes, late_rows, plain_rows = [], [], []
    with tempfile.TemporaryDirectory(prefix="wc-once-") as text:
        folder = Path(text)
        for name in names:
            chosen = vendor(name)
            for place in ("1", "2", "3"):
                (folder / name / place).mkdir(parents=True)
            # A fresh ERP a run: reconciliation must know every order in it.
            with chosen.start(folder / name / "1") as peer:
                outcomes.append(exactly_once(name, chosen, peer, folder / name / "once", count, 1))
            with chosen.start(folder / name / "2") as peer:
                late_rows.append(late(name, chosen, peer, folder / name / "late", late_count, 1))
            with chosen.start(folder / name / "3") as peer:
                plain_rows.append(plainly(name, chosen, peer, folder / name / "plain", late_count, 1))
    reached = Counter[str]()
    for outcome in outcomes:
        reached.update(outcome.kills_by_step)
    return {
        "benchmark": "exactly-once",
        "machine": describe_computer(),
        "settings": {
            "vendors": names,
            "recommendations_a_vendor": count,
            "senders": SENDERS,
            "lost_answers_share": LOST,
            "kill_share_a_step": KILLS,
            "outage": "1 h",
            "lease_s": 60.0,
            "client_timeout_s": 10.0,
            "late_share": LATE_SHARE,
            "store": "sqlite",
        },
        "figures": {
            "recommendations": sum(one.recommendations for one in outcomes),
            "orders": sum(one.orders for one in outcomes),
            "duplicates": sum(one.duplicates for one in outcomes),
            "lost": sum(one.lost for one in outcomes),
            "duplicates_before_reconciliation_late": sum(int(str(row["duplicates_before"])) for row in late_rows),
            "duplicates_after_reconciliation_late": sum(int(str(row["duplicates_after"])) for row in late_rows),
            "lost_answers": sum(one.lost_answers for one in outcomes),
            "kills": sum(one.kills for one in outcomes),
            "orders_per_s": min(float(str(row["orders_per_s"])) for row in plain_rows),
            "approval_to_number_s": max(float(str(row["approval_to_number_s"])) for row in plain_rows),
            "reconciliation_clean": float(all(one.reconciliation_clean for one in outcomes)),
        },
        "tables": {
            "vendors": [{name: getattr(one, name) for name in Outcome.__slots__} for one in outcomes],
            "late": late_rows,
            "plain": plain_rows,
            "kills_by_step": [{"step": step, "kills": reached[step]} for step in STEPS],
        },
    }


def main() -> None:
    """Reads the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vendors", default=",".join(STANDINS), help="stand-ins, see tests/standins/vendors.py")
    parser.add_argument("--recommendations", type=int, default=1000, help="a vendor")
    parser.add_argument("--late", type=int, default=LATE, help="recommendations of the runs beside")
    parser.add_argument("--peers", action="store_true", help="the real systems instead, 100 recommendations each")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args()
    names = options.vendors.split(",")
    count = options.recommendations
    if options.peers:
        names, count = [name for name in PEERS if not name.endswith("_order")], 100
    started = SystemClock().now()
    with tempfile.TemporaryDirectory() as kept, logs_in(Path(kept) / "log.jsonl"):
        found = run_all(names, count, min(options.late, count))
    log(f"took {(SystemClock().now() - started).total_seconds():.0f} s")
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found["figures"].items():  # type: ignore[attr-defined] # a dict, see `run_all`
        print(f"{name:40} {value:g}")


if __name__ == "__main__":
    main()
