"""The waveforms of one machine, a week at a time: made in fixed blocks, so pages cannot change them."""

import datetime as dt

import numpy as np

from pipelines.historian.port import RawWaveform
from pipelines.historian.simulator.draws import BLOCK_H, Draws, Floats
from pipelines.historian.simulator.station import Station
from pipelines.historian.simulator.vibration import synthesize

__all__ = ["Snapshots"]


class Snapshots:
    """Waveforms of a station; the block made last is kept, because pages end inside blocks."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._block = -1
        self._made: list[tuple[dt.datetime, RawWaveform]] = []

    def between(self, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> list[RawWaveform]:
        """Waveforms with time in [start, end) that had arrived by `now`."""
        origin, found = self._station.config.start, []
        week = dt.timedelta(hours=BLOCK_H)
        # The clock skew is below one hour, so the first block to look at is found an hour early.
        first = max((start - dt.timedelta(hours=1) - origin) // week, 0)
        last = min((end + dt.timedelta(hours=1) - origin) // week, self._station.hours // BLOCK_H - 1)
        for block in range(first, last + 1):
            for arrival, waveform in self._waveforms(block):
                if start <= waveform.time < end and arrival <= now:
                    found.append(waveform)
        return found

    def _waveforms(self, block: int) -> list[tuple[dt.datetime, RawWaveform]]:
        if block != self._block:
            self._made, self._block = self._make(block), block
        return self._made

    def _make(self, block: int) -> list[tuple[dt.datetime, RawWaveform]]:
        station, config, machine = self._station, self._station.config, self._station.machine
        rng = Draws(config.seed).stream(machine.id, "waveform", block)
        hours = block * BLOCK_H + np.arange(0, BLOCK_H, config.waveform_every_hours, dtype=np.int64)
        times_h: Floats = hours.astype(np.float64) + np.float64(machine.waveform_minute / 60)
        at = station.conditions(times_h, rng)
        dead, late, delay = rng.random((3, len(hours)))
        waves = synthesize(machine, at, samples=config.samples, sample_rate_hz=config.sample_rate_hz, rng=rng)
        is_dead = dead < config.vices.dead_waveform_share
        waves[is_dead] = 0.0
        waves.setflags(write=False)
        made = []
        for row in np.flatnonzero(~station.gaps[hours]):
            seconds = float(hours[row]) * 3600 + machine.waveform_minute * 60 + machine.skew_s
            time = config.start + dt.timedelta(seconds=seconds)
            wait = float(delay[row]) * config.vices.lag_hours if late[row] < config.vices.late_share else 0.0
            # Drives with variable speed record it with the snapshot, the others have none.
            speed = round(float(at.speed_hz[row]), 2) if machine.machine_class.variable_speed else None
            made.append(
                (
                    time + dt.timedelta(seconds=round(wait * 3600)),
                    RawWaveform(
                        tag=machine.tag("vibration_h"),
                        time=time,
                        samples=waves[row],
                        sample_rate_hz=config.sample_rate_hz,
                        speed_hz=speed,
                        quality=0 if is_dead[row] else 2,
                        status=0 if is_dead[row] else 192,
                    ),
                )
            )
        return made
