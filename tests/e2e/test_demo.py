"""The whole walk: historian row to ERP order and back, over a real HTTP ERP process; then real bearings."""

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from features.core.lake import Lake
from features.core.tables import MAINTENANCE_EVENTS, PREDICTIONS
from pipelines.demo.home import DEMO_NOW, demo_settings, read_facts, renew
from pipelines.demo.report import FACTS, finish
from pipelines.demo.simulated import learn
from pipelines.walk import Walk
from serving.demo.orders import decide_and_order
from serving.store import Store

ROOT = Path(__file__).parents[2]
TINY = ROOT / "data" / "simulator" / "tiny.yaml"
FEMTO = Path(os.environ.get("PUBLIC_DATA", ROOT.parent / "shared" / "data")) / "femto"


@contextmanager
def _silent(title: str) -> Iterator[Callable[[float, str], None]]:
    yield lambda share, word: None


def _walk(home: Path, femto: Path | None) -> str:
    """Runs the demo's three steps and gives what people read of them."""
    text = io.StringIO()
    people = Console(file=text, width=150)
    learn(people, _silent, femto, home=home, simulator=TINY)
    decide_and_order(people, now=DEMO_NOW, home=home)
    finish(people, as_json=False, home=home, simulator=TINY)
    return text.getvalue()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder after all steps on a tiny plant."""
    folder = tmp_path_factory.mktemp("demo") / "home"
    (folder.parent / "said.txt").write_text(_walk(folder, None), encoding="utf-8")
    return folder


def test_all_facts_are_told(home: Path) -> None:
    facts = read_facts(home)
    assert set(FACTS) <= set(facts)
    assert min(facts[name] for name in ("rows", "waveforms", "feature_rows", "lives", "quarantined")) > 0
    assert facts["cv_error"] < facts["cv_error_baseline"]


def test_one_order_has_the_erp_s_number_and_came_back(home: Path) -> None:
    facts = read_facts(home)
    store = Store(f"sqlite:///{home}/store.db")
    try:
        sent = [r for r in store.recommendations() if r.order_number is not None]
        assert [r.order_number for r in sent] == [facts["order_number"]]
        assert sent[0].state == "completed"
        assert store.verify_audit().intact
    finally:
        store.close()
    events = Lake(home / "lake").read(MAINTENANCE_EVENTS).filter(pl.col("order_key") == sent[0].key).collect()
    assert events["source"].to_list() == ["erp:webhook:127.0.0.1"]
    assert facts["life_ended_by_event"] is True


def test_every_component_has_a_statement_with_a_number_or_a_reason(home: Path) -> None:
    said = Lake(home / "lake").read(PREDICTIONS).collect()
    walk = Walk.open(demo_settings(home, TINY))
    assert said.height == sum(len(machine.components) for machine in walk.plant.machines)
    has_number, has_reason = said["p50"].is_not_null(), said["refusal"].is_not_null()
    assert (has_number != has_reason).all()


def test_bounds_are_only_told_by_calibrated_models(home: Path) -> None:
    said = Lake(home / "lake").read(PREDICTIONS).filter(pl.col("p50").is_not_null()).collect()
    assert (said["p10"].is_not_null() == said["calibrated"]).all()
    assert set(said["component_class"]) == {"rolling_bearing", "winding", "gear"}


def test_log_leads_from_the_ingested_rows_to_the_order(home: Path) -> None:
    lines = [json.loads(line) for line in (home / "demo.log.jsonl").read_text(encoding="utf-8").splitlines()]
    events = [line["event"] for line in lines]
    assert ["ingest.finished" in events, "training.finished" in events, "plan.finished" in events] == [True] * 3
    order = read_facts(home)["order_number"]
    assert any(order in str(line) for line in lines)


def test_secret_stands_in_no_output(home: Path) -> None:
    secret = (home / "erp.secret").read_text(encoding="utf-8")
    files = [path for path in home.rglob("*") if path.is_file() and path.name != "erp.secret"]
    assert len(files) > 20
    assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_demo_refuses_to_empty_a_folder_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(FileExistsError, match="was not made by the demo"):
        renew(tmp_path)
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.public_data
@pytest.mark.skipif(not FEMTO.is_dir(), reason=f"no FEMTO data at {FEMTO}; set PUBLIC_DATA")
def test_real_bearings_are_inspected_late_in_life_and_never_early(tmp_path: Path) -> None:
    _walk(tmp_path / "home", FEMTO)
    bearings: list[dict[str, Any]] = read_facts(tmp_path / "home")["femto"]
    shares = {row["bearing"]: row["first_request_share"] for row in bearings}
    assert len(shares) == 6
    assert all(share is None or share >= 0.30 for share in shares.values()), shares
    assert sum(share is not None and 0.50 <= share <= 0.97 for share in shares.values()) >= 4, shares
    assert {row["first_request_action"] for row in bearings if row["first_request_share"]} == {"inspect"}
    assert {row["requests"] for row in bearings} == {1}
    assert all(row["order_number"] for row in bearings)
