"""The batches of windows that the costs of the vibration features are measured on."""

import math
import sys
import time
from collections.abc import Callable

import numpy as np

from features.core.plant import FaultOrders
from features.vibration.columns import COLUMNS
from features.vibration.plan import Plan, Stage

WINDOWS = 256
SPEED_HZ = 29.7
ORDERS = FaultOrders(ftf=0.3983, bpfo=3.5848, bpfi=5.4152, bsf=2.3567)
FULL = tuple(stage for stage in Stage if stage is not Stage.KURTOGRAM)
NAMES = tuple(name for stage in FULL for name in COLUMNS[stage])
# Samples -> sample rate: every value of the full set can be told of such windows, nothing is skipped.
RATES_HZ = {2560: 5120.0, 25600: 25600.0}
# Errors are relative to the value, or to this if it is more: values that are near 0 by nature.
FLOORS = {"skewness": 0.1, "mean": 0.1, "kurtogram_kurtosis": 0.1, "rahmonic": 0.05}


def log(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def machine_signal(windows: int, samples: int, rate_hz: float, seed: int = 0) -> np.ndarray:
    """A machine with unbalance, a gear mesh, a struck outer ring and noise, float32 [windows, samples]."""
    rng, t = np.random.default_rng(seed), np.arange(samples) / rate_hz
    wave = 3 * np.sin(2 * np.pi * SPEED_HZ * t) + np.sin(2 * np.pi * 20 * SPEED_HZ * t)
    since = np.mod(t, 1 / (ORDERS.bpfo * SPEED_HZ))
    wave += 5 * np.exp(-300 * since) * np.sin(2 * np.pi * 0.3 * rate_hz * since)
    return np.asarray(wave + 0.2 + rng.standard_normal((windows, samples)), dtype=np.float32)


def plan_of(windows: int, samples: int, rate_hz: float, speed_hz: float = SPEED_HZ) -> Plan:
    """All lines are looked for: bearing, gear and blades are known."""
    return Plan(samples, rate_hz, np.full(windows, speed_hz), ORDERS, gear_teeth=20, blades=6)


def best(repeats: int, *works: Callable[[], object], seconds: float = 0.0) -> list[float]:
    """Least CPU time of each, taken in turns after one turn that does not count, seconds.

    Turns go on for as long as is told: a neighbour's load on a shared machine comes and goes.
    """
    for work in works:
        work()
    least = [math.inf] * len(works)
    until, turns = time.monotonic() + seconds, 0
    while turns < repeats or time.monotonic() < until:
        turns += 1
        for number, work in enumerate(works):
            start = time.process_time()
            work()
            least[number] = min(least[number], time.process_time() - start)
    return least
