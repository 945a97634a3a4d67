"""The condition index on public process data: learnt from healthy time alone, judged on what it did not see.

C-MAPSS: half of the engines teach with the first third of their lives, the others are judged, and the halves
change places. Machine temperature (NAB): the first third of the one record teaches. SKAB: the anomaly-free run
teaches, the runs with faults are judged. Hydraulic rig: half of the healthy cycles teach; a judged life is the
other half and then cycles with a damaged cooler or pump.
"""

import sys
from pathlib import Path

# A neighbour has the name of a package: started as a script, this folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import datetime as dt
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import spearmanr

from features.core.statements import HealthState
from features.rul.condition import ConditionModel, LifeRows, fit_condition
from tests.benchmarks._computer import describe_computer

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ENGINE_BASELINE = 15  # cycles, as the plant file of `wearcast import cmapss` has it
NAB_BASELINE = 14 * 288  # 14 days of 5 minutes, the default of a class
SKAB_BASELINE = 120  # seconds
RIG_BASELINE = 20  # load cycles
FAHRENHEIT_ZERO_K = 459.67


def life_of(values: Floats, names: tuple[str, ...], *, step_s: float = 3600.0) -> LifeRows:
    """A life whose machine always runs."""
    n = len(values)
    times = (np.arange(1, n + 1) * step_s * 1e6).astype(np.int64)
    return LifeRows(times, np.arange(n, dtype=np.float64), np.ones(n, dtype=np.bool_), values, names)


def learn(lives: Sequence[LifeRows], baseline_rows: int) -> ConditionModel:
    """The condition model of lives, which must be able to have one."""
    model = fit_condition(lives, lives[0].names, baseline_rows=baseline_rows)
    if model is None:
        raise SystemExit("too little healthy time to learn from")
    return model


def raised(model: ConditionModel, life: LifeRows) -> tuple[Floats, Bools]:
    """Index, and rows that ask for maintenance."""
    found = model.assess(life)
    return found.index, np.array([state is HealthState.MAINTENANCE_REQUIRED for state in found.states])


def cmapss(file: Path) -> dict[str, float]:
    """Rise along life, silence while healthy, of engines the model did not learn from."""
    table = np.loadtxt(file)
    names = ("age", *(f"setting_{n}.level" for n in (1, 2, 3)), *(f"sensor_{n:02d}.level" for n in range(1, 22)))
    engines = [life_of(table[table[:, 0] == unit][:, 1:], names) for unit in np.unique(table[:, 0])]
    rho, first, healthy, last, regimes = [], [], [], [], 0
    for part in (0, 1):
        model = learn(engines[1 - part :: 2], ENGINE_BASELINE)
        regimes = model.operation.count
        for engine in engines[part::2]:
            index, alarm = raised(model, engine)
            n = index.size
            rho.append(spearmanr(np.arange(n // 2, n), index[n // 2 :]).statistic)
            first.append(np.argmax(alarm) / n if alarm.any() else np.nan)
            healthy.append(np.nanmedian(index[: n // 3]))
            last.append(index[-1])
    found = np.array(first)
    return {
        "engines": len(engines),
        "regimes": regimes,
        "spearman_last_half_median": float(np.median(rho)),
        "spearman_last_half_above_0_8": float(np.mean(np.array(rho) > 0.8)),
        "index_first_third": float(np.median(healthy)),
        "index_last_row": float(np.median(last)),
        "alarms_in_first_third": int(np.count_nonzero(found < 1 / 3)),
        "never_alarmed": int(np.count_nonzero(np.isnan(found))),
        "first_alarm_share_of_life": float(np.nanmedian(found)),
    }


def machine_temperature(folder: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """The labelled windows of the one record, and what was said outside of them."""
    record = pl.read_parquet(folder / "machine_temperature_system_failure.parquet")
    at = record["timestamp"].cast(pl.String).str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S").to_numpy()
    kelvin = (record["value"].cast(pl.Float64).to_numpy() + FAHRENHEIT_ZERO_K) / 1.8
    life = life_of(kelvin[:, None], ("temperature.level_k",), step_s=300)
    index, alarm = raised(learn([life], NAB_BASELINE), life)
    known = np.isfinite(index)
    windows, inside = [], np.zeros(len(at), dtype=np.bool_)
    for begin, end in json.loads((folder / "anomaly_windows.json").read_text(encoding="utf-8")):
        here = (at >= np.datetime64(dt.datetime.fromisoformat(begin))) & (
            at <= np.datetime64(dt.datetime.fromisoformat(end))
        )
        inside |= here
        share = float(alarm[here & known].mean()) if (here & known).any() else None
        top = float(index[here & known].max()) if (here & known).any() else None
        windows.append({"begin": begin, "judged_share": float(known[here].mean()), "raised": share, "index": top})
    outside = known & ~inside
    figures = {"nab_raised_outside": float(alarm[outside].mean()), "nab_days_judged": float(known.sum() / 288)}
    return figures, windows


def skab(folder: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Runs with a fault: raised in the fault, raised before it."""
    columns = {
        "Accelerometer1RMS": "vibration_1.level",
        "Accelerometer2RMS": "vibration_2.level",
        "Current": "current.level_a",
        "Pressure": "pressure.level",
        "Temperature": "engine_temperature.level_k",
        "Thermocouple": "fluid_temperature.level_k",
        "Voltage": "voltage.level_v",
        "Volume Flow RateRMS": "flow.level",
    }
    names = tuple(columns.values())

    def read(file: Path) -> tuple[LifeRows, pl.DataFrame]:
        rows = pl.read_parquet(file)
        return life_of(rows.select(list(columns)).cast(pl.Float64).to_numpy(), names, step_s=1), rows

    model = learn([read(folder / "anomaly_free_anomaly_free.parquet")[0]], SKAB_BASELINE)
    runs: list[dict[str, Any]] = []
    for file in sorted([*folder.glob("valve1_*.parquet"), *folder.glob("other_*.parquet")]):
        life, rows = read(file)
        index, alarm = raised(model, life)
        fault = rows["anomaly"].cast(pl.Float64).to_numpy() > 0
        begin = int(np.argmax(fault))
        before = alarm[SKAB_BASELINE:begin]
        runs.append(
            {
                "run": file.stem,
                "raised_before": float(before.mean()) if before.size else None,
                "raised_in_fault": float(alarm[fault].mean()),
                "index_before": float(np.median(index[SKAB_BASELINE:begin])) if before.size else None,
                "index_in_fault": float(np.nanmedian(index[fault])),
            }
        )
    figures: dict[str, float] = {
        "skab_runs": len(runs),
        "skab_runs_raised_in_fault": sum(run["raised_in_fault"] > 0 for run in runs),
        "skab_runs_raised_before": sum((run["raised_before"] or 0) > 0 for run in runs),
    }
    return figures, runs


def hydraulic(folder: Path) -> list[dict[str, Any]]:
    """Index by component and grade of damage, the other one healthy.

    The valve and the accumulator show in the pressures, which are not part of these files: they are not judged.
    """
    names = tuple(f"{name}.level" for name in ("ts1", "ts2", "ts3", "ts4", "vs1", "ce", "cp", "se", "fs1", "fs2"))
    sensors = pl.read_parquet(folder / "sensors.parquet")
    profile = pl.read_parquet(folder / "profile.parquet")
    cycles = np.stack([sensors[name.removesuffix(".level")].to_numpy().mean(axis=1) for name in names], axis=1)
    good = {"cooler_pct": 100, "pump_leakage": 0}
    state = {name: profile[name].to_numpy() for name in good}
    healthy = np.flatnonzero(np.all([state[name] == value for name, value in good.items()], axis=0))
    # Alternate cycles: the healthy ones stand in few blocks, and each block in a temperature of its own.
    taught, own = healthy[::2], healthy[1::2]
    # Three times over, so that the first third, which teaches, is all of them.
    model = learn([life_of(np.tile(cycles[taught], (3, 1)), names)], RIG_BASELINE)
    found = []
    for name, value in good.items():
        others = np.all([state[other] == at for other, at in good.items() if other != name], axis=0)
        for grade in sorted(set(state[name].tolist())):
            damaged = np.flatnonzero(others & (state[name] == grade)) if grade != value else own
            index, alarm = raised(model, life_of(cycles[np.concatenate([own, damaged])], names))
            index, alarm = index[own.size :], alarm[own.size :]
            row = {"component": name, "grade": grade, "cycles": damaged.size}
            if damaged.size:
                row |= {"index": float(np.nanmedian(index)), "raised": float(alarm.mean())}
            found.append(row)
    return found


def main() -> None:
    """Run the benchmark and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="Holds cmapss, nab_machine_temperature, skab, hydraulic."
    )
    parser.add_argument("--json", action="store_true", help="One JSON object and nothing else.")
    options = parser.parse_args()
    begin = time.perf_counter()
    figures: dict[str, float] = {}
    for subset in ("FD001", "FD002"):
        found = cmapss(options.data / "cmapss" / f"train_{subset}.txt")
        figures |= {f"{subset.lower()}_{name}": value for name, value in found.items()}
    nab, windows = machine_temperature(options.data / "nab_machine_temperature")
    pump, runs = skab(options.data / "skab")
    tables = {"nab_windows": windows, "skab_runs": runs, "hydraulic": hydraulic(options.data / "hydraulic")}
    report = {
        "benchmark": "condition",
        "machine": describe_computer("numpy", "scipy", "polars"),
        "settings": {
            "engine_baseline_cycles": ENGINE_BASELINE,
            "nab_baseline_rows": NAB_BASELINE,
            "skab_baseline_s": SKAB_BASELINE,
            "rig_baseline_cycles": RIG_BASELINE,
        },
        "figures": figures | nab | pump | {"seconds": round(time.perf_counter() - begin, 1)},
        "tables": tables,
    }
    print(json.dumps(report) if options.json else json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
