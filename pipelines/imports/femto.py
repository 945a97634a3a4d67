"""FEMTO-ST: PRONOSTIA bearings run to failure, as a plant of one machine a run.

References:
    P. Nectoux et al., "PRONOSTIA: An Experimental Platform for Bearings Accelerated Life Test", IEEE Int.
    Conf. on Prognostics and Health Management, Denver, 2012 (IEEE PHM 2012 Prognostic Challenge).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.core.clock import Clock, SystemClock
from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import Plant
from features.core.statements import EventKind, MaintenanceEvent, Outcome
from pipelines.historian.memory import MemoryHistorian
from pipelines.historian.port import RAW_ROWS, RawWaveform, TagInfo
from pipelines.imports.femto_runs import TRUTH, Bearing, bearings_in, given_snapshots
from pipelines.imports.plantfile import ImportReport, only, settle_plant
from pipelines.ingest import IngestReport, ingest

__all__ = ["import_femto", "plant_document", "read_bearing"]

SOURCE = "femto"
SLOT = "bearing"

# Challenge document, section 2: 25.6 kHz for 0.1 s, every 10 s; `time` is the end of a snapshot.
_SAMPLE_RATE_HZ = 25_600.0
_SNAPSHOT = dt.timedelta(seconds=0.1)
# Rows in one page; the waveforms of the same stretch come with them.
_PAGE_ROWS = 10_000


def import_femto(source_dir: Path, lake: Lake, plant_path: Path, *, clock: Clock | None = None) -> ImportReport:
    """Brings the runs of a folder into the lake and writes their plant file.

    A folder with `truth.json` holds runs of the challenge's test set. They come in up to `last_snapshot_given`,
    still running; nothing else is read of that file, and nothing later of the records.

    Args:
        source_dir: Holds `bearingC_N_vibration.parquet` and, where it was recorded,
            `bearingC_N_temperature.parquet`.
        lake: Where they go.
        plant_path: Where the plant file goes; one that is there is kept.
        clock: Default: the system's.

    Raises:
        ConfigError: The folder or a file is not what was expected, or the plant file is another plant.
    """
    present, given = bearings_in(source_dir), given_snapshots(source_dir)
    untold = sorted({bearing.name for bearing in present} - set(given)) if given else []
    if untold:
        raise ConfigError(
            f"{source_dir / TRUTH} does not say how much of bearing{untold[0]} may be seen; add it there",
            {"folder": str(source_dir), "bearing": untold[0]},
        )
    plant = settle_plant(plant_path, plant_document(present))
    reports = [_import_run(source_dir, bearing, lake, plant, clock or SystemClock(), given) for bearing in present]
    return ImportReport(
        plant=str(plant_path),
        machines=len(present),
        rows=sum(report.rows for report in reports),
        waveforms=sum(report.waveforms for report in reports),
        events=sum(report.events for report in reports),
        quarantined=sum(report.quarantined for report in reports),
        duplicates=sum(report.duplicates for report in reports),
    )


def _import_run(
    source_dir: Path, bearing: Bearing, lake: Lake, plant: Plant, clock: Clock, given: Mapping[str, int]
) -> IngestReport:
    historian, end = read_bearing(source_dir, bearing, last=given.get(bearing.name))
    return ingest(
        lake,
        only(plant, plant.machine(bearing.machine_id)),
        historian,
        clock=clock,
        since=bearing.begin,
        until=end,
        overlap=dt.timedelta(0),
        page_rows=_PAGE_ROWS,
    )


def read_bearing(
    source_dir: Path, bearing: Bearing, *, last: int | None = None
) -> tuple[MemoryHistorian, dt.datetime]:
    """One run as a historian, and the moment after its last row.

    With `last` the run is known up to that snapshot only, and has not failed yet.

    Known defects are handled: `elapsed_s` counts, because `clock_s` is wrong in snapshots 2121 and 2122 of
    bearing 1_1; the temperature record, which begins a minute later, is aligned by `clock_s`.

    Raises:
        ConfigError: A file lacks a column, or nothing is left of the run.
    """
    file = _file(source_dir, bearing, "vibration")
    columns = ("snapshot", "clock_s", "elapsed_s", "acc_h_mg", "acc_v_mg")
    record = _read(file, columns).filter(True if last is None else pl.col("snapshot") <= last).sort("elapsed_s")
    if record.is_empty():
        raise ConfigError(f"{file}: no snapshot up to {last}; check {TRUTH}", {"file": str(file), "last": last})
    times = [bearing.begin + dt.timedelta(seconds=s) + _SNAPSHOT for s in record.get_column("elapsed_s")]
    waveforms = [
        RawWaveform(_tag(bearing, role), time, samples, _SAMPLE_RATE_HZ)
        for role, column in (("vibration_h", "acc_h_mg"), ("vibration_v", "acc_v_mg"))
        for time, samples in zip(times, _samples(record, column), strict=True)
    ]
    zero = record.select((pl.col("clock_s") - pl.col("elapsed_s")).median()).item()
    rows = _temperatures(source_dir, bearing, zero)
    if last is not None:
        rows = rows.filter(pl.col("time") <= times[-1])
    units = {"vibration_h": "mg", "vibration_v": "mg", "bearing_temperature": "degC"}
    historian = MemoryHistorian(
        SOURCE,
        rows,
        waveforms=waveforms,
        events=_events(bearing, None if last is not None else times[-1]),
        tags=[TagInfo(_tag(bearing, role), unit) for role, unit in units.items()],
    )
    end = max([times[-1], *rows.select(pl.col("time").max()).to_series().drop_nulls()])
    return historian, end + dt.timedelta(microseconds=1)


def _temperatures(source_dir: Path, bearing: Bearing, zero_s: float) -> pl.DataFrame:
    """One value a second, the mean of ten: the record repeats each reading of a slow sensor."""
    file = _file(source_dir, bearing, "temperature")
    if not bearing.has_temperature:
        return pl.DataFrame(schema=RAW_ROWS)
    second = (pl.col("clock_s") - zero_s).floor().cast(pl.Int64) + 1
    return (
        _read(file, ("clock_s", "temperature_c"))
        .group_by(second=second)
        .agg(value=pl.col("temperature_c").cast(pl.Float64).mean())
        .sort("second")
        .select(
            tag=pl.lit(_tag(bearing, "bearing_temperature")),
            time=pl.lit(bearing.begin).dt.cast_time_unit("us") + pl.duration(seconds="second"),
            value="value",
            text=pl.lit(None, pl.String),
            quality=pl.lit(2, pl.Int8),
            status=pl.lit(192, pl.Int64),
        )
    )


def _events(bearing: Bearing, end: dt.datetime | None) -> list[MaintenanceEvent]:
    """The two ends of the run; it was stopped when the vibration passed 20 g. None: it has not ended yet."""
    texts: list[tuple[EventKind, dt.datetime, Outcome | None]] = [(EventKind.INSTALLATION, bearing.begin, None)]
    if end is not None:
        texts.append((EventKind.FAILURE, end, Outcome.CONFIRMED_FAILURE))
    return [
        MaintenanceEvent(
            source=SOURCE,
            source_event_id=f"{bearing.name}-{kind.value}",
            revision=0,
            machine_id=bearing.machine_id,
            slot=SLOT,
            kind=kind,
            outcome=outcome,
            failure_mode=None if outcome is None else "bearing",
            occurred_at=time,
            available_at=time,
            text="run to failure, stopped above 20 g" if outcome is not None else "new bearing",
        )
        for kind, time, outcome in texts
    ]


def plant_document(bearings: Sequence[Bearing]) -> dict[str, Any]:  # Any: a YAML document
    """The plant document (YAML) of those runs."""
    bearing_class = {
        "id": "pronostia_bearing",
        # Most of these bearings show nothing until their last minutes: beyond an hour every life looks alike.
        "rul_cap": 1.0,
        "life_unit": "calendar_h",  # the speed is constant: hours run and hours are the same
        "memory": ["5min", "15min", "30min"],
        "run_in": "2min",
        "baseline": "10min",
        "horizon": "1d",
    }
    site = {
        "id": "pronostia",
        "name": "FEMTO-ST PRONOSTIA test rig",
        "time_zone": "UTC",
        "machines": [_machine(bearing) for bearing in bearings],
    }
    return {"component_classes": [bearing_class], "sites": [site]}


def _machine(bearing: Bearing) -> dict[str, Any]:
    points: list[dict[str, Any]] = [
        {
            "id": role,
            "role": role,
            "quantity": "acceleration",
            "unit": "mg",  # thousandths of g
            "kind": "waveform",
            "sample_rate_hz": _SAMPLE_RATE_HZ,
            "slot": SLOT,
            "tags": {SOURCE: _tag(bearing, role)},
        }
        for role in ("vibration_h", "vibration_v")
    ]
    if bearing.has_temperature:
        role = "bearing_temperature"
        points.append(
            {
                "id": role,
                "role": role,
                "quantity": "temperature",
                "unit": "degC",
                "slot": SLOT,
                "tags": {SOURCE: _tag(bearing, role)},
            }
        )
    return {
        "id": bearing.machine_id,
        "name": f"Bearing {bearing.name}, {bearing.load_n} N, {bearing.speed_hz * 60:.0f} rpm",
        # An own group each: the runs lie months apart, so each has its own watermark.
        "group": bearing.machine_id,
        "machine_class": "test_rig",
        "grid": "10s",
        "tolerance": "10s",
        "speed": {"hz": bearing.speed_hz},
        "components": [
            {
                "slot": SLOT,
                "component_class": "pronostia_bearing",
                "bearing": "PRONOSTIA",
                "rated_life": round(bearing.rated_life_h, 3),
            }
        ],
        "measuring_points": points,
    }


def _tag(bearing: Bearing, role: str) -> str:
    return f"{bearing.name}.{role}"


def _file(source_dir: Path, bearing: Bearing, what: str) -> Path:
    return source_dir / f"bearing{bearing.name}_{what}.parquet"


def _samples(record: pl.DataFrame, column: str) -> list[np.ndarray]:
    """Samples of every snapshot, float32 (counts of 0.001 g: exact); a cut one is shorter."""
    values = record.get_column(column).cast(pl.List(pl.Float32))
    flat = values.explode().to_numpy()
    return np.split(flat, np.cumsum(values.list.len().to_numpy())[:-1])


def _read(file: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    try:
        return pl.read_parquet(file, columns=list(columns))
    except (pl.exceptions.PolarsError, OSError) as err:
        raise ConfigError(
            f"{file}: not a FEMTO file with columns {', '.join(columns)} ({type(err).__name__}); fetch it again",
            {"file": str(file)},
        ) from err
