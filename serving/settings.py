"""Settings of the side that faces people and the ERP; its secrets exist only here."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from features.core.settings import CoreSettings

__all__ = ["ErpSettings", "ServingSettings"]


class ErpSettings(BaseModel):
    """Where orders go. `mode` is raised by a person only: dry_run, then shadow, then live."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field("dry_run", description="A registered ERP adapter: dry_run, memory, webhook.")
    mode: Literal["dry_run", "shadow", "live"] = "dry_run"
    url: str = Field("", description="Base URL of the ERP.")
    secret: SecretStr | None = Field(None, description="Signing secret; prefer secret_file.")
    secret_file: Path | None = Field(None, description="File (mode 0600) that holds the secret.")
    timeout_s: float = Field(10.0, gt=0)
    target: Literal["request", "order"] = "request"


class ServingSettings(CoreSettings):
    """Read from `serving.toml` and `WEARCAST_SERVING_` variables."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="WEARCAST_SERVING_",
        env_nested_delimiter="__",
        toml_file="serving.toml",
    )

    store: str = Field("sqlite:///data/store.db", description="SQLAlchemy URL of the operational store.")
    champion: Path = Field(Path("data/champion"), description="Where the worker lays verified champions.")
    token_file: Path = Field(Path("data/token"), description="Holds the digest of the API's bearer token.")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    cycle_seconds: float = Field(60.0, gt=0, description="Pause between two rounds of the worker.")
    erp: ErpSettings = ErpSettings()
