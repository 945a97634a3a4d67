"""What a process does not load: measured in a process of its own, module by module.

`import mlflow` costs seconds and hundreds of megabytes; the service that answers people has no use for
it, for pandas or for Dagster.
"""

import importlib.util
import json
import subprocess
import sys

import pytest

HEAVY = ("mlflow", "pandas", "dagster", "tsfresh", "sklearn", "matplotlib", "lightgbm")
MODULES = {
    "features.core.lake": HEAVY,
    "features.core.plant": (*HEAVY, "deltalake", "polars"),
    "features.compute": HEAVY,
    "features.rul": HEAVY,
    "features.policy": HEAVY,
    "features.core.models": HEAVY,
    "pipelines.historian": HEAVY,
    "pipelines.ingest": HEAVY,
    "pipelines.labels": HEAVY,
    "pipelines.scoring": (*HEAVY, "fastapi"),
    "serving.orders": (*HEAVY, "fastapi", "sqlalchemy"),
    "serving.planning": (*HEAVY, "fastapi"),
    "serving.app": HEAVY,
    "serving.worker": HEAVY,
}


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("module", [name for name in MODULES if _exists(name)])
def test_a_light_module_loads_nothing_heavy(module: str) -> None:
    script = f"import json, sys, {module}; print(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert set(json.loads(result.stdout)) & set(MODULES[module]) == set()


def test_the_modules_that_everything_stands_on_are_measured() -> None:
    assert [name for name in ("features.core.lake", "features.core.plant") if not _exists(name)] == []
