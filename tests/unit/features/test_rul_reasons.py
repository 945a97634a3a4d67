"""What moved a number: inputs of one quantity count together."""

import lightgbm as lgb
import numpy as np

from features.rul.artefact import Artefact, Calibration, Domain
from features.rul.outputs import Engine, Told
from features.rul.reasons import rul_reasons

NAMES = ("a.level_k", "a.level_k.slope_7d", "b.level_k")


def engine() -> Engine:
    """Forests for half of the target by `a`, split between its level and its slope, and less by `b`."""
    x = np.random.default_rng(0).normal(size=(600, 3))
    y = 100 - 10 * (x[:, 0] > 0) - 10 * (x[:, 1] > 0) - 14 * (x[:, 2] > 0)
    settings = {"verbosity": -1, "num_threads": 1, "num_leaves": 4}
    text = lgb.train(settings, lgb.Dataset(x, y), num_boost_round=60).model_to_string()
    forests = dict.fromkeys(("mean", "p10", "p50", "p90"), text)
    calibration = Calibration(3, calibrated=False)
    return Engine(
        Artefact(
            name="m", component_class="c", life_unit="running_h", rul_cap=100.0, fingerprint="f",
            feature_names=NAMES, inputs=NAMES, base={}, forests=forests, calibration=calibration,
            domain=Domain(), condition=None, class_prior={}, trained_units=3, failed_units=3,
            as_of="2025-01-01T00:00:00+00:00", table_versions={}, min_rows=1,
        )
    )  # fmt: skip


def test_a_level_and_its_trend_count_together_and_come_before_a_larger_single_one() -> None:
    row = np.array([[2.0, 2.0, 2.0]])
    (told,) = rul_reasons(engine(), Told(row), row, {"b.level_k": "K"})
    assert [one.feature.split(".")[0] for one in told] == ["a", "b"]
    assert told[0].share is not None
    assert told[1].share is not None
    assert told[0].share < told[1].share < 0
    assert (told[1].unit, told[1].value) == ("K", 2.0)


def test_missing_inputs_are_not_named() -> None:
    row = np.array([[np.nan, np.nan, 2.0]])
    (told,) = rul_reasons(engine(), Told(row), row, {})
    assert [one.feature for one in told] == ["b.level_k"]
