"""The history in a request's body as frames of the lake's tables, or a refusal that names place and value."""

import datetime as dt
import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from features.core.clock import EARLIEST
from features.core.errors import RequestRejectedError
from features.core.plant import Component, Machine, MeasuringPoint, PointKind
from features.core.settings import nearest
from features.core.tables import FEATURE_ROWS, MEASUREMENTS, WAVEFORMS
from features.core.units import to_canonical, unit_problem
from features.registry import FeatureSet
from serving.schemas.requests import FeatureRowIn, MeasurementIn, WaveformIn

__all__ = ["feature_rows_frame", "measurements_frame", "refuse", "waveforms_frame"]

_GOOD = 2  # quality of a value that somebody sends on purpose


def refuse(place: str, value: object, message: str) -> RequestRejectedError:
    """The error that says what is wrong where."""
    shown = repr(value)[:200]
    return RequestRejectedError(
        f"{place}: {message}, got {shown}", {"errors": [{"place": place, "value": shown, "message": message}]}
    )


def measurements_frame(machine: Machine, sent: Sequence[MeasurementIn], now: dt.datetime) -> pl.DataFrame:
    """Measurements in canonical units.

    Raises:
        RequestRejectedError: Unknown point, wrong unit, impossible time or value, or the same time twice.
    """
    rows, seen = [], set()
    for index, one in enumerate(sent):
        place = f"measurements[{index}]"
        point = _point(machine, one.point_id, PointKind.SCALAR, place)
        _check_time(one.time, now, place)
        if (one.point_id, one.time) in seen:
            raise refuse(
                f"{place}.time", one.time.isoformat(), f"point {one.point_id} has two values at that time"
            )
        seen.add((one.point_id, one.time))
        value = float(_convert(point, np.array([one.value]), one.unit, place)[0])
        _check_limits(point, value, one.value, f"{place}.value")
        rows.append(_stamp(machine, one.point_id, one.time) | {"value": value})
    return MEASUREMENTS.frame(rows)


def waveforms_frame(machine: Machine, sent: Sequence[WaveformIn], now: dt.datetime) -> pl.DataFrame:
    """Waveforms in canonical units, as little-endian float32 with its digest.

    Raises:
        RequestRejectedError: As for `measurements_frame`.
    """
    rows = []
    for index, one in enumerate(sent):
        place = f"waveforms[{index}]"
        point = _point(machine, one.point_id, PointKind.WAVEFORM, place)
        _check_time(one.time, now, place)
        wave = _convert(point, np.array(one.samples), one.unit, place).astype("<f4")
        if not np.isfinite(wave).all():
            worst = int(np.argmax(~np.isfinite(wave)))
            raise refuse(f"{place}.samples[{worst}]", one.samples[worst], "too large for 32 bits")
        raw = wave.tobytes()
        rows.append(
            _stamp(machine, one.point_id, one.time)
            | {
                "sample_rate_hz": one.sample_rate_hz,
                "samples": wave.size,
                "speed_hz": one.speed_hz,
                "wave": raw,
                "sha256": hashlib.sha256(raw).hexdigest(),
            }
        )
    return WAVEFORMS.frame(rows)


def feature_rows_frame(
    machine: Machine, component: Component, features: FeatureSet, sent: Sequence[FeatureRowIn], now: dt.datetime
) -> pl.DataFrame:
    """Feature rows in the order of the feature set; a name that was left out is null.

    Raises:
        RequestRejectedError: A name that is not in the set, or an impossible time.
    """
    known, rows = set(features.names), []
    for index, one in enumerate(sent):
        place = f"feature_rows[{index}]"
        _check_time(one.time, now, place)
        for name in one.values.keys() - known:
            hint = nearest(name, list(features.names)) if len(known) < 20 else _near(name, features.names)
            raise refuse(f"{place}.values", name, f"no feature of {features.component_class}; {hint}")
        rows.append(
            {
                "group": machine.group,
                "date": one.time.astimezone(dt.UTC).date(),
                "machine_id": machine.id,
                "slot": component.slot,
                "component_class": component.component_class,
                "fingerprint": features.fingerprint,
                "time": one.time,
                "available_at": one.time,
                "running": one.running,
                "age": one.age,
                "age_known": one.age is not None,
                "values": [one.values.get(name) for name in features.names],
                "refusals": [f"{name}: no_input" for name in features.names if one.values.get(name) is None],
            }
        )
    return FEATURE_ROWS.frame(rows).unique("time", keep="last").sort("time")


def _near(name: str, names: Sequence[str]) -> str:
    hint = nearest(name, list(names))
    return hint if hint.startswith("did you mean") else "GET /v1/machines/{id} and include_features name them"


def _stamp(machine: Machine, point_id: str, time: dt.datetime) -> dict[str, object]:
    return {
        "group": machine.group,
        "date": time.astimezone(dt.UTC).date(),
        "machine_id": machine.id,
        "point_id": point_id,
        "source": "request",
        "time": time,
        "available_at": time,
        "revision": 1,
        "quality": _GOOD,
        "status": 0,
        "origin": "live",
    }


def _point(machine: Machine, point_id: str, kind: PointKind, place: str) -> MeasuringPoint:
    of_kind = {point.id: point for point in machine.measuring_points if point.kind is kind}
    if point_id not in of_kind:
        message = f"no {kind.value} point of machine {machine.id}; {nearest(point_id, list(of_kind))}"
        raise refuse(f"{place}.point_id", point_id, message)
    return of_kind[point_id]


def _check_time(time: dt.datetime, now: dt.datetime, place: str) -> None:
    if time < EARLIEST:
        raise refuse(
            f"{place}.time", time.isoformat(), f"before {EARLIEST:%Y-%m-%d}, the default of a device's clock"
        )
    if time > now:
        raise refuse(f"{place}.time", time.isoformat(), f"in the future, now is {now:%Y-%m-%dT%H:%M:%SZ}")


def _convert(point: MeasuringPoint, values: np.ndarray, unit: str | None, place: str) -> np.ndarray:
    problem = None if unit is None else unit_problem(unit, point.quantity)
    if problem is not None:
        raise refuse(f"{place}.unit", unit, problem)
    return to_canonical(values, point.unit if unit is None else unit, point.quantity)


def _check_limits(point: MeasuringPoint, value: float, sent: float, place: str) -> None:
    for bound, is_low in ((point.limits.low, True), (point.limits.high, False)):
        if bound is None:
            continue
        limit = float(to_canonical(np.array([bound]), point.unit, point.quantity)[0])
        if value < limit if is_low else value > limit:
            side = "below the smallest" if is_low else "above the largest"
            raise refuse(place, sent, f"{side} possible value of {point.id}, {bound} {point.unit}")
