"""The runs of a folder with FEMTO files: their conditions, their days, and how much of each may be seen."""

import datetime as dt
import json
import re
from dataclasses import dataclass
from pathlib import Path

from features.core.errors import ConfigError

__all__ = ["TRUTH", "Bearing", "bearings_in", "given_snapshots"]


@dataclass(frozen=True, slots=True)
class Bearing:
    """One run to failure: its name, its day, and what was held constant (shaft in Hz, load in N)."""

    name: str
    date: dt.date
    speed_hz: float
    load_n: int
    has_temperature: bool = True

    @property
    def machine_id(self) -> str:
        """Machine of the plant file."""
        return f"femto-{self.name}"

    @property
    def begin(self) -> dt.datetime:
        """Time zero of `elapsed_s`: the experiment's date, UTC."""
        return dt.datetime.combine(self.date, dt.time(), tzinfo=dt.UTC)

    @property
    def rated_life_h(self) -> float:
        """Basic rating life in hours at this load and speed (ISO 281:2007, formula 6, ball bearings)."""
        return (_DYNAMIC_LOAD_N / self.load_n) ** 3 * 1e6 / (3600.0 * self.speed_hz)


# Basic dynamic load rating of the bearing, N (challenge document, bearing characteristics). Every bearing has the
# same, so that it leaves the ratios between the conditions, which alone count, as they are.
_DYNAMIC_LOAD_N = 4000.0
# Conditions of the challenge document, table 1: shaft speed in Hz, radial load in N.
_CONDITIONS = {1: (30.0, 4000), 2: (27.5, 4200), 3: (25.0, 5000)}
# Dates of the record files of the learning set.
_DATES = {
    "1_1": dt.date(2010, 12, 1),
    "1_2": dt.date(2011, 4, 6),
    "2_1": dt.date(2011, 5, 6),
    "2_2": dt.date(2011, 6, 17),
    "3_1": dt.date(2011, 4, 7),
    "3_2": dt.date(2011, 6, 28),
}
# Other runs have no date in their files; a day of their own keeps them apart.
_UNDATED = dt.date(2011, 7, 1)
_VIBRATION = re.compile(r"bearing(?P<name>(?P<condition>\d)_(?P<number>\d+))_vibration\.parquet")
# Where a folder says how much of each run may be seen.
TRUTH = "truth.json"


def bearings_in(source_dir: Path) -> tuple[Bearing, ...]:
    """The runs of a folder, by name.

    Raises:
        ConfigError: There are none, or one is of a condition that the challenge does not have.
    """
    found = []
    for file in sorted(source_dir.glob("bearing*_vibration.parquet")):
        match = _VIBRATION.fullmatch(file.name)
        if match is None or int(match["condition"]) not in _CONDITIONS:
            raise ConfigError(
                f"{file}: no bearing of conditions 1 to 3 is called so; names are bearingC_N_vibration.parquet",
                {"file": str(file)},
            )
        name, condition, number = match["name"], int(match["condition"]), int(match["number"])
        speed_hz, load_n = _CONDITIONS[condition]
        date = _DATES.get(name, _UNDATED + dt.timedelta(days=100 * condition + number))
        has_temperature = (source_dir / f"bearing{name}_temperature.parquet").exists()
        found.append(Bearing(name, date, speed_hz, load_n, has_temperature))
    if not found:
        raise ConfigError(
            f"{source_dir} holds no bearing1_1_vibration.parquet; name the folder with the FEMTO Parquet files",
            {"folder": str(source_dir)},
        )
    return tuple(found)


def given_snapshots(source_dir: Path) -> dict[str, int]:
    """Bearing name, e.g. `1_3` -> last snapshot that may be seen; empty without `truth.json`: all of all runs.

    Raises:
        ConfigError: The file does not say it.
    """
    file = source_dir / TRUTH
    if not file.exists():
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if not document:
            raise ValueError("it names no bearing")
        return {str(n).removeprefix("bearing"): int(told["last_snapshot_given"]) for n, told in document.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise ConfigError(
            f"{file}: expected {{'bearing1_3': {{'last_snapshot_given': 1802, ...}}, ...}} ({err!r})",
            {"file": str(file)},
        ) from err
