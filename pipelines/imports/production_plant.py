"""Runs of a plant's component to its end of life, 25 anonymised process signals, as a plant of one machine a run.

The interval between samples is not stated: a sample counts as a minute here, and a component ages by one cycle of
60 samples. Component 13 comes in two parts, which follow each other. The second part of component 7 is not
there, so its run counts as stopped before its end.
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

__all__ = ["import_production_plant", "plant_document", "read_run"]

SOURCE = "production_plant"
SLOT = "component"
CLASS = "plant_component"
# Machine -> its files in order, and whether the last one holds its end of life.
RUNS: dict[str, tuple[tuple[str, ...], bool]] = {
    "plant-c7": (("c7_1",), False),
    "plant-c8": (("c8",), True),
    "plant-c9": (("c9",), True),
    "plant-c11": (("c11",), True),
    "plant-c13": (("c13_1", "c13_2"), True),
}
# The files have no dates: all runs begin here.
START = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)
_PAGE_ROWS = 500_000


def import_production_plant(
    source_dir: Path, lake: Lake, plant_path: Path, *, clock: Clock | None = None
) -> ImportReport:
    """Brings the runs into the lake and writes their plant file.

    Gap register and sensor states are left out: the signals are scaled and many stand still by nature.

    Args:
        source_dir: Holds `c7_1.parquet`, `c8.parquet` and so on.
        lake: Where they go.
        plant_path: Where the plant file goes; one that is there is kept.
        clock: Default: the system's.

    Raises:
        ConfigError: A file is missing or differs, or the plant file is another plant.
    """
    runs = {machine: read_run(source_dir, files) for machine, (files, _) in RUNS.items()}
    signals = [name for name in runs["plant-c8"].columns if name != "sample"]
    plant = settle_plant(plant_path, plant_document(signals))
    rows = pl.concat(
        [
            run.unpivot(index="sample", variable_name="role", value_name="value").select(
                tag=pl.format("{}.{}", pl.lit(machine), "role"),
                # A sample is taken within its minute, so that the last one lies before the end.
                time=pl.lit(START).dt.cast_time_unit("us") + pl.duration(minutes="sample", seconds=30),
                value="value",
                text=pl.lit(None, pl.String),
                quality=pl.lit(2, pl.Int8),
                status=pl.lit(192, pl.Int64),
            )
            for machine, run in runs.items()
        ]
    ).sort("time", maintain_order=True)
    events = [event for machine, run in runs.items() for event in _events(machine, run.height)]
    historian = MemoryHistorian(
        SOURCE, rows, events=events, tags=[TagInfo(f"{m}.{role}", "1") for m in runs for role in signals]
    )
    report = ingest(
        lake,
        plant,
        historian,
        clock=clock or SystemClock(),
        since=START,
        until=START + dt.timedelta(minutes=max(run.height for run in runs.values()) + 1),
        overlap=dt.timedelta(0),
        page_rows=_PAGE_ROWS,
        sensors=False,
    )
    return ImportReport(
        plant=str(plant_path),
        machines=len(runs),
        rows=report.rows,
        waveforms=report.waveforms,
        events=report.events,
        quarantined=report.quarantined,
        duplicates=report.duplicates,
    )


def read_run(source_dir: Path, files: tuple[str, ...]) -> pl.DataFrame:
    """Columns `sample` (0, 1, ... over all parts) and the signals, their names in lower case.

    Raises:
        ConfigError: A file is missing or holds no `Timestamp`.
    """
    parts = []
    for name in files:
        file = source_dir / f"{name}.parquet"
        try:
            parts.append(pl.read_parquet(file).sort("Timestamp").drop("Timestamp"))
        except (pl.exceptions.PolarsError, OSError) as err:
            raise ConfigError(
                f"{file}: not a run of the production plant ({type(err).__name__}); fetch it again",
                {"file": str(file)},
            ) from err
    run = pl.concat(parts)
    return (
        run.rename({name: name.lower() for name in run.columns})
        .with_row_index("sample")
        .cast({"sample": pl.Int64})
    )


def _events(machine: str, samples: int) -> list[MaintenanceEvent]:
    ended = RUNS[machine][1]
    end = START + dt.timedelta(minutes=samples)
    kinds = (
        (EventKind.INSTALLATION, START, None),
        (EventKind.FAILURE, end, Outcome.CONFIRMED_FAILURE)
        if ended
        else (EventKind.REPLACEMENT, end, Outcome.PREVENTIVE_REPLACEMENT),
    )
    return [
        MaintenanceEvent(
            source=SOURCE,
            source_event_id=f"{machine}-{kind.value}",
            revision=0,
            machine_id=machine,
            slot=SLOT,
            kind=kind,
            outcome=outcome,
            failure_mode="wear" if outcome is Outcome.CONFIRMED_FAILURE else None,
            occurred_at=time,
            available_at=time,
            text="run to end of life" if ended else "run whose end is not in the files",
        )
        for kind, time, outcome in kinds
    ]


def plant_document(signals: list[str]) -> dict[str, Any]:  # Any: a YAML document
    """The plant document (YAML) of the runs, with these signals."""
    component_class = {
        "id": CLASS,
        "life_unit": "cycle",
        "memory": ["12h", "48h"],
        "baseline": "24h",
        "horizon": "10d",
    }
    machines = [
        {
            "id": machine,
            "name": f"Component {machine.removeprefix('plant-c')}",
            "group": "plant",
            "machine_class": "component",
            "grid": "1h",
            "components": [{"slot": SLOT, "component_class": CLASS}],
            "measuring_points": [
                {"id": role, "role": role, "quantity": "other", "unit": "1", "tags": {SOURCE: f"{machine}.{role}"}}
                for role in signals
            ],
        }
        for machine in RUNS
    ]
    return {
        "component_classes": [component_class],
        "sites": [
            {"id": "production-plant", "name": "Production plant, runs to end of life", "machines": machines}
        ],
    }
