"""Which equipment of the ERP a machine may be: proposals with a confidence, for a person to confirm."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from features.core.plant import Machine
from serving.erp.port import Asset
from serving.planning.mapping import AssetMap

__all__ = ["Finding", "Proposal", "propose_assets", "validate_map"]

# A proposal below this is no help.
_LEAST = 0.2


@dataclass(frozen=True, slots=True)
class Proposal:
    """One machine and the asset that fits best.

    Attributes:
        machine_id: The machine.
        asset: None: nothing in the ERP resembles it.
        confidence: 1 when an id of the plant file is the ERP's own; else the share of the machine's words,
            rare ones weighing more, that the asset has too, less when another asset fits nearly as well.
        why: The words that fit, or the id.
        other: The second best, if there is one.
    """

    machine_id: str
    asset: Asset | None
    confidence: float
    why: str
    other: Asset | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with the map of a machine, and what to do."""

    machine_id: str
    message: str


def propose_assets(machines: Iterable[Machine], assets: Sequence[Asset]) -> list[Proposal]:
    """The best asset for each machine, in the order of the machines.

    Args:
        machines: Of the plant file.
        assets: Of the ERP.
    """
    words = [_words(_told(asset)) for asset in assets]
    seen = Counter(word for of_asset in words for word in of_asset)
    return [_best(machine, assets, words, seen) for machine in machines]


def validate_map(machines: Sequence[Machine], mapping: AssetMap, assets: Sequence[Asset]) -> list[Finding]:
    """What does not fit between plant file, map and ERP; empty: all machines are mapped, each to its own asset."""
    findings = []
    locations = {asset.functional_location for asset in assets if asset.functional_location}
    equipment = {asset.equipment_number for asset in assets if asset.equipment_number}
    used: dict[tuple[str, str], str] = {}
    for machine in machines:
        place = mapping.place_of(machine)
        if not any(place):
            findings.append(Finding(machine.id, "not mapped: wearcast erp assets match"))
            continue
        if place[0] and place[0] not in locations:
            findings.append(Finding(machine.id, f"the ERP has no functional location {place[0]}"))
        if place[1] and place[1] not in equipment:
            findings.append(Finding(machine.id, f"the ERP has no equipment {place[1]}"))
        if place in used:
            findings.append(Finding(machine.id, f"mapped to the same asset as {used[place]}"))
        used.setdefault(place, machine.id)
    known = {machine.id for machine in machines}
    strangers = sorted(set(mapping.machines) - known)
    return findings + [Finding(one, "is in the map and not in the plant file: remove it") for one in strangers]


def _best(
    machine: Machine, assets: Sequence[Asset], words: Sequence[frozenset[str]], seen: Counter[str]
) -> Proposal:
    for asset in assets:
        for own, theirs in (
            (machine.equipment_number, asset.equipment_number),
            (machine.functional_location, asset.functional_location),
        ):
            if own and own == theirs:
                return Proposal(machine.id, asset, 1.0, f"{own} is the ERP's own id")
    wanted = _words(f"{machine.id} {machine.name} {machine.functional_location} {machine.machine_class}")
    weights = {word: math.log(1 + len(assets) / (1 + seen[word])) for word in wanted}
    total = sum(weights.values())
    scores = [sum(weights[word] for word in wanted & of_asset) / total for of_asset in words]
    ranked = sorted(range(len(assets)), key=lambda place: (-scores[place], assets[place].equipment_number))
    if not ranked or scores[ranked[0]] < _LEAST:
        return Proposal(machine.id, None, 0.0, "nothing resembles it")
    first, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    rival = 0.0 if second is None else scores[second] / scores[first]
    # An id never fits by words alone, and a rival that fits as well halves the trust.
    confidence = min(scores[first] * (1 - rival / 2), 0.95)
    shared = ", ".join(sorted(wanted & words[first]))
    other = None if second is None or rival < 0.5 else assets[second]
    return Proposal(machine.id, assets[first], round(confidence, 2), f"both say: {shared}", other)


def _told(asset: Asset) -> str:
    return " ".join(
        (asset.functional_location, asset.equipment_number, asset.description, asset.asset_class, asset.parent)
    )


def _words(text: str) -> frozenset[str]:
    """Words and numbers, in upper case, without leading zeros."""
    found = re.findall(r"[A-Z]+|\d+", text.upper())
    return frozenset(word.lstrip("0") or "0" for word in found)
