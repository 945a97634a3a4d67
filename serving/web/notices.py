"""What keeps orders from the ERP now, told above the list of machines."""

from collections.abc import Iterable
from dataclasses import dataclass

from serving.planning.attention import Matter, MatterKind

__all__ = ["Notice", "notices"]

_KINDS = (MatterKind.STOP, MatterKind.CONNECTION, MatterKind.INCIDENT)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a person must know; `anchor` is its place on the page that tells what to do."""

    head: str
    text: str
    anchor: str


def notices(matters: Iterable[Matter]) -> list[Notice]:
    """Stops, a connection that does not work and open incidents, in the order of the matters."""
    return [
        Notice(f"{one.head}.", f"{one.says[:1].upper()}{one.says[1:]}", f"{one.kind.value}-{one.id or ''}")
        for one in matters
        if one.kind in _KINDS
    ]
