"""Temperatures: a first-order network of housing, bearing and winding."""

import numpy as np
from scipy.signal import lfilter

from pipelines.historian.simulator.draws import Floats

__all__ = ["bearing_and_housing", "first_order", "winding"]

# Time constants in h: a cast housing of some 50 kg, a bearing inside it, a winding in its slots.
HOUSING_H = 3.0
BEARING_H = 0.7
WINDING_H = 0.9
# Share of the bearing's rise that stands across the housing's resistance to the air.
HOUSING_SHARE = 0.55
# Share of the friction that is there without load.
IDLE_SHARE = 0.35


def first_order(target: Floats, *, time_constant_h: float, start: float) -> Floats:
    """Response of one thermal mass to a target that is constant within each hour.

    Args:
        target: Steady-state temperature the mass tends to, hourly, degC.
        time_constant_h: Resistance times capacity, in hours.
        start: Temperature at the first hour, degC.

    Returns:
        Temperature at each full hour, same length; the exact solution
        T[k+1] = target[k] + (T[k] - target[k]) exp(-1 h / time constant).
    """
    keep = float(np.exp(-1.0 / time_constant_h))
    rest, _ = lfilter([1.0 - keep], [1.0, -keep], target[:-1], zi=[keep * start])
    return np.concatenate([[start], rest])


def bearing_and_housing(
    *, ambient: Floats, load: Floats, speed_ratio: Floats, friction: Floats, sink: Floats, rise_k: float
) -> tuple[Floats, Floats]:
    """Bearing and housing temperature in degC.

    Args:
        ambient: Air temperature, degC.
        load: Share of full load.
        speed_ratio: Speed over nominal speed.
        friction: Friction over healthy friction.
        sink: What warmer cooling adds to the air's temperature, K.
        rise_k: Bearing over ambient, healthy, at full load and nominal speed, K.
    """
    power = speed_ratio * (IDLE_SHARE + (1 - IDLE_SHARE) * load) * friction
    air = ambient + sink
    housing = first_order(air + HOUSING_SHARE * rise_k * power, time_constant_h=HOUSING_H, start=float(air[0]))
    bearing = first_order(
        housing + (1 - HOUSING_SHARE) * rise_k * power, time_constant_h=BEARING_H, start=float(air[0])
    )
    return bearing, housing


def winding(*, housing: Floats, load: Floats, loss: Floats, rise_k: float) -> Floats:
    """Winding temperature in degC: copper loss grows with the square of the load.

    Args:
        housing: Housing temperature, degC.
        load: Share of full load, 0 when stopped.
        loss: Loss over healthy loss.
        rise_k: Winding over housing, healthy, at full load, K.
    """
    return first_order(housing + rise_k * load**2 * loss, time_constant_h=WINDING_H, start=float(housing[0]))
