"""When what is installed now was installed, as far as that was known."""

import polars as pl

from features.core.clock import EARLIEST
from features.core.plant import Component, Machine
from features.core.statements import EventKind, Outcome
from features.core.tables import TIME

__all__ = ["INSTALLATIONS", "installations_of"]

INSTALLATIONS = pl.Schema({"installed_at": TIME, "available_at": TIME, "withdrawn_at": TIME})

# After these a new part is in the slot. A failure ends with its repair.
_INSTALLING = (EventKind.INSTALLATION, EventKind.REPLACEMENT, EventKind.FAILURE, EventKind.MACHINE_SWAP)

# Outcomes that say that nothing was changed.
_NOTHING_DONE = (
    Outcome.NO_FAULT_FOUND,
    Outcome.SENSOR_FAULT,
    Outcome.DUPLICATE,
    Outcome.DEFERRED,
    Outcome.CANCELLED,
)


def installations_of(events: pl.DataFrame, machine: Machine, component: Component) -> pl.DataFrame:
    """Installations in a slot, from the maintenance events and the plant file.

    Args:
        events: Rows of `maintenance_events`, also of other machines and in several revisions.
        machine: The machine.
        component: One of its components. `component.installed` counts as known from the beginning.

    Returns:
        `installed_at`, `available_at`, `withdrawn_at` (when a newer revision of the event became known;
        null: it still holds), sorted. Events without a slot count for machines with one component, a
        machine swap for all of them. Events whose outcome says that nothing was changed do not count.

    Example:
        >>> from features.core.tables import MAINTENANCE_EVENTS
        >>> from features.core.plant import Component
        >>> component = Component(slot="DE", component_class="bearing")
        >>> installations_of(MAINTENANCE_EVENTS.empty(), Machine.model_construct(id="P1"), component).height
        0
    """
    found = pl.DataFrame(schema=INSTALLATIONS)
    if not events.is_empty():
        found = _from_events(events, machine, component)
    if component.installed is not None and component.installed not in found["installed_at"].to_list():
        own = {"installed_at": component.installed, "available_at": EARLIEST, "withdrawn_at": None}
        found = pl.concat([found, pl.DataFrame([own], schema=INSTALLATIONS)])
    return found.sort("installed_at", "available_at")


def _from_events(events: pl.DataFrame, machine: Machine, component: Component) -> pl.DataFrame:
    key = ["source", "source_event_id"]
    swap = pl.col("kind") == EventKind.MACHINE_SWAP.value
    alone = pl.lit(len(machine.components) == 1)
    here = (pl.col("slot") == component.slot) | (pl.col("slot").is_null() & (swap | alone))
    done = pl.col("outcome").is_null() | ~pl.col("outcome").is_in([o.value for o in _NOTHING_DONE])
    return (
        events.sort("revision")
        .with_columns(withdrawn_at=pl.col("available_at").reverse().cum_min().reverse().shift(-1).over(key))
        .filter(
            (pl.col("machine_id") == machine.id)
            & here
            & done
            & pl.col("kind").is_in([kind.value for kind in _INSTALLING])
        )
        .select(pl.col("occurred_at").alias("installed_at"), "available_at", "withdrawn_at")
        .unique(maintain_order=True)
    )
