"""The front door: each command reaches its owner, as one program with one name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WEARCAST_")}
    return subprocess.run(
        [sys.executable, "-c", "import wearcast; wearcast.app()", *words],
        cwd=folder,
        env=environment | {"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("command", ["init", "check", "demo", "plan"])
def test_help_is_told_once_and_in_the_words_that_were_typed(tmp_path: Path, command: str) -> None:
    result = _run(tmp_path, command, "--help")
    assert result.returncode == 0
    assert result.stdout.count("Usage: ") == 1
    assert f"Usage: wearcast {command}" in result.stdout
    assert "--step" not in result.stdout


def test_check_asks_every_side_and_names_the_section_to_write(tmp_path: Path) -> None:
    result = _run(tmp_path, "check")
    assert result.returncode == 2
    assert result.stderr.count("no plant file at data/plant") >= 3
    assert "[sources.export]" in result.stderr, "brackets are text, not markup"


def test_init_then_check_needs_no_argument(tmp_path: Path) -> None:
    assert _run(tmp_path, "init").returncode == 0
    assert (tmp_path / "data" / "plant" / "plant.yaml").exists()
    assert "ok   plant" in _run(tmp_path, "check").stderr


@pytest.mark.parametrize(("files", "place"), [((), "data/demo"), (("pipelines.toml",), "data/plant")])
def test_up_shows_the_demo_only_where_no_side_is_configured(
    tmp_path: Path, files: tuple[str, ...], place: str
) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    result = _run(tmp_path, "up")
    assert result.returncode == 2, "the code of the side that refused, not of the one that was stopped"
    assert f"no plant file at {place}" in result.stderr
    assert "Traceback" not in result.stderr
    assert ("data/demo" in result.stderr) == (place == "data/demo"), "both sides agree"
