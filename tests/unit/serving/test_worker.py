import datetime as dt
import json
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from features.core.clock import DemoClock
from features.core.errors import ConfigError, DamagedArtefactError, ErpUnavailableError
from features.core.lake import Lake
from features.core.plant import Plant
from serving.erp.memory import MemoryErp
from serving.orders import OrderChange
from serving.outbox import delivery_rules
from serving.store import Store
from serving.worker import Worker, fetch_champions

T = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Version:
    name: str
    version: str


class DamagedRegistry:
    """Knows one champion, whose artefact is damaged."""

    def champion(self, name: str) -> Version | None:
        return Version(name, "2") if name == "wearcast-rul-bearing" else None

    def download(self, version: Version, folder: Path) -> Path:
        raise DamagedArtefactError("digest of forest_p10.txt is wrong")


class CountingErp(MemoryErp):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(DemoClock(T))
        self._error, self.asked = error, 0

    def changes(self, since: dt.datetime) -> list[OrderChange]:
        self.asked += 1
        if self._error is not None:
            raise self._error
        return super().changes(since)


def worker_of(tmp_path: Path, erp: MemoryErp, pause_s: float = 0.01) -> Worker:
    point = {"id": "v", "role": "vibration", "quantity": "temperature", "unit": "K"}
    machine = {
        "id": "P101",
        "components": [{"slot": "DE", "component_class": "bearing"}],
        "measuring_points": [point],
    }
    plant = Plant.model_validate(
        {"component_classes": [{"id": "bearing"}], "sites": [{"id": "works", "machines": [machine]}]}
    )
    store = Store(f"sqlite:///{tmp_path}/store.db")
    store.migrate()
    return Worker(Lake(tmp_path / "lake"), plant, store, erp, DemoClock(T), pause_s)


def test_unavailable_erp_is_asked_again_in_the_next_round(tmp_path: Path) -> None:
    erp = CountingErp(ErpUnavailableError("down"))
    worker = worker_of(tmp_path, erp)
    for _ in range(3):
        worker.round()
    assert erp.asked == 3
    worker.store.close()


def test_round_after_an_outage_reads_again_though_nothing_is_to_send(tmp_path: Path) -> None:
    erp = CountingErp()
    worker = worker_of(tmp_path, erp)
    worker.wall = wall = DemoClock(T)
    for _ in range(5):
        worker.store.brakes.failed(erp.name, "down", wall=T)
    worker.round()
    assert erp.asked == 0
    wall.move_to(T + dt.timedelta(seconds=61))
    worker.round()
    assert erp.asked == 1
    assert worker.store.brakes.breaker(erp.name).failures == 0
    worker.store.close()


def test_erp_that_refuses_our_credentials_is_left_alone(tmp_path: Path) -> None:
    erp = CountingErp(ConfigError("401"))
    worker = worker_of(tmp_path, erp)
    for _ in range(3):
        worker.round()
    assert erp.asked == 1
    worker.store.close()


def test_loop_ends_soon_after_stop(tmp_path: Path) -> None:
    worker = worker_of(tmp_path, CountingErp(), pause_s=60.0)
    thread = threading.Thread(target=worker.run)
    thread.start()
    worker.stop()
    thread.join(20)
    assert not thread.is_alive()
    worker.store.close()


def test_fetching_champions_that_fails_does_not_end_the_round(tmp_path: Path) -> None:
    erp = CountingErp()
    worker = worker_of(tmp_path, erp)
    worker.fetch = (sys.executable, "-c", "raise SystemExit(3)")
    worker.round()
    assert erp.asked == 1
    worker.store.close()


def test_damaged_champion_is_refused_and_the_one_in_place_stays(tmp_path: Path) -> None:
    held = tmp_path / "wearcast-rul-bearing"
    held.mkdir()
    (held / "version.json").write_text(json.dumps({"name": "wearcast-rul-bearing", "version": "1"}))
    assert fetch_champions(DamagedRegistry(), ["bearing", "gear"], tmp_path) == []
    assert json.loads((held / "version.json").read_text())["version"] == "1"


def test_champion_in_place_is_not_fetched_again(tmp_path: Path) -> None:
    held = tmp_path / "wearcast-rul-bearing"
    held.mkdir()
    (held / "version.json").write_text(json.dumps({"name": "wearcast-rul-bearing", "version": "2"}))
    assert fetch_champions(DamagedRegistry(), ["bearing"], tmp_path) == []
    assert not (tmp_path / ".wearcast-rul-bearing.new").exists()


@pytest.mark.parametrize("timeout_s", [0.1, 10.0, 120.0])
def test_lease_is_longer_than_twice_the_timeout(timeout_s: float) -> None:
    assert delivery_rules(timeout_s).lease.total_seconds() > 2 * timeout_s
