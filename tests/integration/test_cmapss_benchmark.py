"""The benchmark on a few engines: one JSON object, every figure there, looks counted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PUBLIC_DATA", "../shared/data")) / "cmapss"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs the public data folder")


def started(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tests/benchmarks/cmapss.py"), "--data", str(folder), "--seeds", "1"]
    command += ["--looks", str(folder / "looks"), "--json", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=300)


def run(folder: Path, *options: str) -> dict[str, Any]:
    done = started(folder, *options)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def few(name: str, engines: int, folder: Path) -> None:
    lines = (DATA / name).read_text().splitlines(keepends=True)
    (folder / name).write_text("".join(line for line in lines if int(line.split()[0]) <= engines))


def test_a_small_fleet_is_learnt_from_and_its_test_engines_are_looked_at(tmp_path: Path) -> None:
    few("train_FD001.txt", 24, tmp_path)
    few("test_FD001.txt", 24, tmp_path)
    truth = (DATA / "RUL_FD001.txt").read_text().split()[:24]
    (tmp_path / "RUL_FD001.txt").write_bytes(" \r\n".join(truth).encode())
    # The first engine has run for two cycles only; what is not asked for lies beside the files.
    rows = (tmp_path / "test_FD001.txt").read_text().splitlines()
    kept = [row.rstrip() for row in rows if int(row.split()[0]) > 1 or int(row.split()[1]) <= 2]
    (tmp_path / "test_FD001.txt").write_bytes("\r\n".join(kept).encode())
    for name in ("test_FD004.txt", "train_FD003.txt.gz", "readme.txt"):
        (tmp_path / name).write_text("not to be read")

    report = run(tmp_path)

    figures = report["figures"]
    assert figures["cv_rmse_clip"] < 0.5 * figures["cv_baseline_constant_rmse"]
    assert 0.6 < figures["cv_coverage80"] < 0.95
    assert (figures["units_test"] + figures["refused"], figures["test_looks"]) == (24, 1)
    assert figures["test_coverage80_low"] < figures["test_coverage80"] < figures["test_coverage80_high"]
    assert [one["learnt_from"] for one in report["tables"]["choice_by_cv"]] == ["FD001"]
    refused = {one["engine"]: one["reason"] for one in report["tables"]["test_refused"]}
    assert len(refused) == figures["refused"]
    assert refused["fd001-test-001"] == "too_few_windows"


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


@pytest.mark.parametrize(
    ("there", "options", "said"),
    [
        ("", ("--sister", "--without-test"), r"train_FD003\.txt is not there"),
        ("test_FD001.txt", (), r"RUL_FD001\.txt is not: add it"),
    ],
)
def test_what_was_asked_for_and_is_not_there_is_said_at_once(
    tmp_path: Path, there: str, options: tuple[str, ...], said: str
) -> None:
    for name in ("train_FD001.txt", there) if there else ("train_FD001.txt",):
        (tmp_path / name).write_text("nothing of this is read")
    done = started(tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(said, " ".join(done.stderr.split()))


def test_a_truth_that_is_not_of_the_engines_is_refused(tmp_path: Path) -> None:
    (tmp_path / "RUL_FD001.txt").write_text("112\n98\n69\n")
    code = (
        "import sys; from pathlib import Path; from tests.benchmarks._engines import read_truth\n"
        "for engines in (3, 2, 4):\n"
        "    names = [f'fd001-test-{n:03d}' for n in range(1, engines + 1)]\n"
        "    try: print(read_truth(Path(sys.argv[1]), 'FD001', names))\n"
        "    except Exception as err: print(type(err).__name__, err)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "RUL_FD001.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    whole, more, fewer = done.stdout.splitlines()
    assert whole == "{'fd001-test-001': 112.0, 'fd001-test-002': 98.0, 'fd001-test-003': 69.0}"
    assert more.startswith("ConfigError")
    assert "3 numbers for 2 engines of test_FD001.txt; fd001-test-003" in more
    assert "3 numbers for 4 engines of test_FD001.txt; fd001-test-004" in fewer
