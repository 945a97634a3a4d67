"""New champions from the registry: fetched, verified, tried, and only then renamed into place.

Runs in a process of its own (`python -m serving fetch-champion`): a damaged forest can kill the process
that reads it, and the registry's library is heavy.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from features.core.errors import DamagedArtefactError
from features.core.telemetry import log
from features.rul.artefact import load
from features.rul.scorer import Scorer

__all__ = ["Registry", "fetch_champions", "model_name"]


class _Version(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...


V = TypeVar("V", bound=_Version)


class Registry(Protocol[V]):
    """What is needed of `features.core.models.ModelRegistry`."""

    def champion(self, name: str) -> V | None:
        """The version that carries the alias `champion`."""
        ...

    def download(self, version: V, folder: Path) -> Path:
        """Its artefact in `folder`, digests verified."""
        ...


def model_name(class_id: str) -> str:
    """Name of a component class's model in the registry."""
    return f"wearcast-rul-{class_id}"


def fetch_champions(registry: Registry[V], class_ids: Iterable[str], folder: Path) -> list[str]:
    """Lay every champion that is not there yet into `folder`, one sub-folder a model.

    A damaged one is refused and the one in place stays.

    Returns:
        `name version` of each that is new.
    """
    fetched = []
    for class_id in class_ids:
        name = model_name(class_id)
        champion = registry.champion(name)
        if champion is None or _held_version(folder / name) == str(champion.version):
            continue
        try:
            _lay(registry, champion, folder, name)
        except DamagedArtefactError as err:
            log("worker").error("champion.refused", model_name=name, version=champion.version, reason=str(err))
            continue
        log("worker").info("champion.laid", model_name=name, version=champion.version)
        fetched.append(f"{name} {champion.version}")
    return fetched


def _lay(registry: Registry[V], champion: V, folder: Path, name: str) -> None:
    draft, old = folder / f".{name}.new", folder / f".{name}.old"
    for left_over in (draft, old):
        shutil.rmtree(left_over, ignore_errors=True)
    draft.mkdir(parents=True)
    downloaded = registry.download(champion, draft)
    _try(downloaded)
    stated = {"name": name, "version": str(champion.version)}
    (downloaded / "version.json").write_text(json.dumps(stated), encoding="utf-8")
    if (folder / name).exists():
        (folder / name).rename(old)
    downloaded.rename(folder / name)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(draft, ignore_errors=True)


def _try(folder: Path) -> None:
    artefact = load(folder)
    index = {"rul_index": artefact.index_forest} if artefact.index_forest else {}
    for output, text in {**artefact.forests, **index}.items():
        scorer = Scorer(text)
        answer = scorer.predict(np.zeros((1, scorer.features)))
        if not np.isfinite(answer).all():
            raise DamagedArtefactError(f"forest {output} answers {answer} to zeros", {"output": output})


def _held_version(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / "version.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
