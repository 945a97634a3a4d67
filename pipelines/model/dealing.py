"""Lives dealt into parts by a digest of their names: the same seed and lives give the same parts, anywhere."""

import hashlib

import numpy as np

from pipelines.model.examples import Ints, Strings

__all__ = ["dealt"]


def dealt(groups: Strings, parts: int, seed: int) -> Ints:
    """Part [n] of each row: whole groups, about the same number in each part.

    Args:
        groups: str [n], what must stay together.
        parts: Not more than there are groups are made.
        seed: Another seed deals in another order.
    """
    names, place = np.unique(groups, return_inverse=True)
    digests = [hashlib.sha256(f"{seed}/{name}".encode()).digest() for name in names]
    part = np.zeros(names.size, dtype=np.int64)
    part[sorted(range(names.size), key=digests.__getitem__)] = np.arange(names.size) % max(1, parts)
    return part[place]
