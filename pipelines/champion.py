"""The champion of a class: the version that predicts, and why another one does or does not replace it."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from features.core.models import ModelRegistry, ModelVersion, model_name
from features.core.telemetry import log
from features.rul.artefact import Artefact
from features.rul.artefact import load as load_artefact
from pipelines.training import TrainedModel

__all__ = ["LoadedModel", "Promotion", "load", "promote"]

_LOG = log("champion")

# A challenger may be this share worse: grouped-CV errors of equal models differ by more than that from one
# set of lives to the next, and a model that has seen more lives is preferred.
TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A verified artefact under the name and version of the registry."""

    artefact: Artefact
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """Whether a version became the champion, and why; `champion` is the version that predicts now."""

    promoted: bool
    reason: str
    champion: str


def promote(registry: ModelRegistry, trained: TrainedModel, *, tolerance: float = TOLERANCE) -> Promotion:
    """Makes a trained version the champion unless it would be a step back.

    Args:
        registry: Where the version is registered.
        trained: The challenger.
        tolerance: Share by which its cross-validated error may exceed the champion's.
    """
    present = registry.champion(trained.name)
    refused, reason = (
        (False, "first version") if present is None else _compare(registry, present, trained, tolerance)
    )
    if not refused:
        registry.set_champion(trained.name, trained.version)
    champion = present.version if present is not None and refused else trained.version
    _LOG.info("champion.decided", model=trained.name, version=trained.version, promoted=not refused, reason=reason)
    return Promotion(not refused, reason, champion)


def load(registry: ModelRegistry, class_id: str) -> LoadedModel | None:
    """The class's champion, downloaded and verified; None: there is none yet.

    Raises:
        DamagedArtefactError: A file is not what was registered.
    """
    version = registry.champion(model_name(class_id))
    if version is None:
        return None
    with tempfile.TemporaryDirectory() as space:
        artefact = load_artefact(registry.download(version, Path(space, "artefact")))
    return LoadedModel(artefact, version.name, version.version)


def _compare(
    registry: ModelRegistry, present: ModelVersion, trained: TrainedModel, tolerance: float
) -> tuple[bool, str]:
    """Whether the challenger is refused, and why or why not."""
    tags = registry.tags(present.name, present.version)
    if tags.get("fingerprint") != trained.artefact.fingerprint:
        return False, f"version {present.version} needs a feature set that is no longer made"
    if tags.get("calibrated") == "true" and not trained.artefact.calibration.calibrated:
        return True, f"version {present.version} has a calibrated band, this one has none"
    if "cv_error" not in tags:
        return False, f"version {present.version} has no forests to compare with"
    error, known = trained.metrics.get("cv_rmse"), float(tags["cv_error"])
    if error is None:
        return True, f"no cross-validated error to compare with the {known:.4g} of version {present.version}"
    verdict = f"cross-validated error {error:.4g} against {known:.4g} of version {present.version}"
    return error > known * (1.0 + tolerance), verdict
