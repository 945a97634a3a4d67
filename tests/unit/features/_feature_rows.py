"""One machine, what was recorded at it, and the feature rows that follow.

`Any`: columns of rows and fields of the plant file, by name.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from features.compute import compute, installations_of, lookback, matrix
from features.core.plant import Component, Machine, Plant
from features.core.tables import FEATURE_ROWS, MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS, Table
from features.registry import feature_set

T0 = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
H = dt.timedelta(hours=1)
LATER = T0 + dt.timedelta(days=400)
NAN = float("nan")


def plant(*, grid: str = "6h", speed: dict[str, object] | None = None, **of_class: Any) -> Plant:
    points: list[dict[str, Any]] = [
        {"id": "v", "role": "vibration_h", "quantity": "acceleration", "unit": "g", "kind": "waveform"}
        | {"sample_rate_hz": 4096},
        {"id": "t", "role": "bearing_temperature", "quantity": "temperature", "unit": "degC", "slot": "DE"},
        {"id": "a", "role": "ambient_temperature", "quantity": "temperature", "unit": "degC"},
        {"id": "n", "role": "speed", "quantity": "speed", "unit": "rpm"},
        {"id": "p", "role": "set_point", "quantity": "pressure", "unit": "bar", "stepped": True},
    ]
    machine = {
        "id": "P1",
        "grid": grid,
        "speed": speed or {"role": "speed"},
        "components": [{"slot": "DE", "component_class": "c", "bearing": "6205-2RS"}],
        "measuring_points": points,
    }
    of = {"id": "c", "memory": ["1d", "3d"], "baseline": "2d"} | of_class
    return Plant.model_validate({"component_classes": [of], "sites": [{"id": "s", "machines": [machine]}]})


def parts(of: Plant) -> tuple[Plant, Machine, Component]:
    return of, of.machines[0], of.machines[0].components[0]


def row(table: Table, point: str, hours: float, *, lag_h: float = 0.0, **more: Any) -> dict[str, object]:
    time = T0 + hours * H
    shared = {"group": "area-1", "date": time.date(), "machine_id": "P1", "point_id": point, "source": "x"}
    state = {"time": time, "available_at": time + lag_h * H, "revision": 0, "quality": 2, "status": 192}
    return shared | state | {"origin": "live"} | more


def scalar(point: str, hours: float, value: float | None, **more: Any) -> dict[str, object]:
    return row(MEASUREMENTS, point, hours, value=value, **more)


def wave(hours: float, samples: np.ndarray, *, speed_hz: float | None = None, **more: Any) -> dict[str, object]:
    body: dict[str, Any] = {"sample_rate_hz": 4096.0, "samples": len(samples), "speed_hz": speed_hz, "sha256": ""}
    return row(WAVEFORMS, "v", hours, wave=samples.astype("<f4").tobytes(), **body, **more)


def recorded(days: int, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    hours = range(24 * days)
    rows = [scalar("t", h, 330 + rng.normal()) for h in hours]
    rows += [scalar("a", h + 0.5, 293 + rng.normal()) for h in hours]
    rows += [scalar("n", h, 0.0 if 30 <= h % 100 < 40 else 25 + rng.normal() / 10) for h in hours]
    waves = [wave(h + 0.1, (1 + h / 100) * rng.standard_normal(2048)) for h in range(0, 24 * days, 6)]
    return MEASUREMENTS.frame(rows), WAVEFORMS.frame(waves)


def made(
    of: Plant,
    measurements: pl.DataFrame | Sequence[dict[str, object]],
    waveforms: pl.DataFrame | Sequence[dict[str, object]] = (),
    *,
    installed: Sequence[tuple[float, float]] = (),
    as_of: dt.datetime = LATER,
    since: dt.datetime | None = None,
    history: pl.DataFrame | None = None,
) -> pl.DataFrame:
    if not isinstance(measurements, pl.DataFrame):
        measurements = MEASUREMENTS.frame(measurements)
    if not isinstance(waveforms, pl.DataFrame):
        waveforms = WAVEFORMS.frame(waveforms)
    known = installations_of(events(*installed), *parts(of)[1:])
    return compute(
        *parts(of),
        measurements=measurements,
        waveforms=waveforms,
        installations=known,
        history=history,
        since=since,
        as_of=as_of,
    )


def events(*installed: tuple[float, float]) -> pl.DataFrame:
    return MAINTENANCE_EVENTS.frame([event(at, known) for at, known in installed])


def event(at_h: float, known_h: float, **more: Any) -> dict[str, object]:
    return {
        "source": "erp",
        "source_event_id": f"E{at_h}",
        "revision": 0,
        "machine_id": "P1",
        "slot": "DE",
        "kind": "replacement",
        "occurred_at": T0 + at_h * H,
        "available_at": T0 + known_h * H,
    } | more


def value(of: Plant, rows: pl.DataFrame, name: str) -> np.ndarray:
    return matrix(rows)[:, feature_set(of, "c").names.index(name)]


def same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.drop("values", "age").equals(other.drop("values", "age"))
    np.testing.assert_allclose(matrix(one), matrix(other), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one["age"].to_numpy(), other["age"].to_numpy(), rtol=1e-9)


def daily(of: Plant, measured: pl.DataFrame, waves: pl.DataFrame, days: int, **more: Any) -> pl.DataFrame:
    machine, history = of.machines[0], FEATURE_ROWS.empty()
    for day in range(1, days + 1):
        as_of = T0 + dt.timedelta(days=day, hours=2, minutes=7)
        begin = None if history.is_empty() else history["time"][-1] + dt.timedelta(microseconds=1)
        start = T0 - dt.timedelta(days=9) if begin is None else begin - lookback(machine)
        recent = pl.col("time") >= start, pl.col("available_at") <= as_of
        new = made(
            of, measured.filter(*recent), waves.filter(*recent), since=begin, history=history, as_of=as_of, **more
        )
        history = pl.concat([history, new])
    return history


def late(frame: pl.DataFrame, seed: int, most_h: float) -> pl.DataFrame:
    """Each row becomes available with a delay of its own."""
    delay = np.random.default_rng(seed).integers(0, int(most_h * 3600e6), frame.height)
    return frame.with_columns(pl.col("available_at") + pl.Series(delay).cast(pl.Duration("us")))
