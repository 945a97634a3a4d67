"""Parsed forests and past lives of the artefacts in use."""

import functools

from features.rul.artefact import Artefact
from features.rul.outputs import Engine
from features.rul.past import Bank

__all__ = ["bank_of", "engine_of"]

# Forests kept parsed in one process: the champions of a plant's classes and one challenger each.
_ENGINES = 16


class _Identity:
    """An artefact as a key by identity: its mappings cannot be hashed."""

    def __init__(self, artefact: Artefact) -> None:
        self.artefact = artefact

    def __hash__(self) -> int:
        return id(self.artefact)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.artefact is other.artefact


@functools.lru_cache(maxsize=_ENGINES)
def _engine(key: _Identity) -> Engine:
    return Engine(key.artefact)


@functools.lru_cache(maxsize=_ENGINES)
def _bank(key: _Identity) -> Bank | None:
    past = key.artefact.past
    return None if past is None else Bank(past, key.artefact.compared)


def engine_of(artefact: Artefact) -> Engine:
    """The parsed forests of an artefact, kept while it is in use."""
    return _engine(_Identity(artefact))


def bank_of(artefact: Artefact) -> Bank | None:
    """The past lives of an artefact, kept while it is in use; None: it has none."""
    return _bank(_Identity(artefact))
