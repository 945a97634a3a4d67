"""Suspects: features that are too good, or that cannot be had again, in words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.leakage.alone import TARGETS, Told
from pipelines.leakage.withheld import Changed

__all__ = ["LIMITS", "Limits", "Suspect", "suspects"]


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on a feature is too good.

    Attributes:
        skill: Target -> skill of one feature alone at which nobody can have measured it.
        age_margin: A target that the age tells to within this of the limit (lives of one length) is no test.
        stands_out: What a new feature may tell more, early in lives, than every known one.
        stands_out_from: Below this skill, standing out is no matter.
        beats_model: A feature alone may not have less than this share of a whole model's error.
    """

    skill: tuple[tuple[str, float], ...] = (
        ("rul", 0.95),
        ("early", 0.9),
        ("length", 0.85),
        ("share", 0.95),
        ("end_5", 0.97),
        ("end_20", 0.97),
        ("copy", 0.97),
        ("flag", 0.95),
    )
    age_margin: float = 0.1
    stands_out: float = 0.2
    stands_out_from: float = 0.3
    beats_model: float = 0.85


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Suspect:
    """A feature, why it is suspected, and whether that is proof or only likely."""

    feature: str
    why: str
    proven: bool


def suspects(
    told: Told | None,
    changed: Sequence[Changed] = (),
    *,
    known: Collection[str] = (),
    model_error: float | None = None,
    trusted: Collection[str] = (),
    limits: Limits = LIMITS,
) -> list[Suspect]:
    """The features that know too much, proven ones first, else the most telling first.

    Args:
        told: What each feature tells alone; None: too few lives to ask.
        changed: Features that could not be made again with the future withheld.
        known: Features that the present champion uses; new ones are measured against them.
        model_error: Error of the present champion on lives it had not seen, capped, life units; None: it has too
            few lives to be a yardstick. A feature that it uses itself is not measured by it.
        trusted: Features that a person has looked at; they are suspected only on proof.
        limits: From when on a feature is too good.
    """
    proven = [Suspect(one.feature, one.words, proven=True) for one in changed]
    if told is None:
        return proven
    done = {one.feature for one in proven} | set(trusted)
    likely: list[tuple[float, Suspect]] = []
    for place, name in enumerate(told.names):
        if place == 0 or name in done or name.rsplit(".", 1)[-1] == "age":
            continue
        why = _too_good(told, place, limits) or _standing_out(told, place, known, limits)
        beats = model_error is not None and told.error[place] < limits.beats_model * model_error
        if not why and beats and name not in known:
            why = (
                f"alone it misses the remaining life by {told.error[place]:.4g}, the whole champion by "
                f"{model_error:.4g}"
            )
        if why:
            likely.append((float(told.error[place]), Suspect(name, why, proven=False)))
    return proven + [one for _, one in sorted(likely, key=lambda pair: pair[0])]


def _too_good(told: Told, place: int, limits: Limits) -> str:
    for target, limit in limits.skill:
        skill = told.skill[target]
        if skill[place] >= limit and not skill[0] >= limit - limits.age_margin:
            return (
                f"alone it tells {TARGETS[target]}: it explains {skill[place]:.1%} over {told.lives} lives it was "
                f"not fitted to (age: {max(skill[0], 0.0):.0%})"
            )
    return ""


def _standing_out(told: Told, place: int, known: Collection[str], limits: Limits) -> str:
    if told.names[place] in known:
        return ""
    others = [other for other, name in enumerate(told.names) if name in known or other == 0]
    if len(others) < 2:
        return ""
    for target in ("early", "length"):
        skill = told.skill[target]
        best = float(np.nanmax(skill[others], initial=0.0))
        if skill[place] >= max(limits.stands_out_from, best + limits.stands_out):
            return (
                f"it is new, and alone it tells {TARGETS[target]}: it explains {skill[place]:.0%}, the champion's "
                f"best feature {max(best, 0.0):.0%}"
            )
    return ""
