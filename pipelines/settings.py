"""Settings of the side that reads historians; their secrets exist only here."""

import datetime as dt
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from features.core.settings import CoreSettings

__all__ = ["PipelineSettings", "SourceSettings"]


class SourceSettings(BaseModel):
    """One historian: which adapter, and that adapter's own keys (validated by the adapter)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = Field(description="A registered historian, e.g. csv or simulator.")


class PipelineSettings(CoreSettings):
    """Read from `pipelines.toml` and `WEARCAST_PIPELINES_` variables."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="WEARCAST_PIPELINES_",
        env_nested_delimiter="__",
        toml_file="pipelines.toml",
    )

    sources: dict[str, SourceSettings] = Field(
        default_factory=dict, description="Historian name, as the plant file's tags use it -> adapter."
    )
    overlap_hours: float = Field(24.0, ge=0, description="Read again before the watermark, for late rows.")
    page_rows: int = Field(200_000, ge=100, description="Rows asked for in one page.")
    history_from: dt.date = Field(dt.date(2025, 1, 1), description="First day that Dagster can (re)process.")
    train_cron: str = Field("0 3 * * 0", description="When models are learnt anew (cron, UTC).")
    daily_cron: str = Field("30 0 * * *", description="When the day before is processed (cron, UTC).")
    tuned: Path = Field(
        Path("data/tuned"), description="Tuned parameters, one file a class; made to be committed."
    )
    tuning: Path = Field(Path("data/tuning"), description="Where searches for parameters are kept to go on.")
    dagster_home: Path = Field(Path("data/dagster"), description="Where Dagster keeps its runs and schedules.")
    dagster_port: int = Field(3000, ge=0, le=65535)
    mlflow_port: int = Field(5000, ge=0, le=65535)
