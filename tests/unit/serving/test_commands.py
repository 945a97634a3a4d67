import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from serving.__main__ import app

PLANT = """
component_classes: [{id: bearing}]
sites:
  - id: works
    machines:
      - id: P101
        components: [{slot: DE, component_class: bearing}]
        measuring_points: [{id: v, role: vibration, quantity: temperature, unit: K}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a plant and nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "plant").mkdir(parents=True)
    (tmp_path / "data" / "plant" / "works.yaml").write_text(PLANT)
    yield tmp_path
    structlog.reset_defaults()  # commands log to the runner's standard error, which is closed by now


@pytest.mark.parametrize("command", ["check", "plan", "deliver", "sync"])
def test_json_is_one_object_and_nothing_else(folder: Path, command: str) -> None:
    result = CliRunner().invoke(app, [command, "--json"])
    assert result.exit_code == 0
    assert isinstance(json.loads(result.stdout), dict)


def test_check_names_mode_and_connection(folder: Path) -> None:
    facts = json.loads(CliRunner().invoke(app, ["check", "--json"]).stdout)
    assert facts["mode"] == "dry_run"
    assert "nothing is" in facts["erp"]


def test_wrong_setting_is_one_clear_line(folder: Path) -> None:
    (folder / "serving.toml").write_text('[erp]\nkind = "webhook"\nmode = "approve"\nurl = "http://erp.example"\n')
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 2
    assert re.match(r"ConfigError: .*secret_file", result.stderr)


def test_one_round_of_the_worker_ends(folder: Path) -> None:
    assert CliRunner().invoke(app, ["worker", "--once"]).exit_code == 0
