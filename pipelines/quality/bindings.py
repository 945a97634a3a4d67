"""Which tag of a source is which measuring point, as a frame to join with."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from features.core.plant import MeasuringPoint, Plant
from features.core.units import Quantity, to_canonical, unit_problem
from pipelines.historian.port import TagInfo

__all__ = ["BINDINGS", "bind"]

# One row a (tag, measuring point); a tag may serve several points, e.g. one ambient sensor of a hall.
BINDINGS = pl.Schema(
    {
        "tag": pl.String(),
        "group": pl.String(),
        "machine_id": pl.String(),
        "point_id": pl.String(),
        "kind": pl.String(),
        "quantity": pl.String(),
        "unit": pl.String(),
        "low": pl.Float64(),  # in `unit`
        "high": pl.Float64(),
        "stepped": pl.Boolean(),
        "grid_us": pl.Int64(),
        "unit_conflict": pl.String(),  # why the source's own unit forbids to read the tag; null: it fits
    }
)


def bind(plant: Plant, source: str, known: Iterable[TagInfo]) -> pl.DataFrame:
    """Every (tag, measuring point) that the plant file names for a source.

    Args:
        plant: The plant.
        source: The historian's name, as the plant file's tags use it.
        known: What the source says of its tags; tags it does not have are left out.

    Returns:
        A frame of schema `BINDINGS`, in plant order.
    """
    stated = {info.tag: info.unit for info in known}
    rows = [
        {
            "tag": point.tags[source],
            "group": machine.group,
            "machine_id": machine.id,
            "point_id": point.id,
            "kind": point.kind.value,
            "quantity": point.quantity.value,
            "unit": point.unit,
            "low": _low(point),
            "high": point.limits.high,
            "stepped": point.stepped,
            "grid_us": int(machine.grid.total_seconds() * 1_000_000),
            "unit_conflict": _conflict(point, stated[point.tags[source]]),
        }
        for machine in plant.machines
        for point in machine.measuring_points
        if point.tags.get(source) in stated
    ]
    return pl.DataFrame(rows, schema=BINDINGS, orient="row")


def _low(point: MeasuringPoint) -> float | None:
    """The lowest possible value, in the point's unit: its limit, and no temperature below absolute zero."""
    if point.quantity is not Quantity.TEMPERATURE:
        return point.limits.low
    zero, one = to_canonical(np.array([0.0, 1.0]), point.unit, point.quantity)
    coldest = -zero / (one - zero)
    return float(coldest if point.limits.low is None else max(point.limits.low, coldest))


def _conflict(point: MeasuringPoint, stated: str | None) -> str | None:
    """Why the unit that a source states contradicts the plant file; a unit nobody knows contradicts nothing."""
    if not stated or stated == point.unit or not _is_unit(stated):
        return None
    probe = np.array([0.0, 1.0])
    if unit_problem(stated, point.quantity) is None and np.allclose(
        to_canonical(probe, stated, point.quantity),
        to_canonical(probe, point.unit, point.quantity),
        rtol=1e-9,
    ):
        return None
    return f"the source states {stated!r}, the plant file says {point.unit!r}; correct the plant file"


def _is_unit(text: str) -> bool:
    return any(unit_problem(text, quantity) is None for quantity in Quantity if quantity is not Quantity.OTHER)
