"""Several forests of one output as one: its answer is their mean."""

from collections.abc import Sequence

__all__ = ["merged"]

# Lines of a tree that hold answers. The weights and counts beside them stay as they were.
_SCALED = ("leaf_value=", "internal_value=")


def merged(texts: Sequence[str]) -> str:
    """LightGBM's text of all trees of these models, each answer divided by the number of models.

    The head and the tail, which hold names, ranges and settings, are those of the first model.

    Args:
        texts: Text models with the same inputs and one output.

    References:
        LightGBM 4.7, `src/boosting/gbdt_model_text.cpp`: `tree_sizes` are the lengths in bytes of the sections
        that begin with `Tree=`.
    """
    head, _, tail = _parts(texts[0])
    trees: list[str] = []
    for text in texts:
        for tree in _parts(text)[1]:
            lines = tree.splitlines()
            lines[0] = f"Tree={len(trees)}"
            trees.append("\n".join(_divided(line, len(texts)) for line in lines) + "\n\n\n")
    sizes = "tree_sizes=" + " ".join(str(len(tree.encode("utf-8"))) for tree in trees)
    lines = [sizes if line.startswith("tree_sizes=") else line for line in head.splitlines()]
    return "\n".join(lines) + "\n\n" + "".join(trees) + tail


def _parts(text: str) -> tuple[str, list[str], str]:
    """Head, trees and tail of a text model."""
    end = text.index("end of trees")
    first = text.find("Tree=")
    first = end if first < 0 or first > end else first
    trees = ["Tree=" + part.strip("\n") for part in text[first:end].split("Tree=")[1:]]
    return text[:first].rstrip("\n"), trees, text[end:]


def _divided(line: str, by: int) -> str:
    for name in _SCALED:
        if line.startswith(name):
            # 17 digits bring back the same double.
            return name + " ".join(f"{float(value) / by:.17g}" for value in line[len(name) :].split())
    return line
