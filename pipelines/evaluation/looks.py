"""How often test data was looked at: every look is a row of the lake, and none is taken back.

A test set tells the truth once. What is chosen after a look is chosen by it, a little more each time; the count
is shown beside every figure of it.
"""

import datetime as dt
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from features.core.clock import require_utc
from features.core.lake import Lake
from features.core.tables import TEST_LOOKS

__all__ = ["Look", "looks_so_far", "take_look"]


@dataclass(frozen=True, slots=True)
class Look:
    """The right to see the figures of these lives once; `number` counts from 1."""

    test_set: str
    units: frozenset[str]
    number: int


def take_look(
    lake: Lake, component_class: str, *, test_set: str, units: Collection[str], by: str, now: dt.datetime
) -> Look:
    """Counts one more look at these lives, whoever else looks at the same time.

    Args:
        lake: Keeps the count.
        component_class: Class of the lives.
        test_set: Name for people.
        units: The lives; the same lives are the same test set under any name.
        by: Who looks, e.g. a model and its version.
        now: UTC.
    """
    digest = hashlib.sha256("\n".join(sorted(set(units))).encode("utf-8")).hexdigest()[:16]
    row: dict[str, object] = {"component_class": component_class, "digest": digest, "test_set": test_set, "by": by}
    row |= {"lives": len(set(units)), "available_at": require_utc(now)}
    while True:
        number = _count(lake, component_class, digest) + 1
        frame = TEST_LOOKS.frame([row | {"number": number}])
        # Whoever was faster has the number already: then nothing is written, and the next one is tried.
        if lake.insert(TEST_LOOKS, frame, writer="evaluation"):
            return Look(test_set, frozenset(units), number)


def looks_so_far(lake: Lake, component_class: str) -> int:
    """Looks at any test data of the class, all sets together."""
    return _count(lake, component_class, None)


def _count(lake: Lake, component_class: str, digest: str | None) -> int:
    rows = lake.read(TEST_LOOKS).filter(pl.col("component_class") == component_class)
    if digest is not None:
        rows = rows.filter(pl.col("digest") == digest)
    return int(rows.select(pl.len()).collect().item())
