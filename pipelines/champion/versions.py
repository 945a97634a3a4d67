"""Registered versions by their part: the one that predicts, a candidate, the one in shadow."""

from features.core.errors import ConfigError, DamagedArtefactError
from features.core.models import ModelRegistry, ModelVersion, model_name
from features.core.telemetry import log
from pipelines.champion.contender import Contender, of_version

__all__ = ["candidate_of", "champion_of", "set_shadow", "standing"]

_LOG = log("champion")


def champion_of(registry: ModelRegistry, class_id: str) -> ModelVersion:
    """The version that predicts.

    Raises:
        ConfigError: There is none.
    """
    present = registry.champion(model_name(class_id))
    if present is None:
        raise ConfigError(
            f"class {class_id!r} has no champion; `wearcast train --class {class_id}` makes one",
            {"component_class": class_id},
        )
    return present


def standing(registry: ModelRegistry, class_id: str) -> Contender | None:
    """The champion as a contender; None: there is none, or it is damaged."""
    present = registry.champion(model_name(class_id))
    if present is None:
        return None
    try:
        return of_version(registry, present)
    except DamagedArtefactError as err:
        _LOG.warning("champion.damaged", model=present.name, version=present.version, detail=str(err))
        return None


def candidate_of(registry: ModelRegistry, class_id: str, version: str) -> Contender:
    """A registered version, verified.

    Raises:
        ConfigError: No such version.
        DamagedArtefactError: A file is not what was registered.
    """
    return of_version(registry, _version(registry, class_id, version))


def set_shadow(registry: ModelRegistry, class_id: str, version: str | None) -> None:
    """Lets a version run in shadow: it is asked whenever the champion is, and never acted on. None: no more.

    Raises:
        ConfigError: No such version, or it is the champion.
        DamagedArtefactError: A file is not what was registered.
    """
    name = model_name(class_id)
    if version is None:
        registry.set_shadow(name, None)
        return
    shadow = candidate_of(registry, class_id, version)
    if champion_of(registry, class_id).version == shadow.version:
        raise ConfigError(
            f"version {version} of {name} is the champion; only another version can run in its shadow",
            {"model": name, "version": version},
        )
    registry.set_shadow(name, shadow.version)


def _version(registry: ModelRegistry, class_id: str, version: str) -> ModelVersion:
    known = [one for one, _ in registry.versions(model_name(class_id))]
    for one in known:
        if one.version == version:
            return one
    listed = ", ".join(one.version for one in known[:10]) or "none"
    raise ConfigError(
        f"{model_name(class_id)} has no version {version!r}; there are: {listed}",
        {"component_class": class_id, "version": version},
    )
