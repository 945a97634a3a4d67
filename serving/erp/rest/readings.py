"""Where an answer keeps what: paths, alternatives, and the readings of orders, changes and assets."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from serving.erp.rest import paths

__all__ = ["AssetReading", "ChangeReading", "OrderReading", "Path", "Strict", "Take", "Takes", "all_takes"]


def _path(text: str) -> str:
    paths.parse(text)
    return text


def _takes(value: object) -> object:
    """One path, one taking or several alternatives."""
    held = value if isinstance(value, list) else [value]
    return [{"at": one} if isinstance(one, str) else one for one in held]


class Strict(BaseModel):
    """A block of a mapping file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Path = Annotated[str, AfterValidator(_path)]


class Take(Strict):
    """Where a value stands, and what to make of it."""

    at: Path = Field(description="Path in the item.")
    holds_key: bool = Field(False, description="The order key is somewhere within that text.")
    html: bool = Field(False, description="The text is HTML.")
    time: str = Field("default", description="A form of `times`, where a moment is read.")
    equals: str | int | float | bool | None = Field(None, description="Only if it is this...")
    says: str | None = Field(None, description="...and then it is this word.")


Takes = Annotated[tuple[Take, ...], BeforeValidator(_takes)]


class OrderReading(Strict):
    """Where an item keeps what an order is."""

    number: Takes
    key: Takes = ()
    status: Takes = ()
    priority: Takes = ()
    functional_location: Takes = ()
    text: Takes = ()


class ChangeReading(Strict):
    """Where an item of `changes` keeps when and how it ended, beside what `order` says."""

    changed_at: Takes
    change_id: Takes = Field((), description="If not number, stamp and status together.")
    completed_at: Takes = ()
    malfunction_at: Takes = ()
    text: Takes = ()
    codes: dict[str, Takes] = Field({}, description="Name -> where the code stands, for the outcomes' file.")


class AssetReading(Strict):
    """Where an item of `assets` keeps what it is."""

    functional_location: Takes = ()
    equipment_number: Takes = ()
    description: Takes = ()
    parent: Takes = ()
    asset_class: Takes = ()
    serial_number: Takes = ()


def all_takes(reading: BaseModel) -> list[Take]:
    """Every taking of a reading."""
    found: list[Take] = []
    for value in dict(reading).values():
        held = value.values() if isinstance(value, dict) else [value]
        found += [take for takes in held if isinstance(takes, tuple) for take in takes]
    return found
