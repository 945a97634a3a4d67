"""The one way from waveforms to numbers: blocks of windows that fit the cache, all stages on each block."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Queue

import numpy as np
import scipy.fft

from features.core.units import Quantity
from features.vibration import kernels, kurtogram
from features.vibration.columns import COLUMNS
from features.vibration.plan import HIGHEST_PEAKS, ROLL_OFF, Plan, Stage

__all__ = ["Measured", "measure"]

# Samples of a block, and the windows that a transform works on at once without loss.
_BLOCK_SAMPLES, _ROWS = 5 << 17, 8

# A displacement is read off at no less than this many samples a period of its highest frequency.
_DISPLACEMENT_SAMPLING = 2.05

_Scratch = dict[str, np.ndarray]
_Centres = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers of all windows: `columns` [n, names] by stage, and what tells windows of no use.

    `extremes` [n, 2]: smallest and largest sample; `finite` [n]: whether all samples are.
    """

    columns: dict[Stage, np.ndarray]
    extremes: np.ndarray
    finite: np.ndarray


def measure(samples: np.ndarray, plan: Plan, stages: Iterable[Stage], *, workers: int = 1) -> Measured:
    """All columns of the wanted stages.

    A value that cannot be told (too short a window, a line outside the spectrum, no speed) is NaN; values of
    constant and saturated windows are not told apart from others here, those of windows with a sample
    that is not finite are of a window of zeros.

    Args:
        samples: float32 [n, m], m at least 16.
        plan: What is to be measured; its speeds belong to these rows.
        stages: What is wanted; what a stage stands on is computed with it.
        workers: Threads; blocks are independent of each other, so that results do not depend on it.
    """
    wanted = frozenset(stages) | {Stage.TIME}
    if Stage.CEPSTRUM in wanted:
        wanted |= {Stage.SPECTRUM}
    n = len(samples)
    found = Measured(
        {stage: np.empty((n, len(COLUMNS[stage]))) for stage in wanted},
        np.empty((n, 2), np.float32),
        np.empty(n, np.bool_),
    )
    centres = {
        Stage.SPECTRUM: plan.centres(plan.spectrum_lines),
        Stage.ENVELOPE: plan.centres(plan.envelope_lines),
    }
    scratch: Queue[_Scratch] = Queue()
    for _ in range(workers):
        scratch.put({})
    most = min(_BLOCK_SAMPLES // plan.samples, -(-n // workers))
    rows = max(most // _ROWS, 1) * _ROWS

    def block(first: int) -> None:
        part = slice(first, first + rows)
        to = Measured({s: c[part] for s, c in found.columns.items()}, found.extremes[part], found.finite[part])
        mine = scratch.get()
        lines = {stage: (where[part], shares) for stage, (where, shares) in centres.items()}
        _Block(plan, plan.speed_hz[part], lines, to, mine).run(samples[part])
        scratch.put(mine)

    starts = range(0, n, rows)
    if workers > 1 and len(starts) > 1:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(block, starts))
    else:
        for start in starts:
            block(start)
    return found


class _Block:
    """The stages over a block of windows; each writes its columns."""

    def __init__(
        self, plan: Plan, speed_hz: np.ndarray, lines: dict[Stage, _Centres], to: Measured, scratch: _Scratch
    ) -> None:
        self._plan, self._speed_hz, self._lines, self._to, self._scratch = plan, speed_hz, lines, to, scratch
        self._rows = len(speed_hz)

    def run(self, samples: np.ndarray) -> None:
        wanted = self._to.columns.keys()
        centred = self._time(np.ascontiguousarray(samples, dtype=np.float32))
        if wanted == {Stage.TIME}:
            return
        spectrum = scipy.fft.rfft(centred, axis=1)
        parts = spectrum.view(np.float32)
        if Stage.SPECTRUM in wanted:
            thinned = self._spectrum(parts)
            if Stage.CEPSTRUM in wanted:
                self._cepstrum(thinned)
        if Stage.DISPLACEMENT in wanted:
            self._displacement(parts)
        if Stage.ENVELOPE in wanted:
            self._envelope(spectrum)
        if Stage.KURTOGRAM in wanted:
            self._kurtogram(spectrum)

    def _room(self, name: str, columns: int) -> np.ndarray:
        """A float32 array that is written over block after block: fresh memory costs more than a pass."""
        if name not in self._scratch or len(self._scratch[name]) < self._rows:
            self._scratch[name] = np.empty((self._rows, columns), np.float32)
        return self._scratch[name][: self._rows]

    def _time(self, samples: np.ndarray) -> np.ndarray:
        """Returns the windows without their means."""
        extremes, mean, sums = self._to.extremes, np.empty(self._rows), np.empty((self._rows, kernels.SUMS))
        kernels.means(samples, mean, extremes)
        self._to.finite[:] = np.isfinite(mean)
        if not self._to.finite.all():
            samples = np.where(self._to.finite[:, None], samples, np.float32(0))
            kernels.means(samples, mean, extremes)
        middle = mean.astype(np.float32)
        peak = np.maximum(extremes[:, 1] - middle, middle - extremes[:, 0])
        scale = np.float32(1) / np.where(peak > 0, peak, np.float32(1))
        centred = self._room("centred", self._plan.samples)
        kernels.centre(samples, middle, scale, extremes, centred, sums)
        clipped = np.zeros(self._rows)
        for row in np.flatnonzero(sums[:, 6] > 2).tolist():
            clipped[row] = sum(kernels.clipped_samples(samples[row], value) for value in extremes[row])
        out = self._to.columns[Stage.TIME]
        kernels.time_columns(
            self._plan.samples, self._plan.duration_s, extremes, mean, peak.astype(np.float64), sums, clipped, out
        )
        return centred

    def _spectrum(self, parts: np.ndarray) -> np.ndarray:
        """Returns means of four neighbouring logarithms of the power spectrum."""
        plan, n = self._plan, self._rows
        power, logs = self._room("power", plan.bins), self._room("logs", plan.bins)
        thinned = self._room("thinned", plan.bins // 4)
        kernels.power_and_log(parts, plan.samples, power, logs)
        np.log(logs, out=logs)
        spectral, bands = np.empty((n, 6)), np.empty((n, len(plan.bands) + 1))
        kernels.spectral_sums(power, logs, ROLL_OFF, spectral, thinned)
        kernels.band_sums(power, plan.bands, plan.velocity_weights, plan.velocity_bins[0], bands)
        places, energies = np.empty((n, HIGHEST_PEAKS)), np.empty((n, HIGHEST_PEAKS))
        kernels.highest(power, 2, 3, places, energies)
        centres, shares = self._lines[Stage.SPECTRUM]
        lines = np.empty(centres.shape)
        kernels.line_energies(power, centres, shares, plan.samples / 2 - 3, lines, lines[:, :0])
        kernels.spectrum_columns(
            plan.bins,
            plan.resolution_hz,
            self._speed_hz,
            plan.exponent,
            plan.covered,
            spectral,
            bands,
            places,
            energies,
            lines,
            self._to.columns[Stage.SPECTRUM],
        )
        return thinned

    def _cepstrum(self, thinned: np.ndarray) -> None:
        """Highest rahmonic: amplitude of the ripple of the logarithmic power spectrum, neper."""
        first, after, step_s = self._plan.quefrencies
        out = self._to.columns[Stage.CEPSTRUM]
        if after <= first:
            out[:] = np.nan
            return
        cepstrum = scipy.fft.dct(thinned, type=2, axis=1, overwrite_x=True)[:, first:after]
        at = cepstrum.argmax(axis=1)
        out[:, 0] = (first + at) * step_s
        out[:, 1] = cepstrum[np.arange(len(at)), at] / np.float32(thinned.shape[1])

    def _displacement(self, parts: np.ndarray) -> None:
        """Largest swing of the Hann-weighted displacement, from an inverse transform of its band only."""
        plan, (low, high) = self._plan, self._plan.displacement_bins
        out = self._to.columns[Stage.DISPLACEMENT]
        if high <= low or not plan.covered[0]:
            out[:] = np.nan
            return
        length = scipy.fft.next_fast_len(min(int(_DISPLACEMENT_SAMPLING * high) + 1, plan.samples), real=True)
        band = self._room("band", 2 * high)
        band[:, : 2 * low] = 0
        kernels.integrated(parts, plan.displacement_factors, low, band)
        lines = band.view(np.complex64)
        if plan.quantity is Quantity.VELOCITY:
            lines *= np.complex64(-1j)
        swing = scipy.fft.irfft(lines, n=length, axis=1)
        out[:, 0] = (swing.max(axis=1) - swing.min(axis=1)) * (length / plan.samples)

    def _envelope(self, spectrum: np.ndarray) -> None:
        plan, (low, high) = self._plan, self._plan.envelope_bins
        length = scipy.fft.next_fast_len(high - low)
        analytic = scipy.fft.ifft(spectrum[:, low:high], n=length, axis=1)
        envelope, moments = self._room("envelope", length), np.empty((self._rows, 3))
        kernels.magnitude(analytic.view(np.float32), 2.0 * length / plan.samples, envelope, moments)
        parts = scipy.fft.rfft(envelope, axis=1).view(np.float32)
        power = self._room("envelope power", length // 2 + 1)
        kernels.power_and_log(parts, length, power, power[:, :0])
        centres, shares = self._lines[Stage.ENVELOPE]
        energy, beside = np.empty(centres.shape), np.empty(centres.shape)
        limit = plan.envelope_reach_hz / plan.resolution_hz - 3
        kernels.line_energies(power, centres, shares, limit, energy, beside)
        kernels.envelope_columns(moments, energy, beside, self._to.columns[Stage.ENVELOPE])

    def _kurtogram(self, spectrum: np.ndarray) -> None:
        """The most impulsive band of a tree of halves, and its kurtosis."""
        plan, out = self._plan, self._to.columns[Stage.KURTOGRAM]
        counts = kurtogram.tree(plan.samples, kurtogram.LEVELS, thirds=False)
        if not counts:
            out[:] = np.nan
            return
        values = np.empty((self._rows, sum(counts)))
        peak = self._to.columns[Stage.TIME][:, COLUMNS[Stage.TIME].index("peak")]
        kurtogram.tree_values(spectrum, plan.samples, peak, counts, values)
        edges = kurtogram.bands(plan.samples, plan.sample_rate_hz, counts)
        out[:, :2], out[:, 2] = kurtogram.Kurtogram(edges, values).best()
