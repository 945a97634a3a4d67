"""Work orders of eleven building chillers (AssetOpsBench sample data): a plant, and events from its orders."""

import csv
import datetime as dt
from pathlib import Path
from typing import Any

from features.core.errors import ConfigError
from features.core.lake import Lake
from pipelines.imports.order_map import read_order_map
from pipelines.imports.plantfile import settle_plant
from pipelines.imports.work_orders import WorkOrdersReport, import_work_orders

__all__ = ["FILE", "MAPPING", "TIME_ZONE", "import_chillers", "plant_document"]

FILE = "all_wo_with_code_component_events.csv"
MAPPING = Path(__file__).parent / "mappings" / "chiller_work_orders.yaml"
# The orders carry local times and the data do not say of where: declared here, to be corrected in the plant file.
TIME_ZONE = "America/New_York"
SLOTS = ("compressor", "condenser", "evaporator", "refrigerant_circuit", "control_system", "motor")


def import_chillers(
    source_dir: Path,
    lake: Lake,
    plant_path: Path,
    *,
    now: dt.datetime,
    mapping: Path = MAPPING,
    time_zone: str = TIME_ZONE,
) -> WorkOrdersReport:
    """Brings what the orders tell of lives into the lake and writes the chillers' plant file.

    Args:
        source_dir: Holds the file of orders.
        lake: Where events and orders that need review go.
        plant_path: Where the plant file goes; one that is there is kept.
        now: An order that ended later than this is refused.
        mapping: What columns and codes mean.
        time_zone: Of the site, for a new plant file.

    Raises:
        ConfigError: No file of orders, a wrong mapping, or the plant file is another plant.
    """
    file, order_map = source_dir / FILE, read_order_map(mapping)
    plant = settle_plant(plant_path, plant_document(_chillers(file), time_zone))
    return import_work_orders(file, order_map, lake, plant, now=now)


def plant_document(chillers: dict[str, str], time_zone: str = TIME_ZONE) -> dict[str, Any]:  # Any: a YAML document
    """The plant document (YAML) of these chillers: id -> name."""
    power = {"id": "power_input", "role": "power_input", "quantity": "other", "unit": "1"}
    machines = [
        {
            "id": machine_id,
            "name": name,
            "group": "chillers",
            "machine_class": "chiller",
            "equipment_number": machine_id,
            "components": [{"slot": slot, "component_class": slot} for slot in SLOTS],
            # A machine has one point at least; no readings come with the orders.
            "measuring_points": [power],
        }
        for machine_id, name in chillers.items()
    ]
    site = {"id": "chillers", "name": "Building chillers", "time_zone": time_zone, "machines": machines}
    classes = [{"id": slot, "life_unit": "calendar_h"} for slot in SLOTS]
    return {"component_classes": classes, "sites": [site]}


def _chillers(file: Path) -> dict[str, str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return dict(
                sorted({row["equipment_id"]: row["equipment_name"] for row in csv.DictReader(stream)}.items())
            )
    except (OSError, KeyError) as err:
        raise ConfigError(
            f"{file}: no work orders of the chillers ({type(err).__name__}); name the folder that holds them",
            {"file": str(file)},
        ) from err
