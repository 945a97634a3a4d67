"""Starts and operating states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.process import (
    OperatingState,
    hours_since_start_h,
    operating_state,
    starts,
    starts_and_hours,
)
from features.registry import ComponentSteps

NAN = float("nan")
HOUR = 3_600_000_000


def steps(
    running: list[int],
    *,
    speed: list[float] | None = None,
    before: list[float] | None = None,
    load: tuple[float, float] = (NAN, NAN),
    since: list[float] | None = None,
) -> ComponentSteps:
    n = len(running)
    one = np.ones(n)
    pair = np.array([speed or [25.0] * n, before or [25.0] * n])
    return ComponentSteps(
        one,
        one,
        one,
        running=np.array(running),
        starts=np.arange(n, dtype=np.float64),
        since_start_h=np.array(since or [NAN] * n),
        speed=pair,
        load=np.array([[load[0]] * n, [load[1]] * n]),
        grid_h=0.5,
    )


def test_a_start_is_a_running_step_after_a_stopped_one() -> None:
    counted, hours = starts_and_hours(np.arange(1, 9) * HOUR, np.array([1, 0, 0, 1, 1, 0, 1, 1]))
    assert counted.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    np.testing.assert_array_equal(hours, [NAN, NAN, NAN, 1, 2, NAN, 1, 2])


def test_steps_that_are_not_known_start_nothing_and_hide_nothing() -> None:
    counted, hours = starts_and_hours(np.arange(1, 7) * HOUR, np.array([-1, 1, -1, 1, 0, -1]))
    assert counted.tolist() == [0] * 6
    assert np.isnan(hours).all()
    assert starts_and_hours(np.arange(1, 4) * HOUR, np.array([0, -1, 1]))[0].tolist() == [0, 0, 1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=40), st.integers(1, 40))
def test_later_steps_change_no_start(running: list[int], cut: int) -> None:
    cut = min(cut, len(running))
    times, given_running = np.arange(1, len(running) + 1) * HOUR, np.array(running)
    whole = starts_and_hours(times, given_running)
    part = starts_and_hours(times[:cut], given_running[:cut])
    for one, other in zip(part, whole, strict=True):
        np.testing.assert_array_equal(one, other[:cut])


def test_features_say_why_they_have_no_value() -> None:
    of = steps([-1, 0, 1, 1], since=[NAN, NAN, NAN, 3.0])
    assert starts(of).reasons() == ["no_speed", "", "", ""]
    assert hours_since_start_h(of).reasons() == ["no_speed", "stopped", "too_few_windows", ""]


@pytest.mark.parametrize(
    ("of", "state"),
    [
        (steps([0]), OperatingState.STOPPED),
        (steps([1]), OperatingState.STEADY),
        (steps([1], since=[0.5]), OperatingState.STARTING),
        (steps([1], since=[1.0]), OperatingState.STARTING),
        (steps([1], since=[1.5]), OperatingState.STEADY),
        (steps([1], speed=[25.0], before=[23.8]), OperatingState.STEADY),
        (steps([1], speed=[25.0], before=[23.7]), OperatingState.RAMP),
        (steps([1], speed=[23.7], before=[25.0]), OperatingState.RAMP),
        (steps([1], load=(0.8, 0.72)), OperatingState.STEADY),
        (steps([1], load=(0.8, 0.65)), OperatingState.RAMP),
    ],
)
def test_states_follow_their_declared_thresholds(of: ComponentSteps, state: OperatingState) -> None:
    assert operating_state(of).values.tolist() == [state]


def test_a_state_that_cannot_be_told_is_refused() -> None:
    of = steps([-1, 1, 1], speed=[NAN, 25.0, 25.0], before=[25.0, NAN, NAN], since=[NAN, NAN, 0.5])
    assert operating_state(of).reasons() == ["no_speed", "too_few_windows", ""]


def test_the_state_does_not_depend_on_the_unit_of_speed() -> None:
    speed, before = [25.0, 20.0, 30.0], [24.0, 25.0, 30.0]
    one = operating_state(steps([1] * 3, speed=speed, before=before)).values
    other = operating_state(steps([1] * 3, speed=[60 * s for s in speed], before=[60 * s for s in before])).values
    np.testing.assert_array_equal(one, other)
