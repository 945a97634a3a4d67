"""Where the champion of a class has been: its moves, noted beside the registered model."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from features.core.clock import SystemClock
from features.core.models import ModelRegistry, model_name

__all__ = ["Move", "former", "history", "move_to", "stamp"]

# Where the moves of the champion are noted, the newest last, and how many: a note holds 5,000 characters.
_HISTORY, _MOVES, _WORDS = "champion_history", 24, 90


@dataclass(frozen=True, slots=True)
class Move:
    """One move of the champion: to which version, when, how (`promoted`, `by hand`, `rolled back`), and why."""

    version: str
    at: str
    how: str
    why: str


def history(registry: ModelRegistry, class_id: str) -> list[Move]:
    """Moves of the champion, the oldest first; those from before moves were noted are not in it."""
    name = model_name(class_id)
    if not registry.versions(name):
        return []
    return [Move(**move) for move in json.loads(registry.memo(name, _HISTORY) or "[]")]


def move_to(registry: ModelRegistry, name: str, move: Move) -> None:
    """Lets a version predict, and notes it.

    The alias first: a champion that is not in the history is found by its alias, the other way round is not.
    """
    registry.set_champion(name, move.version)
    held: Sequence[dict[str, str]] = json.loads(registry.memo(name, _HISTORY) or "[]")
    short = asdict(move) | {"why": move.why if len(move.why) <= _WORDS else move.why[: _WORDS - 3] + "..."}
    registry.set_memo(name, _HISTORY, json.dumps([*held, short][-_MOVES:], ensure_ascii=False))


def former(moves: Sequence[Move], present: str) -> str | None:
    """The champion before the present one: roll backs are walked back through, not forth."""
    stack: list[str] = []
    for move in moves:
        if move.how == "rolled back" and move.version in stack:
            del stack[stack.index(move.version) + 1 :]
        elif not stack or stack[-1] != move.version:
            stack.append(move.version)
    while stack and stack[-1] == present:
        stack.pop()
    return stack[-1] if stack else None


def stamp(now: dt.datetime | None) -> str:
    """A moment as a note holds it; None: now."""
    return (now or SystemClock().now()).isoformat(timespec="seconds")
