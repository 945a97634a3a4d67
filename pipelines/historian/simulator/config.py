"""The simulated plant's parameters: read from YAML, validated, hashed."""

import datetime as dt
import hashlib
import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from features.core import clock
from features.core.documents import DocumentError, read_document
from features.core.errors import ConfigError

__all__ = ["Policies", "SimulatorConfig", "Symptoms", "Vices", "Wear", "read_config"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Wear(_Part):
    """How the components of one class live; days are running days."""

    mean_life_days: float = Field(gt=0)
    shape: float = Field(gt=0, description="Weibull shape of the lives; small is wide.")
    modes: dict[str, float] = Field(description="Failure mode -> share; `sudden` has no precursor.")
    growth_median_days: float = Field(gt=0, description="Median of onset to failure.")
    growth_sigma: float = Field(ge=0, description="Scatter of ln(onset to failure).")
    shortest_life_days: float = Field(8.0, gt=0)
    amplitude_sigma: float = Field(0.35, ge=0, description="Scatter of ln(size of the symptom at failure).")


class Policies(_Part):
    """How the plant maintains: shares are of machines, the rest runs to failure."""

    calendar_share: float = Field(0.2, ge=0, le=1)
    calendar_days: float = Field(90.0, gt=0, description="Age at which calendar machines get a new part.")
    inspection_share: float = Field(0.5, ge=0, le=1)
    inspect_every_weeks: int = Field(2, ge=1)
    inspection_threshold: float = Field(0.25, gt=0, lt=1, description="Severity that can be seen.")
    detection: float = Field(0.5, ge=0, le=1, description="Chance of one inspection to see it.")
    repair_hours: tuple[float, float] = Field((4.0, 48.0), description="Shortest and longest repair.")
    installed_known_share: float = Field(0.5, ge=0, le=1, description="New at the start, and the plant knows.")


class Symptoms(_Part):
    """Harmless changes that look like faults: how often, per machine and year."""

    load_change: float = Field(1.0, ge=0)
    cooling_water: float = Field(0.7, ge=0)
    sensor_scale: float = Field(0.4, ge=0)
    misalignment: float = Field(0.4, ge=0)
    inspected_share: float = Field(0.3, ge=0, le=1, description="Looked at, and no fault found.")


class Vices(_Part):
    """What the historian does to the data; 0 everywhere is a perfect historian."""

    gaps_per_year: float = Field(6.0, ge=0, description="Per machine, 2 to 72 h.")
    bad_episodes_per_year: float = Field(4.0, ge=0, description="Per tag, 1 to 24 h of bad or uncertain quality.")
    flat_lines_per_year: float = Field(0.7, ge=0, description="Per tag, 12 to 96 h of one value, quality good.")
    impossible_share: float = Field(1e-4, ge=0, le=1)
    text_share: float = Field(5e-5, ge=0, le=1)
    late_share: float = Field(0.01, ge=0, le=1)
    lag_hours: float = Field(3.0, ge=0, description="Longest delay of a late row, and the declared lag.")
    compressed_share: float = Field(0.25, ge=0, le=1, description="Machines that report only changes.")
    longest_silence_hours: int = Field(6, ge=1, description="Compressed tags report at least this often.")
    skewed_share: float = Field(0.15, ge=0, le=1, description="Machines whose clock is slow.")
    dead_waveform_share: float = Field(0.003, ge=0, le=1)


class SimulatorConfig(_Part):
    """One simulated plant, complete: the same config is the same plant, byte for byte."""

    seed: int = Field(ge=0)
    site: str = "sim"
    time_zone: str = "Europe/Berlin"
    start: dt.datetime
    history_days: int = Field(gt=0)
    machines: dict[str, int] = Field(description="Machine class (pump, motor, fan, gearbox) -> how many.")
    sample_rate_hz: float = Field(8192.0, gt=0)
    samples: int = Field(4096, ge=256)
    waveform_every_hours: int = Field(12, ge=1, le=168)
    wear: dict[str, Wear] = Field(description="Component class -> how it lives.")
    policies: Policies = Policies()
    symptoms: Symptoms = Symptoms()
    vices: Vices = Vices()

    @field_validator("start")
    @classmethod
    def _hour(cls, value: dt.datetime) -> dt.datetime:
        value = clock.require_utc(value)
        if (value.minute, value.second, value.microsecond) != (0, 0, 0):
            raise ValueError("start must be a full hour, UTC")
        return value

    @field_validator("machines")
    @classmethod
    def _classes(cls, value: dict[str, int]) -> dict[str, int]:
        unknown = sorted(set(value) - {"pump", "motor", "fan", "gearbox"})
        if unknown or sum(value.values()) < 1:
            raise ValueError(f"machine classes {unknown or 'missing'}; valid: pump, motor, fan, gearbox")
        return value

    @field_validator("waveform_every_hours")
    @classmethod
    def _divides(cls, value: int) -> int:
        if 168 % value:
            raise ValueError(f"{value} h does not divide a week")
        return value

    @field_validator("samples")
    @classmethod
    def _whole(cls, value: int) -> int:
        if value % 64:
            raise ValueError(f"{value} samples are no multiple of 64")
        return value

    @property
    def end(self) -> dt.datetime:
        """End of the history that is read in one go, UTC."""
        return self.start + dt.timedelta(days=self.history_days)

    @property
    def sha256(self) -> str:
        """Digest of every parameter, defaults included."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_config(path: Path) -> SimulatorConfig:
    """The simulator config of a YAML file.

    Raises:
        ConfigError: No file, no YAML, or a value that is not valid; the message names the place.
    """
    try:
        document = read_document(path.read_text(encoding="utf-8"))
    except (OSError, DocumentError) as err:
        raise ConfigError(f"simulator config {path}: {err}", {"file": str(path)}) from err
    try:
        return SimulatorConfig.model_validate(document)
    except ValidationError as err:
        first = err.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"simulator config {path}: {place or 'document'}: {first['msg']}", {"file": str(path), "path": place}
        ) from None
