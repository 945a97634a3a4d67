"""The benchmark on a few engines: one JSON object, every figure there, looks counted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PUBLIC_DATA", "../shared/data")) / "cmapss"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs the public data folder")


def run(folder: Path) -> dict[str, dict[str, float]]:
    command = [sys.executable, str(ROOT / "tests/benchmarks/cmapss.py"), "--data", str(folder), "--seeds", "1"]
    command += ["--looks", str(folder / "looks"), "--json"]
    found: dict[str, dict[str, float]] = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, timeout=300).stdout
    )
    return found


def test_a_small_fleet_is_learnt_from_and_its_test_engines_are_looked_at(tmp_path: Path) -> None:
    for part in ("train", "test"):
        lines = (DATA / f"{part}_FD001.txt").read_text().splitlines(keepends=True)
        few = [line for line in lines if int(line.split()[0]) <= 24]
        (tmp_path / f"{part}_FD001.txt").write_text("".join(few))
    truth = (DATA / "RUL_FD001.txt").read_text().splitlines(keepends=True)[:24]
    (tmp_path / "RUL_FD001.txt").write_text("".join(truth))

    figures = run(tmp_path)["figures"]

    assert figures["cv_rmse_clip"] < 0.5 * figures["cv_baseline_constant_rmse"]
    assert 0.6 < figures["cv_coverage80"] < 0.95
    assert (figures["units_test"] + figures["refused"], figures["test_looks"]) == (24, 1)
    assert figures["test_coverage80_low"] < figures["test_coverage80"] < figures["test_coverage80_high"]
