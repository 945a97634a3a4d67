"""The simulated plant behind the historian's port."""

import datetime as dt
import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from features.core.clock import Clock, require_utc
from features.core.errors import ConfigError
from features.core.statements import MaintenanceEvent
from pipelines.historian.port import RAW_ROWS, Page, RawWaveform, TagInfo, unknown_tags
from pipelines.historian.simulator.config import SimulatorConfig, read_config
from pipelines.historian.simulator.delivery import TEXTS
from pipelines.historian.simulator.draws import BLOCK_H
from pipelines.historian.simulator.log import maintenance_log
from pipelines.historian.simulator.machinery import build_machines
from pipelines.historian.simulator.plant import tag_units
from pipelines.historian.simulator.snapshots import Snapshots
from pipelines.historian.simulator.station import Station
from pipelines.settings import SourceSettings

__all__ = ["Simulator"]

# A waveform weighs as much in a page as this many rows, so that pages stay below some 100 MB.
_WAVEFORM_ROWS = 64
# Weeks simulated beyond the declared history, and added when the clock comes near the end.
_SPARE_WEEKS = 13
_MORE_WEEKS = 52


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: str
    config: Path


class Simulator:
    """A historian of a plant that does not exist; rows up to the clock's now, never beyond.

    Args:
        name: The historian's name, as the plant file's tags use it.
        config: The plant.
        clock: What is now.
    """

    def __init__(self, name: str, config: SimulatorConfig, clock: Clock) -> None:
        self.name, self.config, self._clock = name, config, clock
        self.lag = dt.timedelta(hours=config.vices.lag_hours)
        self._machines = {machine.id: machine for machine in build_machines(config)}
        self._tags = {
            machine.tag(role): (machine.id, role)
            for machine in self._machines.values()
            for role in ("vibration_h", *machine.roles)
        }
        self._weeks = -(-config.history_days // 7) + _SPARE_WEEKS
        self._stations: dict[str, Station] = {}
        self._snapshots: dict[str, Snapshots] = {}

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings, clock: Clock) -> Self:
        """Open the simulator that `config` names, a YAML file.

        Raises:
            ConfigError: A key is missing or unknown, or the file is not valid.
        """
        try:
            keys = _Keys.model_validate(settings.model_dump())
        except ValidationError as err:
            first = err.errors(include_url=False)[0]
            raise ConfigError(
                f"source {name!r} (simulator): {'.'.join(map(str, first['loc']))}: {first['msg']}",
                {"source": name},
            ) from None
        return cls(name, read_config(keys.config), clock)

    def check(self) -> str:
        """One line for a person."""
        return (
            f"simulator of {len(self._machines)} machines since {self.config.start:%Y-%m-%d}, "
            f"config {self.config.sha256[:12]}"
        )

    def tags(self) -> list[TagInfo]:
        """Every tag."""
        units = tag_units()
        return [
            TagInfo(tag, units[role], f"{role.replace('_', ' ')} of {machine_id}")
            for tag, (machine_id, role) in self._tags.items()
        ]

    def read(self, tags: Sequence[str], start: dt.datetime, end: dt.datetime, page_rows: int) -> Iterator[Page]:
        """Rows and waveforms of [start, min(end, now)) that have arrived by now.

        Raises:
            ConfigError: An unknown tag, or an interval or page size that is not valid.
        """
        unknown = unknown_tags(tags, self._tags)
        if unknown:
            near = difflib.get_close_matches(unknown[0], list(self._tags), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"historian {self.name!r} has no tag {unknown[0]!r}{hint}", {"tags": unknown, "source": self.name}
            )
        start, end = require_utc(start), require_utc(end)
        if end < start or page_rows < 1:
            raise ConfigError(f"cannot read from {start} to {end} in pages of {page_rows} rows")
        return self._pages(list(dict.fromkeys(tags)), start, end, page_rows)

    def events(self, since: dt.datetime, until: dt.datetime) -> list[MaintenanceEvent]:
        """Log entries that became known in [since, until) and by now, in that order."""
        now = self._clock.now()
        self._reach(now)
        found = [
            event
            for machine_id in self._machines
            for event in maintenance_log(self._station(machine_id), self.name)
            if since <= event.available_at < until and event.available_at <= now
        ]
        return sorted(found, key=lambda event: (event.available_at, event.source_event_id, event.revision))

    def close(self) -> None:
        """Forget what was simulated."""
        self._stations.clear()
        self._snapshots.clear()

    def _pages(self, tags: list[str], start: dt.datetime, end: dt.datetime, page_rows: int) -> Iterator[Page]:
        now = self._clock.now()
        stop = min(end, now)
        self._reach(stop)
        waves = sum(self._tags[tag][1] == "vibration_h" for tag in tags)
        per_hour = len(tags) - waves + waves * _WAVEFORM_ROWS / self.config.waveform_every_hours
        step = dt.timedelta(hours=max(int(page_rows / max(per_hour, 1e-9)), 1)) if tags else stop - start
        begin = start
        while begin < stop:
            until = min(begin + step, stop)
            yield Page(self._rows(tags, begin, until, now), until, self._waveforms(tags, begin, until, now))
            begin = until

    def _rows(self, tags: list[str], start: dt.datetime, end: dt.datetime, now: dt.datetime) -> pl.DataFrame:
        first, last, arrived = (self._microseconds(moment) for moment in (start, end, now))
        parts: list[tuple[np.ndarray, ...]] = []
        for number, tag in enumerate(tags):
            machine_id, role = self._tags[tag]
            if role == "vibration_h":
                continue
            rows = self._station(machine_id).delivered(role)
            cut = slice(*np.searchsorted(rows.stamp_us, [first, last]))
            seen = rows.arrival_us[cut] <= arrived
            columns = (rows.stamp_us, rows.arrival_us, rows.value, rows.text, rows.quality, rows.status)
            count = int(seen.sum())
            parts.append((np.full(count, number), *(column[cut][seen] for column in columns)))
        if not parts:
            return pl.DataFrame(schema=RAW_ROWS)
        which, stamp, arrival, value, text, quality, status = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        order = np.lexsort((which, arrival))  # as they came in: late rows stand behind younger ones
        origin = self._microseconds(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
        words = pl.Series(TEXTS, dtype=pl.String)
        frame = pl.DataFrame(
            {
                "tag": pl.Series(tags, dtype=pl.String).gather(which[order]),
                "time": pl.Series(stamp[order] - origin).cast(pl.Datetime("us", "UTC")),
                "value": value[order],
                "text": words.gather(text[order].astype(np.int64)),
                "quality": quality[order],
                "status": status[order],
            }
        )
        spoken = pl.col("text") != ""
        return frame.with_columns(
            pl.when(~spoken).then("value").alias("value"), pl.when(spoken).then("text").alias("text")
        )

    def _waveforms(
        self, tags: list[str], start: dt.datetime, end: dt.datetime, now: dt.datetime
    ) -> list[RawWaveform]:
        found: list[RawWaveform] = []
        for tag in tags:
            machine_id, role = self._tags[tag]
            if role == "vibration_h":
                if machine_id not in self._snapshots:
                    self._snapshots[machine_id] = Snapshots(self._station(machine_id))
                found += self._snapshots[machine_id].between(start, end, now)
        return sorted(found, key=lambda waveform: (waveform.time, waveform.tag))

    def _microseconds(self, moment: dt.datetime) -> int:
        return (moment - self.config.start) // dt.timedelta(microseconds=1)

    def _station(self, machine_id: str) -> Station:
        if machine_id not in self._stations:
            self._stations[machine_id] = Station(self.config, self._machines[machine_id], self._weeks * BLOCK_H)
        return self._stations[machine_id]

    def _reach(self, moment: dt.datetime) -> None:
        """Simulate on when the moment lies beyond what was simulated: the past stays as it was."""
        needed = (moment - self.config.start) // dt.timedelta(weeks=1) + 2
        if needed > self._weeks:
            self._weeks += -(-(needed - self._weeks) // _MORE_WEEKS) * _MORE_WEEKS
            self.close()
