"""A running API: a real process on a free loopback port, over a plant with a lake, a store and a champion."""

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
import yaml

from features.compute import compute, installations_of
from features.core.lake import Lake, Watermark
from features.core.plant import Plant
from features.core.statements import Action, Evidence, HealthState, Prediction, Recommendation, Rung
from features.core.tables import FEATURE_ROWS, MAINTENANCE_EVENTS, MEASUREMENTS, PREDICTIONS, WAVEFORMS, Table
from features.registry import feature_set
from features.rul.artefact import Artefact, Calibration, Domain, save
from features.rul.rows import to_row
from serving.orders import MaintenanceRequest
from serving.store import Store

NOW = dt.datetime(2026, 1, 25, 6, 0, tzinfo=dt.UTC)
START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
GRID = dt.timedelta(hours=12)
SCRIPT = """
import sys
from pathlib import Path
from serving.app import main
from serving.settings import ServingSettings
main(ServingSettings.read(), port_file=Path(sys.argv[1]))
"""


def _machine(machine_id: str) -> dict[str, Any]:
    return {
        "id": machine_id,
        "name": f"Pump {machine_id}",
        "machine_class": "pump",
        "criticality": "A",
        "grid": "12h",
        "speed": {"hz": 25.0},
        "components": [
            {"slot": "DE-bearing", "component_class": "rolling_bearing", "installed": "2026-01-05T00:00:00Z"}
        ],
        "measuring_points": [
            {
                "id": "vib",
                "role": "vibration_h",
                "quantity": "acceleration",
                "unit": "g",
                "kind": "waveform",
                "sample_rate_hz": 2048.0,
                "tags": {"memory": f"{machine_id}.vib"},
            },
            {
                "id": "temp",
                "role": "bearing_temperature",
                "quantity": "temperature",
                "unit": "degC",
                "limits": {"low": -50.0, "high": 300.0},
                "tags": {"memory": f"{machine_id}.temp"},
            },
        ],
    }


PLANT_DOCUMENT: dict[str, Any] = {
    "component_classes": [{"id": "rolling_bearing", "memory": ["2d", "7d"], "baseline": "5d"}],
    "sites": [
        {
            "id": "north",
            "name": "North works",
            "time_zone": "Europe/Berlin",
            "machines": [_machine("P1"), _machine("P2"), _machine("P3")],
        }
    ],
}


@dataclass(frozen=True)
class Api:
    """A running API, how to reach it, and what it reads from."""

    url: str
    token: str
    folder: Path
    process: subprocess.Popen[str]
    plant: Plant
    lake: Lake

    @property
    def headers(self) -> dict[str, str]:
        """With the bearer token."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def now(self) -> dt.datetime:
        """Where the replayed time of the API began."""
        return NOW

    def log(self) -> str:
        """What the process wrote so far."""
        return (self.folder / "log").read_text(encoding="utf-8")


def _stamp(machine_id: str, point: str, time_: dt.datetime) -> dict[str, Any]:
    return {
        "group": "area-1",
        "date": time_.date(),
        "machine_id": machine_id,
        "point_id": point,
        "source": "memory",
        "time": time_,
        "available_at": time_,
        "revision": 1,
        "quality": 2,
        "status": 192,
        "origin": "live",
    }


def _write_raw(lake: Lake) -> None:
    seconds, values, waves = np.arange(1024) / 2048.0, [], []
    for machine, loud in (("P1", 1.0), ("P2", 0.3)):
        for step in range(40):
            end, strength = START + (step + 1) * GRID, loud * (1.0 + step / 20)
            sine = strength * np.sin(2 * np.pi * 25.0 * seconds) + 0.1 * np.sin(2 * np.pi * 437.0 * seconds + step)
            raw = sine.astype("<f4").tobytes()
            wave = {"sample_rate_hz": 2048.0, "samples": 1024, "speed_hz": None, "wave": raw}
            waves.append(_stamp(machine, "vib", end) | wave | {"sha256": hashlib.sha256(raw).hexdigest()})
            for hour in range(0, 12, 3):
                value = 320.0 + loud * step / 4 + hour / 10
                values.append(_stamp(machine, "temp", end - GRID + dt.timedelta(hours=hour)) | {"value": value})
    lake.append(WAVEFORMS, WAVEFORMS.frame(waves), writer="ingest")
    mark = Watermark("memory", "area-1", NOW)
    lake.append(MEASUREMENTS, MEASUREMENTS.frame(values), writer="ingest", watermark=mark)


def _raw(lake: Lake, of: Table) -> pl.DataFrame:
    return lake.read(of, machine_ids=["P1"]).collect()


def batch_rows(lake: Lake, plant: Plant, as_of: dt.datetime) -> pl.DataFrame:
    """Feature rows of P1 in one batch over everything."""
    machine = plant.machine("P1")
    component = machine.components[0]
    installations = installations_of(MAINTENANCE_EVENTS.empty(), machine, component)
    return compute(
        plant,
        machine,
        component,
        measurements=_raw(lake, MEASUREMENTS),
        waveforms=_raw(lake, WAVEFORMS),
        installations=installations,
        as_of=as_of,
    )


def _write_predictions(lake: Lake, plant: Plant) -> None:
    rows = []
    for machine_id, state, left in (
        ("P1", HealthState.MAINTENANCE_REQUIRED, 200.0),
        ("P2", HealthState.NORMAL, 2000.0),
    ):
        machine = plant.machine(machine_id)
        for day in range(10):
            as_of = NOW - dt.timedelta(days=9 - day)
            p50 = left + 20.0 * (9 - day)
            statement = Prediction(
                component_id=f"{machine_id}/DE-bearing",
                as_of=as_of,
                data_time=as_of,
                life_number=1,
                life_unit="running_h",
                rung=Rung.CALIBRATED_RUL,
                mean=p50,
                p10=p50 * 0.6,
                p50=p50,
                p90=p50 * 1.5,
                calibrated=True,
                calibration_units=25,
                health_state=state,
                condition_index=2.0,
                model_name="wearcast-rul-rolling_bearing",
                model_version="1",
                fingerprint="0",
                evidence=(Evidence("vibration_h.rms_m_s2", 6.0, 2.0, "m/s^2"),),
            )
            rows.append(
                to_row(
                    statement,
                    machine=machine,
                    component=machine.components[0],
                    life_number=1,
                    model_name="wearcast-rul-rolling_bearing",
                    model_version="1",
                    fingerprint="0",
                    utilisation=0.5,
                    available_at=as_of,
                )
            )
    lake.append(PREDICTIONS, PREDICTIONS.frame(rows), writer="scoring")


def artefact(plant: Plant) -> Artefact:
    """A small calibrated model: what is left falls with vibration."""
    import lightgbm

    names = feature_set(plant, "rolling_bearing")
    inputs = ("vibration_h.rms_m_s2", "bearing_temperature.level_k")
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.uniform(0.0, 3.0, 300), rng.uniform(300.0, 350.0, 300)])
    data = lightgbm.Dataset(x, 1000.0 - 250.0 * x[:, 0])
    options = {"objective": "l2", "num_leaves": 7, "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    text = lightgbm.train(options, data, num_boost_round=20).model_to_string()
    return Artefact(
        name="wearcast-rul-rolling_bearing",
        component_class="rolling_bearing",
        life_unit="running_h",
        rul_cap=1000.0,
        fingerprint=names.fingerprint,
        feature_names=names.names,
        inputs=inputs,
        base={},
        forests=dict.fromkeys(("mean", "p10", "p50", "p90"), text),
        calibration=Calibration(units=25, calibrated=True, low=(100.0,), high=(100.0,)),
        domain=Domain(),
        condition=None,
        class_prior={},
        trained_units=25,
        failed_units=25,
        as_of="2026-01-01T00:00:00Z",
        table_versions={},
        min_rows=3,
        on_mean=(),
    )


def lay_champion(folder: Path, plant: Plant, version: str) -> None:
    """As the worker lays a champion: the artefact, and `version.json` last."""
    model = artefact(plant)
    save(model, folder / model.name)
    draft = folder / model.name / "version.json.draft"
    draft.write_text(json.dumps({"name": model.name, "version": version}), encoding="utf-8")
    draft.replace(folder / model.name / "version.json")


def _propose(store: Store, machine_id: str, key: str) -> None:
    recommendation = Recommendation(
        machine_id=machine_id,
        slot="DE-bearing",
        action=Action.REPLACE,
        failure_mode="rolling_bearing",
        priority=1,
        reason="The bearing will probably fail between 2 and 10 Feb (P10 to P90).",
        as_of=NOW,
        due=NOW + dt.timedelta(days=5),
        window_id="saturday",
        window_start=NOW + dt.timedelta(days=4),
        part_number="6205",
        cost_of_waiting=1200.0,
        currency="EUR",
        rung=Rung.CALIBRATED_RUL,
    )
    request = MaintenanceRequest(
        key=key,
        site_id="north",
        machine_id=machine_id,
        slot="DE-bearing",
        functional_location="",
        equipment_number="",
        action=Action.REPLACE,
        failure_mode="rolling_bearing",
        priority=1,
        title="Replace DE-bearing",
        text="",
        due=recommendation.due,
    )
    assert store.propose(recommendation, request, episode=1, now=NOW) is not None


def _prepare(folder: Path) -> tuple[Plant, Lake]:
    plant, lake = Plant.model_validate(PLANT_DOCUMENT), Lake(folder / "lake")
    (folder / "plant.yaml").write_text(yaml.safe_dump(PLANT_DOCUMENT), encoding="utf-8")
    _write_raw(lake)
    rows = batch_rows(lake, plant, NOW - dt.timedelta(days=5))
    lake.upsert(FEATURE_ROWS, rows, writer="scoring")
    _write_predictions(lake, plant)
    lay_champion(folder / "champion", plant, "1")
    store = Store(f"sqlite:///{folder}/store.db")
    store.migrate()
    _propose(store, "P1", "WC-AAAAAAAAAAAAAAAAA")
    _propose(store, "P2", "WC-BBBBBBBBBBBBBBBBB")
    store.close()
    # Time as good as stands still, so that ages of data do not depend on how fast the test is.
    replay = {"real_start": dt.datetime.now(dt.UTC).isoformat(), "replay_start": NOW.isoformat(), "speed": 0.001}
    (folder / "replay.json").write_text(json.dumps(replay), encoding="utf-8")
    return plant, lake


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One API for the tests of a module."""
    folder = tmp_path_factory.mktemp("api")
    plant, lake = _prepare(folder)
    settings = {
        "PLANT": "plant.yaml",
        "LAKE": "lake",
        "STORE": "sqlite:///store.db",
        "CHAMPION": "champion",
        "TOKEN_FILE": "token",
        "PORT": "0",
        "REPLAY": "replay.json",
        "LOG_FORMAT": "json",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WEARCAST_")}
    environment |= {f"WEARCAST_SERVING_{name}": value for name, value in settings.items()}
    with (folder / "log").open("w", encoding="utf-8") as log, (folder / "out").open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "port"], cwd=folder, env=environment, stdout=out, stderr=log, text=True
        )
    try:
        url = f"http://127.0.0.1:{_wait_for_port(folder, process)}"
        said = (folder / "out").read_text(encoding="utf-8")
        token = said.split("shown this once: ")[1].split()[0]
        yield Api(url, token, folder, process, plant, lake)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for_port(folder: Path, process: subprocess.Popen[str]) -> int:
    until = time.monotonic() + 60.0
    while time.monotonic() < until:
        if (folder / "port").exists():
            return int((folder / "port").read_text(encoding="ascii"))
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the API did not start: {(folder / 'log').read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    """With the bearer token."""
    with httpx.Client(base_url=api.url, headers=api.headers, timeout=30.0) as opened:
        yield opened


@pytest.fixture
def stranger(api: Api) -> Iterator[httpx.Client]:
    """Without any token."""
    with httpx.Client(base_url=api.url, timeout=30.0) as opened:
        yield opened
