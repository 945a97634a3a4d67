"""The truth file: what the simulator hides from everybody but evaluation and tests."""

import datetime as dt
from pathlib import Path

import polars as pl

from features.core.clock import require_utc
from pipelines.historian.simulator.config import SimulatorConfig
from pipelines.historian.simulator.draws import BLOCK_H
from pipelines.historian.simulator.lives import Life
from pipelines.historian.simulator.machinery import build_machines
from pipelines.historian.simulator.station import Station
from pipelines.historian.truth import TRUTH

__all__ = ["truth", "write_truth"]


def truth(config: SimulatorConfig, until: dt.datetime) -> pl.DataFrame:
    """Every life that began before `until`, as it stood then; schema `TRUTH`."""
    until = require_utc(until)
    # The same horizon for every `until` inside one week: lives do not depend on it.
    weeks = max((until - config.start) // dt.timedelta(weeks=1) + 2, 1)
    rows = []
    for machine in build_machines(config):
        station = Station(config, machine, weeks * BLOCK_H)
        for life in station.history.lives:
            if life.installed_h * 3600 < (until - config.start).total_seconds():
                rows.append(_row(station, life, until))
    return pl.DataFrame(rows, schema=TRUTH, orient="row").sort("machine_id", "slot", "life_number")


def write_truth(config: SimulatorConfig, until: dt.datetime, path: Path) -> None:
    """Write the truth as of `until` to a Parquet file, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    truth(config, until).write_parquet(path)


def _row(station: Station, life: Life, until: dt.datetime) -> dict[str, object]:
    def moment(hours: float | None) -> dt.datetime | None:
        if hours is None or hours == float("inf"):
            return None
        return station.config.start + dt.timedelta(seconds=round(hours * 3600))

    ended, onset = moment(life.end_h), moment(station.onset_h(life))
    over = ended is not None and ended < until
    onset_known = onset is not None and onset < (ended if over and ended is not None else until)
    return {
        "machine_id": life.machine_id,
        "slot": life.slot,
        "life_number": life.number,
        "installed_at": moment(life.installed_h),
        "onset_at": onset if onset_known else None,
        "ended_at": ended if over else None,
        "ending": life.ending if over else "running",
        "failure_mode": life.damage.mode if over and life.ending == "failure" else None,
        "precursor": life.damage.precursor,
    }
