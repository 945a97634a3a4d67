import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.core.errors import ConfigError
from features.core.units import Quantity, canonical_unit, to_canonical, unit_problem

# Canonical value of 1 of the unit, by definition (SI brochure, 9th ed.; 1 in = 25.4 mm, 1 lb = 0.45359237 kg).
FACTORS = [
    ("g", Quantity.ACCELERATION, 9.80665),
    ("mg", Quantity.ACCELERATION, 9.80665e-3),
    ("mm/s", Quantity.VELOCITY, 1e-3),
    ("inch/s", Quantity.VELOCITY, 0.0254),
    ("um", Quantity.DISPLACEMENT, 1e-6),
    ("mils", Quantity.DISPLACEMENT, 2.54e-5),
    ("rpm", Quantity.SPEED, 1 / 60),
    ("RPM", Quantity.SPEED, 1 / 60),
    ("rev/min", Quantity.SPEED, 1 / 60),
    ("1/min", Quantity.SPEED, 1 / 60),
    ("Hz", Quantity.SPEED, 1.0),
    ("rev/s", Quantity.SPEED, 1.0),
    ("turn/s", Quantity.SPEED, 1.0),
    ("rad/s", Quantity.SPEED, 1 / (2 * math.pi)),
    ("degree/s", Quantity.SPEED, 1 / 360),
    ("bar", Quantity.PRESSURE, 1e5),
    ("l/min", Quantity.FLOW, 1e-3 / 60),
    ("kW", Quantity.POWER, 1e3),
    ("kN*m", Quantity.TORQUE, 1e3),
    ("lbf", Quantity.FORCE, 4.4482216152605),
    ("%", Quantity.RATIO, 0.01),
    ("h", Quantity.DURATION, 3600.0),
    ("mA", Quantity.CURRENT, 1e-3),
]
# Canonical value of 0 and of 1 of the unit, K.
OFFSETS = [("degC", 273.15, 274.15), ("°C", 273.15, 274.15), ("degF", 459.67 * 5 / 9, 460.67 * 5 / 9), ("K", 0, 1)]


@pytest.mark.parametrize(("unit", "quantity", "factor"), FACTORS)
def test_units_have_the_factor_of_their_definition(unit: str, quantity: Quantity, factor: float) -> None:
    assert to_canonical(np.array([1.0]), unit, quantity)[0] == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(("unit", "zero", "one"), OFFSETS)
def test_temperatures_have_their_offset(unit: str, zero: float, one: float) -> None:
    got = to_canonical(np.array([0.0, 1.0]), unit, Quantity.TEMPERATURE)
    np.testing.assert_allclose(got, [zero, one], rtol=1e-12)


@pytest.mark.parametrize("quantity", list(Quantity))
def test_a_canonical_unit_is_its_own(quantity: Quantity) -> None:
    np.testing.assert_allclose(to_canonical(np.array([0.0, 2.5]), canonical_unit(quantity), quantity), [0.0, 2.5])


@given(
    value=st.floats(-1e9, 1e9),
    unit=st.sampled_from([(u, q) for u, q, _ in FACTORS] + [(u, Quantity.TEMPERATURE) for u, _, _ in OFFSETS]),
)
@example(value=-273.15, unit=("degC", Quantity.TEMPERATURE))
def test_a_value_comes_back_from_its_canonical_unit(value: float, unit: tuple[str, Quantity]) -> None:
    name, quantity = unit
    zero, one = to_canonical(np.array([0.0, 1.0]), name, quantity)

    back = (to_canonical(np.array([value]), name, quantity)[0] - zero) / (one - zero)

    # Cancellation of an offset of about 460 costs 460 * 2^-52 absolute, the two roundings 2^-52 relative.
    assert back == pytest.approx(value, rel=1e-11, abs=1e-9)


@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=False, width=32), max_size=5))
def test_conversion_keeps_shape_and_nan(values: list[float]) -> None:
    got = to_canonical(np.array(values, dtype=np.float32), "rpm", Quantity.SPEED)

    assert got.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(got), np.isnan(np.array(values, dtype=np.float64)))


def test_other_quantities_pass_through() -> None:
    np.testing.assert_array_equal(to_canonical(np.array([3.0]), "", Quantity.OTHER), [3.0])


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [
        ("degC", Quantity.ACCELERATION),
        ("mm/s", Quantity.ACCELERATION),
        ("g", Quantity.VELOCITY),
        ("parsnips", Quantity.TEMPERATURE),
        ("", Quantity.TEMPERATURE),
        ("5 m", Quantity.DISPLACEMENT),
        ("degC/min", Quantity.TEMPERATURE),
        ("__import__('os')", Quantity.RATIO),
    ],
)
def test_a_unit_of_another_quantity_is_refused_with_an_example(unit: str, quantity: Quantity) -> None:
    problem = unit_problem(unit, quantity)

    assert problem is not None
    assert repr(unit) in problem
    assert repr(canonical_unit(quantity)) in problem
    with pytest.raises(ConfigError, match="is no unit of"):
        to_canonical(np.array([1.0]), unit, quantity)


def test_a_logarithmic_unit_is_refused_because_it_has_no_factor() -> None:
    assert "dB" in (unit_problem("dB", Quantity.RATIO) or "")
