"""The true speed of the shaft: found where its harmonics tell it, left alone where they do not."""

import numpy as np
import pytest

from features.diagnosis.recording import Recording
from features.diagnosis.speed import at_true_speed

RATE, SPEED = 8192.0, 29.3
TIME = np.arange(4 * 8192) / RATE


def wave(frequencies: list[float], seed: int = 0, seconds: float = 4.0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(len(TIME))
    lines = sum((0.2 * np.cos(2 * np.pi * hz * TIME + hz) for hz in frequencies), np.zeros(len(TIME)))
    return (noise + lines)[: int(seconds * RATE)]


def speeds(*recordings: tuple[np.ndarray, float]) -> list[float | None]:
    found = at_true_speed([Recording("DE", samples, RATE, speed) for samples, speed in recordings])
    return [each.speed_hz for each in found]


TURNING = [k * SPEED for k in range(1, 11)]


@pytest.mark.parametrize("share", [0.955, 0.98, 0.997, 1.0, 1.003, 1.02, 1.045])
def test_the_harmonics_of_the_shaft_tell_its_speed(share: float) -> None:
    assert speeds((wave(TURNING), SPEED * share)) == [pytest.approx(SPEED, rel=3e-4)]


@pytest.mark.parametrize("seed", range(20))
def test_noise_tells_no_speed(seed: int) -> None:
    assert speeds((wave([], seed), SPEED)) == [SPEED]


def test_lines_of_the_supply_are_no_shaft() -> None:
    """Multiples of 60 Hz are the even harmonics of a shaft at 30 Hz; one odd line more makes no shaft."""
    supply = [60.0, 90.0, 120.0, 180.0, 240.0, 300.0]
    assert speeds((wave(supply), SPEED)) == [SPEED]


def test_fewer_than_six_harmonics_do_not_tell() -> None:
    assert speeds((wave(TURNING[:5]), SPEED * 1.03)) == [SPEED * 1.03]


def test_higher_harmonics_alone_do_not_tell() -> None:
    """They may be lines of a bearing that lie close to multiples of one speed."""
    assert speeds((wave(TURNING[2:]), SPEED * 1.03)) == [SPEED * 1.03]


def test_lines_farther_off_must_be_much_better_than_those_at_the_given_speed() -> None:
    """Ten lines of another shaft do not outweigh eight of the given one, but they do outweigh five."""
    other = [k * SPEED * 1.03 for k in range(1, 11)]
    assert speeds((wave(TURNING[:8] + other), SPEED)) == [pytest.approx(SPEED, rel=3e-4)]
    assert speeds((wave(TURNING[:5] + other), SPEED)) == [pytest.approx(SPEED * 1.03, rel=3e-4)]


def test_a_short_waveform_tells_no_speed() -> None:
    assert speeds((wave(TURNING, seconds=0.8), SPEED * 1.03)) == [SPEED * 1.03]


def test_each_snapshot_has_its_own_speed_and_a_silent_one_the_middle_of_the_others() -> None:
    slower = [0.98 * hz for hz in TURNING]
    found = speeds((wave(TURNING), SPEED), (wave(slower), SPEED), (wave([], 3), SPEED))
    assert found == [pytest.approx(share * SPEED, rel=3e-4) for share in (1.0, 0.98, 0.99)]


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_the_scale_does_not_matter(factor: float) -> None:
    assert speeds((factor * wave(TURNING), SPEED * 1.02)) == pytest.approx(speeds((wave(TURNING), SPEED * 1.02)))
