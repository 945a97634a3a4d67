"""The one way from waveforms to numbers: blocks of windows that fit the cache, all stages on each block."""

import functools
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.fft

from features.core.units import Quantity
from features.vibration import kernels, kurtogram
from features.vibration.columns import COLUMNS
from features.vibration.plan import HIGHEST_PEAKS, ROLL_OFF, Plan, Stage

__all__ = ["Measured", "measure"]

# Samples of a block, and the windows that a transform works on at once without loss.
_BLOCK_SAMPLES, _ROWS = 1 << 19, 8

# A displacement is read off at no less than this many samples a period of its highest frequency.
_DISPLACEMENT_SAMPLING = 2.05

_Centres = tuple[np.ndarray, np.ndarray]


class _Scratch(threading.local):
    """Memory of one thread, written over block after block and call after call: fresh pages cost a pass each."""

    def __init__(self) -> None:
        self._kept: dict[str, np.ndarray] = {}
        # glibc keeps freed memory up to twice the largest block that it has given back, of at most 32 MB: without
        # this one, never touched, the pages of each transform would go back to the system and be asked for again.
        np.empty(31 << 20, np.uint8)

    def room(self, name: str, rows: int, columns: int) -> np.ndarray:
        """A float32 array [rows, columns] of any content; valid until the next call for that name."""
        kept = self._kept.get(name)
        if kept is None or kept.size < rows * columns:
            kept = self._kept[name] = np.empty(rows * columns, np.float32)
        return kept[: rows * columns].reshape(rows, columns)


_SCRATCH = _Scratch()


@functools.cache
def _threads(workers: int) -> ThreadPoolExecutor:
    """Threads that stay, and with them their scratch memory."""
    return ThreadPoolExecutor(workers, thread_name_prefix="measure")


# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=_threads.cache_clear)


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
    most = min(_BLOCK_SAMPLES // plan.samples, -(-n // workers))
    rows = max(most // _ROWS, 1) * _ROWS

    def block(first: int, after: int) -> None:
        part = slice(first, after)
        to = Measured({s: c[part] for s, c in found.columns.items()}, found.extremes[part], found.finite[part])
        lines = {stage: (where[part], shares) for stage, (where, shares) in centres.items()}
        _Block(plan, plan.speed_hz[part], lines, to).run(samples[part])

    def blocks(first: int, after: int) -> None:
        for start in range(first, after, rows):
            block(start, min(start + rows, after))

    # One stretch a thread, the first one here: threads that hand over block by block wait for each other.
    stretch = -(-n // (workers * _ROWS)) * _ROWS
    firsts = range(stretch, n, stretch) if workers > 1 else range(0)
    others = [_threads(workers - 1).submit(blocks, first, min(first + stretch, n)) for first in firsts]
    blocks(0, stretch if others else n)
    for other in others:
        other.result()
    return found


class _Block:
    """The stages over a block of windows; each writes its columns."""

    def __init__(self, plan: Plan, speed_hz: np.ndarray, lines: dict[Stage, _Centres], to: Measured) -> None:
        self._plan, self._speed_hz, self._lines, self._to = plan, speed_hz, lines, to
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
        return _SCRATCH.room(name, self._rows, columns)

    def _time(self, samples: np.ndarray) -> np.ndarray:
        """Returns the windows without their means."""
        plan, to, centred = self._plan, self._to, self._room("centred", self._plan.samples)
        kernels.time_pass(samples, plan.duration_s, to.extremes, to.finite, centred, to.columns[Stage.TIME])
        return centred

    def _spectrum(self, parts: np.ndarray) -> np.ndarray:
        """Returns means of four neighbouring logarithms of the power spectrum."""
        plan = self._plan
        power, logs = self._room("power", plan.bins), self._room("logs", plan.bins)
        thinned = self._room("thinned", plan.bins // 4)
        kernels.power_and_log(parts, plan.samples, power, logs)
        np.log(logs, out=logs)
        kernels.spectrum_pass(
            power,
            logs,
            ROLL_OFF,
            HIGHEST_PEAKS,
            plan.bands,
            plan.velocity_weights,
            plan.velocity_bins[0],
            *self._lines[Stage.SPECTRUM],
            plan.samples / 2 - 3,
            plan.resolution_hz,
            self._speed_hz,
            plan.exponent,
            plan.covered,
            thinned,
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
        cepstrum = scipy.fft.dct(thinned, type=2, axis=1, overwrite_x=True)
        kernels.rahmonics(cepstrum, first, after, out)
        out[:, 0] *= step_s
        out[:, 1] /= thinned.shape[1]

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
        kernels.swings(swing, length / plan.samples, out)

    def _envelope(self, spectrum: np.ndarray) -> None:
        plan, (low, high) = self._plan, self._plan.envelope_bins
        length = scipy.fft.next_fast_len(high - low, real=True)
        analytic = scipy.fft.ifft(spectrum[:, low:high], n=length, axis=1)
        envelope, moments = self._room("envelope", length), np.empty((self._rows, 3))
        kernels.magnitude(analytic.view(np.float32), 2.0 * length / plan.samples, envelope, moments)
        parts = scipy.fft.rfft(envelope, axis=1).view(np.float32)
        limit = plan.envelope_reach_hz / plan.resolution_hz - 3
        out = self._to.columns[Stage.ENVELOPE]
        kernels.envelope_pass(parts, length, moments, *self._lines[Stage.ENVELOPE], limit, out)

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
