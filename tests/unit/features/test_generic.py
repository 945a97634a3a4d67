"""Generic calculators: equal to tsfresh's, and windows that are whole or refused.

tsfresh itself is the oracle (0.21.2); it is loaded by this file alone.
"""

import datetime as dt
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.core.errors import ConfigError
from features.generic import Calculator, calculators, find, read_chosen, slug, span_of, windowed
from features.registry import FeatureRefusal, LifeSeries, codes_of

HOUR = 3_600_000_000
# Parameters with which tsfresh's own "efficient" settings call what takes parameters, and shorter ones.
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "quantile": [{"q": q} for q in (0.1, 0.25, 0.9)],
    "mean_n_absolute_max": [{"number_of_maxima": n} for n in (3, 7)],
    "ratio_beyond_r_sigma": [{"r": r} for r in (0.5, 1.0, 2.5)],
    "large_standard_deviation": [{"r": r} for r in (0.1, 0.3, 0.45)],
    "symmetry_looking": [{"r": r} for r in (0.0, 0.05, 0.3)],
    "range_count": [{"min": -1, "max": 1}, {"min": 0.0, "max": 1e12}],
    "binned_entropy": [{"max_bins": n} for n in (5, 10)],
    "cid_ce": [{"normalize": flag} for flag in (True, False)],
    "c3": [{"lag": lag} for lag in (1, 2, 3, 9)],
    "time_reversal_asymmetry_statistic": [{"lag": lag} for lag in (1, 2, 3, 9)],
    "autocorrelation": [{"lag": lag} for lag in (0, 1, 4, 9)],
    "number_peaks": [{"n": n} for n in (1, 3, 5, 50)],
    "number_crossing_m": [{"m": m} for m in (0, -1, 1)],
    "index_mass_quantile": [{"q": q} for q in (0.1, 0.5, 0.9)],
    "energy_ratio_by_chunks": [{"num_segments": 10, "segment_focus": n} for n in (0, 4, 9)],
    "change_quantiles": [
        {"ql": low, "qh": high, "isabs": flag, "f_agg": how}
        for low, high in ((0.0, 0.4), (0.2, 0.8), (0.0, 1.0), (0.8, 0.2))
        for flag in (True, False)
        for how in ("mean", "var")
    ],
    "linear_trend": [{"attr": attr} for attr in ("slope", "intercept", "stderr", "rvalue", "pvalue")],
    "agg_linear_trend": [
        {"attr": attr, "chunk_len": n, "f_agg": how}
        for attr in ("slope", "intercept", "stderr", "rvalue")
        for n in (3, 5, 50)
        for how in ("max", "min", "mean", "var")
    ],
    "fft_coefficient": [
        {"coeff": n, "attr": attr} for n in (0, 1, 4, 90) for attr in ("real", "imag", "abs", "angle")
    ],
    "fft_aggregated": [{"aggtype": kind} for kind in ("centroid", "variance", "skew", "kurtosis")],
    "spkt_welch_density": [{"coeff": n} for n in (2, 5, 8)],
}
# What rounding leaves where the exact result is 0, in squares or cubes of values of some units.
FLOOR = 1e-9


def oracle(name: str, window: np.ndarray, parameters: Mapping[str, Any]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tsfresh.feature_extraction import feature_calculators

        function = getattr(feature_calculators, name)
        if function.fctype == "combiner":
            return float(next(iter(dict(function(window, [parameters])).values())))
        return float(function(window, **parameters))


def real_windows() -> np.ndarray:
    """Drifting, noisy, with steps and repeated values, as plant data have them."""
    rng = np.random.default_rng(20250101)
    drift = np.cumsum(rng.normal(0.02, 0.3, (2, 30)), axis=1)
    steps = np.round(rng.normal(0, 1, (2, 30)), 0)
    hot = 330 + 4 * np.sin(np.arange(30) / 3) + rng.normal(0, 0.5, (2, 30))
    return np.concatenate([drift, steps, hot])


WINDOWS = {
    "random": np.random.default_rng(1).normal(size=(3, 40)),
    "odd": np.random.default_rng(2).uniform(-3, 5, size=(2, 33)),
    "real": real_windows(),
    "long": np.random.default_rng(3).normal(size=(1, 700)),
    "short": np.array([[1.0, 4.0, 2.0, 8.0], [3.0, -1.0, -1.0, 0.5]]),
    "two": np.array([[1.0, 4.0]]),
    "one": np.array([[2.5]]),
}


@pytest.mark.parametrize("one", calculators(), ids=lambda one: one.name)
def test_a_calculator_equals_tsfresh(one: Calculator) -> None:
    for parameters in PARAMETERS.get(one.name, [{}]):
        for kind, windows in WINDOWS.items():
            if kind == "one" and one.name == "linear_trend":
                continue  # tsfresh's library refuses a line through one point with an error
            expected = np.array([oracle(one.name, window, parameters) for window in windows])
            found = one.of(windows, parameters)
            assert found == pytest.approx(expected, rel=1e-9, abs=FLOOR, nan_ok=True), (kind, parameters)


@pytest.mark.parametrize("one", calculators(), ids=lambda one: one.name)
def test_a_constant_window_gives_what_tsfresh_gives_or_is_refused(one: Calculator) -> None:
    for parameters in PARAMETERS.get(one.name, [{}]):
        column = windowed(series(np.full(20, 2.5)), 20 * HOUR, one, parameters)
        if one.varies:
            assert column.codes[0, -1] == codes_of(FeatureRefusal.CONSTANT)
        else:
            expected = oracle(one.name, np.full(20, 2.5), parameters)
            assert column.values[0, -1] == pytest.approx(expected, rel=1e-9, abs=FLOOR, nan_ok=True), parameters


def test_there_are_at_least_twenty_five() -> None:
    assert len(calculators()) >= 25


@pytest.mark.parametrize("one", calculators(), ids=lambda one: one.name)
def test_every_calculator_tells_unit_summary_and_an_example(one: Calculator) -> None:
    assert one.unit
    assert one.summary.endswith(".")
    assert "Example:" in (one.compute.__doc__ or "")


SHIFTED = [
    *("mean_abs_change", "mean_change", "absolute_sum_of_changes", "standard_deviation", "variance", "skewness"),
    *("kurtosis", "count_above_mean", "first_location_of_maximum", "mean_second_derivative_central"),
]


@given(arrays(np.float64, (3, 12), elements=st.integers(-50, 50).map(float)), st.integers(-64, 64))
@settings(max_examples=25, deadline=None)
def test_what_tells_of_changes_is_blind_to_a_shift(windows: np.ndarray, shift: int) -> None:
    varied = windows + np.arange(12)
    for name in SHIFTED:
        one = find(name, {})
        assert one.of(varied + shift, {}) == pytest.approx(one.of(varied, {}), rel=1e-9, abs=1e-9, nan_ok=True)


@given(arrays(np.float64, (2, 12), elements=st.integers(-50, 50).map(float)))
@settings(max_examples=25, deadline=None)
def test_units_tell_how_a_result_grows_with_the_values(windows: np.ndarray) -> None:
    powers = {"1": 0, "{unit}": 1, "{unit}^2": 2, "{unit}^3": 3}
    varied = windows + np.arange(12)
    for one in calculators():
        if one.parameters:
            continue
        grown = one.of(4 * varied, {})
        assert grown == pytest.approx(4.0 ** powers[one.unit] * one.of(varied, {}), rel=1e-9, nan_ok=True)


def series(values: np.ndarray, time_us: np.ndarray | None = None) -> LifeSeries:
    time = np.arange(1, len(values) + 1) * HOUR if time_us is None else time_us
    return LifeSeries(time, values[None, :], 0, 0, HOUR, HOUR, HOUR)


MEAN = find("mean", {})


def reasons(life: LifeSeries, hours: int, one: Calculator = MEAN) -> list[str]:
    return windowed(life, hours * HOUR, one, {}).reasons()


def test_a_window_is_the_last_steps_up_to_the_row() -> None:
    column = windowed(series(np.array([1.0, 2.0, 6.0, 7.0])), 3 * HOUR, MEAN, {})
    assert column.values[0] == pytest.approx([np.nan, np.nan, 3.0, 5.0], nan_ok=True)


def test_a_life_younger_than_the_span_is_too_short() -> None:
    assert reasons(series(np.ones(3)), 3) == ["too_short", "too_short", ""]
    assert reasons(series(np.ones(3)), 5) == ["too_short"] * 3


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_window_with_a_hole_is_refused_and_never_filled(hole: float) -> None:
    values = np.array([1.0, 1.0, hole, 1.0, 1.0, 1.0])
    assert reasons(series(values), 3) == ["too_short", "too_short", "gap", "gap", "gap", ""]


def test_a_missing_row_is_a_gap() -> None:
    life = series(np.ones(5), np.array([1, 2, 4, 5, 6]) * HOUR)
    assert reasons(life, 3) == ["too_short", "too_short", "gap", "gap", ""]


def test_rows_that_begin_late_in_a_life_are_told_as_a_gap() -> None:
    life = series(np.ones(4), np.array([7, 8, 9, 10]) * HOUR)
    assert reasons(life, 3) == ["gap", "gap", "", ""]


def test_an_undefined_result_is_not_finite() -> None:
    life = series(np.zeros(4))
    assert windowed(life, 3 * HOUR, find("variation_coefficient", {}), {}).reasons()[-1] == "not_finite"


@pytest.mark.parametrize("one", [c for c in calculators() if not c.parameters], ids=lambda one: one.name)
def test_chunks_give_the_numbers_of_the_whole(one: Calculator) -> None:
    values = np.random.default_rng(5).normal(10, 2, 60)
    whole = windowed(series(values), 12 * HOUR, one, {}).values[0]
    for row in (12, 37, 59):
        alone = LifeSeries(
            np.arange(row - 10, row + 2) * HOUR, values[None, row - 11 : row + 1], 0, 0, HOUR, HOUR, HOUR
        )
        assert windowed(alone, 12 * HOUR, one, {}).values[0, -1] == pytest.approx(whole[row], rel=1e-12)


def test_long_lives_are_worked_in_parts_that_do_not_show() -> None:
    values = np.random.default_rng(6).normal(size=700)
    whole = windowed(series(values), 600 * HOUR, MEAN, {}).values[0]
    expected = [values[row - 599 : row + 1].mean() for row in range(599, 700)]
    assert whole[599:] == pytest.approx(expected, rel=1e-12)


def test_only_the_chosen_level_is_computed() -> None:
    life = LifeSeries(np.arange(1, 4) * HOUR, np.arange(6.0).reshape(2, 3), 0, 0, HOUR, HOUR, HOUR)
    assert windowed(life.only(1), 2 * HOUR, MEAN, {}).values.tolist()[0][1:] == [3.5, 4.5]


def test_names_tell_calculator_and_parameters() -> None:
    assert slug("quantile", {"q": 0.9}) == "quantile_q_0p9"
    assert slug("cid_ce", {"normalize": True}) == "cid_ce_normalize_true"
    assert slug("mean", {}) == "mean"


@pytest.mark.parametrize(("text", "hours"), [("30h", 30), ("7d", 168), ("90min", 1.5), ("10s", 1 / 360)])
def test_a_span_is_read_as_it_stands_in_names(text: str, hours: float) -> None:
    assert span_of(text) == dt.timedelta(hours=hours)


def chosen_file(folder: Path, **change: Any) -> Path:
    choice = {"level": "sensor_04.level", "span": "30h", "calculator": "mean", "p_value": 0.001, **change}
    about = {
        "chosen_on": "2026-01-01",
        "as_of": "2026-01-01T00:00:00Z",
        "data": "0" * 16,
        "tsfresh": "0.21.2",
        "fdr_level": 0.01,
        "lives": 20,
        "failed_lives": 20,
        "windows_per_life": 5,
        "tested": 100,
        "relevant": 1,
        "features": [choice],
    }
    file = folder / "chosen.json"
    file.write_text(json.dumps({"classes": {"turbofan": about}}), encoding="utf-8")
    return file


def test_a_chosen_file_is_read_and_written_alike(tmp_path: Path) -> None:
    chosen = read_chosen(chosen_file(tmp_path, calculator="quantile", parameters={"q": 0.9}))
    (tmp_path / "again.json").write_text(chosen.text(), encoding="utf-8")
    assert read_chosen(tmp_path / "again.json") == chosen
    assert chosen.classes["turbofan"].features[0].name == "quantile_q_0p9"


def test_without_a_file_nothing_is_chosen(tmp_path: Path) -> None:
    assert read_chosen(tmp_path / "none.json").classes == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"calculator": "quantil", "parameters": {"q": 0.9}}, "quantile"),
        ({"calculator": "quantile", "parameters": {"r": 0.9}}, "parameters"),
        ({"span": "30 hours"}, "span"),
        ({"p_value": 2}, "p_value"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_choice_is_an_error_that_names_it(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_chosen(chosen_file(tmp_path, **change))
