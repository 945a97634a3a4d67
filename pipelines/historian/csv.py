"""A folder of CSV files as a historian: exports of any system, in long or wide layout.

Long: `tag,time,value[,quality]`, one row a reading. Wide: `time,<tag>,<tag>...`, one row a moment; an empty
cell was not measured. Waveforms: Parquet files with columns `tag`, `time`, `sample_rate_hz`, `samples` (a
list), and where known `speed_hz`. Units, where the export states them: a file `tags.csv` with `tag`, `unit`,
`description`. Files are read as a whole, so a folder should hold at most some ten million values.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from pydantic import ValidationError

from features.core.clock import EARLIEST, Clock, require_utc
from features.core.errors import ConfigError
from features.core.settings import nearest
from features.core.statements import MaintenanceEvent
from pipelines.historian.csv_layout import TOO_EARLY, CsvConfig, Reading, read_file
from pipelines.historian.memory import pages_of
from pipelines.historian.port import RAW_ROWS, Page, RawWaveform, Rejected, TagInfo, unknown_tags
from pipelines.settings import SourceSettings

__all__ = ["CsvConfig", "CsvFolder"]

_TAGS_FILE = "tags.csv"


class CsvFolder:
    """Reads a folder; a stamp or line that cannot be read is rejected with its text, never guessed.

    Args:
        name: The historian's name, as the plant file's tags use it.
        config: Where and how.
    """

    def __init__(self, name: str, config: CsvConfig) -> None:
        self.name, self._config = name, config
        self.lag = dt.timedelta(minutes=config.lag_minutes)
        self._read: dict[Path, tuple[tuple[int, int], Reading]] = {}

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings, clock: Clock) -> Self:
        """The folder that a source's keys describe.

        Raises:
            ConfigError: A key is missing, unknown or has no valid value.
        """
        del clock  # files are what they are, whatever the time is
        try:
            return cls(name, CsvConfig.model_validate(settings.model_dump()))
        except ValidationError as err:
            first = err.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            is_unknown = first["type"] == "extra_forbidden"
            hint = f"; {nearest(key, list(CsvConfig.model_fields))}" if is_unknown else ""
            raise ConfigError(
                f"source {name!r}: {key}: {first['msg']}{hint}", {"source": name, "key": key}
            ) from err

    def check(self) -> str:
        """How many files and tags there are."""
        return f"{len(self._files())} files with {len(self.tags())} tags in {self._config.folder}"

    def tags(self) -> list[TagInfo]:
        """Every tag of the files, with its unit where `tags.csv` states one."""
        stated = self._stated()
        rows = [file.rows.get_column("tag") for file in self._readings()]
        waves = [_wave_frame(file).select("tag").collect().get_column("tag") for file in self._wave_files()]
        names = {name for column in (*rows, *waves) for name in column.unique()}
        return [stated.get(name, TagInfo(name, None)) for name in sorted(names)]

    def read(self, tags: Sequence[str], start: dt.datetime, end: dt.datetime, page_rows: int) -> Iterator[Page]:
        """Rows and waveforms of [start, end) in order of time; what could not be read comes first.

        Raises:
            ConfigError: A tag or the folder is not there, or a file has not the declared columns.
        """
        start, end = require_utc(start), require_utc(end)
        missing = unknown_tags(tags, [info.tag for info in self.tags()])
        if missing:
            raise ConfigError(f"{self.name}: no tag {missing[0]!r} in {self._config.folder}", {"tags": missing})
        readings = self._readings()
        asked = pl.col("tag").is_in(list(tags)), pl.col("time") >= start, pl.col("time") < end
        rows = pl.concat([RAW_ROWS.to_frame(), *(reading.rows.filter(*asked) for reading in readings)])
        waveforms = [
            waveform for file in self._wave_files() for waveform in _waveforms(_wave_frame(file).filter(*asked))
        ]
        rejected = [item for reading in readings for item in reading.rejected]
        rejected += [item for file in self._wave_files() for item in _unset_clock(file)]
        ordered = rows.sort("time", maintain_order=True)
        yield from pages_of(ordered, waveforms, end=end, page_rows=page_rows, rejected=rejected)

    def events(self, since: dt.datetime, until: dt.datetime) -> list[MaintenanceEvent]:
        """None: logs in files come in by `wearcast events import`."""
        del since, until
        return []

    def close(self) -> None:
        """Nothing to give back."""

    def _files(self) -> list[Path]:
        folder = self._config.folder
        if not folder.is_dir():
            raise ConfigError(f"source {self.name!r}: folder {folder} is not there", {"folder": str(folder)})
        return sorted(file for file in folder.glob(self._config.pattern) if file.name != _TAGS_FILE)

    def _readings(self) -> list[Reading]:
        """Every file, read again only when it changed."""
        found = []
        for file in self._files():
            stat = file.stat()
            state = (stat.st_mtime_ns, stat.st_size)
            held = self._read.get(file)
            if held is None or held[0] != state:
                try:
                    held = (state, read_file(file, self._config))
                except ConfigError as err:
                    raise ConfigError(f"source {self.name!r}, {file}: {err}", {"file": str(file)}) from err
                self._read[file] = held
            found.append(held[1])
        return found

    def _wave_files(self) -> list[Path]:
        return sorted(self._config.folder.glob(self._config.waveforms))

    def _stated(self) -> dict[str, TagInfo]:
        file = self._config.folder / _TAGS_FILE
        if not file.exists():
            return {}
        table = pl.read_csv(file, separator=self._config.separator, infer_schema=False)
        if not {"tag", "unit"} <= set(table.columns):
            raise ConfigError(f"{file}: needs columns tag and unit", {"file": str(file)})
        return {
            row["tag"]: TagInfo(row["tag"], row["unit"], row.get("description") or "")
            for row in table.iter_rows(named=True)
        }


def _wave_frame(file: Path) -> pl.LazyFrame:
    """Columns `tag`, `time` (UTC), `sample_rate_hz`, `samples`, `speed_hz` of a waveform file."""
    frame = pl.scan_parquet(file)
    schema = frame.collect_schema()
    missing = [name for name in ("tag", "time", "sample_rate_hz", "samples") if name not in schema]
    time = schema.get("time")
    if missing or not isinstance(time, pl.Datetime) or time.time_zone is None:
        problem = f"no column {missing[0]!r}" if missing else "column time has no time zone"
        raise ConfigError(f"{file}: {problem}; a waveform file has tag, time (with zone), sample_rate_hz, samples")
    speed = pl.col("speed_hz").cast(pl.Float64) if "speed_hz" in schema else pl.lit(None, pl.Float64)
    return frame.select(
        "tag",
        pl.col("time").dt.convert_time_zone("UTC").dt.cast_time_unit("us"),
        pl.col("sample_rate_hz").cast(pl.Float64),
        pl.col("samples").cast(pl.List(pl.Float32)),
        speed_hz=speed,
    )


def _unset_clock(file: Path) -> Iterator[Rejected]:
    """Waveforms from before there can be any: nobody asks for such times."""
    early = _wave_frame(file).filter(pl.col("time") < EARLIEST).select("tag", "time").collect()
    for tag, time in early.iter_rows():
        yield Rejected(tag, time, f"{time.isoformat()} waveform", TOO_EARLY, file.name)


def _waveforms(frame: pl.LazyFrame) -> Iterator[RawWaveform]:
    table = frame.collect()
    facts = table.select("tag", "time", "sample_rate_hz", "speed_hz").iter_rows()
    for (tag, time, rate, speed), samples in zip(facts, table.get_column("samples"), strict=True):
        burst = np.empty(0, dtype=np.float32) if samples is None else samples.to_numpy()
        yield RawWaveform(tag, time, burst, rate, speed)
