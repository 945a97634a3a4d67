"""Mean and quantiles of a model: sorted, calibrated, never negative."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.rul.artefact import OUTPUTS, Calibration
from features.rul.outputs import answers

NUMBERS = st.floats(-1e6, 1e6)
PLAIN = Calibration(3, calibrated=False)


def scores(mean: float, p10: float, p50: float, p90: float) -> dict[str, npt.NDArray[np.float64]]:
    return {name: np.array([value]) for name, value in zip(OUTPUTS, (mean, p10, p50, p90), strict=True)}


@given(
    raw=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    edges=st.lists(NUMBERS, max_size=3).map(sorted),
    offsets=st.lists(NUMBERS, min_size=8, max_size=8),
    calibrated=st.booleans(),
    caps=st.dictionaries(st.sampled_from(OUTPUTS), st.floats(0, 1e6)),
)
def test_quantiles_never_cross_and_nothing_is_negative(
    raw: tuple[float, float, float, float],
    edges: list[float],
    offsets: list[float],
    calibrated: bool,
    caps: dict[str, float],
) -> None:
    bins = len(edges) + 1
    calibration = Calibration(
        30, calibrated, 0.8, tuple(edges), tuple(offsets[:bins]), tuple(offsets[4 : 4 + bins])
    )

    told = answers(scores(*raw), calibration, caps=caps)

    assert 0 <= told.p10[0] <= told.p50[0] <= told.p90[0]
    assert told.mean[0] >= 0


@pytest.mark.parametrize(
    ("p50", "expected"), [(9.0, (8.0, 13.0)), (10.0, (8.0, 15.0)), (20.0, (17.0, 27.0)), (25.0, (22.0, 32.0))]
)
def test_band_moves_by_the_offsets_of_its_bin(p50: float, expected: tuple[float, float]) -> None:
    calibration = Calibration(30, True, 0.8, (10.0, 20.0), (0.0, 1.0, 2.0), (3.0, 4.0, 6.0))

    told = answers(scores(p50, p50 - 1, p50, p50 + 1), calibration)

    assert (told.p10[0], told.p90[0]) == expected


def test_band_that_is_not_calibrated_does_not_move() -> None:
    told = answers(scores(5, 4, 5, 6), Calibration(3, False, 0.8, (), (1.0,), (1.0,)))

    assert (told.p10[0], told.p90[0]) == (4.0, 6.0)


def test_crossed_quantiles_are_sorted() -> None:
    told = answers(scores(5, 9, 5, 1), PLAIN)

    assert (told.p10[0], told.p50[0], told.p90[0]) == (1.0, 5.0, 9.0)


def test_only_named_outputs_are_capped() -> None:
    told = answers(scores(200, 90, 150, 180), PLAIN, caps={"mean": 125.0, "p50": 125.0})

    assert (told.mean[0], told.p10[0], told.p50[0], told.p90[0]) == (125.0, 90.0, 125.0, 180.0)
