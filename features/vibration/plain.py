"""The columns of `measure` in plain NumPy and float64, written for reading: what the tests hold it against."""

import numpy as np
import scipy.fft
import scipy.stats

from features import signals
from features.core.units import Quantity
from features.vibration import kurtogram
from features.vibration.columns import COLUMNS
from features.vibration.plan import OCTAVES_HZ, ROLL_OFF, Plan, Stage

__all__ = ["plain"]


def plain(samples: np.ndarray, plan: Plan) -> dict[str, np.ndarray]:
    """Every column of `features.vibration.columns`, window by window.

    Args:
        samples: [n, m], any float; taken as float64.
        plan: As for `measure`.

    Returns:
        Name -> float64 [n].
    """
    rows = [
        _window(np.asarray(row, np.float64), plan, speed)
        for row, speed in zip(samples, plan.speed_hz, strict=True)
    ]
    return {name: np.array([row[name] for row in rows]) for stage in Stage for name in COLUMNS[stage]}


def _window(x: np.ndarray, plan: Plan, speed_hz: float) -> dict[str, float]:
    centred = x - x.mean()
    spectrum = np.fft.rfft(centred)
    power = signals.power(signals.hann(spectrum[None, :], plan.samples), plan.samples)[0]
    return {
        **_time(x, plan),
        **_spectrum(power, plan, speed_hz),
        **_displacement(centred, plan),
        **_envelope(spectrum, plan, speed_hz),
        **_cepstrum(power, plan),
        **_kurtogram(spectrum, plan),
    }


def _time(x: np.ndarray, plan: Plan) -> dict[str, float]:
    u = x - x.mean()
    rms, magnitude, peak = u.std(), np.abs(u).mean(), np.abs(u).max()
    runs = [np.convolve(x == extreme, np.ones(3), "valid") == 3 for extreme in {x.min(), x.max()}]
    positive = u >= 0
    return {
        "mean": x.mean(),
        "rms": rms,
        "total_rms": np.sqrt(np.mean(x**2)),
        "peak": peak,
        "peak_to_peak": x.max() - x.min(),
        "mean_magnitude": magnitude,
        "skewness": scipy.stats.skew(u),
        "kurtosis": scipy.stats.kurtosis(u, fisher=False),
        "crest": peak / rms,
        "shape": rms / magnitude,
        "impulse": peak / magnitude,
        "margin": peak / np.mean(np.sqrt(np.abs(u))) ** 2,
        "zero_crossing_rate_hz": np.count_nonzero(positive[1:] != positive[:-1]) / plan.duration_s,
        "saturation_share": sum(np.count_nonzero(run) for run in runs) / len(x),
    }


def _spectrum(power: np.ndarray, plan: Plan, speed_hz: float) -> dict[str, float]:
    f, total = plan.frequencies_hz, power.sum()
    share = power / total
    centroid = (f * share).sum()
    cumulated = np.cumsum(share)
    k = int(np.searchsorted(cumulated, ROLL_OFF))
    inside = (ROLL_OFF - (cumulated[k] - share[k])) / share[k]
    found = {
        "centroid_hz": centroid,
        "spread_hz": np.sqrt(((f - centroid) ** 2 * share).sum()),
        "entropy": -(share * np.log(share)).sum() / np.log(len(share)),
        "flatness": np.exp(np.log(power).mean()) / power.mean(),
        "roll_off_hz": (k - 0.5 + inside) * plan.resolution_hz,
    }
    sums = [power[low:high].sum() for low, high in plan.bands.tolist()]
    found["hf_rms"] = np.sqrt(sums[0])
    found |= {f"quarter_{i}_share": sums[i] / total for i in (1, 2, 3, 4)}
    for number, hz in enumerate(OCTAVES_HZ):
        found[f"octave_{hz:.0f}hz_rms"] = np.sqrt(sums[5 + number]) if plan.covered[1 + number] else np.nan
    low, high = plan.velocity_bins
    weights = (1000.0 * (2 * np.pi * f[low:high]) ** plan.exponent) ** 2
    found["velocity_rms_mm_s"] = np.sqrt((weights * power[low:high]).sum()) if plan.covered[0] else np.nan
    left = power.copy()
    left[:2] = 0
    for peak in (1, 2, 3):
        top = int(left.argmax())
        lobe = np.arange(max(top - 2, 0), min(top + 3, len(power)))
        energy = power[lobe].sum()
        found[f"peak_{peak}_hz"] = (lobe * power[lobe]).sum() / energy * plan.resolution_hz
        found[f"peak_{peak}"] = np.sqrt(2 * energy)
        left[max(top - 3, 2) : top + 4] = 0
    energies, _ = _lines(power, plan.spectrum_lines, plan, speed_hz, plan.sample_rate_hz / 2)
    turning = 2 * np.pi * speed_hz

    def velocity(order: float) -> float:
        return float(1000 * np.sqrt(2 * energies[f"{order:g}x"]) * (order * turning) ** plan.exponent)

    names = {"half_": 0.5, "1": 1.0, "one_and_half_": 1.5, "2": 2.0, "3": 3.0}
    found |= {f"order_{name}x_mm_s": velocity(order) for name, order in names.items()}
    high_orders = [velocity(order) for order in range(4, 11)]
    found["harmonics_mm_s"] = np.nan if np.isnan(high_orders[0]) else np.sqrt(np.nansum(np.square(high_orders)))
    found["gear_mesh"], found["gear_mesh_2x"] = np.sqrt(2 * energies["gear"]), np.sqrt(2 * energies["2gear"])
    found["blade_pass"] = np.sqrt(2 * energies["blade"])
    found["gear_sidebands"] = np.sqrt(2 * sum(energies[f"gear{aside:+d}"] for aside in (-2, -1, 1, 2)))
    return found


def _lines(
    power: np.ndarray,
    lines: dict[str, tuple[float | None, float]],
    plan: Plan,
    speed_hz: float,
    reach_hz: float,
) -> tuple[dict[str, float], dict[str, float]]:
    """Energy of each line, and energy of as many bins beside it."""
    energy, beside, bins = {}, {}, np.arange(len(power))
    for name, (order, share) in lines.items():
        centre = np.nan if order is None else order * speed_hz / plan.resolution_hz
        if not 3 - 1e-6 <= centre <= reach_hz / plan.resolution_hz - 3:
            energy[name] = beside[name] = np.nan
            continue
        inside = np.abs(bins - centre) <= max(2.5, share * centre)
        inside[0] = False
        first, last, count = int(bins[inside][0]), int(bins[inside][-1]), int(inside.sum())
        far = max(8, count)
        around = (bins >= first - 2 - far) & (bins <= last + 2 + far) & (bins > 0)
        around &= (bins < first - 2) | (bins > last + 2)
        energy[name], beside[name] = power[inside].sum(), power[around].mean() * count
    return energy, beside


def _displacement(centred: np.ndarray, plan: Plan) -> dict[str, float]:
    low, high = plan.displacement_bins
    if high <= low or not plan.covered[0]:
        return {"displacement_um": np.nan}
    m = plan.samples
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(m) / m)
    spectrum = np.fft.rfft(centred * window)
    band = np.zeros_like(spectrum[:high])
    turn = {Quantity.ACCELERATION: -1, Quantity.VELOCITY: -1j}.get(plan.quantity, 1)
    band[low:] = (
        1e6 * turn * spectrum[low:high] * (2 * np.pi * plan.frequencies_hz[low:high]) ** (plan.exponent - 1)
    )
    length = scipy.fft.next_fast_len(min(int(2.05 * high) + 1, m), real=True)
    return {"displacement_um": np.ptp(np.fft.irfft(band, length)) * length / m}


def _envelope(spectrum: np.ndarray, plan: Plan, speed_hz: float) -> dict[str, float]:
    envelope = signals.band_envelope(spectrum[None, :], plan.samples, *plan.envelope_bins)
    moving = envelope.astype(np.float64) - envelope.mean()
    length = moving.shape[1]
    power = signals.power(signals.hann(np.fft.rfft(moving, axis=1), length), length)[0]
    energy, beside = _lines(power, plan.envelope_lines, plan, speed_hz, plan.envelope_reach_hz)
    found = {
        "envelope_rms": moving.std(),
        "envelope_kurtosis": scipy.stats.kurtosis(moving[0], fisher=False),
        "envelope_1x": np.sqrt(2 * energy["1x"]),
        "envelope_2bsf": np.sqrt(2 * energy["2bsf"]),
        "envelope_2bsf_snr": energy["2bsf"] / beside["2bsf"],
    }
    for fault in ("bpfo", "bpfi", "bsf", "ftf"):
        found[f"envelope_{fault}"] = np.sqrt(2 * energy[f"1{fault}"])
        found[f"envelope_{fault}_snr"] = energy[f"1{fault}"] / beside[f"1{fault}"]
        more = np.nansum([energy[f"2{fault}"], energy[f"3{fault}"]])
        found[f"envelope_{fault}_harmonics"] = np.sqrt(2 * (energy[f"1{fault}"] + more))
    for name, line in (("bpfi", "bpfi"), ("2bsf", "bsf")):
        found[f"envelope_{name}_sidebands"] = np.sqrt(2 * (energy[f"{line}-1"] + energy[f"{line}+1"]))
    return found


def _cepstrum(power: np.ndarray, plan: Plan) -> dict[str, float]:
    first, after, step_s = plan.quefrencies
    if after <= first:
        return {"quefrency_s": np.nan, "rahmonic": np.nan}
    count = plan.bins // 4
    logs = np.log(power + 1e-30)[: 4 * count].reshape(count, 4).mean(axis=1)
    cosines = np.cos(np.pi * np.arange(first, after)[:, None] * (np.arange(count) + 0.5) / count)
    ripple = 2 * cosines @ logs / count
    at = int(ripple.argmax())
    return {"quefrency_s": (first + at) * step_s, "rahmonic": ripple[at]}


def _kurtogram(spectrum: np.ndarray, plan: Plan) -> dict[str, float]:
    counts = kurtogram.tree(plan.samples, kurtogram.LEVELS, thirds=False)
    if not counts:
        return dict.fromkeys(COLUMNS[Stage.KURTOGRAM], np.nan)
    values = []
    for count in counts:
        width = plan.samples // 2 // count
        for band in range(count):
            analytic = np.fft.ifft(spectrum[band * width : (band + 1) * width], scipy.fft.next_fast_len(width))
            square = np.abs(analytic) ** 2
            values.append(np.mean(square**2) / np.mean(square) ** 2 - 2)
    at = int(np.argmax(values))
    low, high = kurtogram.bands(plan.samples, plan.sample_rate_hz, counts)[at]
    return {"kurtogram_low_hz": low, "kurtogram_high_hz": high, "kurtogram_kurtosis": values[at]}
