"""What `wearcast check` looks at on this side: settings, plant, historians, lake, model registry."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from features.core.clock import SystemClock, clock_from
from features.core.errors import WearcastError
from features.core.lake import Lake
from features.core.models import ModelRegistry
from features.core.plant import read_plant
from features.core.settings import without_passwords
from features.core.tables import MEASUREMENTS
from pipelines.historian import open_historian
from pipelines.settings import PipelineSettings

__all__ = ["Finding", "examine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do next when it is not right."""

    subject: str
    ok: bool
    detail: str
    next_step: str = ""


def examine(settings: PipelineSettings) -> list[Finding]:
    """Looks at everything, whatever is found wrong before."""
    findings = [
        _try("plant", lambda: _plant(settings), "fix the place that is named, or start with `wearcast init`"),
        _try("clock", lambda: clock_from(settings.replay).now().isoformat(), "fix or remove `replay`"),
        _try("lake", lambda: _lake(settings), "give a folder or URL that can be written to as `lake`"),
        _try("models", lambda: _models(settings), "mend the plant first, or give MLflow's URI as `models`"),
    ]
    if not settings.sources:
        findings.append(
            Finding(
                "historians",
                False,
                "none configured",
                'describe one in pipelines.toml, e.g. [sources.export] with kind = "csv" and folder = "exports"',
            )
        )
    for name in settings.sources:
        look = functools.partial(_source, settings, name)
        findings.append(_try(f"historian {name}", look, f"mend [sources.{name}] in pipelines.toml"))
    return findings


def _try(subject: str, look: Callable[[], str], next_step: str) -> Finding:
    try:
        return Finding(subject, True, without_passwords(look()))
    except (WearcastError, OSError, KeyError) as err:
        return Finding(subject, False, without_passwords(str(err)), next_step)


def _plant(settings: PipelineSettings) -> str:
    plant = read_plant(settings.plant)
    components = sum(len(machine.components) for machine in plant.machines)
    return f"{settings.plant}: {len(plant.machines)} machines, {components} components"


def _lake(settings: PipelineSettings) -> str:
    version = Lake(settings.lake).version(MEASUREMENTS)
    return f"{settings.lake}: {'empty, `wearcast ingest` fills it' if version is None else f'version {version}'}"


def _models(settings: PipelineSettings) -> str:
    plant = read_plant(settings.plant)
    registry = ModelRegistry(settings.models, settings.artifacts)
    names = [f"wearcast-rul-{component_class.id}" for component_class in plant.component_classes]
    known = [name for name in names if registry.champion(name) is not None]
    return f"{settings.models}: champions {', '.join(known) or 'none yet, `wearcast train` makes them'}"


def _source(settings: PipelineSettings, name: str) -> str:
    historian = open_historian(name, settings.sources[name], SystemClock())
    try:
        return historian.check()
    finally:
        historian.close()
