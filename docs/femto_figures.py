"""Draw three features of each FEMTO learning bearing along its life.

`python docs/femto_figures.py --data DIR OUT` writes one figure for each operating condition of the experiment.
They are pictures of the documentation, so the drawing library stays out of the packages.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from features.core.plant import fault_orders
from features.core.plant.bearings import catalogue
from features.registry import Column
from features.vibration import WaveformBatch, envelope, waveform

# PRONOSTIA, challenge document: 25.6 kHz for 0.1 s every 10 s; 1800, 1650 and 1500 rpm.
SAMPLE_RATE_HZ = 25_600.0
SNAPSHOT_S = 0.1
CONDITIONS = {1: (30.0, 4000), 2: (27.5, 4200), 3: (25.0, 5000)}
BEARINGS = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2")
ORDERS = fault_orders(catalogue()["PRONOSTIA"])
MG = 9.80665e-3  # m/s^2 of one thousandth of standard gravity
DRAWN = {
    "RMS, m/s²": waveform.rms_m_s2,
    "kurtosis": waveform.kurtosis,
    "envelope at BPFO, m/s²": envelope.envelope_bpfo_m_s2,
}


@dataclass(frozen=True, slots=True)
class Life:
    """A run to failure: hours of each snapshot, and the features drawn, [n] each, NaN where refused."""

    name: str
    hours: np.ndarray
    features: dict[str, np.ndarray]


def life(data: Path, name: str) -> Life:
    """Features of the horizontal sensor of one bearing, in batches of 256 snapshots."""
    frame = pl.read_parquet(data / f"bearing{name}_vibration.parquet", columns=["elapsed_s", "acc_h_mg"])
    speed_hz = CONDITIONS[int(name[0])][0]
    columns: dict[str, list[np.ndarray]] = {title: [] for title in DRAWN}
    for part in frame.iter_slices(256):
        samples = (part["acc_h_mg"].to_numpy() * MG).astype(np.float32)
        batch = WaveformBatch(samples, SAMPLE_RATE_HZ, np.full(len(samples), speed_hz), orders=ORDERS)
        for title, feature in DRAWN.items():
            column: Column = feature(batch)
            columns[title].append(column.values)
    return Life(
        name,
        (frame["elapsed_s"].to_numpy() + SNAPSHOT_S) / 3600.0,
        {title: np.concatenate(parts) for title, parts in columns.items()},
    )


def draw(axes: Axes, of: Life, title: str) -> None:
    """One panel: every snapshot as a dot, and the median of five."""
    values = of.features[title]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, (4, 0), constant_values=np.nan), 5)
    axes.plot(of.hours, values, ".", markersize=1.5, color="0.65", rasterized=True)
    axes.plot(of.hours, np.median(windows, axis=1), "-", linewidth=1.0, color="#1f5fa8")
    axes.set_yscale("log")
    axes.set_xlim(0, of.hours[-1])
    axes.grid(visible=True, linewidth=0.3)


def figure(condition: int, lives: list[Life]) -> Figure:
    """Bearings of one condition side by side, a row for each feature."""
    speed_hz, load_n = CONDITIONS[condition]
    drawn = Figure(figsize=(8.0, 5.2), dpi=90, layout="constrained")
    panels = drawn.subplots(len(DRAWN), len(lives), squeeze=False, sharex="col", sharey="row")
    for row, title in enumerate(DRAWN):
        for column, of in enumerate(lives):
            draw(panels[row, column], of, title)
        panels[row, 0].set_ylabel(title)
    for column, of in enumerate(lives):
        panels[0, column].set_title(f"bearing {of.name.replace('_', '-')}")
        panels[-1, column].set_xlabel("hours")
    drawn.suptitle(f"condition {condition}: {60 * speed_hz:.0f} rpm, {load_n} N", fontsize=11)
    return drawn


def main() -> None:
    """Read the data and write one PNG file a condition."""
    parser = argparse.ArgumentParser(description="Draw features of the FEMTO learning bearings.")
    parser.add_argument("--data", type=Path, required=True, help="Folder of the Parquet files.")
    parser.add_argument("out", type=Path, help="Folder of the figures.")
    chosen = parser.parse_args()
    mpl.rcParams.update({"font.size": 8})
    chosen.out.mkdir(parents=True, exist_ok=True)
    for condition in CONDITIONS:
        lives = [life(chosen.data, name) for name in BEARINGS if name.startswith(str(condition))]
        file = chosen.out / f"femto-condition-{condition}.png"
        figure(condition, lives).savefig(file, metadata={"Software": None})


if __name__ == "__main__":
    main()
