"""Cost and accuracy of the features: the vibration set against a bare transform, peers, and telemetry.

Costs are CPU times, the best of several; both sides of a ratio alternate in one process. Batches hold 256
float32 windows; the bare transform is SciPy's `rfft` of the same batch with one worker. Reading and
converting are left out.
"""

import sys
from pathlib import Path

# This file has the name of a package: started as a script, its own folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import functools
import json
import math
import resource
import subprocess
import time

import numpy as np
import scipy.fft
import scipy.signal
import scipy.stats

from features.vibration.columns import COLUMNS
from features.vibration.measure import measure
from features.vibration.plain import plain
from features.vibration.plan import Stage
from tests.benchmarks._computer import describe_computer
from tests.benchmarks._cores import two_cores
from tests.benchmarks._peers import peers
from tests.benchmarks._waveforms import (
    FLOORS,
    FULL,
    NAMES,
    RATES_HZ,
    SPEED_HZ,
    WINDOWS,
    best,
    log,
    machine_signal,
    plan_of,
)

MILLIGRAVITY = 9.80665e-3  # m/s^2


def cost(quick: bool) -> tuple[dict[str, float | None], list[dict[str, object]]]:
    """Full set over the bare transform."""
    figures: dict[str, float | None] = {}
    table: list[dict[str, object]] = []
    for samples, rate_hz in RATES_HZ.items():
        windows = 32 if quick else WINDOWS
        x, plan = machine_signal(windows, samples, rate_hz), plan_of(windows, samples, rate_hz)
        bare, full, kurtogram = best(
            2 if quick else 15,
            functools.partial(scipy.fft.rfft, x, axis=1, workers=1),
            functools.partial(measure, x, plan, FULL),
            functools.partial(measure, x, plan, tuple(Stage)),
            seconds=0.0 if quick else 10.0,
        )
        figures[f"full_over_rfft_{samples}"] = full / bare
        if samples == 25600:
            figures["full_kurtogram_over_rfft_25600"] = kurtogram / bare
        missing = [
            name
            for stage, values in measure(x, plan, FULL).columns.items()
            for name, column in zip(COLUMNS[stage], values.T, strict=True)
            if np.isnan(column).all()
        ]
        table.append(
            {
                "samples": samples,
                "sample_rate_hz": rate_hz,
                "rfft_ns_a_sample": bare / x.size * 1e9,
                "full_ns_a_sample": full / x.size * 1e9,
                "kurtogram_ns_a_sample": (kurtogram - full) / x.size * 1e9,
                "windows_a_second": windows / full,
                "values_that_cannot_be_told": missing,
            }
        )
        log(f"{samples} samples: full / rfft = {full / bare:.2f}, with kurtogram {kurtogram / bare:.2f}")
    return figures, table


def errors(quick: bool) -> tuple[float, float, list[dict[str, object]]]:
    """Largest relative error of all columns and of the displacement, against float64; and each column's."""
    worst = dict.fromkeys((name for stage in Stage for name in COLUMNS[stage]), 0.0)
    for samples, rate_hz in RATES_HZ.items():
        windows = 2 if quick else 24
        x, plan = machine_signal(windows, samples, rate_hz, seed=1), plan_of(windows, samples, rate_hz)
        reference, found = plain(x, plan), measure(x, plan, tuple(Stage))
        for stage, names in COLUMNS.items():
            for number, name in enumerate(names):
                value, truth = found.columns[stage][:, number], reference[name]
                if not (np.isnan(value) == np.isnan(truth)).all():
                    raise AssertionError(f"{name}: one of both has no value")
                if np.isnan(truth).all():
                    continue
                scale = np.maximum(np.abs(truth), FLOORS.get(name, 1e-30))
                worst[name] = max(worst[name], float(np.nanmax(np.abs(value - truth) / scale)))
    table: list[dict[str, object]] = [
        {"feature": name, "largest_relative_error": error, "floor": FLOORS.get(name)}
        for name, error in worst.items()
    ]
    displacement = worst.pop("displacement_um")
    log(f"largest relative error {max(worst.values()):.1e}, of displacement {displacement:.1e}")
    return max(worst.values()), displacement, table


def velocity_error(quick: bool) -> float:
    """Largest relative error of velocity RMS over tones of 20 to 980 Hz in windows of 0.5 s."""
    rate_hz, samples = 5120.0, 2560
    rng = np.random.default_rng(2)
    tones = rng.uniform(20.0, 980.0, 40 if quick else 2000)
    phases = rng.uniform(0.0, 2 * np.pi, len(tones))
    t = np.arange(samples) / rate_hz
    x = 2 * np.pi * tones[:, None] * 5e-3 * np.sin(2 * np.pi * tones[:, None] * t + phases[:, None])  # 5 mm/s peak
    found = measure(x.astype(np.float32), plan_of(len(tones), samples, rate_hz), (Stage.SPECTRUM,))
    velocity = found.columns[Stage.SPECTRUM][:, COLUMNS[Stage.SPECTRUM].index("velocity_rms_mm_s")]
    return float(np.abs(velocity / (5 / math.sqrt(2)) - 1).max())


def femto(data: Path | None) -> dict[str, float | None]:
    """A batch job over all snapshots, in a process of its own whose peak memory is read."""
    folder = (
        None
        if data is None
        else next((f for f in (data / "femto", data) if list(f.glob("*_vibration.parquet"))), None)
    )
    if folder is None:
        log("FEMTO: no folder with its snapshots, give --data")
        return {"femto_batch_peak_gb": None, "femto_batch_wall_s": None, "femto_batch_snapshots": None}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "--femto-job", str(folder)],
        capture_output=True,
        check=True,
    )
    found: dict[str, float | None] = json.loads(done.stdout)
    log(f"FEMTO: {found}")
    return found


def femto_job(folder: Path) -> dict[str, float]:
    """Full set of both channels of every snapshot, a slice of a file at a time."""
    import pyarrow.parquet

    start, snapshots, rms = time.perf_counter(), 0, COLUMNS[Stage.TIME].index("rms")
    speeds = {"1": 30.0, "2": 27.5, "3": 25.0}  # operating conditions 1800, 1650 and 1500 rpm
    for file in sorted(folder.glob("*_vibration.parquet")):
        speed_hz = speeds[file.name.removeprefix("bearing")[0]]
        with pyarrow.parquet.ParquetFile(file, memory_map=True) as table:
            for batch in table.iter_batches(WINDOWS, columns=["acc_h_mg", "acc_v_mg"], use_threads=False):
                for channel in batch.columns:
                    x = channel.flatten().to_numpy(zero_copy_only=False).reshape(batch.num_rows, -1)
                    x = x.astype(np.float32) * np.float32(MILLIGRAVITY)
                    plan = plan_of(len(x), x.shape[1], 25600.0, speed_hz)
                    values = measure(x, plan, FULL).columns[Stage.TIME][:, rms]
                    if not (values > 0).all():
                        raise AssertionError(f"{file.name}: a snapshot without vibration")
                snapshots += batch.num_rows
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {
        "femto_batch_peak_gb": peak_gb,
        "femto_batch_wall_s": time.perf_counter() - start,
        "femto_batch_snapshots": float(snapshots),
    }


def run(data: Path | None, quick: bool, only_vibration: bool, only_peers: bool = False) -> dict[str, object]:
    """Everything, as one object; or the comparison with other libraries alone."""
    if only_peers:
        compared, shared = peers(quick)
        return {
            "benchmark": "features",
            "machine": describe_computer("numpy", "scipy", "numba", "polars", "pandas", "tsfresh", "tsfel"),
            "settings": {"quick": quick, "only_peers": True},
            "figures": compared,
            "tables": {"shared_features": shared},
        }
    figures, costs = cost(quick)
    figures["two_core_speedup"], on_two = two_cores(quick)
    figures["features_in_full_set"] = float(len(NAMES))
    figures["max_relative_error"], figures["displacement_error"], by_feature = errors(quick)
    figures["velocity_rms_error_0_5s"] = velocity_error(quick)
    figures |= femto(data)
    shared = []
    if not only_vibration:
        # Here, for it brings pandas: `femto_job` is this script, too, and its memory is measured.
        from tests.benchmarks import _telemetry

        compared, shared = peers(quick)
        figures |= compared | _telemetry.figures(quick)
    return {
        "benchmark": "features",
        "machine": describe_computer("numpy", "scipy", "numba", "polars", "pandas", "tsfresh", "tsfel"),
        "settings": {
            "quick": quick,
            "only_vibration": only_vibration,
            "windows": WINDOWS,
            "sample_rates_hz": {str(samples): rate for samples, rate in RATES_HZ.items()},
            "speed_hz": SPEED_HZ,
            "data": None if data is None else str(data),
        },
        "figures": figures,
        "tables": {
            "cost": costs,
            "two_cores": on_two,
            "errors": by_feature,
            "shared_features": shared,
            "full_set": list(NAMES),
        },
    }


def main() -> None:
    """Reads the command line and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with femto/ in it")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    parser.add_argument("--quick", action="store_true", help="small batches: for a smoke test, not for figures")
    parser.add_argument("--only-vibration", action="store_true", help="neither peers nor telemetry")
    parser.add_argument(
        "--only-peers", action="store_true", help="nothing but the comparison with other libraries"
    )
    parser.add_argument("--femto-job", type=Path, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.femto_job is not None:
        print(json.dumps(femto_job(options.femto_job)))
        return
    found = run(options.data, options.quick, options.only_vibration, options.only_peers)
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found["figures"].items():  # type: ignore[attr-defined] # a dict, see `run`
            print(f"{name:40} {'none' if value is None else format(value, '.4g')}")
        for row in found["tables"]["shared_features"]:  # type: ignore[index] # a dict, see `run`
            print("{peer:20} {feature:20} differs by {largest_relative_difference:.2g} at most".format(**row))


if __name__ == "__main__":
    main()
