"""Exactly one order per key: senders die by SIGKILL, answers get lost, several senders work at once."""

import datetime as dt
import grp
import json
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from features.core.errors import ConfigError
from features.core.statements import Action, Recommendation, Rung, order_key
from serving.orders import MaintenanceRequest, OrderChange, OrderState
from serving.store import Store

SECRET = "a secret for tests"
T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
DELIVERER = Path(__file__).parent / "deliverer.py"
PROPOSER = Path(__file__).parent / "proposer.py"
# Where senders die, four at once; null: one that lives. Chosen to hit every step of a delivery.
CRASHES: list[list[list[object] | None]] = [
    [["find", "before", 1], ["find", "after", 2], ["create", "before", 1], ["create", "after", 1]],
    [["create", "during", 1], ["create", "after", 2], ["create", "during", 2], None],
    [["find", "after", 1], ["create", "after", 1], ["create", "during", 1], ["find", "before", 2]],
]
# Then two that live, until everything is done.
LIVING: list[list[list[object] | None]] = [[None, None]] * 12


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of its own, on a socket in a temporary folder."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    initdb = shutil.which("initdb") or (str(programs[0]) if programs else None)
    if initdb is None:
        pytest.skip("PostgreSQL's server programs (initdb, pg_ctl) are not installed")
    bin_folder, folder = Path(initdb).resolve().parent, Path(tempfile.mkdtemp(prefix="wc-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("runuser") is None or "postgres" not in {user.pw_name for user in pwd.getpwall()}:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres to run it as")
        as_user = ["runuser", "-u", "postgres", "--"]
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, grp.getgrnam("postgres").gr_gid)
    data, options = folder / "data", f"-k {folder} -c listen_addresses='' -c fsync=off"
    log = folder / "log"
    make = [*as_user, bin_folder / "initdb", "-D", data, "-A", "trust", "-U", "wearcast", "--no-sync"]
    start = [*as_user, bin_folder / "pg_ctl", "-D", data, "-o", options, "-l", log, "-w", "start"]
    try:
        for command in (make, start):
            subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        yield f"postgresql+psycopg://wearcast@/postgres?host={folder}"
    finally:
        stop = [*as_user, str(bin_folder / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A sandbox ERP that loses every third answer: its URL and its database."""
    folder = tmp_path_factory.mktemp("erp")
    secret, port_file = folder / "secret", folder / "port"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    command = [sys.executable, "-m", "serving", "sandbox-erp", "--port", "0", "--database", str(folder / "erp.db")]
    process = subprocess.Popen(
        [*command, "--secret-file", str(secret), "--port-file", str(port_file), "--lose-answers", "3"],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not port_file.exists():
            assert process.poll() is None, "the sandbox ERP ended"
            assert time.monotonic() < deadline, "the sandbox ERP did not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text()}", folder / "erp.db"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def fill(store: Store, site: str, count: int) -> list[str]:
    """Approved recommendations; gives their keys."""
    keys = []
    for number in range(count):
        machine_id = f"P{number:03}"
        recommendation = Recommendation(
            *(machine_id, "DE", Action.REPLACE, "bearing", 2, "why", T, T),
            *(None, None, None, None, "EUR", Rung.NONE),
        )
        key = order_key(site, machine_id, "DE", "bearing", 1)
        request = MaintenanceRequest(
            key, site, machine_id, "DE", "W1", "", Action.REPLACE, "bearing", 2, "title", "why", T
        )
        stored = store.propose(recommendation, request, episode=1, now=T)
        assert stored is not None
        for _ in range(2):
            store.approve(stored.id, "planner", T)
        keys.append(key)
    return keys


def send(url: str, erp: str, rounds: list[list[list[object] | None]]) -> int:
    """Deliver in rounds; gives the number of senders that were killed."""
    arguments = {"store": url, "erp": erp, "secret": SECRET, "rounds": rounds}
    done = subprocess.run(
        [sys.executable, str(DELIVERER), json.dumps(arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=200,
    )
    kills: int = json.loads(done.stdout)
    return kills


def orders_in(database: Path, keys: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {key: [] for key in keys}
    connection = sqlite3.connect(database)
    for key, number in connection.execute("SELECT key, number FROM orders"):
        if key in found:
            found[key].append(str(number))
    connection.close()
    return found


def deliver_through_crashes(url: str, erp: tuple[str, Path], site: str, count: int) -> None:
    store = Store(url)
    store.migrate()
    keys = fill(store, site, count)
    kills = send(url, erp[0], [*CRASHES, *LIVING])
    found = orders_in(erp[1], keys)
    assert kills >= 5
    assert {key: len(numbers) for key, numbers in found.items()} == dict.fromkeys(keys, 1)
    assert {r.key: [r.order_number] for r in store.recommendations("sent")} == found
    assert store.verify_audit().intact
    store.close()


def test_killed_senders_and_lost_answers_give_one_order_per_key(tmp_path: Path, erp: tuple[str, Path]) -> None:
    deliver_through_crashes(f"sqlite:///{tmp_path}/store.db", erp, "sqlite", 12)


@pytest.mark.postgres
def test_the_same_holds_on_postgresql(postgres_url: str, erp: tuple[str, Path]) -> None:
    deliver_through_crashes(postgres_url, erp, "postgres", 8)


@pytest.mark.postgres
def test_postgresql_keeps_the_audit_and_one_open_recommendation(postgres_url: str) -> None:
    store, engine = Store(postgres_url), create_engine(postgres_url)
    store.migrate()
    if not store.recommendations():
        fill(store, "works", 1)
    copy = (
        "INSERT INTO recommendations (key, site_id, machine_id, slot, failure_mode, episode, state, detail, "
        "document, request, updates, created_at, updated_at) SELECT 'other', site_id, machine_id, slot, "
        "failure_mode, 2, state, detail, document, request, updates, created_at, updated_at "
        "FROM recommendations LIMIT 1"
    )
    for statement, message in (
        (copy, "one_open_per_failure_mode"),
        ("UPDATE audit SET actor = 'nobody'", "append-only"),
        ("DELETE FROM audit", "append-only"),
    ):
        with pytest.raises(DBAPIError, match=message), engine.begin() as connection:
            connection.execute(text(statement))
    assert store.verify_audit().intact
    engine.dispose()
    store.close()


@pytest.mark.postgres
def test_postgresql_keeps_codes_of_an_order_however_many(postgres_url: str) -> None:
    store, told = Store(postgres_url), "; ".join(f"code_{number}=ZX-{number:06}" for number in range(20))
    store.migrate()
    change = OrderChange("77", "", "77:" + "S" * 200, OrderState.CLOSED, "S" * 200, T, raw_outcome=told)
    assert store.changes.record("sap", change, event=None, now=T)
    store.close()


def propose_at_once(url: str, site: str) -> None:
    """Six processes want the same ten, the budget allows four, and the audit is read meanwhile."""
    store = Store(url)
    store.migrate()
    before = store.deliveries.counts().get("queued", 0)
    command = [sys.executable, str(PROPOSER), url, site, "10", "4"]
    writers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(6)]
    while any(writer.poll() is None for writer in writers):
        assert store.verify_audit().intact
        time.sleep(0.02)
    assert [writer.returncode for writer in writers] == [0] * 6
    held = [one for one in store.recommendations() if one.site_id == site]
    assert sorted(one.state for one in held) == ["queued"] * 4 + ["suppressed"] * 6
    assert store.deliveries.counts()["queued"] - before == 4
    proposals = [row for row in store.audit_rows(limit=10_000) if row.action == "recommendation.proposed"]
    assert len({row.subject for row in proposals}) == len(proposals)
    assert store.verify_audit().intact
    store.close()


def test_processes_that_propose_at_once_make_one_each_within_the_budget(tmp_path: Path) -> None:
    propose_at_once(f"sqlite:///{tmp_path}/store.db", "north")


@pytest.mark.postgres
def test_processes_that_propose_at_once_do_so_on_postgresql(postgres_url: str) -> None:
    propose_at_once(postgres_url, "south")


@pytest.mark.postgres
def test_postgresql_without_tables_says_what_to_do(postgres_url: str) -> None:
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE empty"))
    engine.dispose()
    empty = Store(postgres_url.replace("/postgres?", "/empty?"))
    with pytest.raises(ConfigError, match="migrate"):
        empty.recommendations()
    empty.close()
