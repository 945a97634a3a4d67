"""The maintenance log, as dirty as real ones: late entries, codes such as "other", free text."""

import datetime as dt

import numpy as np

from features.core.statements import EventKind, MaintenanceEvent, Outcome
from pipelines.historian.simulator.draws import Draws
from pipelines.historian.simulator.lives import Life
from pipelines.historian.simulator.station import Station

__all__ = ["maintenance_log"]

# Shares of failures that are written down without a mode, as "other", or corrected afterwards.
_NO_MODE, _OTHER, _CORRECTED = 0.15, 0.15, 0.05
# Entries are written within a day, or within a week by this share.
_TARDY = 0.4
_TEXTS = (
    "",
    "noise at drive end, stopped by operator",
    "replaced, back in operation",
    "Lager getauscht, Probelauf i.O.",
    "see shift book",
    "vibration alarm, bearing blue",
)


def maintenance_log(station: Station, source: str) -> list[MaintenanceEvent]:
    """Every entry about one machine up to the horizon, in order of the time it became known."""
    events: list[MaintenanceEvent] = []
    for life in station.history.lives:
        if life.ending == "failure":
            events += _failure(station, life, source)
        elif life.ending == "preventive":
            events.append(_preventive(station, life, source))
    events += _false_alarms(station, source)
    return sorted(events, key=lambda event: (event.available_at, event.source_event_id, event.revision))


def _moment(station: Station, hours: float) -> dt.datetime:
    return station.config.start + dt.timedelta(seconds=round(hours * 3600))


def _delay_h(rng: np.random.Generator) -> float:
    return float(rng.uniform(24, 168)) if rng.random() < _TARDY else float(rng.uniform(0.5, 24))


def _failure(station: Station, life: Life, source: str) -> list[MaintenanceEvent]:
    rng = Draws(station.config.seed).stream(life.machine_id, life.slot, "log", life.number)
    delay_h, choice, more_h = _delay_h(rng), rng.random(), float(rng.uniform(0.2, 20))
    text, correction_h = _TEXTS[int(rng.integers(len(_TEXTS)))], float(rng.uniform(48, 300))
    mode: str | None = life.damage.mode
    if choice < _NO_MODE + _OTHER:
        mode = None if choice < _NO_MODE else "other"
    key = f"{life.machine_id}-{life.slot}-{life.number:03d}"
    known_h = life.end_h + delay_h
    failure = MaintenanceEvent(
        source=source,
        source_event_id=f"{key}-F",
        revision=1,
        machine_id=life.machine_id,
        slot=life.slot,
        kind=EventKind.FAILURE,
        outcome=Outcome.CONFIRMED_FAILURE,
        failure_mode=mode,
        occurred_at=_moment(station, life.end_h),
        available_at=_moment(station, known_h),
        text=text,
    )
    replacement = MaintenanceEvent(
        source=source,
        source_event_id=f"{key}-R",
        revision=1,
        machine_id=life.machine_id,
        slot=life.slot,
        kind=EventKind.REPLACEMENT,
        outcome=None,
        failure_mode=None,
        occurred_at=_moment(station, life.repaired_h),
        available_at=_moment(station, max(known_h, life.repaired_h + more_h)),
        text="new part after failure",
    )
    found = [failure, replacement]
    if choice < _CORRECTED:
        found.append(
            MaintenanceEvent(
                source=source,
                source_event_id=f"{key}-F",
                revision=2,
                machine_id=life.machine_id,
                slot=life.slot,
                kind=EventKind.FAILURE,
                outcome=Outcome.CONFIRMED_FAILURE,
                failure_mode=life.damage.mode,
                occurred_at=_moment(station, life.end_h),
                available_at=_moment(station, known_h + correction_h),
                text="code corrected after inspection of the part",
            )
        )
    return found


def _preventive(station: Station, life: Life, source: str) -> MaintenanceEvent:
    rng = Draws(station.config.seed).stream(life.machine_id, life.slot, "log", life.number)
    return MaintenanceEvent(
        source=source,
        source_event_id=f"{life.machine_id}-{life.slot}-{life.number:03d}-P",
        revision=1,
        machine_id=life.machine_id,
        slot=life.slot,
        kind=EventKind.REPLACEMENT,
        outcome=Outcome.PREVENTIVE_REPLACEMENT,
        failure_mode=None,
        occurred_at=_moment(station, life.end_h),
        available_at=_moment(station, life.repaired_h + _delay_h(rng)),
        text="changed in the Saturday window",
    )


def _false_alarms(station: Station, source: str) -> list[MaintenanceEvent]:
    found = []
    for symptom in station.symptoms:
        rng = Draws(station.config.seed).stream(station.machine.id, "false alarm", symptom.kind, symptom.number)
        if rng.random() >= station.config.symptoms.inspected_share:
            continue
        looked_h = symptom.start_h + float(rng.uniform(12, 96))
        sensor = symptom.kind == "sensor_scale"
        found.append(
            MaintenanceEvent(
                source=source,
                source_event_id=f"{station.machine.id}-{symptom.kind}-{symptom.number:03d}-I",
                revision=1,
                machine_id=station.machine.id,
                slot="DE-bearing",
                kind=EventKind.INSPECTION,
                outcome=Outcome.SENSOR_FAULT if sensor else Outcome.NO_FAULT_FOUND,
                failure_mode=None,
                occurred_at=_moment(station, looked_h),
                available_at=_moment(station, looked_h + _delay_h(rng)),
                text="sensor replaced" if sensor else "checked, nothing found",
            )
        )
    return found
