"""C-MAPSS: NASA's simulated turbofan engines, run to failure, as a plant with one engine a machine.

References:
    A. Saxena, K. Goebel, D. Simon, N. Eklund, "Damage Propagation Modeling for Aircraft Engine
    Run-to-Failure Simulation", PHM08, Denver, 2008.
"""

import datetime as dt
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.core.clock import Clock, SystemClock
from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.settings import nearest
from features.core.statements import EventKind, MaintenanceEvent, Outcome
from pipelines.historian.memory import MemoryHistorian
from pipelines.historian.port import TagInfo
from pipelines.imports.plantfile import ImportReport, settle_plant
from pipelines.ingest import ingest

__all__ = ["SUBSETS", "import_cmapss", "machine_id", "plant_document", "read_engines"]

SOURCE = "cmapss"
SLOT = "engine"
SUBSETS = ("FD001", "FD002", "FD003", "FD004")
PARTS = ("train", "test")
# The data set has no dates: all engines begin here, and one cycle counts as one hour.
START = dt.datetime(2008, 10, 6, tzinfo=dt.UTC)
_CYCLE = dt.timedelta(hours=1)
# A row closes its cycle: it lies just inside the grid step that ends at start + cycle x 1 h, so that the
# feature row of the cycle has that time, and the last one the time of the failure.
_INSIDE = dt.timedelta(seconds=1)
# Engines in one group of the lake; a group is at most 64 machines.
_GROUP = 50
_PAGE_ROWS = 500_000

# Units as the paper's table 2 gives them. The values are stored as published (quantity `other`): they are a
# simulation's outputs, and models of this data set are compared on these numbers.
_SENSORS = (
    ("T2", "degR"),
    ("T24", "degR"),
    ("T30", "degR"),
    ("T50", "degR"),
    ("P2", "psi"),
    ("P15", "psi"),
    ("P30", "psi"),
    ("Nf", "rpm"),
    ("Nc", "rpm"),
    ("epr", "1"),
    ("Ps30", "psi"),
    ("phi", "pps/psi"),
    ("NRf", "rpm"),
    ("NRc", "rpm"),
    ("BPR", "1"),
    ("farB", "1"),
    ("htBleed", "1"),
    ("Nf_dmd", "rpm"),
    ("PCNfR_dmd", "rpm"),
    ("W31", "lbm/s"),
    ("W32", "lbm/s"),
)
_ROLES = (
    *((f"setting_{n}", "1", "") for n in (1, 2, 3)),
    *((f"sensor_{n:02d}", unit, name) for n, (name, unit) in enumerate(_SENSORS, 1)),
)


def import_cmapss(
    source_dir: Path, subset: str, lake: Lake, plant_path: Path, *, part: str = "train", clock: Clock | None = None
) -> ImportReport:
    """Brings the engines of a subset into the lake and writes their plant file.

    Those of `train_*` files run to failure, those of `test_*` files still run at their last cycle. Gap register
    and sensor states are left out: an engine that has failed is not a silent one.

    Args:
        source_dir: Holds `train_FD001.txt` and so on.
        subset: `FD001` to `FD004`.
        lake: Where they go.
        plant_path: Where the plant file goes; one that is there is kept.
        part: `train` or `test`.
        clock: Default: the system's.

    Raises:
        ConfigError: No such subset, file or format, or the plant file is another plant.
    """
    subset = subset.upper()
    if subset not in SUBSETS:
        raise ConfigError(f"subset {subset!r} is not of C-MAPSS; {nearest(subset, list(SUBSETS))}")
    if part not in PARTS:
        raise ConfigError(f"part {part!r} is not of C-MAPSS; {nearest(part, list(PARTS))}")
    engines = read_engines(source_dir / f"{part}_{subset}.txt")
    units = engines.group_by("unit").agg(pl.col("cycle").max()).sort("unit").rows()
    plant = settle_plant(plant_path, plant_document(subset, [unit for unit, _ in units], part=part))
    last = max(cycle for _, cycle in units)
    report = ingest(
        lake,
        plant,
        _historian(subset, engines, units, part),
        clock=clock or SystemClock(),
        since=START,
        until=START + (last + 1) * _CYCLE,
        overlap=dt.timedelta(0),
        page_rows=_PAGE_ROWS,
        sensors=False,
    )
    return ImportReport(
        plant=str(plant_path),
        machines=len(units),
        rows=report.rows,
        waveforms=report.waveforms,
        events=report.events,
        quarantined=report.quarantined,
        duplicates=report.duplicates,
    )


def read_engines(file: Path) -> pl.DataFrame:
    """Columns `unit`, `cycle` and the roles, one row a cycle.

    Line ends, blanks at either end, tabs and empty lines do not matter.

    Raises:
        ConfigError: No file, or not 26 numbers a row.
    """
    if not file.exists():
        raise ConfigError(
            f"{file} is not there; name the folder with the C-MAPSS text files (train_FD001.txt, ...)",
            {"file": str(file)},
        )
    names = ["unit", "cycle", *(role for role, _, _ in _ROLES)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file is refused below
            numbers = np.loadtxt(file, dtype=np.float64, comments=None, ndmin=2, encoding="utf-8-sig")
    except (ValueError, OSError) as err:
        raise ConfigError(f"{file}: not rows of {len(names)} numbers ({err}); fetch it again") from err
    if numbers.shape[1] != len(names) or not numbers.size:
        raise ConfigError(
            f"{file}: rows of {numbers.shape[1]} numbers instead of {len(names)}; fetch it again",
            {"file": str(file), "rows": numbers.shape[0]},
        )
    strange = np.flatnonzero(~np.isfinite(numbers).all(axis=1) | (numbers[:, :2] % 1 != 0).any(axis=1))
    if strange.size:
        raise ConfigError(
            f"{file}: row {strange[0] + 1} has no whole unit and cycle, or a number that is none; fetch it again",
            {"file": str(file), "row": int(strange[0]) + 1},
        )
    return pl.DataFrame(numbers, schema=names, orient="row").with_columns(pl.col("unit", "cycle").cast(pl.Int64))


def _historian(subset: str, engines: pl.DataFrame, units: list[tuple[int, int]], part: str) -> MemoryHistorian:
    rows = (
        engines.unpivot(index=["unit", "cycle"], variable_name="role", value_name="value")
        .sort("cycle", maintain_order=True)
        .select(
            tag=pl.format("{}.{}", "unit", "role"),
            time=pl.lit(START - _INSIDE).dt.cast_time_unit("us") + pl.duration(hours="cycle"),
            value="value",
            text=pl.lit(None, pl.String),
            quality=pl.lit(2, pl.Int8),
            status=pl.lit(192, pl.Int64),
        )
    )
    tags = [TagInfo(f"{unit}.{role}", known, name) for unit, _ in units for role, known, name in _ROLES]
    events = [event for unit, cycles in units for event in _events(subset, unit, cycles, part)]
    return MemoryHistorian(SOURCE, rows, events=events, tags=tags)


def _events(subset: str, unit: int, cycles: int, part: str) -> list[MaintenanceEvent]:
    ends = [
        (EventKind.INSTALLATION, START, None, "new engine"),
        (EventKind.FAILURE, START + cycles * _CYCLE, Outcome.CONFIRMED_FAILURE, "run to failure"),
    ]
    return [
        MaintenanceEvent(
            source=SOURCE,
            source_event_id=f"{machine_id(subset, unit, part)}-{kind.value}",
            revision=0,
            machine_id=machine_id(subset, unit, part),
            slot=SLOT,
            kind=kind,
            outcome=outcome,
            failure_mode=None if outcome is None else "engine",
            occurred_at=time,
            available_at=time,
            text=text,
        )
        for kind, time, outcome, text in (ends if part == "train" else ends[:1])
    ]


def plant_document(subset: str, units: list[int], *, part: str = "train") -> dict[str, Any]:
    """The plant document (YAML) of those engines."""
    engine_class = {
        "id": "turbofan",
        "life_unit": "cycle",
        "rul_cap": 125.0,
        "memory": ["15h", "30h", "60h"],
        "baseline": "15h",
        "horizon": "125h",
    }
    machines = [
        {
            "id": machine_id(subset, unit, part),
            "name": f"{subset} engine {unit}",
            "group": f"{subset.lower()}-{number // _GROUP + 1}",
            "machine_class": "turbofan",
            "grid": "1h",
            "components": [{"slot": SLOT, "component_class": "turbofan"}],
            "measuring_points": [
                {"id": role, "role": role, "quantity": "other", "unit": known, "tags": {SOURCE: f"{unit}.{role}"}}
                for role, known, _ in _ROLES
            ],
        }
        for number, unit in enumerate(units)
    ]
    key = subset.lower() if part == "train" else f"{subset.lower()}-{part}"
    site = {"id": f"cmapss-{key}", "name": f"C-MAPSS {subset}", "machines": machines}
    return {"component_classes": [engine_class], "sites": [site]}


def machine_id(subset: str, unit: int, part: str = "train") -> str:
    """The machine that an engine of a file is, e.g. `fd001-007` or `fd001-test-007`."""
    return f"{subset.lower()}-{unit:03d}" if part == "train" else f"{subset.lower()}-{part}-{unit:03d}"
