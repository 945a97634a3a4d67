"""Statements as rows of table `predictions`, and back.

`evidence` is a JSON list, best reason first, of objects with the keys `feature`, `value`, `reference`, `unit` and
`share`; `reference` and `share` may be null. Reasons of the rungs `limits` and `physics` have `rung`, `verdict`
and `note` too, lines of a spectrum also `order` and `frequency_hz`, past lives also `distance`. A refusal has null
numbers, `refusal` its reason and `detail` its words; there `health_state` is null when nobody could judge.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from features.core.plant import Component, Machine
from features.core.statements import Evidence, HealthState, Prediction, Refusal, RefusalReason, Rung

__all__ = ["from_row", "to_row"]

_EVIDENCE = ("feature", "value", "reference", "unit", "share")
# Written only where they say something: rows of before have none of them.
_FURTHER = ("rung", "verdict", "note", "order", "frequency_hz", "distance")
_NUMBERS = ("life_unit", "mean", "p10", "p50", "p90", "calibrated", "calibration_units")


def to_row(
    statement: Prediction | Refusal,
    *,
    machine: Machine,
    component: Component,
    available_at: dt.datetime,
    life_number: int | None,
    model_name: str,
    model_version: str,
    fingerprint: str,
    utilisation: float | None,
) -> dict[str, object]:
    """A row of table `predictions`.

    Args:
        statement: What is said.
        machine: About which machine.
        component: About which of its components.
        available_at: When it was said; later than `as_of` where the past is told anew.
        life_number: Present life; None: not known.
        model_name: Asked model, empty without one.
        model_version: Its version, empty without one.
        fingerprint: Feature set of the rows, empty without rows.
        utilisation: Life units per calendar hour; None: not known.
    """
    row: dict[str, object] = {
        "group": machine.group,
        "date": statement.as_of.date(),
        "machine_id": machine.id,
        "slot": component.slot,
        "component_class": component.component_class,
        "time": statement.as_of,
        "available_at": available_at,
        "data_time": statement.data_time,
        "life_number": life_number,
        "rung": statement.rung.value,
        "refusal": None,
        "detail": "",
        "health_state": None if statement.health_state is None else statement.health_state.value,
        "condition_index": statement.condition_index,
        "utilisation": utilisation,
        "evidence": json.dumps([_plain(item) for item in statement.evidence], allow_nan=False),
        "model_name": model_name,
        "model_version": model_version,
        "fingerprint": fingerprint,
    }
    if isinstance(statement, Refusal):
        refused: dict[str, object] = dict.fromkeys(_NUMBERS)
        return row | refused | {"refusal": statement.reason.value, "detail": statement.detail}
    return row | {name: getattr(statement, name) for name in _NUMBERS}


def from_row(row: Mapping[str, Any]) -> Prediction | Refusal:  # Any: values are of the table's types
    """The statement of a row of table `predictions`."""
    component_id = f"{row['machine_id']}/{row['slot']}"
    state = None if row["health_state"] is None else HealthState(row["health_state"])
    evidence = tuple(map(_evidence, json.loads(row["evidence"] or "[]")))
    if row["refusal"] is not None:
        return Refusal(
            component_id=component_id,
            as_of=row["time"],
            reason=RefusalReason(row["refusal"]),
            detail=row["detail"] or "",
            data_time=row["data_time"],
            rung=Rung(row["rung"]),
            health_state=state,
            condition_index=row["condition_index"],
            evidence=evidence,
        )
    return Prediction(
        component_id=component_id,
        as_of=row["time"],
        data_time=row["data_time"],
        life_number=row["life_number"],
        rung=Rung(row["rung"]),
        health_state=state,
        condition_index=row["condition_index"],
        model_name=row["model_name"],
        model_version=row["model_version"],
        fingerprint=row["fingerprint"],
        evidence=evidence,
        **{name: row[name] for name in _NUMBERS},
    )


def _plain(item: Evidence) -> dict[str, object]:
    further = {name: getattr(item, name) for name in _FURTHER if getattr(item, name) not in (None, "")}
    return {name: getattr(item, name) for name in _EVIDENCE} | further


def _evidence(item: Mapping[str, Any]) -> Evidence:  # Any: values of a JSON object
    rung = item.get("rung")
    return Evidence(**{**item, "rung": None if rung is None else Rung(rung)})
