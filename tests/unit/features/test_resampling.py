"""Order tracking: exact on a ramp of speed."""

import numpy as np
import pytest

from features.signals import by_angle, revolutions

RATE = 8192.0


@pytest.mark.parametrize(("first", "last"), [(20.0, 30.0), (30.0, 12.0), (25.0, 25.0)])
@pytest.mark.parametrize("order", [0.5, 1.0, 3.0, 5.42])
def test_an_order_on_a_ramp_is_one_line(first: float, last: float, order: float) -> None:
    time = np.arange(16384) / RATE
    knots = np.linspace(0, 2, 9)
    turned = revolutions(time, knots, first + (last - first) * knots / 2)
    exact = first * time + (last - first) * time**2 / 4
    np.testing.assert_allclose(turned, exact, atol=1e-9)
    even = by_angle(2.0 * np.cos(2 * np.pi * order * turned), RATE, turned, 64)
    angle = np.arange(len(even)) / 64
    inner = slice(64, -64)
    np.testing.assert_allclose(even[inner], 2.0 * np.cos(2 * np.pi * order * angle[inner]), atol=2e-3)


def test_fixed_bins_smear_what_order_tracking_keeps() -> None:
    time = np.arange(16384) / RATE
    turned = revolutions(time, np.array([0.0, 2.0]), np.array([15.0, 35.0]))
    wave = np.cos(2 * np.pi * 4 * turned)
    even = by_angle(wave, RATE, turned, 64)
    turns = len(even) // 64
    assert 2 * np.abs(np.fft.rfft(even))[4 * turns] / len(even) == pytest.approx(1.0, abs=0.01)
    assert (2 * np.abs(np.fft.rfft(wave)) / len(wave)).max() < 0.3


@pytest.mark.parametrize(
    ("times", "speeds"),
    [
        ([], []),
        ([0.0, 0.0], [1.0, 1.0]),
        ([0.0, 1.0], [1.0, -1.0]),
        ([0.0, 1.0], [1.0, np.nan]),
        ([0.0], [1.0, 2.0]),
    ],
)
def test_a_speed_that_is_none_is_refused(times: list[float], speeds: list[float]) -> None:
    with pytest.raises(ValueError, match="speed"):
        revolutions(np.arange(4.0), np.array(times), np.array(speeds))


def test_less_than_a_revolution_is_refused() -> None:
    turned = np.linspace(0, 0.9, 100)
    with pytest.raises(ValueError, match="whole revolutions"):
        by_angle(np.ones(100), RATE, turned, 64)
