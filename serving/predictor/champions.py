"""Champions in memory: verified when they are read, swapped at once, kept when the new one is damaged."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from features.core.errors import DamagedArtefactError, UnfitError
from features.core.telemetry import log
from features.rul.artefact import Artefact, load
from features.rul.ladder import engine_of

__all__ = ["Champion", "Champions"]

_LOG = log("serving.champions")


@dataclass(frozen=True, slots=True)
class Champion:
    """A verified artefact under the name and version of the registry."""

    artefact: Artefact
    name: str
    version: str


class Champions:
    """The champion of each component class, as the worker lays it into a folder.

    Args:
        folder: One sub-folder a model name: the artefact's files and `version.json` with `name` and
            `version`, written last.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: Mapping[str, Champion] = MappingProxyType({})
        self._problems: Mapping[str, str] = MappingProxyType({})
        self._refreshing = threading.Lock()

    @property
    def problems(self) -> Mapping[str, str]:
        """Model name -> why its newest version is not in use; empty: all is well."""
        return self._problems

    @property
    def held(self) -> Mapping[str, Champion]:
        """Component class -> champion; one consistent state, also while a refresh runs."""
        return self._held

    def of(self, component_class: str) -> Champion | None:
        """The champion of that class; None: there is no model yet."""
        return self._held.get(component_class)

    def refresh(self) -> bool:
        """Read what changed since the last time; requests in flight keep the champion they started with.

        A damaged or half-written one is not used: the one before stays, `problems` says so, and the
        next refresh tries again.

        Returns:
            Whether any champion was swapped.
        """
        with self._refreshing:
            by_name = {champion.name: champion for champion in self._held.values()}
            problems: dict[str, str] = {}
            for name in sorted({*by_name, *self._laid()}):
                try:
                    by_name[name] = self._read(name, by_name.get(name))
                except UnfitError as err:
                    held = by_name.get(name)
                    kept = "no version is in use" if held is None else f"version {held.version} stays in use"
                    problems[name] = f"{err.message}; {kept}"
            return self._swap(by_name, problems)

    def _swap(self, by_name: dict[str, Champion], problems: dict[str, str]) -> bool:
        for name in problems.keys() - self._problems.keys():
            _LOG.error("champion.refused", model_name=name, reason=problems[name])
        before, self._problems = dict(self._held), MappingProxyType(problems)
        after = {champion.artefact.component_class: champion for champion in by_name.values()}
        if after == before:
            return False
        self._held = MappingProxyType(after)
        for champion in after.values():
            if champion not in before.values():
                _LOG.info("champion.loaded", model_name=champion.name, model_version=champion.version)
        return True

    def _laid(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return [path.parent.name for path in self._folder.glob("*/version.json") if path.parent.name[0] != "."]

    def _read(self, name: str, held: Champion | None) -> Champion:
        folder = self._folder / name
        stated, version = _version(folder / "version.json")
        if stated != name:
            raise DamagedArtefactError(
                f"{folder / 'version.json'} names model {stated!r}, the folder {name!r}", {"folder": str(folder)}
            )
        if held is not None and held.version == version:
            return held
        artefact = load(folder)
        if _version(folder / "version.json") != (stated, version):
            raise DamagedArtefactError(f"{folder} was replaced while it was read", {"folder": str(folder)})
        _try(artefact)
        return Champion(artefact, name, version)


def _try(artefact: Artefact) -> None:
    """Let it answer once before anybody asks: what cannot answer is refused, and the first request is fast."""
    if artefact.transfer is not None:
        left = artefact.transfer.remaining(np.ones(1), np.zeros(1), [0], rated_life=1.0)
        if not np.isfinite([left.quantile(0.5), left.mean(artefact.transfer.longest)]).all():
            raise DamagedArtefactError(f"model {artefact.name} answers numbers that are not finite")
    if artefact.forests:
        found = engine_of(artefact).answer(np.zeros((1, len(artefact.inputs))))
        if not np.isfinite([found.mean, found.p10, found.p50, found.p90]).all():
            raise DamagedArtefactError(f"model {artefact.name} answers numbers that are not finite")


def _version(file: Path) -> tuple[str, str]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return str(document["name"]), str(document["version"])
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise DamagedArtefactError(f"{file} cannot be read: {err!r}", {"file": str(file)}) from err
