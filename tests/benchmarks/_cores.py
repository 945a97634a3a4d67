"""How much faster the full vibration set is on two cores than on one."""

import functools
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from features.vibration.measure import measure
from tests.benchmarks._waveforms import FULL, RATES_HZ, WINDOWS, log, machine_signal, plan_of


@numba.njit(nogil=True, fastmath=True)  # type: ignore[untyped-decorator] # numba has no types
def _arithmetic(x: np.ndarray, rounds: int) -> float:
    """Work that stays in a core's registers and nearest cache: it doubles on two cores if there are two."""
    total = np.float32(0.0)
    for number in range(rounds):
        factor = np.float32(number)
        for value in x:
            total += (value * factor + np.float32(1.5)) * (value + factor) + value * value
    return float(total)


def two_cores(quick: bool) -> tuple[float | None, list[dict[str, object]]]:
    """Wall time on one thread over that on two, least of each, at the length where it is less; None on one core.

    Pairs are taken for ten seconds a length. Beside them runs work that needs no memory: on a virtual machine
    whose two processors are two threads of one core for a while, that doubles as little. The table holds it.
    """
    if len(os.sched_getaffinity(0)) < 2:
        return None, []
    table: list[dict[str, object]] = []
    with ThreadPoolExecutor(1) as other:
        small = np.linspace(0.0, 1.0, 2048, dtype=np.float32)
        _arithmetic(small, 1)

        def arithmetic(workers: int) -> None:
            theirs = other.submit(_arithmetic, small, 20_000) if workers == 2 else None
            _arithmetic(small, 20_000)
            _arithmetic(small, 20_000) if theirs is None else theirs.result()

        for samples, rate_hz in RATES_HZ.items():
            windows = 32 if quick else WINDOWS
            x, plan = machine_signal(windows, samples, rate_hz), plan_of(windows, samples, rate_hz)
            works = (functools.partial(measure, x, plan, FULL), arithmetic)
            rounds: list[list[float]] = []
            until = time.monotonic() + (0.2 if quick else 10.0)
            while len(rounds) < 10 or time.monotonic() < until:
                rounds.append([])
                for work in works:
                    for workers in (1, 2):
                        start = time.perf_counter()
                        work(workers=workers)
                        rounds[-1].append(time.perf_counter() - start)
            took = np.array(rounds[1:])
            one, two, one_arithmetic, two_arithmetic = took.min(axis=0)
            table.append(
                {
                    "samples": samples,
                    "pairs": len(took),
                    "speedup": one / two,
                    "speedup_of_arithmetic": one_arithmetic / two_arithmetic,
                    "median_of_pairs": float(np.median(took[:, 0] / took[:, 1])),
                    "median_of_pairs_of_arithmetic": float(np.median(took[:, 2] / took[:, 3])),
                }
            )
            log(f"{samples} samples: two cores {one / two:.2f} times as fast")
    return min(float(row["speedup"]) for row in table), table  # type: ignore[arg-type] # a float, see above
