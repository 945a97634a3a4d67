"""Raw waveforms: kept in canonical units with their digest, or refused with a reason."""

import datetime as dt
import hashlib
import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from features.core.clock import EARLIEST
from features.core.plant import PointKind
from features.core.units import Quantity, to_canonical
from pipelines.historian.port import RawWaveform, Rejected
from pipelines.quality.rows import Judged, Reason, quarantine_frame

__all__ = ["judge_waveforms"]

_KEPT = pl.Schema(
    {
        "group": pl.String(),
        "machine_id": pl.String(),
        "point_id": pl.String(),
        "tag": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "sample_rate_hz": pl.Float64(),
        "samples": pl.Int32(),
        "speed_hz": pl.Float64(),
        "quality": pl.Int8(),
        "status": pl.Int64(),
        "wave": pl.Binary(),
        "sha256": pl.String(),
    }
)


def judge_waveforms(
    waveforms: Sequence[RawWaveform], bindings: pl.DataFrame, *, source: str, now: dt.datetime
) -> Judged:
    """Sorts waveforms into snapshots and refused ones.

    Args:
        waveforms: As the source gives them, any order; samples in the point's unit.
        bindings: Schema `BINDINGS`.
        source: The historian's name.
        now: Later stamps are refused.

    Returns:
        Kept ones with `wave` as little-endian float32 in the canonical unit.
    """
    points: dict[str, list[dict[str, str]]] = {}
    for row in bindings.iter_rows(named=True):
        points.setdefault(row["tag"], []).append(row)
    kept: list[tuple[object, ...]] = []
    refused: list[Rejected] = []
    for waveform in waveforms:
        found = points.get(waveform.tag, [])
        problem = _problem(waveform, found, now)
        if problem is None:
            kept.extend(_row(waveform, point) for point in found)
            continue
        reason, detail = problem
        raw = f"{len(waveform.samples)} samples at {waveform.sample_rate_hz} Hz, {waveform.time.isoformat()}"
        refused.append(Rejected(waveform.tag, waveform.time, raw, reason.value, detail))
    return Judged(_frame(kept), quarantine_frame(refused, source=source, now=now))


def _frame(kept: list[tuple[object, ...]]) -> pl.DataFrame:
    columns = zip(*kept, strict=True) if kept else ((),) * len(_KEPT)
    return pl.DataFrame(
        [pl.Series(name, values, dtype) for (name, dtype), values in zip(_KEPT.items(), columns, strict=True)]
    )


def _problem(waveform: RawWaveform, points: list[dict[str, str]], now: dt.datetime) -> tuple[Reason, str] | None:
    if not points:
        return Reason.UNKNOWN_TAG, "no measuring point of the plant file has this tag"
    checks = (
        (any(p["kind"] != PointKind.WAVEFORM.value for p in points), Reason.WRONG_KIND, "not a waveform point"),
        (waveform.time < EARLIEST, Reason.TOO_EARLY, f"stamp {waveform.time.isoformat()}"),
        (waveform.time > now, Reason.FUTURE, f"stamp {waveform.time.isoformat()}"),
        (
            any(p["unit_conflict"] for p in points),
            Reason.WRONG_UNIT,
            next((p["unit_conflict"] for p in points if p["unit_conflict"]), ""),
        ),
        (len(waveform.samples) == 0, Reason.EMPTY, "no samples"),
        (
            not (math.isfinite(waveform.sample_rate_hz) and waveform.sample_rate_hz > 0),
            Reason.SAMPLE_RATE,
            f"sample rate {waveform.sample_rate_hz} Hz",
        ),
    )
    for is_wrong, reason, detail in checks:
        if is_wrong:
            return reason, detail
    if not bool(np.isfinite(waveform.samples).all()):
        return Reason.NOT_FINITE, "NaN or infinite samples"
    return None


def _row(waveform: RawWaveform, point: dict[str, str]) -> tuple[object, ...]:
    samples = to_canonical(waveform.samples, point["unit"], Quantity(point["quantity"]))
    wave = samples.astype("<f4").tobytes()
    return (
        point["group"],
        point["machine_id"],
        point["point_id"],
        waveform.tag,
        waveform.time.astimezone(dt.UTC),
        float(waveform.sample_rate_hz),
        len(samples),
        waveform.speed_hz,
        waveform.quality,
        waveform.status,
        wave,
        hashlib.sha256(wave).hexdigest(),
    )
