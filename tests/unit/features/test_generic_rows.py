"""Chosen calculators in feature rows: in a copy of the package whose `chosen.json` names some."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
CHOSEN: dict[str, Any] = {
    "classes": {
        "c": {
            "chosen_on": "2026-01-01",
            "as_of": "2026-01-01T00:00:00Z",
            "data": "0" * 16,
            "tsfresh": "0.21.2",
            "fdr_level": 0.01,
            "lives": 20,
            "failed_lives": 20,
            "windows_per_life": 3,
            "tested": 100,
            "relevant": 2,
            "features": [
                {"level": "flow.level", "span": "6h", "calculator": "maximum", "p_value": 0.001},
                {
                    "level": "flow.level",
                    "span": "6h",
                    "calculator": "quantile",
                    "parameters": {"q": 0.5},
                    "p_value": 0.001,
                },
                {"level": "power.level", "span": "6h", "calculator": "maximum", "p_value": 0.001},
            ],
        }
    }
}
SCRIPT = """
import datetime as dt, json, sys
import numpy as np, polars as pl
from features.compute import compute, matrix
from features.core.clock import EARLIEST
from features.core.plant import Plant
from features.core.tables import MEASUREMENTS, WAVEFORMS
from features.registry import feature_set

START, HOUR, N = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.timedelta(hours=1), 40
points = [{"id": r, "role": r, "quantity": "other", "unit": "1"} for r in ("flow", "power")]
def plant_of(class_id):
    slot = {"slot": "S", "component_class": class_id, "installed": START.isoformat()}
    machine = {"id": "M", "grid": "1h", "components": [slot], "measuring_points": points}
    of_class = {"id": class_id, "memory": ["6h"], "baseline": "6h"}
    return Plant.model_validate({"component_classes": [of_class], "sites": [{"id": "s", "machines": [machine]}]})
rows = [
    {"group": "g", "date": (START + k * HOUR).date(), "machine_id": "M", "point_id": p, "source": "t",
     "time": START + k * HOUR, "available_at": START + k * HOUR, "revision": 0, "quality": 2, "status": 0,
     "origin": "live", "value": float((7 * k) % 11 + (100 if p == "power" else 0))}
    for k in range(N) for p in ("flow", "power") if not (p == "flow" and k == 20)
]
measured = MEASUREMENTS.frame(rows)
moments = {"installed_at": pl.Datetime("us", "UTC"), "available_at": pl.Datetime("us", "UTC")}
installed = pl.DataFrame({"installed_at": [START], "available_at": [EARLIEST]}, schema=moments)
def made(plant, **how):
    machine = plant.machines[0]
    return compute(plant, machine, machine.components[0], measurements=measured, waveforms=WAVEFORMS.empty(),
                   installations=installed, **how)
plant = plant_of("c")
names = feature_set(plant, "c").names
heavy = sorted({m.split(".")[0] for m in sys.modules} & {"pandas", "tsfresh", "statsmodels"})
def column(name):
    return [None if np.isnan(v) else v for v in matrix(whole)[:, names.index(name)].tolist()]
whole = made(plant, as_of=START + N * HOUR)
first = made(plant, as_of=START + 17 * HOUR)
rest = made(plant, as_of=START + N * HOUR, history=first, since=first["time"].max() + HOUR / 60)
print(json.dumps({
    "names": [n for n in names if "maximum" in n or "quantile" in n],
    "other": [n for n in feature_set(plant_of("d"), "d").names if "maximum" in n],
    "values": {n: column(n) for n in names if "maximum" in n},
    "refusals": whole["refusals"].to_list(),
    "same": bool(np.allclose(matrix(pl.concat([first, rest])), matrix(whole), 1e-9, 1e-9, equal_nan=True)),
    "heavy": heavy,
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "features", folder / "features", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "features" / "generic" / "chosen.json").write_text(json.dumps(CHOSEN), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_a_class_has_what_was_chosen_for_it_and_no_other_class_has(found: dict[str, Any]) -> None:
    assert found["names"] == ["flow.level.maximum_6h", "flow.level.quantile_q_0p5_6h", "power.level.maximum_6h"]
    assert found["other"] == []


def test_each_level_has_its_own_windows(found: dict[str, Any]) -> None:
    flow, power = (found["values"][f"{role}.level.maximum_6h"] for role in ("flow", "power"))
    assert flow[:5] == power[:5] == [None] * 5
    assert flow[5] == max((7 * k) % 11 for k in range(6))
    assert power[30] == 100 + max((7 * k) % 11 for k in range(25, 31))


def test_a_window_with_a_hole_is_refused_by_name(found: dict[str, Any]) -> None:
    flow = found["values"]["flow.level.maximum_6h"]
    assert flow[20:26] == [None] * 6
    assert flow[26] is not None
    assert "flow.level.maximum_6h: gap" in found["refusals"][23]
    assert "flow.level.maximum_6h: too_short" in found["refusals"][2]


def test_a_batch_and_parts_with_their_history_give_the_same_rows(found: dict[str, Any]) -> None:
    assert found["same"]


def test_nothing_heavy_is_loaded_to_compute_them(found: dict[str, Any]) -> None:
    assert found["heavy"] == []
