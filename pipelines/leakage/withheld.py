"""Rows made again as of the moment they became known, with everything later withheld, and compared.

This is the strongest test: it does not ask whether a value is plausible, but whether it could be had then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.compute import compute, installations_of, lookback
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.tables import FEATURE_ROWS, MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from features.registry import feature_set

__all__ = ["Changed", "Remake", "changed_features", "remake_from_lake"]

# Values made twice on one machine differ by nothing; another machine, or a newer library, rounds otherwise.
RELATIVE, ABSOLUTE = 1e-6, 1e-9

# One row of `feature_rows` in, its features made without anything later out; a name that is not made is not in it.
Remake = Callable[[Mapping[str, object]], Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class Changed:
    """A feature whose stored value could not be had at its time; `made` None: nothing makes such a feature."""

    feature: str
    component: str
    time: str
    stored: float | None
    made: float | None
    is_made: bool
    rows: int

    @property
    def words(self) -> str:
        """What happened, for a person."""
        where = f"{self.component} at {self.time}"
        if not self.is_made:
            return f"it is stored ({_number(self.stored)} for {where}), but no feature of that name is computed"
        return (
            f"{_number(self.stored)} is stored for {where}, {_number(self.made)} is what could be computed then, "
            f"with everything later withheld ({self.rows} of the rows looked at differ)"
        )


def changed_features(rows: pl.DataFrame, names: Sequence[str], remake: Remake) -> list[Changed]:
    """Features that come out otherwise when everything after the row's `available_at` is withheld.

    Args:
        rows: Some rows of table `feature_rows`, all of one feature set.
        names: Of its values.
        remake: Makes a row again.

    Returns:
        One entry a feature, with the first row at which it differs.
    """
    found: dict[str, Changed] = {}
    for row in rows.iter_rows(named=True):
        made = remake(row)
        for name, stored in zip(names, row["values"], strict=True):
            if name in made and _same(stored, made[name]):
                continue
            before = found.get(name)
            first = Changed(
                feature=name,
                component=f"{row['machine_id']}/{row['slot']}",
                time=f"{row['time']:%Y-%m-%d %H:%M}",
                stored=stored,
                made=made.get(name),
                is_made=name in made,
                rows=0,
            )
            one = before or first
            found[name] = Changed(
                one.feature, one.component, one.time, one.stored, one.made, one.is_made, one.rows + 1
            )
    return list(found.values())


def remake_from_lake(lake: Lake, plant: Plant, fingerprint: str) -> Remake | None:
    """Makes rows again from the lake's readings as they were known at the row's `available_at`.

    The row's own past is taken as it is stored, which is what the daily run does; a past that leaks is found at
    its own rows.

    Returns:
        None where the feature set is not today's, so that nothing makes it any more.
    """
    if fingerprint not in {feature_set(plant, one.id).fingerprint for one in plant.component_classes}:
        return None
    events = lake.read(MAINTENANCE_EVENTS, all_revisions=True).collect()

    def remake(row: Mapping[str, object]) -> Mapping[str, float | None]:
        machine = plant.machine(str(row["machine_id"]))
        component = machine.component(str(row["slot"]))
        time, known = row["time"], row["available_at"]
        since = pl.select(pl.lit(time) - lookback(machine)).item()
        measured, waves = (
            lake.read(table, as_of=known, since=since, machine_ids=[machine.id], all_revisions=True).collect()  # type: ignore[arg-type]  # a row's value
            for table in (MEASUREMENTS, WAVEFORMS)
        )
        past = (
            lake.read(FEATURE_ROWS, as_of=known, until=time, machine_ids=[machine.id])  # type: ignore[arg-type]  # as above
            .filter(pl.col("slot") == component.slot, pl.col("fingerprint") == fingerprint)
            .collect()
        )
        told = events.filter(pl.col("available_at") <= pl.lit(known))
        made = compute(
            plant,
            machine,
            component,
            measurements=measured,
            waveforms=waves,
            installations=installations_of(told, machine, component),
            history=past,
            since=time,  # type: ignore[arg-type]  # as above
            as_of=known,  # type: ignore[arg-type]  # as above
        ).filter(pl.col("time") == time)
        names = feature_set(plant, component.component_class).names
        values = made["values"][0].to_list() if made.height else [None] * len(names)
        return dict(zip(names, values, strict=True))

    return remake


def _same(stored: float | None, made: float | None) -> bool:
    if stored is None or made is None:
        return stored is made
    return bool(np.isclose(stored, made, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True))


def _number(value: float | None) -> str:
    return "no value" if value is None else f"{value:.6g}"
