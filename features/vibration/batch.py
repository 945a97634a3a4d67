"""A batch of waveforms of one point, measured once for all features."""

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from features import signals
from features.core.plant import FaultOrders
from features.core.units import Quantity
from features.registry import FeatureRefusal, codes_of
from features.vibration.columns import COLUMNS, stage_of
from features.vibration.measure import Measured, measure
from features.vibration.plan import Plan, Stage

__all__ = ["WaveformBatch"]

# Fewer samples than this are no waveform.
_MIN_SAMPLES = 16

# Share of clipped samples above which a window is refused as saturated.
_SATURATED_SHARE = 0.01


class WaveformBatch:
    """Windows of equal length and sample rate, and everything that features share of them.

    Args:
        samples: float32 [n, m], acceleration in m/s^2, velocity in m/s or displacement in m.
        sample_rate_hz: Of all windows.
        speed_hz: Shaft speed of each window, [n]; NaN where not known.
        orders: Fault orders of the bearing, None without geometry.
        gear_teeth: Teeth on the shaft, None without a gear.
        blades: Blades on the shaft, None without.
        quantity: What the sensor measures.
        envelope_band_hz: Band of the envelope; None: 0.25 to 0.9 of the Nyquist frequency.
        workers: Threads that measure.
    """

    def __init__(
        self,
        samples: np.ndarray,
        sample_rate_hz: float,
        speed_hz: np.ndarray,
        *,
        orders: FaultOrders | None = None,
        gear_teeth: int | None = None,
        blades: int | None = None,
        quantity: Quantity = Quantity.ACCELERATION,
        envelope_band_hz: tuple[float, float] | None = None,
        workers: int = 1,
    ) -> None:
        self._raw = np.asarray(samples, dtype=np.float32)
        self.plan = Plan(
            int(self._raw.shape[1]),
            sample_rate_hz,
            np.asarray(speed_hz, dtype=np.float64),
            orders,
            gear_teeth,
            blades,
            quantity,
            envelope_band_hz,
        )
        self._workers = workers
        self._measured: Measured | None = None
        self._columns: dict[Stage, np.ndarray] = {}

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self._raw)

    @property
    def samples(self) -> int:
        """Samples a window."""
        return self.plan.samples

    @property
    def duration_s(self) -> float:
        """Length of a window."""
        return self.plan.duration_s

    @property
    def sample_rate_hz(self) -> float:
        """Sample rate of all windows."""
        return self.plan.sample_rate_hz

    @property
    def speed_hz(self) -> np.ndarray:
        """Shaft speed of each window, NaN where not known."""
        return self.plan.speed_hz

    @property
    def orders(self) -> FaultOrders | None:
        """Fault orders of the bearing."""
        return self.plan.orders

    @property
    def gear_teeth(self) -> int | None:
        """Teeth on the shaft."""
        return self.plan.gear_teeth

    @property
    def blades(self) -> int | None:
        """Blades on the shaft."""
        return self.plan.blades

    def prepare(self, stages: Iterable[Stage] | None = None) -> None:
        """Measures several stages in one go; one feature after the other would do so stage by stage.

        Args:
            stages: None: what the feature set of a component asks for.
        """
        if stages is None:
            stages = (Stage.SPECTRUM, *((Stage.ENVELOPE,) if self.plan.orders is not None else ()))
        missing = {Stage.TIME, *stages} - self._columns.keys()
        if not missing or (self._measured is not None and missing == {Stage.TIME}):
            return
        if self.samples < _MIN_SAMPLES:
            nothing = {stage: np.full((self.windows, len(COLUMNS[stage])), np.nan) for stage in missing}
            zeros = np.zeros((self.windows, 2), np.float32)
            measured = Measured(nothing, zeros, np.ones(self.windows, np.bool_))
        else:
            with np.errstate(invalid="ignore", over="ignore"):
                measured = measure(self._raw, self.plan, missing, workers=self._workers)
        self._measured = measured
        self._columns |= measured.columns

    def stage(self, stage: Stage) -> np.ndarray:
        """All columns of a stage, [n, names], without regard to `codes`."""
        if stage not in self._columns:
            self.prepare(None if stage in (Stage.SPECTRUM, Stage.ENVELOPE) and self.plan.orders else (stage,))
        return self._columns[stage]

    def column(self, name: str) -> np.ndarray:
        """One column of `features.vibration.columns`, [n], without regard to `codes`."""
        stage = stage_of(name)
        return self.stage(stage)[:, COLUMNS[stage].index(name)]

    @cached_property
    def codes(self) -> np.ndarray:
        """Why a window is of no use for any feature, 0 where it is of use."""
        if self.samples == 0:
            return np.full(self.windows, codes_of(FeatureRefusal.EMPTY), np.int8)
        if self.samples < _MIN_SAMPLES:
            return np.full(self.windows, codes_of(FeatureRefusal.TOO_SHORT), np.int8)
        self.stage(Stage.TIME)
        measured = self._measured
        assert measured is not None  # noqa: S101 - the stage above measures
        codes = np.zeros(self.windows, np.int8)
        codes[self.saturation > _SATURATED_SHARE] = codes_of(FeatureRefusal.SATURATED)
        codes[measured.extremes[:, 0] == measured.extremes[:, 1]] = codes_of(FeatureRefusal.CONSTANT)
        codes[~measured.finite] = codes_of(FeatureRefusal.NOT_FINITE)
        return codes

    @property
    def saturation(self) -> np.ndarray:
        """Share of samples inside a run of three or more at the window's largest or smallest value."""
        return self.column("saturation_share")

    def power(self) -> np.ndarray:
        """One-sided Hann power spectrum of the windows, float64 [n, m // 2 + 1], for plots and peaks by hand."""
        raw = np.where(self.codes[:, None] == 0, self._raw, np.float32(0)).astype(np.float64)
        spectrum = signals.transform(raw - raw.mean(axis=1, keepdims=True))
        return signals.power(signals.hann(spectrum, self.samples), self.samples)

    def distinct_values(self, row: int) -> int:
        """Number of different sample values in a window."""
        return len(np.unique(self._raw[row]))
