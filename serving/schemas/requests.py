"""Bodies of requests, checked: whatever is wrong is told with its place and value."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

__all__ = ["FeatureRowIn", "MeasurementIn", "PredictionRequest", "WaveformIn"]

# Samples of one snapshot: 40 s at 102.4 kHz, the longest record in common use, rounded up to a power of 2.
MOST_SAMPLES = 1 << 22
Name = Annotated[str, Field(min_length=1, max_length=120)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MeasurementIn(_In):
    """One value of one measuring point."""

    point_id: Name
    time: AwareDatetime = Field(description="End of what was observed, with an offset.")
    value: float
    unit: str | None = Field(None, max_length=40, description="Default: the unit declared in the plant file.")


class WaveformIn(_In):
    """One snapshot of a waveform point."""

    point_id: Name
    time: AwareDatetime = Field(description="End of the snapshot, with an offset.")
    sample_rate_hz: float = Field(gt=0)
    samples: list[float] = Field(min_length=2, max_length=MOST_SAMPLES)
    speed_hz: float | None = Field(None, ge=0, description="Shaft speed during the snapshot, revolutions per s.")
    unit: str | None = Field(None, max_length=40, description="Default: the unit declared in the plant file.")


class FeatureRowIn(_In):
    """One row of features that somebody computed already."""

    time: AwareDatetime
    running: bool = True
    age: float | None = Field(None, ge=0, description="Age in the class's life unit; null: not known.")
    values: dict[str, float | None] = Field(description="Feature name -> value; left out or null: not measured.")


class PredictionRequest(_In):
    """What to predict from: the lake's history of a known machine, or a history in the body."""

    machine_id: Name | None = Field(None, description="A machine of the plant file.")
    slot: Name | None = Field(None, description="Its component; may be left out when it has only one.")
    component_class: Name | None = Field(None, description="Instead of a machine, together with feature_rows.")
    as_of: AwareDatetime | None = Field(
        None,
        description="Only what was known then is used. Default: now, or when the body's newest row is complete.",
    )
    installed_at: AwareDatetime | None = Field(None, description="With a history: when the part was installed.")
    measurements: list[MeasurementIn] = Field(default_factory=list)
    waveforms: list[WaveformIn] = Field(default_factory=list)
    feature_rows: list[FeatureRowIn] = Field(default_factory=list)
    include_features: bool = Field(False, description="Also answer the newest feature row by name.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.machine_id is None) == (self.component_class is None):
            raise ValueError("give either machine_id or component_class")
        if self.component_class is not None and not self.feature_rows:
            raise ValueError(
                "component_class needs feature_rows; raw values need a machine_id, which declares points"
            )
        if self.feature_rows and (self.measurements or self.waveforms):
            raise ValueError("give either feature_rows or measurements and waveforms, not both")
        return self

    @property
    def brings_history(self) -> bool:
        """The body holds the history; the lake is not asked."""
        return bool(self.measurements or self.waveforms or self.feature_rows)
