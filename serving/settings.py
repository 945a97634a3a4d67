"""Settings of the side that faces people and the ERP; its secrets exist only here."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from features.core.settings import CoreSettings

__all__ = ["ErpSettings", "IncomingSettings", "Mode", "ServingSettings", "SiteOrders"]


class IncomingSettings(BaseModel):
    """Messages of the ERP that something changed, taken at /v1/erp/events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret_file: Path = Field(description="File (mode 0600) with the secret that signs them.")
    scheme: Literal["wearcast", "frappe", "body_hex"] = "wearcast"
    signature_header: str = Field("X-Webhook-Signature", description="Of scheme body_hex.")
    id_fields: tuple[str, ...] = Field(("id",), description="Fields of the event's id; without one: its digest.")
    number_fields: tuple[str, ...] = Field(("number", "name", "_id"), description="Fields of the order's number.")


Mode = Literal["dry_run", "shadow", "approve", "automatic"]
_RISING: tuple[Mode, ...] = ("dry_run", "shadow", "approve", "automatic")


class SiteOrders(BaseModel):
    """How far a site has gone, and how much it can take; what is not given is the connection's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode | None = Field(None, description="dry_run, shadow, approve or automatic; never above erp.mode.")
    orders_a_week: int | None = Field(None, ge=0, description="Most new orders in any 7 days.")
    automatic_classes: tuple[str, ...] = Field((), description="Component classes that mode automatic is for.")
    outcomes: Path | None = Field(None, description="File that says what this site's codes mean.")


class ErpSettings(BaseModel):
    """Where orders go. Modes are raised by a person only: dry_run, shadow, approve, then automatic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field("dry_run", description="A registered ERP adapter, see `wearcast erp kinds`.")
    mode: Mode = Field("dry_run", description="The highest mode of any site.")
    url: str = Field("", description="Base URL of the ERP.")
    user: str = Field("", description="Technical user, client id or API key id, where the ERP wants one.")
    secret: SecretStr | None = Field(None, description="Password, key or signing secret; prefer secret_file.")
    secret_file: Path | None = Field(None, description="File (mode 0600) that holds the secret.")
    ca_file: Path | None = Field(None, description="Certificates of the ERP's own authority (PEM).")
    timeout_s: float = Field(10.0, gt=0)
    target: Literal["request", "order"] = "request"
    options: dict[str, Any] = Field(default_factory=dict, description="What only this kind of ERP knows.")
    outcomes: Path | None = Field(None, description="File that says what the ERP's codes mean.")
    assets: Path = Field(Path("data/erp_assets.yaml"), description="Confirmed machine -> equipment of the ERP.")
    orders_a_week: int = Field(20, ge=0, description="Most new orders a site in any 7 days.")
    storm_machines: int = Field(5, ge=2, description="So many machines of a class at once may be a storm...")
    storm_share: float = Field(0.3, gt=0, le=1, description="...if they are this share of the class at the site.")
    automatic_precision: float = Field(0.8, ge=0, le=1, description="Least measured precision to go unasked.")
    automatic_orders: int = Field(20, ge=1, description="Least closed orders that precision stands on.")
    incoming: IncomingSettings | None = Field(None, description="None: messages are not taken.")
    sites: dict[str, SiteOrders] = Field(default_factory=dict, description="Site id -> its own settings.")

    @field_validator("url")
    @classmethod
    def _tells_no_secret(cls, url: str) -> str:
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise ValueError(
                "an address is shown and logged: give erp.user and erp.secret_file instead of user@host"
            )
        return url

    def mode_of(self, site_id: str) -> Mode:
        """The mode of a site: its own, at most the connection's."""
        own = self.sites[site_id].mode if site_id in self.sites else None
        return self.mode if own is None else min(own, self.mode, key=_RISING.index)

    def writes_for(self, site_id: str) -> bool:
        """Whether orders of that site really leave the house."""
        return self.mode_of(site_id) in ("approve", "automatic")

    def outcomes_of(self, site_id: str) -> Path | None:
        """The file that says what the codes of a site mean."""
        own = self.sites[site_id].outcomes if site_id in self.sites else None
        return own or self.outcomes

    def budget_of(self, site_id: str) -> int:
        """Most new orders of a site in any 7 days."""
        own = self.sites[site_id].orders_a_week if site_id in self.sites else None
        return self.orders_a_week if own is None else own


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
