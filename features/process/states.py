"""Operating states of a machine: stopped, starting, steady, ramp; and its starts."""

from enum import IntEnum

import numpy as np

from features.registry import Column, ComponentSteps, FeatureRefusal, Placement, feature

__all__ = ["OperatingState", "hours_since_start_h", "operating_state", "starts", "starts_and_hours"]

# That long after the end of a stop the machine counts as starting, hours (at least the first step).
# Engineering practice: oil and housings of machines up to some 100 kW take about an hour to warm up.
STARTING_H = 1.0

# A larger change of the mean speed from one step to the next is a ramp, share of the larger one.
RAMP_SPEED = 0.05

# A larger change of the mean load from one step to the next is a ramp, in shares of the rated load.
RAMP_LOAD = 0.1

_HOUR_US = 3_600_000_000


class OperatingState(IntEnum):
    """What a machine did during a step; the number is the feature's value."""

    STOPPED = 0
    STARTING = 1
    STEADY = 2
    RAMP = 3


def starts_and_hours(time_us: np.ndarray, running: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts seen so far, and the time since the end of the latest stop.

    Args:
        time_us: Ends of the steps of one life in order, int64 [n], microseconds.
        running: int8 [n]: 1 running, 0 stopped, -1 not known. What is not known changes nothing: a start is
            a step that ran with a stopped one as its newest known predecessor.

    Returns:
        Starts, float64 [n], and hours from the end of the newest stopped step to each step's end, float64
        [n]; NaN while stopped or not known, and where no stop was seen. Neither sees later steps.

    Example:
        >>> hours = np.arange(1, 6) * 3_600_000_000
        >>> starts_and_hours(hours, np.array([1, 0, -1, 1, 1]))
        (array([0., 0., 0., 1., 1.]), array([nan, nan, nan,  2.,  3.]))
    """
    place = np.arange(len(running))
    known = np.maximum.accumulate(np.where(running >= 0, place, -1))
    before = np.concatenate([[-1], known[:-1]])
    started = (running == 1) & (before >= 0) & (running[np.maximum(before, 0)] == 0)
    stopped = np.maximum.accumulate(np.where(running == 0, place, -1))
    hours = (time_us - time_us[np.maximum(stopped, 0)]) / _HOUR_US
    return np.cumsum(started).astype(np.float64), np.where((running == 1) & (stopped >= 0), hours, np.nan)


def _has_speed(placement: Placement) -> bool:
    return placement.role == "" and placement.has_measured_speed


@feature(
    unit="1",
    inputs=("running",),
    window="the present life",
    source="count of running steps whose newest known predecessor was stopped",
    version=1,
    applies=_has_speed,
)
def starts(steps: ComponentSteps) -> Column:
    """Starts of the machine seen in the present life.

    Stops shorter than a grid step are not seen. Refused as `no_speed` when it is not known whether the
    machine runs.

    Example:
        >>> one = np.ones(1)
        >>> starts(ComponentSteps(one, one, one, running=np.array([1]), starts=np.array([3.0]))).values
        array([3.])
    """
    counted, running = _given(steps.starts, steps), _running(steps)
    return Column.of(counted, (FeatureRefusal.NO_SPEED, running < 0))


@feature(
    unit="h",
    inputs=("running",),
    window="the present life",
    source="time from the end of the newest stopped step to the end of the step",
    version=1,
    applies=_has_speed,
)
def hours_since_start_h(steps: ComponentSteps) -> Column:
    """Hours since the latest stop ended.

    Refused as `no_speed` when it is not known whether the machine runs, as `stopped` when it does not, as
    `too_few_windows` when no stop was seen in the present life.

    Example:
        >>> one = np.ones(1)
        >>> hours_since_start_h(ComponentSteps(one, one, one, running=np.array([0]))).reasons()
        ['stopped']
    """
    hours, running = _given(steps.since_start_h, steps), _running(steps)
    return Column.of(
        hours,
        (FeatureRefusal.NO_SPEED, running < 0),
        (FeatureRefusal.STOPPED, running == 0),
        (FeatureRefusal.TOO_FEW_WINDOWS, np.isnan(hours)),
    )


@feature(
    unit="1",
    inputs=("speed", "load"),
    window="two grid steps",
    source="thresholds declared in features.process.states: engineering practice, not a standard's clause",
    version=1,
    applies=_has_speed,
)
def operating_state(steps: ComponentSteps) -> Column:
    """State of the step: 0 stopped, 1 starting, 2 steady, 3 ramp.

    Starting: the first step after a stop, and every one that ends within an hour of it. Ramp: mean speed
    changed by more than 5 % or mean load by more than 0.1 against the step before. Refused as `no_speed`
    when it is not known whether the machine runs, as `too_few_windows` when it runs, did not just start
    and the speed of the step before is not known.

    Example:
        >>> one, speed = np.ones(2), np.array([[25.0, 25.0], [25.0, 20.0]])
        >>> operating_state(ComponentSteps(one, one, one, running=np.array([1, 1]), speed=speed)).values
        array([2., 3.])
    """
    running, since = _running(steps), _given(steps.since_start_h, steps)
    change = _change(steps.speed, steps, relative=True)
    load = _change(steps.load, steps, relative=False)
    starting = since <= max(STARTING_H, steps.grid_h)
    ramp = (change > RAMP_SPEED) | (load > RAMP_LOAD)
    state = np.where(ramp, OperatingState.RAMP, OperatingState.STEADY)
    state = np.where(starting, OperatingState.STARTING, state)
    state = np.where(running == 0, OperatingState.STOPPED, state)
    unseen = (running == 1) & ~starting & ~ramp & np.isnan(change)
    return Column.of(state, (FeatureRefusal.NO_SPEED, running < 0), (FeatureRefusal.TOO_FEW_WINDOWS, unseen))


def _running(steps: ComponentSteps) -> np.ndarray:
    return np.full(len(steps.age), -1, np.int8) if steps.running is None else steps.running


def _given(values: np.ndarray | None, steps: ComponentSteps) -> np.ndarray:
    return np.full(len(steps.age), np.nan) if values is None else values


def _change(pair: np.ndarray | None, steps: ComponentSteps, *, relative: bool) -> np.ndarray:
    """Change from the step before, absolute or over the larger of both; NaN where one is not known."""
    if pair is None:
        return np.full(len(steps.age), np.nan)
    change = np.abs(pair[0] - pair[1])
    if not relative:
        return np.asarray(change)
    larger = np.abs(pair).max(axis=0)
    return np.where(
        larger > 0, change / np.where(larger > 0, larger, 1.0), np.where(np.isnan(larger), np.nan, 0.0)
    )
