"""The commands `wearcast erp` and `wearcast audit`, as a person types them."""

import datetime as dt
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from serving.commands import audit, erp
from serving.store import IncidentKind, Store

NOW = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
PLANT = """
component_classes: [{id: bearing}]
sites:
  - id: works
    machines:
      - id: P101
        functional_location: W1-P101
        components: [{slot: DE, component_class: bearing}]
        measuring_points: [{id: v, role: vibration, quantity: temperature, unit: K}]
"""
Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plant.yaml").write_text(PLANT)
    settings(tmp_path, 'kind = "memory"\nmode = "approve"')
    return tmp_path


def settings(folder: Path, erp_lines: str) -> None:
    head = f'plant = "plant.yaml"\nstore = "sqlite:///{folder}/s.db"\nlake = "{folder}/lake"\n'
    (folder / "serving.toml").write_text(f"{head}[erp]\n{erp_lines}\n")


@pytest.fixture
def run(folder: Path) -> Run:
    def invoke(*words: str, app: Any = erp.app) -> Result:  # Any: a typer application
        return CliRunner().invoke(app, list(words))

    return invoke


@pytest.fixture
def store(folder: Path) -> Store:
    made = Store(f"sqlite:///{folder}/s.db")
    made.migrate()
    return made


def told(result: Result) -> Any:  # Any: a JSON document
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_kinds_are_listed(run: Run) -> None:
    assert {"sap_s4", "webhook"} <= {row["kind"] for row in told(run("kinds", "--json"))["kinds"]}


def test_check_that_goes_well_closes_the_breaker(run: Run, store: Store) -> None:
    store.brakes.refused("memory", "401", wall=NOW)
    assert told(run("check", "--json"))["usable"]
    assert not store.brakes.breaker("memory").needs_person


def test_proof_shows_each_step_and_leaves_an_audit_row(run: Run, store: Store) -> None:
    result = run("test-order", "--yes")
    assert result.exit_code == 0, result.output
    assert [step in result.stderr for step in ("create:", "find:", "annotate:", "cancel:")] == [True] * 4
    assert "erp.test_order" in [row.action for row in store.audit_rows()]


def test_proof_without_a_yes_writes_nothing(run: Run, store: Store) -> None:
    assert run("test-order").exit_code == 1
    assert store.audit_rows() == []


def test_proof_is_one_json_object_that_says_whether_it_passed_and_what_remains(run: Run) -> None:
    facts = told(run("test-order", "--yes", "--json"))
    assert (facts["connection"], facts["passed"], facts["remains"]) == ("memory", True, [])
    assert [step["step"] for step in facts["steps"]] == ["create", "find", "annotate", "cancel", "changes"]
    assert told(run("test-order", "--yes", "--json", "--keep"))["remains"] == ["4000000001"]


@pytest.mark.parametrize("site", ["works", "*"])
def test_proof_writes_nothing_for_a_stopped_site(run: Run, store: Store, site: str) -> None:
    run("stop", site, "--why", "drill")
    result = run("test-order", "--yes", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "stopped (drill)" in result.stderr
    assert "erp.test_order" not in [row.action for row in store.audit_rows()]


def test_proof_without_an_erp_or_a_mapped_machine_says_what_to_do(run: Run, folder: Path) -> None:
    assert "erp assets match" in run("test-order", "--yes", "--machine", "P999").stderr
    settings(folder, 'kind = "dry_run"')
    assert "erp.kind" in run("test-order", "--yes").stderr


def test_stop_needs_a_reason_and_is_seen_until_it_is_lifted(run: Run) -> None:
    assert run("stop", "works").exit_code == 2
    assert run("stop", "works", "--why", "drill").exit_code == 0
    assert told(run("status", "--json"))["sites"][0]["stopped"] == "drill"
    assert "again" in run("resume", "works").stderr
    assert told(run("status", "--json"))["sites"][0]["stopped"] == "no"
    assert "not stopped" in run("resume", "works").stderr


def test_a_stop_of_a_mistyped_site_is_refused(run: Run, store: Store) -> None:
    stopped = run("stop", "wroks", "--why", "drill")
    assert (stopped.exit_code, run("resume", "wroks").exit_code) == (2, 2)
    assert "did you mean 'works'" in stopped.stderr
    assert store.brakes.stopped() == []


def test_a_stop_works_although_the_plant_file_cannot_be_read(run: Run, folder: Path) -> None:
    (folder / "plant.yaml").write_text("sites: [")
    assert run("stop", "works", "--why", "drill").exit_code == 0
    assert "again" in run("resume", "works").stderr


def test_stop_of_all_is_a_stop_of_each(run: Run) -> None:
    run("stop", "*", "--why", "audit")
    assert told(run("status", "--json"))["sites"][0]["stopped"] == "audit"


def test_status_tells_mode_budget_breaker_and_outbox(run: Run, store: Store) -> None:
    for _ in range(5):
        store.brakes.failed("memory", "down", wall=NOW)
    facts = told(run("status", "--json"))
    assert (facts["breaker"], facts["outbox"], facts["incidents"]) == ("open: down", {}, 0)
    assert (facts["sites"][0]["mode"], facts["sites"][0]["this_week"]) == ("approve", "0 of 20")
    assert run("resume").exit_code == 0
    assert told(run("status", "--json"))["breaker"] == "closed"


def test_incident_is_listed_and_closed(run: Run, store: Store) -> None:
    store.incidents.open(IncidentKind.STORM, "works/bearing", "9 of 12", {}, now=NOW)
    assert [row["subject"] for row in told(run("incidents", "--json"))["incidents"]] == ["works/bearing"]
    assert told(run("incidents", "--close", "1", "--json"))["incidents"] == []
    assert "no open incident" in run("incidents", "--close", "1").stderr


@pytest.mark.parametrize("command", ["precision", "shadow", "reconcile"])
def test_nothing_yet_is_said_and_no_error(run: Run, command: str) -> None:
    assert run(command).exit_code == 0
    assert told(run(command, "--json")) is not None


def test_requeue_of_what_is_not_there_is_told(run: Run) -> None:
    result = run("requeue", "7")
    assert (result.exit_code, "no recommendation 7" in result.stderr) == (2, True)


def test_intact_audit_is_said_to_be(run: Run, store: Store) -> None:
    store.audit("officer", "drill", "works", {}, NOW)
    assert told(run("verify", "--json", app=audit.app)) == {
        "intact": True, "rows": 1, "broken_at": None, "message": "1 audit rows, chain intact"
    }  # fmt: skip


def test_listed_rows_tell_their_hash_for_a_copy_elsewhere(run: Run, store: Store) -> None:
    run("stop", "works", "--why", "drill")
    listed = told(run("list", "--json", app=audit.app))["audit"]
    assert [row["hash"] for row in listed] == [row.hash for row in store.audit_rows()]


def tamper(folder: Path, change: str) -> None:
    """What someone with the database's file can do: the triggers that forbid it go first."""
    with sqlite3.connect(folder / "s.db") as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(change)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET detail = '{}' WHERE id = 2",
        "UPDATE audit SET actor = 'nobody' WHERE id = 2",
        "UPDATE audit SET at = '2020-01-01 00:00:00' WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
    ],
)
def test_altered_audit_row_is_named(run: Run, store: Store, folder: Path, change: str) -> None:
    for number in range(3):
        store.audit("officer", "drill", "works", {"number": number}, NOW)
    tamper(folder, change)
    result = run("verify", app=audit.app)
    assert (result.exit_code, "audit row 2" in result.stderr) == (1, True)


def test_cut_audit_is_noticed(run: Run, store: Store, folder: Path) -> None:
    for number in range(3):
        store.audit("officer", "drill", "works", {"number": number}, NOW)
    tamper(folder, "DELETE FROM audit WHERE id = 3")
    assert "ends at row 2" in run("verify", app=audit.app).stderr


def test_audit_of_one_subject_is_listed(run: Run, store: Store) -> None:
    store.audit("officer", "drill", "works", {}, NOW)
    store.audit("officer", "drill", "mill", {}, NOW)
    rows = told(run("list", "--subject", "mill", "--json", app=audit.app))["audit"]
    assert [row["subject"] for row in rows] == ["mill"]
