"""What is to be measured on a batch of windows: bands, lines and stages, the same for every block of it."""

import itertools
import math
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np

from features.core.plant import FaultOrders
from features.core.units import Quantity

__all__ = [
    "ENVELOPE_BAND",
    "HIGHEST_PEAKS",
    "LEAST_RATIO",
    "OCTAVES_HZ",
    "QUARTERS",
    "ROLL_OFF",
    "USABLE",
    "VELOCITY_BAND_HZ",
    "VELOCITY_LEAST_S",
    "Plan",
    "Stage",
]

# Band of broad-band velocity and displacement severity, Hz: ISO 20816-1:2016, clause 4 (above 600 rpm).
VELOCITY_BAND_HZ = (10.0, 1000.0)

# Highest frequency of displacement, Hz: at equal velocity it falls with frequency, and little is left of it.
_DISPLACEMENT_TO_HZ = 500.0

# Share of the Nyquist frequency at which the envelope's band begins and ends unless the plant file says:
# above the harmonics of shaft and gears, below the roll-off of the anti-aliasing filter.
ENVELOPE_BAND = (0.25, 0.9)

# Nominal frequencies of octaves, Hz, and the band width of a sampled signal as sample rate over this.
OCTAVES_HZ = (500.0, 1000.0, 2000.0, 4000.0, 8000.0)
USABLE = 2.56

# A band that the usable band width cuts to less than this ratio of its edges is no octave any more.
LEAST_RATIO = 1.4

# Shorter windows leak so much at 10 Hz that velocity RMS and displacement are wrong by per cents, s.
VELOCITY_LEAST_S = 0.5 - 1e-9

# Equal parts of the spectrum whose shares of the power are told.
QUARTERS = 4

# Share of the power below the roll-off frequency.
ROLL_OFF = 0.95

# Peaks of the spectrum that are told.
HIGHEST_PEAKS = 3

# Half width of a line as a share of its frequency: rolling elements slip by 1 to 2 %.
_LINE_SHARE = 0.01

# Highest order of the shaft's harmonics that tell of looseness.
_HARMONICS = 10

# Quefrencies looked at: from 2.5 ms (the structure's own response lies below) to an eighth of the window:
# lines nearer than 8 bins are hardly parted by a Hann window, and four bins may be taken together.
_QUEFRENCY_FROM_S, _QUEFRENCY_SHARE = 0.0025, 0.125


class Stage(StrEnum):
    """Groups of values that are computed together."""

    TIME = "time"
    SPECTRUM = "spectrum"
    DISPLACEMENT = "displacement"
    ENVELOPE = "envelope"
    CEPSTRUM = "cepstrum"
    KURTOGRAM = "kurtogram"


@dataclass(frozen=True)
class Plan:
    """Everything that the passes need to know beside the samples.

    Args:
        samples: m, samples a window.
        sample_rate_hz: Of all windows.
        speed_hz: Shaft speed of each window, float64 [n]; NaN where not known.
        orders: Fault orders of the bearing, None without geometry.
        gear_teeth: Teeth on the shaft, None without a gear.
        blades: Blades on the shaft, None without.
        quantity: Acceleration (m/s^2), velocity (m/s) or displacement (m).
        envelope_band_hz: Band of the envelope; None: `ENVELOPE_BAND`.
    """

    samples: int
    sample_rate_hz: float
    speed_hz: np.ndarray = field(compare=False)
    orders: FaultOrders | None = None
    gear_teeth: int | None = None
    blades: int | None = None
    quantity: Quantity = Quantity.ACCELERATION
    envelope_band_hz: tuple[float, float] | None = None

    @property
    def bins(self) -> int:
        """Bins of the transform."""
        return self.samples // 2 + 1

    @property
    def duration_s(self) -> float:
        """Length of a window."""
        return self.samples / self.sample_rate_hz

    @property
    def resolution_hz(self) -> float:
        """Distance of two bins."""
        return self.sample_rate_hz / max(self.samples, 1)

    @cached_property
    def frequencies_hz(self) -> np.ndarray:
        """Frequency of each bin."""
        return np.arange(self.bins) * self.resolution_hz

    def octave(self, nominal_hz: float) -> tuple[int, int, float]:
        """First bin, first bin after, and upper over lower edge of an octave within the usable band."""
        lower = nominal_hz / math.sqrt(2.0)
        upper = max(min(nominal_hz * math.sqrt(2.0), self.sample_rate_hz / USABLE), lower)
        first = min(math.ceil(lower / self.resolution_hz), self.bins)
        return first, max(min(math.floor(upper / self.resolution_hz) + 1, self.bins), first), upper / lower

    @cached_property
    def bands(self) -> np.ndarray:
        """int64 [bands, 2]: the upper half of the spectrum, its quarters, the octaves."""
        quarters = [i * self.bins // QUARTERS for i in range(QUARTERS + 1)]
        found = [(self.samples // 4, self.bins), *itertools.pairwise(quarters)]
        found += [self.octave(nominal)[:2] for nominal in OCTAVES_HZ]
        return np.array(found, dtype=np.int64)

    @cached_property
    def velocity_bins(self) -> tuple[int, int]:
        """First bin of the velocity band and first bin after it."""
        low = max(math.ceil(VELOCITY_BAND_HZ[0] / self.resolution_hz - 1e-9), 1)
        high = math.floor(VELOCITY_BAND_HZ[1] / self.resolution_hz + 1e-9)
        return low, max(min(high, self.bins - 1) + 1, low)

    @cached_property
    def velocity_weights(self) -> np.ndarray:
        """float32: from power of the signal to power of velocity in (mm/s)^2, for the velocity band."""
        low, high = self.velocity_bins
        angular = 2.0 * np.pi * self.frequencies_hz[low:high]
        return np.asarray((1000.0 * angular**self.exponent) ** 2, dtype=np.float32)

    @cached_property
    def displacement_bins(self) -> tuple[int, int]:
        """First bin of the displacement band and first bin after it; the last bin is never in it."""
        low, high = self.velocity_bins[0], math.floor(_DISPLACEMENT_TO_HZ / self.resolution_hz + 1e-9)
        return low, max(min(high + 1, self.bins - 1), low)

    @cached_property
    def displacement_factors(self) -> np.ndarray:
        """float32, magnitude of the integration to um for the displacement band."""
        low, high = self.displacement_bins
        angular = 2.0 * np.pi * self.frequencies_hz[low:high]
        return np.asarray(1e6 * angular ** (self.exponent - 1.0), dtype=np.float32)

    @cached_property
    def spectrum_lines(self) -> dict[str, tuple[float | None, float]]:
        """Name -> order (None: not known) and half width as a share, in the spectrum of the signal."""
        teeth, blades = self.gear_teeth, self.blades
        found: dict[str, tuple[float | None, float]] = {
            **{f"{order:g}x": (order, _LINE_SHARE) for order in (0.5, 1.0, 1.5, 2.0)},
            **{f"{order}x": (float(order), _LINE_SHARE) for order in range(3, _HARMONICS + 1)},
            "gear": (None if teeth is None else float(teeth), _LINE_SHARE),
            "2gear": (None if teeth is None else 2.0 * teeth, _LINE_SHARE),
            "blade": (None if blades is None else float(blades), _LINE_SHARE),
        }
        for aside in (-2, -1, 1, 2):
            found[f"gear{aside:+d}"] = (None if teeth is None else float(teeth + aside), 0.0)
        return found

    @cached_property
    def envelope_lines(self) -> dict[str, tuple[float | None, float]]:
        """Likewise in the spectrum of the envelope."""
        known = self.orders
        orders: dict[str, float | None] = dict.fromkeys(("bpfo", "bpfi", "bsf", "ftf"))
        if known is not None:
            orders = {"bpfo": known.bpfo, "bpfi": known.bpfi, "bsf": known.bsf, "ftf": known.ftf}
        found: dict[str, tuple[float | None, float]] = {"1x": (1.0, _LINE_SHARE)}
        for name, order in orders.items():
            for harmonic in (1, 2, 3):
                found[f"{harmonic}{name}"] = (None if order is None else harmonic * order, _LINE_SHARE)
        for name, aside in (("bpfi", 1.0), ("bsf", None if known is None else known.ftf)):
            order = orders[name]
            if name == "bsf" and order is not None:
                order *= 2.0
            for sign in (-1, 1):
                known_order = None if order is None or aside is None else order + sign * aside
                found[f"{name}{sign:+d}"] = (known_order, 0.0)
        return found

    @property
    def exponent(self) -> float:
        """Power of the angular frequency that makes velocity of the signal."""
        return {Quantity.ACCELERATION: -1.0, Quantity.VELOCITY: 0.0}.get(self.quantity, 1.0)

    @cached_property
    def covered(self) -> np.ndarray:
        """Bool [6]: whether velocity RMS and each octave can be told of such windows."""
        nyquist, long_enough = self.sample_rate_hz / 2.0, self.duration_s >= VELOCITY_LEAST_S
        octaves = [self.octave(nominal) for nominal in OCTAVES_HZ]
        wide = [ratio >= LEAST_RATIO and after - first >= 3 for first, after, ratio in octaves]
        return np.array([long_enough and nyquist >= VELOCITY_BAND_HZ[1], *wide])

    def centres(self, lines: dict[str, tuple[float | None, float]]) -> tuple[np.ndarray, np.ndarray]:
        """Positions in bins, float64 [n, lines] (NaN: not known), and half widths [lines]."""
        orders = np.array([np.nan if order is None else order for order, _ in lines.values()])
        return self.speed_hz[:, None] * orders / self.resolution_hz, np.array(
            [share for _, share in lines.values()]
        )

    @cached_property
    def envelope_bins(self) -> tuple[int, int]:
        """First bin of the envelope's band and first bin after it."""
        nyquist = self.sample_rate_hz / 2.0
        if self.envelope_band_hz is None:
            low, high = ENVELOPE_BAND
        else:
            low, high = self.envelope_band_hz[0] / nyquist, min(self.envelope_band_hz[1] / nyquist, 1.0)
        first = max(1, int(low * self.samples / 2))
        return first, max(first + 4, int(high * self.samples / 2))

    @property
    def envelope_reach_hz(self) -> float:
        """Highest frequency of the envelope's spectrum."""
        low, high = self.envelope_bins
        return (high - low) * self.resolution_hz / 2.0

    @cached_property
    def quefrencies(self) -> tuple[int, int, float]:
        """First index, first index after, and seconds an index, of the cepstrum's search."""
        count = self.bins // 4
        step = 1.0 / self.resolution_hz / (8 * max(count, 1))
        first = max(1, math.ceil(_QUEFRENCY_FROM_S / step))
        return first, min(int(_QUEFRENCY_SHARE / self.resolution_hz / step) + 1, count), step
