"""`wearcast erp check`, `assets` and `test-order` as a person types them, against every ERP."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from features.core.clock import SystemClock
from serving.commands import erp
from serving.store import Store
from tests.standins.peer import Peer, Vendor

PLANT = """
component_classes: [{{id: bearing}}]
sites:
  - id: works
    machines:
      - id: P101
        functional_location: {location}
        equipment_number: {equipment}
        components: [{{slot: DE, component_class: bearing}}]
        measuring_points: [{{id: v, role: vibration, quantity: temperature, unit: K}}]
"""
SECRET = "a secret for tests"
Run = Callable[..., Result]


@pytest.fixture
def folder(world: tuple[Vendor, Peer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose one machine is an asset that the ERP knows."""
    location, equipment = (json.dumps(name) for name in world[0].place)
    (tmp_path / "plant.yaml").write_text(PLANT.format(location=location, equipment=equipment))
    written(tmp_path, world[1])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, peer: Peer, **changed: object) -> None:
    """`serving.toml` as a person would write it."""
    told = peer.settings.model_dump(mode="json", exclude_defaults=True) | changed
    if peer.settings.secret is not None:
        file = folder / "secret"
        file.touch(0o600)
        file.write_text(peer.settings.secret.get_secret_value())
        told |= {"secret_file": str(file)}
        del told["secret"]
    lines = [f"{name} = {toml(value)}" for name, value in told.items()]
    head = f'plant = "plant.yaml"\nstore = "sqlite:///{folder}/s.db"\n[erp]\nassets = "{folder}/assets.yaml"\n'
    (folder / "serving.toml").write_text(head + "\n".join(lines) + "\n")


def toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(name))} = {toml(held)}" for name, held in value.items()) + "}"
    return json.dumps(value)


@pytest.fixture
def run(folder: Path) -> Run:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(erp.app, list(words))

    return invoke


def told(result: Result, exit_code: int = 0) -> Any:  # Any: a JSON document
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def left_open(peer: Peer, key: str) -> list[str]:
    return [str(order.number) for order in peer.orders.keys(key) if not order.state.is_terminal]


def test_check_finds_all_that_is_needed_and_says_so(peer: Peer, run: Run) -> None:
    facts = told(run("check", "--json"))
    assert (facts["usable"], facts["connection"]) == (True, peer.orders.name)
    assert {row["severity"] for row in facts["findings"]} <= {"ok", "warning"}
    shown = run("check")
    assert shown.exit_code == 0
    assert facts["line"] in " ".join(shown.stderr.split("\n"))


# Kind -> what is wrong (Any: values of settings) in its settings, and the word that tells it.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "dynamics365": ({"options": {"key_column": "msdyn_none"}}, "msdyn_none"),
    "erpnext": ({"options": {"key_field": "no_such_field"}}, "no_such_field"),
    "maximo": ({"options": {"key_field": "nofield"}}, "nofield"),
    "odoo": ({"options": {"code_fields": {"cause": "x_none"}}}, "x_none"),
    "rest": ({"url": "/nowhere"}, "can be read"),
    "sap_s4": ({"options": {"notification_service": "sap/opu/odata/sap/API_NONE"}}, "API_NONE"),
    "webhook": ({"url": "/nowhere"}, "erp.url"),
}


def test_check_names_what_is_missing_before_anything_is_written(
    world: tuple[Vendor, Peer], peer: Peer, run: Run, folder: Path
) -> None:
    if world[0].kind not in WRONG:
        pytest.skip("nothing can be missing there")
    changed, word = WRONG[world[0].kind]
    held = peer.settings
    if "options" in changed:
        written(folder, peer, options=held.options | changed["options"])
    else:
        written(folder, peer, url=f"{held.url.rstrip('/')}{changed['url']}/")
    result = run("check", "--json")
    assert result.exit_code in (1, 2)
    assert word in result.stdout + result.stderr
    if result.exit_code == 1:
        facts = told(result, 1)
        assert not facts["usable"]
        assert word in repr([row for row in facts["findings"] if row["severity"] == "error"])


def test_check_tells_once_that_the_clocks_differ(faulty: Peer, run: Run) -> None:
    assert faulty.standin is not None
    ahead = SystemClock().now() + dt.timedelta(minutes=2)
    faulty.standin.faults(now=ahead.isoformat())
    facts = told(run("check", "--json"))
    assert abs(facts["clock_skew_s"] - 120) < 30
    (clock,) = [row for row in facts["findings"] if row["what"] == "clock"]
    assert (clock["severity"], "NTP" in clock["says"]) == ("warning", True)


def test_test_order_passes_and_leaves_nothing_open(peer: Peer, run: Run, folder: Path) -> None:
    facts = told(run("test-order", "--yes", "--json"))
    steps = [step["step"] for step in facts["steps"]]
    assert (facts["passed"], facts["remains"], left_open(peer, facts["key"])) == (True, [], [])
    assert steps[:2] == ["create", "find"]
    assert ("annotate" in steps) == peer.orders.capabilities.notes
    assert "cancel" in steps
    rows = Store(f"sqlite:///{folder}/s.db").audit_rows()
    assert "erp.test_order" in [row.action for row in rows]
    assert any(row.action == "exchange.create" for row in rows) or peer.standin is None
    assert SECRET not in repr(rows)


def test_test_order_that_is_kept_is_named_and_stays(peer: Peer, run: Run) -> None:
    shown = run("test-order", "--yes", "--keep")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == ""
    number = shown.stderr.partition("keep: order ")[2].split()[0]
    key = next(word for word in shown.stderr.split() if word.startswith("WT-"))
    if peer.orders.name != "memory":
        assert left_open(peer, key) == [number]
        peer.orders.cancel(number, "enough")


@pytest.mark.parametrize("fault", ["lose_answers", "server_errors", "locked"])
def test_test_order_that_fails_says_what_remains(faulty: Peer, run: Run, fault: str) -> None:
    assert faulty.standin is not None
    faulty.standin.faults(**{fault: 1.0})
    result = run("test-order", "--yes", "--json")
    faulty.standin.faults()
    facts = told(result, 2)
    assert (facts["passed"], facts["steps"][-1]["step"]) == (False, "failed")
    assert facts["remains"] == left_open(faulty, facts["key"])
    assert all(number in result.stderr for number in facts["remains"])
    assert SECRET not in result.output


def test_test_order_in_an_outage_says_that_what_remains_is_not_known(faulty: Peer, run: Run) -> None:
    assert faulty.standin is not None
    faulty.standin.faults(outage=True)
    result = run("test-order", "--yes", "--json")
    faulty.standin.faults()
    facts = told(result, 2)
    assert facts["remains"] is None
    assert facts["key"] in result.stderr
    assert left_open(faulty, facts["key"]) == []


def test_wrong_secret_is_a_matter_of_configuration(
    world: tuple[Vendor, Peer], peer: Peer, run: Run, folder: Path
) -> None:
    if not world[0].wrong_secret:
        pytest.skip("this ERP has no secret")
    (folder / "secret").write_text("wrong")
    checked = run("check", "--json")
    assert checked.exit_code in (1, 2)
    assert "ConfigError" in checked.stderr or not told(checked, 1)["usable"]
    # Some ask a refused user to wait before it is refused again.
    result = run("test-order", "--yes", "--json")
    assert not told(result, 2)["passed"]
    assert any(name in result.stderr for name in ("ConfigError", "come back later"))


def test_assets_are_read_matched_and_validated(
    world: tuple[Vendor, Peer], peer: Peer, run: Run, folder: Path
) -> None:
    location, equipment = world[0].place
    if peer.orders.name == "memory":
        pytest.skip("another process's memory")
    # Some tell of an asset only once there is an order for it.
    peer.planner.own_order(location, equipment)
    assert told(run("assets", "sync", "--json"))["assets"] >= 1
    (proposal,) = told(run("assets", "match", "--json"))["assets"]
    assert proposal["confidence"] == 1.0
    (confirmed,) = told(run("assets", "match", "--confirm", f"P101={equipment or location}", "--json"))["assets"]
    assert confirmed["confirmed"]
    assert told(run("assets", "validate", "--json")) == {"findings": []}
    (folder / "plant.yaml").write_text((folder / "plant.yaml").read_text().replace("P101", "P999"))
    result = run("assets", "validate")
    assert (result.exit_code, "P101" in result.stdout) == (1, True)
