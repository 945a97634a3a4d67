"""What a process does not load: measured in a process of its own, module after module.

`import mlflow` costs seconds and hundreds of megabytes; the service that answers people has no use for
it, for pandas or for Dagster.
"""

import importlib.util
import json
import subprocess
import sys

import pytest

HEAVY = ("mlflow", "pandas", "dagster", "tsfresh", "sklearn", "matplotlib", "lightgbm", "lifelines")
# What a group of modules, imported in this order into one process, must not bring with it.
GROUPS = {
    "the plant alone": (
        ("features.core.settings", "features.core.statements", "features.core.plant"),
        (*HEAVY, "deltalake", "polars", "fastapi", "sqlalchemy"),
    ),
    "work without a face": (
        ("features.policy", "serving.orders", "pipelines.labels", "pipelines.scoring", "serving.planning"),
        (*HEAVY, "fastapi", "uvicorn"),
    ),
    "long-running processes": (
        (
            "features.core.lake",
            "features.compute",
            "features.rul",
            "features.core.models",
            "pipelines.historian",
            "pipelines.ingest",
            "serving.worker",
            "serving.app",
            "serving.__main__",
        ),
        HEAVY,
    ),
    "commands that may train": (
        ("pipelines.__main__", "pipelines.walk"),
        ("mlflow", "dagster", "tsfresh", "fastapi", "lifelines"),
    ),
}
SCRIPT = """
import importlib, json, sys
modules, banned = json.loads(sys.argv[1])
found = {}
for module in modules:
    importlib.import_module(module)
    loaded = sorted({name.split('.')[0] for name in sys.modules} & set(banned))
    if loaded:
        found[module] = loaded
        break
print(json.dumps(found))
"""


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("group", GROUPS)
def test_a_light_module_loads_nothing_heavy(group: str) -> None:
    modules, banned = GROUPS[group]
    asked = json.dumps([[module for module in modules if _exists(module)], banned])
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, asked], capture_output=True, text=True, timeout=180, check=True
    )
    assert json.loads(result.stdout) == {}


@pytest.mark.parametrize("module", ["features.core.lake", "features.core.plant"])
def test_the_modules_that_everything_stands_on_are_measured(module: str) -> None:
    assert _exists(module)
