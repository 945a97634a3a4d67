"""The MLflow run of a training: parameters, metrics, files and the registered version."""

import hashlib
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from features.core.models import ARTEFACT_FOLDER, ModelRegistry, ModelVersion
from features.rul.artefact import OUTPUTS, Artefact, save

__all__ = ["Run", "code_version", "start_run"]

# Where in the run the model is logged.
_MODEL = "model"

_SHIM = Path(__file__).with_name("mlflow_model.py")


@dataclass(frozen=True, slots=True)
class Run:
    """An open MLflow run."""

    id: str
    registry: ModelRegistry

    def log(
        self, parameters: Mapping[str, object], metrics: Mapping[str, float], tags: Mapping[str, object]
    ) -> None:
        """Writes everything at once; a round trip for each metric costs twenty times as much."""
        from mlflow.entities import Metric, Param, RunTag

        self.registry.client().log_batch(
            self.id,
            metrics=[Metric(name, value, 0, 0) for name, value in metrics.items()],
            params=[Param(name, str(value)) for name, value in parameters.items()],
            tags=[RunTag(name, str(value)) for name, value in tags.items()],
        )

    def log_files(self, folder: Path) -> None:
        """Lays a folder's content into the run."""
        self.registry.client().log_artifacts(self.id, str(folder))

    def log_model(self, artefact: Artefact, tags: Mapping[str, str]) -> ModelVersion:
        """Logs the artefact, with its shim for MLflow's own users, and registers it."""
        with tempfile.TemporaryDirectory() as space:
            model, files = Path(space, _MODEL), Path(space, "artefact")
            save(artefact, files)
            digests_sha256 = hashlib.sha256((files / "digests.json").read_bytes()).hexdigest()
            if artefact.forests:
                _describe(artefact, files, model)
            else:
                shutil.copytree(files, model / ARTEFACT_FOLDER)
            self.registry.client().log_artifacts(self.id, str(model), _MODEL)
        return self.registry.register(artefact.name, self.id, _MODEL, digests_sha256=digests_sha256, tags=tags)


@contextmanager
def start_run(registry: ModelRegistry, name: str) -> Iterator[Run]:
    """Opens a run and ends it as finished, or as failed when the body raises."""
    client = registry.client()
    run_id = str(client.create_run(registry.experiment(), run_name=name).info.run_id)
    status = "FAILED"
    try:
        yield Run(run_id, registry)
        status = "FINISHED"
    finally:
        client.set_terminated(run_id, status)


def code_version() -> str:
    """Package version, with the commit when it runs from a checkout."""
    package = version("wearcast")
    git = shutil.which("git")
    if git is None or not (Path(__file__).parents[2] / ".git").exists():
        return package
    command = [git, "rev-parse", "--short=12", "HEAD"]
    found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return f"{package}+{found.stdout.strip()}" if found.returncode == 0 else package


def _describe(artefact: Artefact, files: Path, folder: Path) -> None:
    """Writes MLflow's description around the artefact's files; inferring requirements would take 25 s."""
    from mlflow import pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float64), (-1, len(artefact.inputs)))]),
        outputs=Schema([TensorSpec(np.dtype(np.float64), (-1, len(OUTPUTS)))]),
    )
    with warnings.catch_warnings():
        # An input example would be predicted at once, which compiles the scorer: seconds for nothing.
        warnings.filterwarnings("ignore", ".*input example.*", UserWarning)
        pyfunc.save_model(
            str(folder),
            python_model=str(_SHIM),
            artifacts={"artefact": str(files)},
            pip_requirements=[f"wearcast=={version('wearcast')}"],
            signature=signature,
            metadata={"inputs": list(artefact.inputs), "outputs": list(OUTPUTS), "life_unit": artefact.life_unit},
        )
