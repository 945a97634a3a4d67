"""The import contracts of `pyproject.toml` are kept, and a broken one is told by module.

Each planted import stands for a way in which the two sides could grow together or a heavy library
could creep into a light process.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "pipelines", "serving")
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract", "said"),
    [
        ("pipelines/settings.py", "import serving.settings", "two siblings", "pipelines.settings -> serving."),
        ("serving/settings.py", "import pipelines.settings", "two siblings", "serving.settings -> pipelines."),
        ("features/core/clock.py", "import pipelines.settings", "two siblings", "features.core.clock -> pipel"),
        ("features/core/units.py", "import features.registry", "inside features", "features.core.units -> fea"),
        ("pipelines/settings.py", "import pipelines.quality", "inside pipelines", "pipelines.settings -> pipe"),
        ("serving/settings.py", "import serving.store", "inside serving", "serving.settings -> serving.store"),
        ("pipelines/settings.py", "import dagster", "Dagster stays in defs", "pipelines.settings -> dagster"),
        ("features/core/tables.py", "import fastapi", "no web framework", "features.core.tables -> fastapi"),
        ("serving/settings.py", "import pandas", "light API process", "serving.settings -> pandas"),
        ("pipelines/extras.py", '"""New."""', "inside pipelines", "pipelines.extras"),
    ],
)  # fmt: skip
def test_a_planted_import_breaks_its_contract(copy: Path, file: str, line: str, contract: str, said: str) -> None:
    with (copy / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")

    result = _lint(copy)

    assert result.returncode == 1, result.stdout + result.stderr
    broken = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(row.startswith(contract) for row in broken)
    assert said in result.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_has_a_place_in_the_layers(package: str) -> None:
    """import-linter's `exhaustive` says the same; this also fails when the option is taken away."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(c for c in document["tool"]["importlinter"]["contracts"] if c.get("containers") == [package])
    places = {name.strip(" ()") for layer in contract["layers"] for name in layer.split("|")}
    modules = {
        path.stem
        for path in (ROOT / package).iterdir()
        if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists())
    }

    assert contract["exhaustive"] is True
    assert modules - {"__init__"} <= places
