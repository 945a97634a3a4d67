"""Which band of a waveform point to demodulate: proposed by the kurtogram of healthy snapshots.

The band is to be fixed while nothing is broken: it is the structure that rings, not the damage. A band is
proposed when the median of its kurtosis over the snapshots stands out of what noise would give; else the default
band is as good as any.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from features.core.errors import UnfitError
from features.core.lake import Lake
from features.core.plant import Component, Machine, MeasuringPoint, Plant, PointKind
from features.core.tables import MAINTENANCE_EVENTS, WAVEFORMS
from features.core.units import Quantity
from features.diagnosis.component import GOOD, healthy_rows
from features.vibration.kurtogram import Kurtogram, kurtogram, tree

__all__ = ["Band", "BandProposal", "propose", "propose_for", "read_snapshots"]

# Snapshots of a point that are looked at, spread over its healthy time: their median is calm enough.
_MOST_SNAPSHOTS = 50
# Levels of the tree, fewer for short waveforms.
_LEVELS = 4
# Envelope lines that a band must be wide enough to show: three harmonics of the fastest fault (the threshold of
# naming looks at two, a person at three).
_HARMONICS = 3
# A band stands out when its kurtosis lies that many standard deviations of noise above none, and above the slow
# changes of level that every running machine has. Wearcast's own choices.
_SIGMAS, _LEAST_KURTOSIS = 5.0, 0.1
# Standard deviation of a median over that of a mean, for a normal distribution: sqrt(pi / 2).
_MEDIAN_OVER_MEAN = 1.2533


@dataclass(frozen=True, slots=True)
class Band:
    """A band of the tree: its level, edges, and the median of its kurtosis over the snapshots (0: noise)."""

    level: float
    low_hz: float
    high_hz: float
    kurtosis: float


@dataclass(frozen=True, slots=True)
class BandProposal:
    """What is proposed for one point; `band_hz` None: nothing stands out, `reason` says how it was judged.

    `agreement` is the share of snapshots whose own most impulsive band overlaps with the proposed one.
    """

    point: str
    sample_rate_hz: float
    snapshots: int
    first: dt.datetime | None
    last: dt.datetime | None
    band_hz: tuple[float, float] | None
    agreement: float
    reason: str
    bands: tuple[Band, ...]


def propose(
    samples: np.ndarray, sample_rate_hz: float, *, point: str = "", least_width_hz: float = 0.0
) -> BandProposal:
    """The band whose envelope is the most impulsive over all snapshots.

    Args:
        samples: [n, m] snapshots of equal length, in any one unit; without NaN.
        sample_rate_hz: Sample rate.
        point: Name of the measuring point.
        least_width_hz: Narrower bands are not proposed: they cannot show the lines that are looked for.

    Raises:
        UnfitError: No snapshot, or snapshots too short for two levels of bands.

    References:
        J. Antoni, "Fast computation of the kurtogram for the detection of transient faults", Mechanical
        Systems and Signal Processing 21 (2007) 108-124. Under Gaussian noise the kurtosis of a complex envelope of
        N samples has the variance 4/N (Antoni, "The spectral kurtosis: a useful tool for characterising
        non-stationary signals", MSSP 20 (2006) 282-307).

    Example:
        >>> t = np.arange(8192) / 8192
        >>> strikes = np.exp(-800 * np.mod(t, 0.05)) * np.sin(2 * np.pi * 3300 * np.mod(t, 0.05))
        >>> noise = 0.3 * np.modf(43758.5453 * np.sin(12.9898 * np.arange(8192)))[0]
        >>> propose((strikes + noise)[None, :], 8192.0).band_hz
        (2048.0, 4096.0)
    """
    n, length = samples.shape if samples.ndim == 2 else (0, 0)
    levels = next((k for k in range(_LEVELS, 1, -1) if tree(length, k, thirds=True)), 0)
    if not n or not levels:
        raise UnfitError(f"{point or 'waveforms'}: {n} snapshots of {length} samples, too few for bands")
    found = kurtogram(samples.astype(np.float32), sample_rate_hz, levels)
    with np.errstate(all="ignore"):
        middle = np.nanmedian(np.where(np.isfinite(found.values), found.values, -1.0), axis=0)
    bands = _bands(found.bands_hz, middle, tree(length, levels, thirds=True))
    # The plant file asks for a lower edge above 0, and there the shaft and the gears are.
    usable = np.array([band.low_hz > 0 and band.high_hz - band.low_hz >= least_width_hz for band in bands])
    widths = np.array([(band.high_hz - band.low_hz) / sample_rate_hz * length for band in bands])
    needed = np.maximum(_SIGMAS * _MEDIAN_OVER_MEAN * 2.0 / np.sqrt(widths * n), _LEAST_KURTOSIS)
    stands_out = usable & (middle > needed)
    if not stands_out.any():
        best = float(middle[usable].max()) if usable.any() else float("nan")
        reason = f"no band stands out (largest kurtosis {best:.2f}): keep the default"
        return BandProposal(point, sample_rate_hz, n, None, None, None, 0.0, reason, bands)
    at = int(np.where(stands_out, middle, -np.inf).argmax())
    low, high = bands[at].low_hz, bands[at].high_hz
    own, _ = Kurtogram(found.bands_hz[usable], found.values[:, usable]).best()
    agreement = float(np.mean((own[:, 0] < high) & (own[:, 1] > low)))
    reason = f"kurtosis {middle[at]:.2f}, noise stays below {needed[at]:.2f}"
    return BandProposal(point, sample_rate_hz, n, None, None, (low, high), agreement, reason, bands)


def propose_for(
    plant: Plant,
    lake: Lake,
    machine: Machine,
    *,
    as_of: dt.datetime | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> list[BandProposal]:
    """A proposal for each acceleration waveform point of a machine, from its healthy time in the lake.

    Healthy is the present life's first stretch after its run-in, as the class says; where the installation is not
    known, as long a stretch from the first waveform on. Only good snapshots of a running machine count, and of
    those the most frequent length.

    Args:
        plant: Says how the components' classes age.
        lake: Where the waveforms are.
        machine: The machine.
        as_of: Only what could be known then; None: everything.
        since: Begin of the time that is healthy instead, UTC.
        until: Its end.

    Raises:
        UnfitError: The machine has no such point, or none has a usable snapshot in its healthy time.
    """
    points = [
        point
        for point in machine.measuring_points
        if point.kind is PointKind.WAVEFORM and point.quantity is Quantity.ACCELERATION
    ]
    if not points:
        raise UnfitError(f"machine {machine.id} has no waveform point of acceleration", {"machine": machine.id})
    found = [_of_point(plant, lake, machine, point, as_of, since, until) for point in points]
    if not any(each.snapshots for each in found):
        raise UnfitError(f"{machine.id}/{found[0].point}: {found[0].reason}", {"machine": machine.id})
    return found


def read_snapshots(files: Sequence[Path]) -> np.ndarray:
    """Snapshots [n, m] of some files, float64: arrays of numpy, else text with one number a line.

    Args:
        files: `.npy` files hold [samples] or [snapshots, samples]; a title in a text's first line is left out.

    Raises:
        UnfitError: A file holds no finite numbers, or not as many a snapshot as the others.
    """
    found = [_read(file) for file in files]
    lengths = {part.shape[1] for part in found}
    if len(lengths) > 1:
        raise UnfitError(f"snapshots must be of one length, these have {sorted(lengths)} samples")
    return np.concatenate(found)


def _read(file: Path) -> np.ndarray:
    if file.suffix == ".npy":
        part = np.atleast_2d(np.asarray(np.load(file, allow_pickle=False), dtype=np.float64))
    else:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        title = bool(lines) and any(letter.isalpha() for letter in lines[0].lower().replace("e", ""))
        part = np.array([[float(line) for line in lines[title:]]])
    if part.ndim != 2 or not part.size or not np.isfinite(part).all():
        raise UnfitError(f"{file}: expected finite samples, one snapshot or snapshots in rows, got {part.shape}")
    return part


def _of_point(
    plant: Plant,
    lake: Lake,
    machine: Machine,
    point: MeasuringPoint,
    as_of: dt.datetime | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
) -> BandProposal:
    component = machine.components[0] if point.slot is None else machine.component(point.slot)
    held = lake.read(
        WAVEFORMS, as_of=as_of, since=since, until=until, machine_ids=[machine.id], group=machine.group
    ).filter(
        pl.col("point_id") == point.id,
        pl.col("quality") == GOOD,
        pl.col("speed_hz").is_null() | (pl.col("speed_hz") > machine.running_above_hz),
    )
    rows = held.select("point_id", "time", "samples", "sample_rate_hz", "speed_hz").collect().sort("time")
    if since is None and until is None:
        rows = _healthy(plant, lake, machine, component, rows, as_of)
    if rows.is_empty():
        reason = "no good waveform of a running machine in its healthy time; name another with --since and --until"
        rate = point.sample_rate_hz or math.nan
        return BandProposal(point.id, rate, 0, None, None, None, 0.0, reason, ())
    usual = rows.group_by("samples", "sample_rate_hz").len().sort("len", "samples", descending=True).head(1)
    rows = rows.join(usual, on=["samples", "sample_rate_hz"], how="semi").sort("time")
    rows = rows.gather_every(-(-rows.height // _MOST_SNAPSHOTS))
    waves = held.join(rows.select("point_id", "time").lazy(), on=["point_id", "time"], how="semi").collect()
    samples = np.stack([np.frombuffer(wave, dtype="<f4") for wave in waves["wave"]])
    samples = samples[np.isfinite(samples).all(axis=1)]
    speed = rows["speed_hz"].drop_nulls().max()
    width = _width(machine, component, float(speed) if isinstance(speed, float) else None)
    found = propose(samples, float(rows["sample_rate_hz"][0]), point=point.id, least_width_hz=width)
    return replace(found, first=rows["time"][0], last=rows["time"][-1])


def _healthy(
    plant: Plant,
    lake: Lake,
    machine: Machine,
    component: Component,
    rows: pl.DataFrame,
    as_of: dt.datetime | None,
) -> pl.DataFrame:
    of = plant.component_class(component.component_class)
    events = lake.read(MAINTENANCE_EVENTS, as_of=as_of, machine_ids=[machine.id]).collect()
    healthy = healthy_rows(rows, events, machine, component, of)
    if not healthy.is_empty() or rows.is_empty():
        return healthy
    return rows.filter(pl.col("time") < pl.lit(rows["time"][0]) + of.run_in + of.baseline)


def _width(machine: Machine, component: Component, speed_hz: float | None) -> float:
    """Narrowest band that shows the harmonics of the fastest fault, Hz; 0 where that is not known."""
    constant = None if machine.speed is None else machine.speed.hz
    speed, orders = speed_hz or constant, component.fault_orders
    return 0.0 if speed is None or orders is None else _HARMONICS * orders.bpfi * speed


def _bands(edges_hz: np.ndarray, kurtosis: np.ndarray, counts: tuple[int, ...]) -> tuple[Band, ...]:
    """Level k has 2^k bands, level k + 0.6 has 3 x 2^(k-1), as in the published figure."""
    levels = [
        float(count.bit_length() - 1) if count & (count - 1) == 0 else (count // 3).bit_length() + 0.6
        for count in counts
        for _ in range(count)
    ]
    return tuple(
        Band(level, float(low), float(high), float(value))
        for level, (low, high), value in zip(levels, edges_hz, kurtosis, strict=True)
    )
