"""Which equipment of the ERP a machine is: confirmed by a person, kept in a file."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.core.documents import DocumentError, read_document, write_document
from features.core.errors import ConfigError
from features.core.plant import Machine

__all__ = ["AssetMap", "MappedAsset", "read_asset_map", "write_asset_map"]


_HEAD = "# Confirmed by people: wearcast erp assets match. Orders are written for these machines only.\n"


class MappedAsset(BaseModel):
    """One machine's place in the ERP, and who confirmed it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    functional_location: str = ""
    equipment_number: str = ""
    description: str = Field("", description="The ERP's words for it, when it was confirmed.")
    confirmed_by: str
    confirmed_at: dt.datetime


class AssetMap(BaseModel):
    """All confirmed machines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machines: Mapping[str, MappedAsset] = Field(default_factory=dict)

    def place_of(self, machine: Machine) -> tuple[str, str]:
        """Functional location and equipment number: the confirmed ones, else those of the plant file."""
        mapped = self.machines.get(machine.id)
        if mapped is None:
            return machine.functional_location, machine.equipment_number
        return mapped.functional_location, mapped.equipment_number


def read_asset_map(file: Path) -> AssetMap:
    """The map in a YAML file; an empty one when there is no such file.

    Raises:
        ConfigError: The file is wrong; file, place and value are named.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return AssetMap()
    except OSError as err:
        raise ConfigError(f"asset map {file}: {err.strerror}", {"file": str(file)}) from err
    try:
        return AssetMap.model_validate(read_document(text) or {})
    except DocumentError as err:
        raise ConfigError(f"asset map {file} is not YAML: {err}", {"file": str(file)}) from err
    except ValidationError as err:
        first = err.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ConfigError(f"asset map {file}, {place}: {first['msg']}", {"file": str(file)}) from err


def write_asset_map(file: Path, mapping: AssetMap) -> None:
    """Keep the map; the file is replaced as a whole, never half written."""
    document = {
        "machines": {
            machine_id: mapped.model_dump(mode="json", exclude_defaults=True)
            for machine_id, mapped in sorted(mapping.machines.items())
        }
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(_HEAD + write_document(document), encoding="utf-8")
    draft.replace(file)
