"""The model registry: names, versions, the champion alias, verified downloads. Registry access only.

MLflow is imported on first use (it costs seconds and 200 MB), never by the API process.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from features.core.errors import DamagedArtefactError, RetriableError
from features.core.settings import without_passwords
from features.core.telemetry import silence_dependencies

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

__all__ = ["ARTEFACT_FOLDER", "ModelRegistry", "ModelVersion", "model_name"]

EXPERIMENT = "wearcast"
CHAMPION = "champion"
SHADOW = "shadow"

# Where in a logged model the artefact's own files are: below MLflow's description of it.
ARTEFACT_FOLDER = "artifacts/artefact"

# The artefact's list of files and their sha256, and the tag that holds the list's own sha256.
_DIGESTS = "digests.json"
_DIGEST_TAG = "digests_sha256"

_SQLITE = "sqlite:///"
_ABSENT = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version of a model."""

    name: str
    version: str
    run_id: str


def model_name(class_id: str) -> str:
    """Registered name of a component class's model.

    Example:
        >>> model_name("rolling_bearing")
        'wearcast-rul-rolling_bearing'
    """
    return f"wearcast-rul-{class_id}"


class ModelRegistry:
    """MLflow as far as Wearcast needs it. Nothing is opened before the first call.

    Args:
        uri: `sqlite:///PATH` (made when missing) or the URL of an MLflow server.
        artifacts: Artefact root for a local database; a server has its own.
    """

    def __init__(self, uri: str, artifacts: str | Path) -> None:
        self.uri = uri
        self.artifacts = str(artifacts)
        self._client: MlflowClient | None = None

    def client(self) -> "MlflowClient":
        """MLflow's client of this registry."""
        if self._client is None:
            _quiet()
            from mlflow.tracking import MlflowClient

            # MLflow sets its own level at import, whatever the environment says.
            logging.getLogger("mlflow").setLevel(logging.ERROR)
            if self.uri.startswith(_SQLITE):
                Path(self.uri.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
            self._client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        return self._client

    def experiment(self) -> str:
        """Id of the experiment `wearcast`, made when missing."""
        with self._translated():
            found = self.client().get_experiment_by_name(EXPERIMENT)
            if found is not None:
                return str(found.experiment_id)
            return str(self.client().create_experiment(EXPERIMENT, artifact_location=self._artifact_location()))

    def champion(self, name: str) -> ModelVersion | None:
        """The version that predicts; None: there is none yet."""
        return self._holder(name, CHAMPION)

    def shadow(self, name: str) -> ModelVersion | None:
        """The version whose statements are written beside the champion's; None: there is none."""
        return self._holder(name, SHADOW)

    def versions(self, name: str) -> list[tuple[ModelVersion, dict[str, str]]]:
        """Every version with its tags, newest first; empty: nothing is registered under that name."""
        if self._is_unmade():
            return []
        with self._translated():
            found = self.client().search_model_versions(f"name='{name}'")
        told = [
            (ModelVersion(name, str(one.version), str(one.run_id)), {str(k): str(v) for k, v in one.tags.items()})
            for one in found
        ]
        return sorted(told, key=lambda pair: int(pair[0].version), reverse=True)

    def tags(self, name: str, version: str) -> dict[str, str]:
        """What was noted about a version when it was registered."""
        with self._translated():
            return {str(k): str(v) for k, v in self.client().get_model_version(name, version).tags.items()}

    def register(
        self, name: str, run_id: str, artifact_path: str, *, digests_sha256: str, tags: Mapping[str, str]
    ) -> ModelVersion:
        """Makes the model that a run logged a new version.

        Args:
            name: Registered model name, made when missing.
            run_id: The run.
            artifact_path: Where in the run the model was logged.
            digests_sha256: Of the artefact's `digests.json`; kept in the database, so that files and their
                list cannot be changed together unnoticed.
            tags: Facts about the version.
        """
        client = self.client()
        from mlflow.exceptions import MlflowException

        with self._translated():
            try:
                client.create_registered_model(name)
            except MlflowException as err:
                if err.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            made = client.create_model_version(
                name,
                source=f"runs:/{run_id}/{artifact_path}",
                run_id=run_id,
                tags={**tags, _DIGEST_TAG: digests_sha256},
            )
        return ModelVersion(name, str(made.version), run_id)

    def set_champion(self, name: str, version: str) -> None:
        """Gives the alias `champion` to a version; it is taken from the one that had it."""
        with self._translated():
            self.client().set_registered_model_alias(name, CHAMPION, version)

    def set_shadow(self, name: str, version: str | None) -> None:
        """Lets a version run in shadow; None: none does any more."""
        with self._translated():
            if version is None:
                self.client().delete_registered_model_alias(name, SHADOW)
            else:
                self.client().set_registered_model_alias(name, SHADOW, version)

    def note(self, name: str, version: str, tags: Mapping[str, str]) -> None:
        """Adds to what is noted about a version."""
        with self._translated():
            for key, value in tags.items():
                self.client().set_model_version_tag(name, version, key, value)

    def memo(self, name: str, key: str) -> str | None:
        """What was noted under that key about the model as a whole."""
        if self._is_unmade():
            return None
        with self._translated():
            found = self.client().get_registered_model(name).tags.get(key)
        return None if found is None else str(found)

    def set_memo(self, name: str, key: str, text: str) -> None:
        """Notes something about the model as a whole, at most 5,000 characters."""
        with self._translated():
            self.client().set_registered_model_tag(name, key, text)

    def run_files(self, version: ModelVersion, files: Sequence[str], folder: Path) -> list[Path]:
        """Files that a version's run logged beside the model, laid into `folder`; empty: not all are there."""
        folder.mkdir(parents=True, exist_ok=True)
        with self._translated():
            there = {
                str(one.path)
                for parent in {file.rpartition("/")[0] for file in files}
                for one in self.client().list_artifacts(version.run_id, parent or None)
            }
            if not set(files) <= there:
                return []
            return [Path(self.client().download_artifacts(version.run_id, file, str(folder))) for file in files]

    def download(self, version: ModelVersion, folder: Path) -> Path:
        """The artefact's verified files, laid into `folder`.

        Raises:
            DamagedArtefactError: A file is missing or is not what was registered; `folder` stays as it was.
            RetriableError: The registry does not answer.
        """
        client = self.client()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as space:
            with self._translated():
                facts = client.get_model_version(version.name, version.version)
                path = str(facts.source).removeprefix(f"runs:/{version.run_id}/")
                got = Path(client.download_artifacts(version.run_id, f"{path}/{ARTEFACT_FOLDER}", space))
            _verify(got, str(facts.tags.get(_DIGEST_TAG)))
            folder.mkdir(exist_ok=True)
            for file in sorted(got.iterdir(), key=lambda file: file.name == _DIGESTS):
                os.replace(file, folder / file.name)
        return folder

    def _holder(self, name: str, alias: str) -> ModelVersion | None:
        if self._is_unmade():
            return None
        client = self.client()
        from mlflow.exceptions import MlflowException

        with self._translated():
            try:
                found = client.get_model_version_by_alias(name, alias)
            except MlflowException as err:
                if err.error_code not in _ABSENT:
                    raise
                return None
        return ModelVersion(name, str(found.version), str(found.run_id))

    def _is_unmade(self) -> bool:
        return self.uri.startswith(_SQLITE) and not Path(self.uri.removeprefix(_SQLITE)).exists()

    def _artifact_location(self) -> str | None:
        if "://" in self.uri and not self.uri.startswith("sqlite"):
            return None
        return self.artifacts if "://" in self.artifacts else Path(self.artifacts).resolve().as_uri()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """MLflow's errors as ours."""
        _quiet()
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as err:
            # MLflow tells the address with its password, and the error may be logged.
            told, uri = without_passwords(f"model registry {self.uri}: {err.message}"), without_passwords(self.uri)
            raise RetriableError(told, {"uri": uri, "code": err.error_code}) from err


def _quiet() -> None:
    """No telemetry, no progress bars, no tales of migrations, short retries; before MLflow's import."""
    silence_dependencies()
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")


def _verify(folder: Path, expected: str) -> None:
    """Compares every listed file with its digest, and the list with the one that was registered."""
    listing = folder / _DIGESTS
    content = listing.read_bytes() if listing.is_file() else b""
    if hashlib.sha256(content).hexdigest() != expected:
        raise DamagedArtefactError(
            f"{_DIGESTS} is not the one that was registered; restore the model or train again",
            {"file": _DIGESTS},
        )
    for name, digest in json.loads(content).items():
        file = folder / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise DamagedArtefactError(
                f"{name} is missing or was changed after it was registered; restore the model or train again",
                {"file": name},
            )
