"""Tumbling telemetry: time against pandas, and peak memory over Parquet files larger than a budget.

The rows are one reading a second of ten points. `tumbling_over_pandas` is CPU time, best of several,
of `features.compute.telemetry.tumbling` (mean, min, max, standard deviation, last and count a point and
10 min; the compiled pass is also the one behind feature rows) against the faster of two ways of pandas on
the same rows in memory: grouped by point and floored time, and grouped and resampled. The frames are made
beforehand on both sides; pandas has its points as categories.

Memory is the peak resident size of a child process that aggregates the files with
`tumbling_stream` on Polars's streaming engine, its imports included.
"""

import datetime as dt
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from features.compute.telemetry import tumbling

T0_US = 1_735_689_600_000_000  # 2025-01-01, UTC
POINTS = 10
GRID = dt.timedelta(minutes=10)
PIECE_ROWS = 4_000_000
QUICK_SHARE = 20  # a quick run has that many times fewer rows


def rows(seconds: int, *, first: int = 0, seed: int = 0) -> pl.DataFrame:
    """`seconds` readings of each point, sorted by point and time."""
    rng = np.random.default_rng(seed)
    at = T0_US + (first + np.arange(seconds, dtype=np.int64)) * 1_000_000
    return pl.DataFrame(
        {
            "point_id": pl.Series([f"P{point:03d}" for point in range(POINTS)])
            .repeat_by(seconds)
            .explode(empty_as_null=False),
            "time": pl.Series(np.tile(at, POINTS)).cast(pl.Datetime("us", "UTC")),
            "value": 330 + rng.standard_normal(POINTS * seconds),
            "quality": pl.repeat(2, POINTS * seconds, dtype=pl.Int8, eager=True),
        }
    )


def best_cpu_s(function: Callable[[], object], repeats: int) -> float:
    """Least CPU time of several runs, seconds."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        function()
        best = min(best, time.process_time() - begin)
    return best


def over_pandas(total: int, repeats: int) -> float:
    """CPU time of pandas over ours."""
    frame = rows(total // POINTS)
    other = pd.DataFrame(
        {
            "point_id": pd.Categorical(frame["point_id"].to_list()),
            "time": pd.to_datetime(frame["time"].dt.epoch("us").to_numpy(), unit="us", utc=True),
            "value": frame["value"].to_numpy(),
            "quality": frame["quality"].to_numpy(),
        }
    )
    wanted: Any = ["mean", "min", "max", "std", "last"]  # Any: pandas's stubs know less of groups than pandas

    def floored() -> Any:
        good = other[other["quality"] == 2]
        keys = [good["point_id"], good["time"].dt.floor("10min")]
        return good.groupby(keys, observed=True)["value"].agg(wanted)

    def resampled() -> Any:
        good = other[other["quality"] == 2].set_index("time")
        return good.groupby("point_id", observed=True)["value"].resample("10min").agg(wanted)

    ours = tumbling(frame, grid=GRID)
    expected = floored().groupby("point_id", observed=True).head(-1)
    np.testing.assert_allclose(ours["mean"].to_numpy()[: len(expected)].mean(), expected["mean"].mean(), rtol=1e-6)
    pandas_s = min(best_cpu_s(floored, repeats), best_cpu_s(resampled, max(1, repeats // 3)))
    return pandas_s / best_cpu_s(lambda: tumbling(frame, grid=GRID), 2 * repeats)


def peak_gb(total: int) -> float:
    """Peak resident memory of a process that aggregates that many rows from files, GB."""
    folder = Path(tempfile.mkdtemp(prefix="telemetry-"))
    try:
        each = min(PIECE_ROWS, total) // POINTS
        for piece, first in enumerate(range(0, total // POINTS, each)):
            seconds = min(each, total // POINTS - first)
            rows(seconds, first=first, seed=piece).write_parquet(
                folder / f"{piece:04d}.parquet", compression="lz4"
            )
        command = [sys.executable, "-c", _CHILD, str(folder), str(total // POINTS)]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
        found = json.loads(told.stdout.splitlines()[-1])
    finally:
        shutil.rmtree(folder)
    windows = POINTS * ((total // POINTS - 1) // int(GRID.total_seconds()))
    if found["windows"] != windows:
        raise AssertionError(f"{found['windows']} windows instead of {windows}")
    return float(found["peak_gb"])


# The child imports neither pandas nor whatever else the parent holds. VmHWM is the peak of its own memory;
# ru_maxrss would begin with the parent's, which it keeps across exec.
_CHILD = """
import datetime as dt, json, sys
import polars as pl
from features.compute.telemetry import tumbling_stream
folder, seconds = sys.argv[1], int(sys.argv[2])
until = dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds - 1)
rows = pl.scan_parquet(folder + "/*.parquet")
found = tumbling_stream(rows, grid=dt.timedelta(minutes=10), until=until).collect(engine="streaming")
status = open("/proc/self/status").read().split("VmHWM:")[1]
peak = int(status.split()[0]) * 1024 / 1e9
print(json.dumps({"windows": found.height, "peak_gb": peak}))
"""


def figures(quick: bool) -> dict[str, float | None]:
    """The figures; a quick run has fewer rows, and none over the largest set."""
    share = QUICK_SHARE if quick else 1
    return {
        "tumbling_over_pandas": over_pandas(4_000_000 // (4 if quick else 1), 3 if quick else 9),
        "telemetry_peak_gb_16m": peak_gb(16_000_000 // share),
        "telemetry_peak_gb_160m": None if quick else peak_gb(160_000_000),
    }


if __name__ == "__main__":
    print(json.dumps(figures("--quick" in sys.argv[1:]), indent=1))
