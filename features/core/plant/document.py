"""Plant files: YAML in, Plant out, and errors that name file, path, value and nearest valid one."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from features.core.documents import DocumentError, read_document
from features.core.errors import PlantError
from features.core.plant.bearings import BearingGeometry
from features.core.plant.nouns import Component, ComponentClass, Machine, MeasuringPoint, Plant, Site
from features.core.plant.values import Costs, LifePrior, Limits, Spare, Speed, VibrationClass
from features.core.plant.windows import MaintenanceWindow
from features.core.settings import nearest

__all__ = ["read_plant"]

_KEYS: dict[str, type[BaseModel]] = {
    "sites": Site,
    "machines": Machine,
    "components": Component,
    "component_classes": ComponentClass,
    "bearing": BearingGeometry,
    "measuring_points": MeasuringPoint,
    "maintenance_windows": MaintenanceWindow,
    "costs": Costs,
    "limits": Limits,
    "prior": LifePrior,
    "spare": Spare,
    "speed": Speed,
    "vibration_class": VibrationClass,
}


def read_plant(path: Path) -> Plant:
    """The plant of one YAML file, or of all YAML files in a folder taken together.

    Raises:
        PlantError: No file, no YAML, or a value that is not valid.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files or not all(file.exists() for file in files):
        raise PlantError(f"no plant file at {path}; `wearcast init` writes one to start from", {"file": str(path)})
    plants = [_read_file(file) for file in files]
    if len(plants) == 1:
        return plants[0]
    classes: dict[str, ComponentClass] = {}
    for file, plant in zip(files, plants, strict=True):
        for component_class in plant.component_classes:
            if classes.setdefault(component_class.id, component_class) != component_class:
                raise PlantError(
                    f"{file}: component class {component_class.id!r} differs from that of another file in {path}",
                    {"file": str(file), "path": "component_classes", "value": component_class.id},
                )
    merged = {
        "component_classes": list(classes.values()),
        "sites": [site for plant in plants for site in plant.sites],
    }
    return _validate(merged, path)


def _read_file(file: Path) -> Plant:
    try:
        document = read_document(file.read_text(encoding="utf-8"))
    except (OSError, DocumentError, UnicodeDecodeError) as err:
        raise PlantError(f"{file}: not readable as YAML: {err}", {"file": str(file)}) from err
    if not isinstance(document, dict):
        raise PlantError(f"{file}: expected keys component_classes and sites", {"file": str(file)})
    return _validate(document, file)


def _validate(document: dict[str, Any], file: Path) -> Plant:  # Any: a YAML document
    try:
        return Plant.model_validate(document)
    except ValidationError as err:
        raise _plant_error(err, file) from None


def _plant_error(err: ValidationError, file: Path) -> PlantError:
    found = _causes(err)
    first = found[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    value = first.get("input")
    shown = repr(value) if isinstance(value, str | int | float | bool | None) else "(a block)"
    hint = ""
    if first["type"] == "extra_forbidden":
        parents = [part for part in first["loc"][:-1] if isinstance(part, str)]
        model = _KEYS.get(parents[-1], Plant) if parents else Plant
        hint = f"; {nearest(str(first['loc'][-1]), list(model.model_fields))}"
        message = "unknown key"
    elif first["type"] in ("enum", "literal_error"):
        valid = [part.strip(" '") for part in first["ctx"]["expected"].replace(" or ", ",").split(",")]
        hint, message = f"; {nearest(str(value), valid)}", "not a valid value"
    else:
        message = first["msg"].removeprefix("Value error, ")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return PlantError(
        f"{file}: {place or 'document'} = {shown}: {message}{hint}{more}",
        {"file": str(file), "path": place, "value": shown},
    )


def _causes(err: ValidationError) -> list[dict[str, Any]]:  # Any: pydantic's error details
    """What a person must mend, unknown keys first; without errors that only follow from others."""
    found: list[dict[str, Any]] = [{**each} for each in err.errors(include_url=False)]
    places = [each["loc"] for each in found]
    causes = [
        {**each, "loc": tuple(part for part in each["loc"] if part not in ("designation", "geometry"))}
        for each in found
        if each["type"] != "too_short"
        or not any(place[: len(each["loc"])] == each["loc"] != place for place in places)
    ]
    return sorted(causes, key=lambda each: each["type"] != "extra_forbidden")
