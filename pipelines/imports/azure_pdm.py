"""Microsoft's simulated predictive-maintenance fleet: hourly telemetry, errors, and a maintenance log, as a plant.

Each machine has four components that fail and are replaced, each a class of its own. Telemetry of most machines
comes in chosen windows, mainly before failures: lives are whole, rows of them are a sample, so how often anything
happens must not be read from the rows.
"""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl

from features.core.clock import Clock, SystemClock
from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.statements import EventKind, MaintenanceEvent, Outcome
from pipelines.historian.memory import MemoryHistorian
from pipelines.historian.port import TagInfo
from pipelines.imports.plantfile import ImportReport, settle_plant
from pipelines.ingest import ingest

__all__ = ["import_azure_pdm", "plant_document", "read_telemetry"]

SOURCE = "azure_pdm"
COMPONENTS = ("comp1", "comp2", "comp3", "comp4")
# No unit is stated for any of them.
_SIGNALS = ("volt", "rotate", "pressure", "vibration")
_ERRORS = tuple(f"error{n}" for n in range(1, 6))
# The log begins in 2014, the telemetry with 2015.
START = dt.datetime(2014, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2016, 1, 2, tzinfo=dt.UTC)
# Machines in one group of the lake; a group is at most 64 machines.
_GROUP = 35
_PAGE_ROWS = 500_000
_KEYS = ("datetime", "machineID")


def import_azure_pdm(
    source_dir: Path, lake: Lake, plant_path: Path, *, clock: Clock | None = None
) -> ImportReport:
    """Brings telemetry, errors and the maintenance log into the lake and writes their plant file.

    The stamps have no zone and are taken as UTC. Gap register and sensor states are left out: a window that
    ends is not a silent sensor.

    Args:
        source_dir: Holds `telemetry.parquet`, `telemetry_windows.parquet`, `errors.parquet`,
            `failures.parquet`, `maint.parquet` and `machines.parquet`.
        lake: Where they go.
        plant_path: Where the plant file goes; one that is there is kept.
        clock: Default: the system's.

    Raises:
        ConfigError: A file is missing or lacks a column, or the plant file is another plant.
    """
    machines = sorted(_read(source_dir, "machines", ("machineID", "model")).rows())
    plant = settle_plant(plant_path, plant_document(machines))
    historian = MemoryHistorian(
        SOURCE,
        read_telemetry(source_dir),
        events=_events(source_dir),
        tags=[TagInfo(f"{m}.{role}", "1") for m, _ in machines for role in (*_SIGNALS, *_ERRORS)],
    )
    report = ingest(
        lake,
        plant,
        historian,
        clock=clock or SystemClock(),
        since=START,
        until=END,
        overlap=dt.timedelta(0),
        page_rows=_PAGE_ROWS,
        sensors=False,
    )
    return ImportReport(
        plant=str(plant_path),
        machines=len(machines),
        rows=report.rows,
        waveforms=report.waveforms,
        events=report.events,
        quarantined=report.quarantined,
        duplicates=report.duplicates,
    )


def read_telemetry(source_dir: Path) -> pl.DataFrame:
    """Raw rows: four signals and five errors (1 in an hour in which it came, else 0) at each hour of telemetry."""
    telemetry = pl.concat(
        [_read(source_dir, name, (*_KEYS, *_SIGNALS)) for name in ("telemetry", "telemetry_windows")]
    ).unique(list(_KEYS), keep="first", maintain_order=True)
    errors = _read(source_dir, "errors", (*_KEYS, "errorID"))
    came = [
        pl.struct(_KEYS).is_in(errors.filter(errorID=error).select(pl.struct(_KEYS)).to_series().implode())
        for error in _ERRORS
    ]
    return (
        telemetry.with_columns(*(c.cast(pl.Float64).alias(name) for c, name in zip(came, _ERRORS, strict=True)))
        .unpivot(index=list(_KEYS), variable_name="role", value_name="value")
        .sort("datetime", maintain_order=True)
        .select(
            tag=pl.format("{}.{}", "machineID", "role"),
            time=pl.col("datetime").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
            value="value",
            text=pl.lit(None, pl.String),
            quality=pl.lit(2, pl.Int8),
            status=pl.lit(192, pl.Int64),
        )
    )


def _events(source_dir: Path) -> list[MaintenanceEvent]:
    """Failures, and replacements that are not the repair of one."""
    failures = _read(source_dir, "failures", (*_KEYS, "failure")).rename({"failure": "comp"}).unique()
    replaced = (
        _read(source_dir, "maint", (*_KEYS, "comp")).unique().join(failures, on=(*_KEYS, "comp"), how="anti")
    )
    kinds = (
        (failures, EventKind.FAILURE, Outcome.CONFIRMED_FAILURE, "failed and replaced"),
        (replaced, EventKind.REPLACEMENT, Outcome.PREVENTIVE_REPLACEMENT, "replaced by schedule"),
    )
    return [
        MaintenanceEvent(
            source=SOURCE,
            source_event_id=f"{machine}-{comp}-{time:%Y%m%d%H}-{kind.value}",
            revision=0,
            machine_id=_machine_id(machine),
            slot=comp,
            kind=kind,
            outcome=outcome,
            failure_mode=comp if outcome is Outcome.CONFIRMED_FAILURE else None,
            occurred_at=time.replace(tzinfo=dt.UTC),
            available_at=time.replace(tzinfo=dt.UTC),
            text=text,
        )
        for entries, kind, outcome, text in kinds
        for time, machine, comp in entries.select(*_KEYS, "comp").sort(*_KEYS, "comp").rows()
    ]


def plant_document(machines: list[tuple[int, str]]) -> dict[str, Any]:  # Any: a YAML document
    """The plant document (YAML) of these machines: number and model of each."""
    classes = [
        {
            "id": component,
            "life_unit": "calendar_h",  # machines are not stopped: hours run and hours are the same
            # A week is how far these signals look ahead; beyond it every life looks alike.
            "rul_cap": 168.0,
            "memory": ["12h", "1d"],
            "baseline": "2d",
            "horizon": "14d",
        }
        for component in COMPONENTS
    ]
    document = [
        {
            "id": _machine_id(machine),
            "name": f"Machine {machine}, {model}",
            "group": f"azure-{number // _GROUP + 1}",
            "machine_class": model,
            "grid": "3h",
            "components": [{"slot": component, "component_class": component} for component in COMPONENTS],
            "measuring_points": [
                {"id": role, "role": role, "quantity": "other", "unit": "1", "tags": {SOURCE: f"{machine}.{role}"}}
                for role in (*_SIGNALS, *_ERRORS)
            ],
        }
        for number, (machine, model) in enumerate(machines)
    ]
    site = {"id": "azure-pdm", "name": "Simulated fleet of a predictive-maintenance sample", "machines": document}
    return {"component_classes": classes, "sites": [site]}


def _machine_id(machine: int) -> str:
    return f"azure-{machine:03d}"


def _read(source_dir: Path, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    file = source_dir / f"{name}.parquet"
    try:
        return pl.read_parquet(file, columns=list(columns))
    except (pl.exceptions.PolarsError, OSError) as err:
        raise ConfigError(
            f"{file}: not a table with columns {', '.join(columns)} ({type(err).__name__}); fetch it again",
            {"file": str(file)},
        ) from err
