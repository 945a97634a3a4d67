"""Dagster's home folder: telemetry and pop-ups off, runs queued one after the other."""

from pathlib import Path

__all__ = ["write_home"]

_INSTANCE = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
run_monitoring:
  enabled: true
retention:
  sensor:
    purge_after_days:
      skipped: 3
"""


def write_home(folder: Path) -> Path:
    """Makes the folder with its `dagster.yaml` and returns its absolute path (Dagster wants no other)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(_INSTANCE, encoding="utf-8")
    return folder.resolve()
