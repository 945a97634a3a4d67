"""The benchmark on a few engines: one JSON object, every figure there, looks counted."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PUBLIC_DATA", "../shared/data")) / "cmapss"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs the public data folder")


def run(folder: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "tests/benchmarks/cmapss.py"), "--data", str(folder), "--seeds", "1"]
    command += ["--looks", str(folder / "looks"), "--json", *options]
    found: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, timeout=300).stdout
    )
    return found


def few(name: str, engines: int, folder: Path) -> None:
    lines = (DATA / name).read_text().splitlines(keepends=True)
    (folder / name).write_text("".join(line for line in lines if int(line.split()[0]) <= engines))


def test_a_small_fleet_is_learnt_from_and_its_test_engines_are_looked_at(tmp_path: Path) -> None:
    few("train_FD001.txt", 24, tmp_path)
    few("test_FD001.txt", 24, tmp_path)
    truth = (DATA / "RUL_FD001.txt").read_text().splitlines(keepends=True)[:24]
    (tmp_path / "RUL_FD001.txt").write_text("".join(truth))

    report = run(tmp_path)

    figures = report["figures"]
    assert figures["cv_rmse_clip"] < 0.5 * figures["cv_baseline_constant_rmse"]
    assert 0.6 < figures["cv_coverage80"] < 0.95
    assert (figures["units_test"] + figures["refused"], figures["test_looks"]) == (24, 1)
    assert figures["test_coverage80_low"] < figures["test_coverage80"] < figures["test_coverage80_high"]
    assert [one["learnt_from"] for one in report["tables"]["choice_by_cv"]] == ["FD001"]


def test_the_sister_is_chosen_by_folds_of_the_subset_alone_and_no_test_file_is_opened(tmp_path: Path) -> None:
    few("train_FD001.txt", 20, tmp_path)
    few("train_FD003.txt", 6, tmp_path)
    for name in ("test_FD001.txt", "RUL_FD001.txt"):
        (tmp_path / name).write_text("not to be read")

    report = run(tmp_path, "--without-test")

    tried = {one["learnt_from"]: one for one in report["tables"]["choice_by_cv"]}
    assert list(tried) == ["FD001", "FD001+FD003"]
    best = min(tried.values(), key=lambda one: one["rmse_clip"])
    assert best["chosen"]
    assert report["settings"]["learnt_from"] == best["learnt_from"]
    assert report["figures"]["cv_rmse_clip"] == pytest.approx(best["rmse_clip"], abs=1e-3)
    assert report["figures"]["units_train"] == (20 if best["learnt_from"] == "FD001" else 26)
    assert "test_looks" not in report["figures"]
