"""One component's statement for one request: the same features and the same inference as in batch.

Spectra are not looked at here: that costs tenths of a second and reads much of the lake. A diagnosis is taken
over from the newest statement of batch, so both say the same.
"""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from features.compute import compute, installations_of, lookback
from features.core.clock import require_utc
from features.core.plant import Component, Machine
from features.core.statements import Evidence, Prediction, Refusal
from features.core.tables import FEATURE_ROWS, MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS, Table
from features.registry import feature_set
from features.rul.physics import told_by, wants_diagnosis, with_physics
from features.rul.predict import predict
from serving.predictor.context import Context

__all__ = ["History", "OnlineAnswer", "answer", "history_from_lake", "history_from_raw", "history_from_rows"]

_MICROSECOND = dt.timedelta(microseconds=1)
# A diagnosis of batch is taken over that long, or three grid steps: batch runs at least daily.
_DIAGNOSIS_HOLDS = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class History:
    """Feature rows of one component in order of time, and its installations; from the lake, or brought along."""

    rows: pl.DataFrame
    installations: pl.DataFrame
    from_lake: bool = False


@dataclass(frozen=True, slots=True)
class OnlineAnswer:
    """A statement, and the newest feature row that it stands on by name."""

    statement: Prediction | Refusal
    features: dict[str, float | None]


def history_from_lake(context: Context, machine: Machine, component: Component, as_of: dt.datetime) -> History:
    """What the lake knew at `as_of`: the rows of batch, and those computed now from newer raw rows."""
    lake, plant = context.lake, context.plant
    events = lake.read(MAINTENANCE_EVENTS, as_of=as_of, machine_ids=[machine.id]).collect()
    installations = installations_of(events, machine, component)
    fingerprint = feature_set(plant, component.component_class).fingerprint
    held = (
        lake.read(FEATURE_ROWS, as_of=as_of, machine_ids=[machine.id], group=machine.group)
        .filter((pl.col("slot") == component.slot) & (pl.col("fingerprint") == fingerprint))
        .sort("time")
        .collect()
    )
    last: dt.datetime | None = None if held.is_empty() else held["time"][-1]
    raw_since = None if last is None else last - lookback(machine)
    newer = compute(
        plant,
        machine,
        component,
        measurements=_raw(context, MEASUREMENTS, machine, raw_since, as_of),
        waveforms=_raw(context, WAVEFORMS, machine, raw_since, as_of),
        installations=installations,
        history=None if last is None else held,
        since=None if last is None else last + _MICROSECOND,
        as_of=as_of,
    )
    return History(newer if last is None else pl.concat([held, newer]), installations, from_lake=True)


def history_from_raw(
    context: Context,
    machine: Machine,
    component: Component,
    *,
    measurements: pl.DataFrame,
    waveforms: pl.DataFrame,
    installed_at: dt.datetime | None,
    as_of: dt.datetime,
) -> History:
    """What a request brought as raw rows; the lake is not asked."""
    installations = _installations(machine, component, installed_at)
    rows = compute(
        context.plant,
        machine,
        component,
        measurements=measurements,
        waveforms=waveforms,
        installations=installations,
        as_of=as_of,
    )
    return History(rows, installations)


def history_from_rows(
    machine: Machine, component: Component, rows: pl.DataFrame, installed_at: dt.datetime | None
) -> History:
    """What a request brought as feature rows."""
    return History(rows.sort("time"), _installations(machine, component, installed_at))


def answer(
    context: Context, machine: Machine, component: Component, history: History, as_of: dt.datetime
) -> OnlineAnswer:
    """The statement of the newest row, by the champion of the component's class.

    Args:
        context: Plant and champions.
        machine: Whose component it is.
        component: What is asked about.
        history: Its feature rows and installations.
        as_of: The moment of the question, UTC.
    """
    withdrawn = pl.col("withdrawn_at").fill_null(as_of + _MICROSECOND) <= as_of
    known = history.installations.filter((pl.col("available_at") <= as_of) & ~withdrawn).sort("installed_at")
    rows = history.rows
    if not known.is_empty():
        rows = rows.filter(pl.col("time") > known["installed_at"][-1])
    features = feature_set(context.plant, component.component_class)
    champion = context.champions.of(component.component_class)
    statement = predict(
        None if champion is None else champion.artefact,
        rows,
        machine=machine,
        component=component,
        component_class=context.plant.component_class(component.component_class),
        life_number=max(1, known.height),
        model_name="" if champion is None else champion.name,
        model_version="" if champion is None else champion.version,
        as_of=as_of,
        features=features,
    )
    if history.from_lake and wants_diagnosis(statement):
        statement = with_physics(statement, _physics(context, machine, component, known, as_of))
    values = dict(zip(features.names, rows["values"][-1], strict=True)) if rows.height else {}
    return OnlineAnswer(statement, values)


def _physics(
    context: Context, machine: Machine, component: Component, known: pl.DataFrame, as_of: dt.datetime
) -> tuple[Evidence, ...]:
    """The diagnosis of the newest statement known at `as_of`, unless it is old or of the part before."""
    told = context.fleet.known_at(machine.id, component.slot, as_of)
    if told is None or told.statement.data_time is None:
        return ()
    is_former = not known.is_empty() and told.statement.data_time <= known["installed_at"][-1]
    is_old = as_of - told.statement.as_of > max(_DIAGNOSIS_HOLDS, 3 * machine.grid)
    return () if is_former or is_old else told_by(told.statement)


def _raw(
    context: Context, of: Table, machine: Machine, since: dt.datetime | None, as_of: dt.datetime
) -> pl.DataFrame:
    return context.lake.read(
        of, as_of=as_of, since=since, machine_ids=[machine.id], group=machine.group, all_revisions=True
    ).collect()


def _installations(machine: Machine, component: Component, installed_at: dt.datetime | None) -> pl.DataFrame:
    if installed_at is not None:
        component = component.model_copy(update={"installed": require_utc(installed_at)})
    return installations_of(MAINTENANCE_EVENTS.empty(), machine, component)
