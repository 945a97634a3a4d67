"""The demo's own settings on this side."""

import json
import secrets
from pathlib import Path
from typing import Any

from features.core.settings import DEMO_HOME, demo_overrides
from serving.settings import ErpSettings, ServingSettings

__all__ = ["add_facts", "demo_environment", "demo_settings", "erp_database", "read_facts", "signing_secret"]

# Where the stand-in ERP listens in the long-running demo; the demo's own run takes a free port.
SANDBOX_PORT = 8090


def demo_settings(home: Path = DEMO_HOME, *, sandbox_port: int = SANDBOX_PORT) -> ServingSettings:
    """Settings of the demo: everything below one folder, orders go to the stand-in ERP on this machine."""
    erp = ErpSettings(
        kind="webhook",
        mode="approve",
        url=f"http://127.0.0.1:{sandbox_port}",
        secret_file=home / "erp.secret",
        timeout_s=5.0,
        assets=home / "erp_assets.yaml",
        # On the demo's plant everything ages in weeks: many machines at once are its nature, not a storm.
        storm_machines=1000,
    )
    return ServingSettings.read(
        **demo_overrides(home),
        store=f"sqlite:///{home}/store.db",
        champion=home / "champion",
        token_file=home / "token",
        cycle_seconds=15.0,
        erp=erp,
    )


def demo_environment(settings: ServingSettings) -> dict[str, str]:
    """The demo's settings as variables, for processes that read their settings themselves."""
    prefix = "WEARCAST_SERVING_"
    erp = settings.erp.model_dump(mode="json", exclude={"secret"}, exclude_none=True)
    return {
        f"{prefix}PLANT": str(settings.plant),
        f"{prefix}LAKE": settings.lake,
        f"{prefix}MODELS": settings.models,
        f"{prefix}ARTIFACTS": settings.artifacts,
        f"{prefix}REPLAY": str(settings.replay),
        f"{prefix}STORE": settings.store,
        f"{prefix}CHAMPION": str(settings.champion),
        f"{prefix}TOKEN_FILE": str(settings.token_file),
        f"{prefix}CYCLE_SECONDS": str(settings.cycle_seconds),
        f"{prefix}ERP": json.dumps(erp),
    }


def signing_secret(home: Path) -> bytes:
    """The secret that demo and stand-in ERP share, made on first use; only the owner can read its file."""
    file = home / "erp.secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    return file.read_text(encoding="utf-8").encode("utf-8")


def erp_database(home: Path) -> Path:
    """Where the stand-in ERP keeps its orders."""
    return home / "sandbox-erp.db"


def read_facts(home: Path) -> dict[str, Any]:  # Any: a JSON document
    """What the steps before found."""
    file = home / "facts.json"
    facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return facts


def add_facts(facts: dict[str, Any], home: Path) -> None:
    """Adds facts for the step after."""
    (home / "facts.json").write_text(json.dumps({**read_facts(home), **facts}, indent=1), encoding="utf-8")
