"""What is known of each component at the moment of a plan."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from features.core.lake import Lake
from features.core.plant import Component, Machine, Plant
from features.core.statements import EventKind, Prediction, Refusal
from features.core.tables import MAINTENANCE_EVENTS, PREDICTIONS
from features.policy import Context
from features.rul.rows import from_row

__all__ = ["Case", "cases", "newest_statements"]

# What begins a new life of a component.
_RESETS = (EventKind.INSTALLATION, EventKind.REPLACEMENT, EventKind.FAILURE, EventKind.MACHINE_SWAP)


@dataclass(frozen=True, slots=True)
class Case:
    """One component with its newest statement; `reset_at` is when its present life began, if known."""

    context: Context
    statement: Prediction | Refusal
    reset_at: dt.datetime | None

    @property
    def machine(self) -> Machine:
        """Its machine."""
        return self.context.machine

    @property
    def component(self) -> Component:
        """The component itself."""
        return self.context.component

    @property
    def data_time(self) -> dt.datetime:
        """End of the newest observation that the statement stands on."""
        return self.statement.data_time or self.statement.as_of

    @property
    def burn_in(self) -> dt.timedelta:
        """Time after a renewal in which nothing is recommended: run-in, at least a 14th of the baseline."""
        component_class = self.context.component_class
        return max(component_class.run_in, component_class.baseline / 14)


def cases(lake: Lake, plant: Plant, *, now: dt.datetime, since: dt.datetime) -> Iterator[Case]:
    """Components of the plant that have a statement since `since`, in the order of the plant file.

    Only rows with `available_at <= now` are used.
    """
    rows = {
        (row["machine_id"], row["slot"]): row
        for row in newest_statements(lake, as_of=now, since=since).iter_rows(named=True)
    }
    events = lake.read(MAINTENANCE_EVENTS, as_of=now).filter(
        # A correction replaces what was said before; all revisions are in the table.
        pl.col("revision") == pl.col("revision").max().over("source", "source_event_id")
    )
    resets = events.filter(
        pl.col("kind").is_in([kind.value for kind in _RESETS]), pl.col("occurred_at") <= now
    ).collect()
    for site in plant.sites:
        for machine in site.machines:
            for component in machine.components:
                row = rows.get((machine.id, component.slot))
                if row is None:
                    continue
                component_class = plant.component_class(component.component_class)
                context = Context(site, machine, component, component_class, row["utilisation"])
                yield Case(context, from_row(row), _reset_of(resets, machine, component, now))


def _reset_of(
    events: pl.DataFrame, machine: Machine, component: Component, now: dt.datetime
) -> dt.datetime | None:
    of_component = (pl.col("machine_id") == machine.id) & (
        pl.col("slot").is_null() | (pl.col("slot") == component.slot)
    )
    times: list[dt.datetime] = events.filter(of_component).get_column("occurred_at").to_list()
    if component.installed is not None and component.installed <= now:
        times.append(component.installed)
    return max(times, default=None)


def newest_statements(lake: Lake, *, as_of: dt.datetime, since: dt.datetime) -> pl.DataFrame:
    """The newest row of PREDICTIONS of every component that could be known at `as_of`."""
    rows = lake.read(PREDICTIONS, as_of=as_of, since=since).filter(pl.col("time") <= as_of).collect()
    ordered = rows.sort("time", "available_at", "model_version")
    return ordered.unique(["machine_id", "slot"], keep="last", maintain_order=True)
