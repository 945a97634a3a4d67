"""The batches of windows that the costs of the vibration features are measured on."""

import sys

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
