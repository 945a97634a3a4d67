"""Values in words: states, units."""

import pytest

from features.core.statements import HealthState
from serving.web import words


@pytest.mark.parametrize("state", [*HealthState, None])
def test_every_state_has_a_word_and_a_style_of_its_own(state: HealthState | None) -> None:
    own = words.state_word(state)
    others = [words.state_word(other) for other in [*HealthState, None] if other is not state]
    assert own.word not in [other.word for other in others]
    assert own.style not in [other.style for other in others]


@pytest.mark.parametrize(
    ("feature", "value", "unit", "told"),
    [
        ("winding_temperature.level_k", 353.15, "K", "80 °C"),
        ("winding_temperature.level_k.mean_2d", 353.15, "K", "80 °C"),
        ("winding_temperature.level_k.delta_7d", 12.0, "K", "12 K"),
        ("bearing_temperature.rise_over_ambient_k", 38.0, "K", "38 K"),
        ("vibration_h.rms_m_s2.slope_7d", 0.01, "m/s^2/h", "0.01 m/s²/h"),
        ("vibration_h.kurtosis", 3.14159, "1", "3.14"),
        ("vibration_h.kurtosis", float("nan"), "1", "–"),
    ],
)
def test_quantities_are_in_units_that_people_read(feature: str, value: float, unit: str, told: str) -> None:
    assert words.quantity(feature, value, unit) == told
