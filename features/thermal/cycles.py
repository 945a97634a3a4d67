"""Thermal cycles by rainflow counting: warming up and cooling down fatigues joints and windings."""

import numpy as np
import numpy.typing as npt

from features.registry import Column, FeatureRefusal, LifeSeries, trend

__all__ = ["DEADBAND_K", "SMALLEST_K", "rainflow", "reversals", "thermal_cycles"]

Floats = npt.NDArray[np.float64]

# A turn back by less is noise, K: most cycles of a plant's temperatures are, and none of them matters.
DEADBAND_K = 1.0

# Smaller cycles do not count as thermal cycles, K. Engineering practice: fatigue life falls with a power
# of the range, so that ten cycles of 10 K do less than one of 40 K.
SMALLEST_K = 10.0


def reversals(values: Floats, deadband_k: float = DEADBAND_K) -> Floats:
    """First value, turning points and last extreme of a series.

    Args:
        values: [n], K; NaN entries are left out.
        deadband_k: A turn back by less than that is none; 0: every turn is one.

    Returns:
        [m]; empty without values, the first value alone when nothing moves by the deadband.

    Example:
        >>> reversals(np.array([300.0, 320.0, 319.5, 330.0, 310.0, 310.5]))
        array([300., 330., 310.])
    """
    found: list[float] = []
    extreme, direction = 0.0, 0
    for value in values[~np.isnan(values)].tolist():
        if not found:
            found.append(value)
            extreme = value
        elif direction == 0:
            if abs(value - found[0]) >= deadband_k and value != found[0]:
                direction, extreme = (1 if value > found[0] else -1), value
        elif (value - extreme) * direction > 0:
            extreme = value
        elif (extreme - value) * direction >= deadband_k and value != extreme:
            found.append(extreme)
            direction, extreme = -direction, value
    return np.array([*found, extreme] if direction else found)


def rainflow(values: Floats, deadband_k: float = DEADBAND_K) -> tuple[Floats, Floats]:
    """Cycles of a series.

    Args:
        values: [n], K; NaN entries are left out.
        deadband_k: As in `reversals`.

    Returns:
        Ranges [m], K, and counts [m] of 1 or 0.5, in the order in which they are found.

    References:
        ASTM E1049-85, section 5.4.4, as commonly cited; its worked example is in the tests.

    Example:
        >>> ranges, counts = rainflow(np.array([-2.0, 1, -3, 5, -1, 3, -4, 4, -2]))
        >>> [(r, c) for r, c in zip(ranges.tolist(), counts.tolist())]
        [(3.0, 0.5), (4.0, 0.5), (4.0, 1.0), (8.0, 0.5), (9.0, 0.5), (8.0, 0.5), (6.0, 0.5)]
    """
    ranges: list[float] = []
    counts: list[float] = []
    stack: list[float] = []
    for point in reversals(values, deadband_k).tolist():
        stack.append(point)
        while len(stack) >= 3 and abs(stack[-1] - stack[-2]) >= abs(stack[-2] - stack[-3]):
            ranges.append(abs(stack[-2] - stack[-3]))
            counts.append(0.5 if len(stack) == 3 else 1.0)
            stack = stack[1:] if len(stack) == 3 else [*stack[:-3], stack[-1]]
    ranges += np.abs(np.diff(stack)).tolist()
    counts += [0.5] * max(len(stack) - 1, 0)
    return np.array(ranges), np.array(counts)


@trend(
    unit="1",
    per_span=False,
    source="rainflow counting, ASTM E1049-85 section 5.4.4, after a deadband of 1 K; cycles of at least 10 K",
    version=1,
    levels=("level_k",),
    stopped=True,
)
def thermal_cycles(life: LifeSeries, span_us: int) -> Column:
    """Cycles of at least 10 K in the life so far; half cycles count half.

    Counted on step means: cycles shorter than two grid steps are not seen. Refused as `too_few_windows`
    before the first value.

    Example:
        >>> hour = 3_600_000_000
        >>> values = np.array([[300.0, 320.0, 300.0, 320.0]])
        >>> thermal_cycles(LifeSeries(np.arange(1, 5) * hour, values, 0, 0, hour, hour, hour), 0).values
        array([[0. , 0.5, 1. , 1.5]])
    """
    # Compiled on first use; reading this module stays cheap.
    from features.thermal.counting import cycles_so_far

    counts = np.stack([cycles_so_far(series, DEADBAND_K, SMALLEST_K) for series in life.values])
    return Column.of(counts, (FeatureRefusal.TOO_FEW_WINDOWS, np.isnan(counts)))
