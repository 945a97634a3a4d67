"""LightGBM's text model as flat arrays.

References:
    LightGBM 4.7, `src/io/tree.cpp` (`Tree::ToString`, `Tree::Tree(const char*, size_t*)`) and
    `include/LightGBM/tree.h` (`decision_type`: bit 0 categorical, bit 1 default left, bits 2 and 3 missing
    type: 0 none, 1 zero, 2 NaN).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from features.core.errors import DamagedArtefactError

__all__ = ["ForeignForestError", "Forest", "parse"]

# How a column treats its values, and a node that asks for membership in a set of categories.
DEFAULT_LEFT, ZERO_MISSING, CATEGORICAL, ONLY_MISSING = 1, 2, 4, 8

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
_N = TypeVar("_N", np.int64, np.float64)


class ForeignForestError(Exception):
    """A sound LightGBM model of a kind that the walk does not know; LightGBM itself must answer."""


@dataclass(frozen=True, slots=True)
class Forest:
    """All trees of one model, laid out so that a step is one cache line and no branch.

    Every inner node and every leaf has a slot; the two children of a node are neighbours. Slot `a` is two
    words: `words[2a]` is the threshold as float64 bits, `words[2a + 1]` the slot of the left child in its
    upper half and a column in its lower half. The next slot is `left + (column > threshold)`.
    Columns are made of a row before the walk: an input and what its missing values become, -inf to go left or
    +inf to go right, or 0 and 1 where only missing values go right. So no node asks for NaN. A leaf's
    threshold is its value, its child is itself and its column is the last one, which is always -inf: who has
    arrived stays.

    Attributes:
        words: [2 slots].
        roots: [trees] slots.
        sources: [columns] input of each column.
        kinds: [columns] `DEFAULT_LEFT`, `ZERO_MISSING`, `ONLY_MISSING` of each column.
        sets: [slots] set of categories of a categorical node, else -1; empty when there is none.
        starts: Words starts[i] to starts[i + 1] of `bits` are set i.
        bits: Members of the sets, 32 a word.
        expected: [slots] LightGBM's `internal_value` (about the mean of the training rows at the node, printed
            with few digits), at leaves the leaf's value.
        features: Number of inputs.
        divisor: Number of trees when their outputs are averaged (random forests), else 1.
    """

    words: Words
    roots: Words
    sources: Longs
    kinds: Longs
    sets: Longs
    starts: Longs
    bits: Longs
    expected: Floats
    features: int
    divisor: float


@dataclass(frozen=True, slots=True)
class _Tree:
    feature: Longs
    kind: Longs
    threshold: Floats
    left: Longs
    right: Longs
    leaves: Floats
    expected: Floats
    bounds: Longs
    bits: Longs


def parse(text: str) -> Forest:
    """The forest of a LightGBM text model with one output.

    Raises:
        DamagedArtefactError: The text is cut, or a tree is not a tree.
        ForeignForestError: Linear trees or several classes.
    """
    head, trees = _sections(text)
    try:
        if int(head["num_tree_per_iteration"]) != 1:
            raise ForeignForestError("several outputs in one model")
        features = int(head["max_feature_idx"]) + 1
        if len(head["tree_sizes"].split()) != len(trees):
            raise ValueError(f"{len(trees)} trees instead of {len(head['tree_sizes'].split())}")
        return _laid_out([_tree(tree, features) for tree in trees], features, average="average_output" in head)
    except (KeyError, ValueError, OverflowError) as err:
        raise DamagedArtefactError(f"the forest text cannot be used: {err!r}", {"file": "forest"}) from err


def _sections(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    head: dict[str, str] = {}
    trees: list[dict[str, str]] = []
    section = head
    for line in text.splitlines():
        if line == "end of trees":
            return head, trees
        key, _, value = line.partition("=")
        if key == "Tree":
            section = {}
            trees.append(section)
        section[key] = value
    raise DamagedArtefactError("the forest text ends before its trees do", {"file": "forest"})


def _tree(section: dict[str, str], features: int) -> _Tree:
    if section.get("is_linear", "0") != "0":
        raise ForeignForestError("linear trees")
    count = int(section["num_leaves"]) - 1
    leaves = _floats(section, "leaf_value", count + 1)
    none, nothing = np.zeros(0, np.int64), np.zeros(0)
    if not count:
        return _Tree(none, none, nothing, none, none, leaves, nothing, none, none)
    decision = _integers(section, "decision_type", count)
    threshold = _floats(section, "threshold", count)
    categorical, missing = (decision & 1) > 0, (decision >> 2) & 3
    # Without a missing type NaN counts as zero, so its side is that of zero.
    left = np.where(missing == 0, threshold >= 0.0, (decision & 2) > 0)
    kind = np.where(categorical, CATEGORICAL, left * DEFAULT_LEFT + (missing == 1) * ZERO_MISSING)
    bounds = _integers(section, "cat_boundaries") if categorical.any() else none
    # Nothing lies above an infinite threshold but missing values: the column says which these are.
    only = ~categorical & np.isposinf(threshold) & ~left
    kind, threshold = np.where(only, kind | ONLY_MISSING, kind), np.where(only, 0.5, threshold)
    tree = _Tree(
        feature=_integers(section, "split_feature", count),
        kind=kind.astype(np.int64),
        threshold=threshold,
        left=_integers(section, "left_child", count),
        right=_integers(section, "right_child", count),
        leaves=leaves,
        expected=_floats(section, "internal_value", count),
        bounds=bounds,
        bits=_integers(section, "cat_threshold", int(bounds[-1])) if categorical.any() else none,
    )
    _check(tree, features, missing)
    return tree


def _check(tree: _Tree, features: int, missing: Longs) -> None:
    """What the walk relies on: without it, it could run in circles or outside of its arrays."""
    count = len(tree.feature)
    children = np.concatenate([tree.left, tree.right])
    later = children > np.tile(np.arange(count), 2)
    if ((children >= 0) & ~later).any() or len(np.unique(children)) != 2 * count:
        raise ValueError("children are not the later nodes and the leaves, each once")
    if children.min() < -count - 1 or children.max() >= count:
        raise ValueError("a child that does not exist")
    if tree.feature.min() < 0 or tree.feature.max() >= features or missing.max() > 2:
        raise ValueError("a split on an unknown feature or missing type")
    sets = tree.threshold[tree.kind == CATEGORICAL]
    if len(sets) and (
        sets.min() < 0 or sets.max() >= len(tree.bounds) - 1 or tree.bounds[0] or (np.diff(tree.bounds) < 0).any()
    ):
        raise ValueError("sets of categories that do not fit their words")


def _laid_out(trees: Sequence[_Tree], features: int, *, average: bool) -> Forest:
    feature = np.concatenate([np.zeros(0, np.int64), *(tree.feature for tree in trees)])
    kind = np.concatenate([np.zeros(0, np.int64), *(tree.kind for tree in trees)])
    columns, column = np.unique(feature * 16 + kind, return_inverse=True)
    sizes = [2 * len(tree.leaves) - 1 for tree in trees]
    roots = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    slots = int(roots[-1])
    words, expected = np.zeros(2 * slots, np.uint64), np.zeros(slots)
    sets = np.full(slots if (kind == CATEGORICAL).any() else 0, -1, np.int64)
    starts, bits, done = [np.zeros(1, np.int64)], [np.zeros(0, np.int64)], 0
    for tree, root in zip(trees, roots.tolist(), strict=False):
        inner = _place(tree, root, column[done : done + len(tree.feature)], len(columns), words, expected)
        done += len(tree.feature)
        chosen = tree.kind == CATEGORICAL
        if chosen.any():
            sets[inner[chosen]] = sum(map(len, starts)) - 1 + tree.threshold[chosen].astype(np.int64)
            starts.append(starts[-1][-1] + tree.bounds[1:])
            bits.append(tree.bits)
    return Forest(
        words=words,
        roots=roots[:-1].astype(np.uint64),
        sources=columns // 16,
        kinds=columns % 16,
        sets=sets,
        starts=np.concatenate(starts),
        bits=np.concatenate(bits),
        expected=expected,
        features=features,
        divisor=float(len(trees)) if average and trees else 1.0,
    )


def _place(tree: _Tree, root: int, column: Longs, last: int, words: Words, expected: Floats) -> Longs:
    """Writes one tree into its slots; gives the slots of its inner nodes."""
    count = len(tree.feature)
    thresholds = words.view(np.float64)
    inner, leaf = np.full(count, root, np.int64), np.full(len(tree.leaves), root, np.int64)
    firsts = root + 1 + 2 * np.arange(count)
    for children, places in ((tree.left, firsts), (tree.right, firsts + 1)):
        is_inner = children >= 0
        inner[children[is_inner]] = places[is_inner]
        leaf[~children[~is_inner]] = places[~is_inner]
    thresholds[2 * inner], thresholds[2 * leaf] = tree.threshold, tree.leaves
    words[2 * inner + 1] = (firsts << 32 | column).astype(np.uint64)
    words[2 * leaf + 1] = (leaf << 32 | last).astype(np.uint64)
    expected[inner], expected[leaf] = tree.expected, tree.leaves
    return inner


def _integers(section: dict[str, str], key: str, count: int | None = None) -> Longs:
    return _counted(np.array(section[key].split(), dtype=np.int64), key, count)


def _floats(section: dict[str, str], key: str, count: int) -> Floats:
    return _counted(np.array(section[key].split(), dtype=np.float64), key, count)


def _counted(numbers: npt.NDArray[_N], key: str, count: int | None) -> npt.NDArray[_N]:
    if not len(numbers) or (count is not None and len(numbers) != count):
        raise ValueError(f"{key} has {len(numbers)} numbers instead of {count}")
    return numbers
