"""Features that leak: made from more than what had been read by their time."""

from collections.abc import Callable

import numpy as np

from tests.benchmarks._wear import SPAN, Floats, trailing

__all__ = ["LEAKS", "Leak"]

# A feature that leaks: from what was read and the (whole) length of the life, as a feature must never be made.
Leak = Callable[[Floats, np.random.Generator], Floats]


def _noisy_rul(noise: float) -> Leak:
    def leak(raw: Floats, rng: np.random.Generator) -> Floats:
        left = np.arange(len(raw))[::-1].astype(np.float64)
        return left + noise * 40.0 * rng.normal(size=len(raw))

    return leak


def _ahead(raw: Floats, rng: np.random.Generator) -> Floats:
    smooth = trailing(raw[:, 0], SPAN // 2)
    return np.concatenate([smooth[SPAN:], np.full(SPAN, smooth[-1])])[: len(raw)]


def _centred(raw: Floats, rng: np.random.Generator) -> Floats:
    return np.convolve(raw[:, 1], np.ones(SPAN) / SPAN, mode="same")[: len(raw)]


# Name -> leak, and whether it can be seen without making rows again.
LEAKS: dict[str, tuple[Leak, bool]] = {
    "hours_to_end": (_noisy_rul(0.0), True),
    "hours_to_end_10": (_noisy_rul(0.1), True),
    "hours_to_end_40": (_noisy_rul(0.4), True),
    "hours_to_end_70": (_noisy_rul(0.7), True),
    "life_length": (lambda raw, rng: np.full(len(raw), float(len(raw))), True),
    "share_of_life": (lambda raw, rng: np.arange(1, len(raw) + 1) / len(raw), True),
    "ends_soon": (lambda raw, rng: (np.arange(len(raw))[::-1] < 8).astype(np.float64), True),
    "log_hours_left": (lambda raw, rng: np.log1p(np.arange(len(raw))[::-1]), True),
    "vibration.ahead": (_ahead, False),
    "heat.centred": (_centred, False),
}
