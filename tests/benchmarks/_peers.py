"""The vibration set beside other libraries: time a feature, and how far shared features differ."""

import importlib.util
import math
import time
from collections.abc import Callable

import numpy as np
import scipy.signal
import scipy.stats

from features.vibration.columns import COLUMNS
from features.vibration.measure import measure
from tests.benchmarks._waveforms import FLOORS, FULL, NAMES, RATES_HZ, WINDOWS, best, log, machine_signal, plan_of

__all__ = ["peers"]

HOW_TO_GET_PEERS = "`make bench`, or `.venv/bin/uv pip install 'tsfel>=0.2' -c requirements.lock`, adds it"


def ours_of(x: np.ndarray, rate_hz: float) -> dict[str, np.ndarray]:
    """The full set of windows, by name."""
    found = measure(x.astype(np.float32), plan_of(len(x), x.shape[1], rate_hz), FULL)
    return {name: found.columns[stage][:, i] for stage in FULL for i, name in enumerate(COLUMNS[stage])}


def naive(x: np.ndarray, rate_hz: float) -> dict[str, np.ndarray]:
    """What a script with SciPy computes, window by window, in float64."""
    rows = []
    for window in x.astype(np.float64):
        f, density = scipy.signal.periodogram(window, rate_hz, window="hann", scaling="spectrum")
        rms, magnitude = window.std(), np.abs(window - window.mean()).mean()
        peak = np.abs(window - window.mean()).max()
        power = density * 2 / 3  # from amplitude scaling to energy scaling of a Hann window
        envelope = np.abs(scipy.signal.hilbert(window))
        rows.append(
            {
                "mean": window.mean(),
                "rms": rms,
                "total_rms": np.sqrt(np.mean(window**2)),
                "peak": peak,
                "peak_to_peak": np.ptp(window),
                "mean_magnitude": magnitude,
                "skewness": scipy.stats.skew(window),
                "kurtosis": scipy.stats.kurtosis(window, fisher=False),
                "crest": peak / rms,
                "shape": rms / magnitude,
                "impulse": peak / magnitude,
                "hf_rms": np.sqrt(power[len(window) // 4 :].sum()),
                "centroid_hz": (f * power).sum() / power.sum(),
                "velocity_rms_mm_s": np.sqrt(
                    ((500 / np.pi / f[1:]) ** 2 * power[1:])[(f[1:] >= 10) & (f[1:] <= 1000)].sum()
                ),
                "(envelope kurtosis of the whole band)": scipy.stats.kurtosis(envelope, fisher=False),
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def tsfresh_set(x: np.ndarray, rate_hz: float) -> tuple[dict[str, np.ndarray], int]:
    """tsfresh's efficient set, twins by our names, and how many features it has."""
    import pandas as pd
    from tsfresh.feature_extraction import EfficientFCParameters, extract_features

    n, m = x.shape
    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(n), m), "time": np.tile(np.arange(m), n), "v": x.astype(np.float64).ravel()}
    )
    found = extract_features(
        frame,
        column_id="id",
        column_sort="time",
        default_fc_parameters=EfficientFCParameters(),
        n_jobs=0,
        disable_progressbar=True,
    )
    of = {name: found[f"v__{name}"].to_numpy() for name in ("mean", "standard_deviation", "root_mean_square")}
    skewness, excess = found["v__skewness"].to_numpy(), found["v__kurtosis"].to_numpy()
    # pandas corrects both for the number of samples; taken back here.
    twins = {
        "mean": of["mean"],
        "rms": of["standard_deviation"],
        "total_rms": of["root_mean_square"],
        "peak_to_peak": found["v__maximum"].to_numpy() - found["v__minimum"].to_numpy(),
        "skewness": skewness * (m - 2) / math.sqrt(m * (m - 1)),
        "kurtosis": (excess * (m - 2) * (m - 3) / (m - 1) - 6) / (m + 1) + 3,
    }
    return twins, found.shape[1]


def tsfel_set(x: np.ndarray, rate_hz: float) -> tuple[dict[str, np.ndarray], int] | None:
    """tsfel's features of all domains, twins by our names; None when it is not installed (`make bench`)."""
    if importlib.util.find_spec("tsfel") is None:
        return None
    import tsfel

    found = tsfel.time_series_features_extractor(
        tsfel.get_features_by_domain(), [w.astype(np.float64) for w in x], fs=rate_hz, verbose=0, n_jobs=None
    )
    wanted = {
        "mean": "0_Mean",
        "rms": "0_Standard deviation",
        "total_rms": "0_Root mean square",
        "peak_to_peak": "0_Peak to peak distance",
        "mean_magnitude": "0_Mean absolute deviation",
        "skewness": "0_Skewness",
    }
    twins = {name: found[column].to_numpy() for name, column in wanted.items()}
    # Its kurtosis is the excess over the normal distribution's 3.
    return {**twins, "kurtosis": found["0_Kurtosis"].to_numpy() + 3}, found.shape[1]


def peers(quick: bool) -> tuple[dict[str, float | None], list[dict[str, object]]]:
    """Time a feature of peers over ours on the same windows, and how far shared features differ."""
    samples, rate_hz = 2560, RATES_HZ[2560]
    windows = 2 if quick else 8
    x = machine_signal(windows, samples, rate_hz, seed=3)
    whole = machine_signal(32 if quick else WINDOWS, samples, rate_hz, seed=3)
    plan = plan_of(len(whole), samples, rate_hz)
    per_feature = best(3, lambda: measure(whole, plan, FULL))[0] / len(whole) / len(NAMES)
    own = ours_of(x, rate_hz)
    figures: dict[str, float | None] = {}
    table: list[dict[str, object]] = []

    def compare(peer: str, figure: str, run: Callable[[], tuple[dict[str, np.ndarray], int] | None]) -> None:
        run()
        start = time.process_time()
        found = run()
        took = time.process_time() - start
        if found is None:
            figures[figure] = None
            log(f"{peer} is not installed: no comparison, its figure is null; {HOW_TO_GET_PEERS}")
            return
        twins, count = found
        figures[figure] = took / windows / count / per_feature
        log(f"{peer}: {count} features, {figures[figure]:.0f} times our time a feature")
        for name, values in twins.items():
            if name in own:
                scale = np.maximum(np.abs(own[name]), FLOORS.get(name, 1e-30))
                difference = float(np.max(np.abs(values - own[name]) / scale))
                table.append({"peer": peer, "feature": name, "largest_relative_difference": difference})

    def scipy_run() -> tuple[dict[str, np.ndarray], int]:
        found = naive(x, rate_hz)
        return found, len(found)

    compare("naive SciPy", "naive_scipy_per_feature_ratio", scipy_run)
    compare("tsfresh Efficient", "tsfresh_efficient_per_feature_ratio", lambda: tsfresh_set(x, rate_hz))
    compare("tsfel", "tsfel_per_feature_ratio", lambda: tsfel_set(x, rate_hz))
    return figures, table
