"""The plant file of an import: written once, never over somebody's edits; and what an import reports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.core.documents import write_document
from features.core.errors import ConfigError
from features.core.plant import Machine, Plant, read_plant

__all__ = ["ImportReport", "only", "settle_plant"]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import brought.

    Attributes:
        plant: The plant file.
        machines: Machines that were imported.
        rows: New measurements.
        waveforms: New waveforms.
        events: New maintenance events.
        quarantined: Refused items.
        duplicates: Rows and waveforms that were there already.
    """

    plant: str
    machines: int
    rows: int
    waveforms: int
    events: int
    quarantined: int
    duplicates: int


def settle_plant(path: Path, document: dict[str, Any]) -> Plant:  # Any: a YAML document
    """The plant of `path`; the file is written when it is not there, else kept as it is.

    Raises:
        ConfigError: The file holds another plant.
        PlantError: The file is no plant.
    """
    machines = {machine["id"] for site in document["sites"] for machine in site["machines"]}
    if path.exists():
        plant = read_plant(path)
        missing = sorted(machines - {machine.id for machine in plant.machines})
        if missing:
            raise ConfigError(
                f"{path} is another plant: it has no machine {missing[0]!r}; name another file with --plant",
                {"file": str(path), "machine": missing[0]},
            )
        return plant
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write_document(document), encoding="utf-8")
    return read_plant(path)


def only(plant: Plant, machine: Machine) -> Plant:
    """The same plant with one machine."""
    site = plant.site_of(machine.id).model_copy(update={"machines": (machine,)})
    return plant.model_copy(update={"sites": (site,)})
