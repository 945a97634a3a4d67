"""The demo's own folder: settings, replay clock, facts that its steps pass on."""

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

from features.core.settings import DEMO_HOME, demo_overrides
from pipelines.settings import PipelineSettings, SourceSettings

__all__ = ["demo_environment", "demo_settings", "read_facts", "renew", "write_facts"]

# The simulated history ends here; what follows is replayed by `wearcast up`.
DEMO_NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

# One replayed day every five minutes: a small machine keeps up.
REPLAY_SPEED = 288.0

SIMULATOR = Path("data/simulator/demo.yaml")
# JSON lines of all steps, below the demo's folder.
LOG = "demo.log.jsonl"
_MARK = "made-by-wearcast-demo"


def demo_settings(home: Path = DEMO_HOME, simulator: Path = SIMULATOR) -> PipelineSettings:
    """Settings of the demo's plant."""
    source = SourceSettings.model_validate({"kind": "simulator", "config": str(simulator)})
    return PipelineSettings.read(
        **demo_overrides(home),
        sources={"simulator": source},
        tuned=home / "tuned",
        tuning=home / "tuning",
        dagster_home=home / "dagster",
        overlap_hours=24.0,
    )


def demo_environment(settings: PipelineSettings) -> dict[str, str]:
    """The demo's settings as variables, for processes that read their settings themselves."""
    sources = {name: source.model_dump(mode="json") for name, source in settings.sources.items()}
    prefix = "WEARCAST_PIPELINES_"
    return {
        f"{prefix}PLANT": str(settings.plant),
        f"{prefix}LAKE": settings.lake,
        f"{prefix}MODELS": settings.models,
        f"{prefix}ARTIFACTS": settings.artifacts,
        f"{prefix}REPLAY": str(settings.replay),
        f"{prefix}TUNED": str(settings.tuned),
        f"{prefix}TUNING": str(settings.tuning),
        f"{prefix}DAGSTER_HOME": str(settings.dagster_home),
        f"{prefix}SOURCES": json.dumps(sources),
    }


def renew(home: Path = DEMO_HOME) -> None:
    """Empties the demo's folder and starts its replay clock.

    Raises:
        FileExistsError: The folder holds something that the demo did not make.
    """
    if home.exists() and any(home.iterdir()) and not (home / _MARK).exists():
        raise FileExistsError(f"{home} was not made by the demo; move it away and run the demo again")
    shutil.rmtree(home, ignore_errors=True)
    (home / "mlruns").mkdir(parents=True)
    (home / _MARK).touch()
    replay = {
        "real_start": dt.datetime.now(dt.UTC).isoformat(),
        "replay_start": DEMO_NOW.isoformat(),
        "speed": REPLAY_SPEED,
    }
    (home / "replay.json").write_text(json.dumps(replay), encoding="utf-8")


def read_facts(home: Path = DEMO_HOME) -> dict[str, Any]:  # Any: a JSON document
    """What the steps so far found."""
    file = home / "facts.json"
    facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return facts


def write_facts(facts: dict[str, Any], home: Path = DEMO_HOME) -> None:
    """Adds facts for the next steps."""
    merged = {**read_facts(home), **facts}
    (home / "facts.json").write_text(json.dumps(merged, indent=1), encoding="utf-8")
