"""Past lives that looked like this one: the right ones, at the right point, and none from missing data."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.core.statements import Rung
from features.rul.past import Bank, PastLife, PastLives, past_reasons

Floats = npt.NDArray[np.float64]
NAN = float("nan")
INPUTS = ("a.level", "b.level")
# Ranks go from 0 at the value 0 to 1 at the value 10; `b` is skewed.
WEAR = PastLife("P1/DE#1", True, "outer_race", 100.0, (80.0, 40.0, 0.0), ((0.1, 0.5), (0.4, 0.5), (1.0, 0.5)))
OTHER = PastLife("P2/DE#1", True, "", 90.0, (50.0, 0.0), ((0.2, 0.9), (0.9, 1.0)))
TAKEN = PastLife("P2/DE#2", False, "", 70.0, (70.0, 7.0), ((0.0, 0.5), (0.5, NAN)))
PAST = PastLives(INPUTS, ((0.0, 10.0), (0.0, 1.0, 10.0)), ((0.0, 1.0), (0.0, 0.5, 1.0)), 0.6, (WEAR, OTHER, TAKEN))


def bank(**change: object) -> Bank:
    return Bank(dataclasses.replace(PAST, **change), ("a.level", "unused", "b.level"))  # type: ignore[arg-type]


def row(a: float, b: float) -> Floats:
    return np.array([[a, 123.0, b]])


def test_the_nearest_point_of_each_life_is_named_and_the_nearest_life_first() -> None:
    found = bank().nearest(row(4.0, 1.0))[0]
    assert [(one.life.unit, one.left) for one in found] == [("P1/DE#1", 40.0), ("P2/DE#2", 7.0), ("P2/DE#1", 50.0)]
    assert found[0].distance == 0.0
    assert found[1].distance == pytest.approx(0.1)
    assert found[2].distance == pytest.approx(np.sqrt((0.2**2 + 0.4**2) / 2))


def test_a_life_is_not_its_own_past() -> None:
    assert [one.life.unit for one in bank().nearest(row(4.0, 1.0), own="P1/DE#1")[0]] == ["P2/DE#2", "P2/DE#1"]


def test_what_looks_like_no_life_names_none() -> None:
    assert bank(reach=0.05).nearest(row(7.0, 0.0)) == [[]]


def test_a_row_without_half_of_the_inputs_looks_like_nothing() -> None:
    assert bank().nearest(row(NAN, NAN)) == [[]]
    assert [one.life.unit for one in bank(reach=0.01).nearest(row(4.0, NAN))[0]] == ["P1/DE#1"]
    three = dataclasses.replace(
        PAST, inputs=("a", "b", "c"), values=((0.0, 1.0),) * 3, shares=((0.0, 1.0),) * 3,
        lives=(PastLife("P1/DE#1", True, "", 9.0, (9.0,), ((0.5, 0.5, 0.5),)),),
    )  # fmt: skip
    assert Bank(three, three.inputs).nearest(np.array([[0.5, NAN, NAN]])) == [[]]
    assert len(Bank(three, three.inputs).nearest(np.array([[0.5, 0.5, NAN]]))[0]) == 1


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=3, max_size=3))
def test_any_row_names_finite_distances_in_order(values: list[float]) -> None:
    found = bank(reach=float("inf")).nearest(np.array([values]))[0]
    distances = [one.distance for one in found]
    assert distances == sorted(distances)
    assert all(0 <= one <= 1 for one in distances)


def test_evidence_tells_what_was_left_and_how_it_ended() -> None:
    (told,) = past_reasons(bank(), row(4.0, 1.0), own="", life_unit="running_h", rung=Rung.UNCALIBRATED_RUL)
    assert [one.note for one in told] == [
        "looked like P1/DE, life 1, 40 running hours before its failure (outer race fault)",
        "looked like P2/DE, life 2, 7 running hours before it was taken out without a failure",
        "looked like P2/DE, life 1, 50 running hours before its failure",
    ]
    assert [one.verdict for one in told] == ["outer_race", "suspension", "failure"]
    assert {(one.feature, one.unit, one.rung) for one in told} == {("past_life", "h", Rung.UNCALIBRATED_RUL)}
    assert [one.value for one in told] == [40.0, 7.0, 50.0]


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": ("a.level",)},
        {"lives": ()},
        {"shares": ((0.0, 1.0), (0.0, 1.0))},
        {"lives": (dataclasses.replace(WEAR, left=(1.0,)),)},
        {"lives": (dataclasses.replace(WEAR, left=(), ranks=()),)},
    ],
)
def test_past_lives_of_another_form_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"past life|past lives|scale"):
        dataclasses.replace(PAST, **change)  # type: ignore[arg-type]
