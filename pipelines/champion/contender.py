"""One of two models that are compared: its artefact, what it answered out of fold, and which lives it has seen."""

import datetime as dt
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.core.clock import require_utc
from features.core.models import ModelRegistry, ModelVersion, model_name
from features.rul.artefact import Artefact
from features.rul.artefact import load as load_artefact
from pipelines.training import TrainedModel
from pipelines.training.held_out import FILES, HeldOut, read_held_out

__all__ = ["Contender", "LoadedModel", "load", "of_training", "of_version"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A verified artefact under the name and version of the registry."""

    artefact: Artefact
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Contender:
    """A version and what its training left behind; `held_out` None: trained before that was kept."""

    name: str
    version: str
    artefact: Artefact
    held_out: HeldOut | None

    @property
    def as_of(self) -> dt.datetime:
        """Nothing that became known later was learnt."""
        return require_utc(dt.datetime.fromisoformat(self.artefact.as_of))

    @property
    def answers(self) -> pl.DataFrame | None:
        """Out-of-fold answers; None: there are none."""
        if self.held_out is None or self.held_out.answers.is_empty():
            return None
        return self.held_out.answers


def of_training(trained: TrainedModel) -> Contender:
    """The contender that a training has just made."""
    return Contender(trained.name, trained.version, trained.artefact, trained.held_out)


def of_version(registry: ModelRegistry, version: ModelVersion) -> Contender:
    """A registered version, downloaded and verified.

    Raises:
        DamagedArtefactError: A file is not what was registered.
    """
    with tempfile.TemporaryDirectory() as space:
        artefact = load_artefact(registry.download(version, Path(space, "artefact")))
        files = registry.run_files(version, FILES, Path(space, "run"))
        kept = read_held_out(files) if files else None
    return Contender(version.name, version.version, artefact, kept)


def load(registry: ModelRegistry, class_id: str, *, shadow: bool = False) -> LoadedModel | None:
    """The class's champion, or the version that runs in shadow, downloaded and verified; None: there is none.

    Raises:
        DamagedArtefactError: A file is not what was registered.
    """
    name = model_name(class_id)
    version = registry.shadow(name) if shadow else registry.champion(name)
    if version is None:
        return None
    with tempfile.TemporaryDirectory() as space:
        artefact = load_artefact(registry.download(version, Path(space, "artefact")))
    return LoadedModel(artefact, version.name, version.version)
