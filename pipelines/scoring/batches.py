"""Machines that are read together."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from features.core.plant import Machine

__all__ = ["batches"]

# Machines in one scan: opening a table costs more than the rows of a few machines, and their rows fit in memory.
MACHINES_AT_ONCE = 8


def batches(machines: Iterable[Machine], size: int = MACHINES_AT_ONCE) -> Iterator[tuple[str, list[Machine]]]:
    """Group and at most `size` of its machines, group by group, as the lake is partitioned."""
    for group, members in groupby(sorted(machines, key=lambda m: m.group), key=lambda m: m.group):
        ordered = list(members)
        for first in range(0, len(ordered), size):
            yield group, ordered[first : first + size]
