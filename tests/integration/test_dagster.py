"""Dagster: the definitions, and the long-running processes with a run launched over its own GraphQL.

Regenerate the snapshot after a wanted change:
    python tests/integration/test_dagster.py > tests/integration/snapshots/definitions.json
"""

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from pipelines.definitions import definitions
from pipelines.historian.simulator import plant_document, read_config

ROOT = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).parent / "snapshots" / "definitions.json"
TINY = ROOT / "data" / "simulator" / "tiny.yaml"

LAUNCH = """
mutation Launch($day: String!) {
  launchRun(executionParams: {
    selector: {
      repositoryLocationName: "pipelines.definitions", repositoryName: "__repository__", jobName: "walk_day"
    }
    runConfigData: {}
    executionMetadata: {tags: [{key: "dagster/partition", value: $day}]}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}
"""


def describe() -> dict[str, Any]:
    """Everything that Dagster's pages show of the definitions, as plain values."""
    loaded = definitions()
    graph = loaded.resolve_asset_graph()
    repository = loaded.get_repository_def()
    return {
        "assets": {
            key.to_user_string(): {
                "group": graph.get(key).group_name,
                "deps": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
                "partitions": type(graph.get(key).partitions_def).__name__,
                "executable": graph.get(key).is_executable,
            }
            for key in sorted(graph.get_all_asset_keys(), key=lambda key: key.to_user_string())
        },
        "checks": sorted(f"{key.asset_key.to_user_string()}.{key.name}" for key in graph.asset_check_keys),
        "jobs": sorted(job for job in repository.job_names if not job.startswith("__")),
        "schedules": {s.name: s.cron_schedule for s in repository.schedule_defs},
        "sensors": {s.name: s.minimum_interval_seconds for s in repository.sensor_defs},
    }


def test_definitions_are_as_the_snapshot_says() -> None:
    assert describe() == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_every_block_of_iso_13374_is_a_group() -> None:
    groups = {asset["group"] for asset in describe()["assets"].values()}
    assert groups == {
        *("acquisition", "manipulation", "state_detection"),
        *("health_assessment", "prognostics", "advisory"),
    }


@pytest.fixture
def plant_environment(tmp_path: Path) -> dict[str, str]:
    """Variables for a tiny simulated plant whose replay has just passed midnight."""
    config = read_config(TINY)
    (tmp_path / "plant.yaml").write_text(yaml.safe_dump(plant_document(config)), encoding="utf-8")
    replay = {
        "real_start": dt.datetime.now(dt.UTC).isoformat(),
        "replay_start": (config.start + dt.timedelta(days=3, minutes=1)).isoformat(),
        "speed": 1.0,
    }
    (tmp_path / "replay.json").write_text(json.dumps(replay), encoding="utf-8")
    prefix = "WEARCAST_PIPELINES_"
    return {
        f"{prefix}PLANT": str(tmp_path / "plant.yaml"),
        f"{prefix}LAKE": str(tmp_path / "lake"),
        f"{prefix}MODELS": f"sqlite:///{tmp_path}/mlflow.db",
        f"{prefix}ARTIFACTS": str(tmp_path / "artifacts"),
        f"{prefix}REPLAY": str(tmp_path / "replay.json"),
        f"{prefix}SOURCES": json.dumps({"simulator": {"kind": "simulator", "config": str(TINY)}}),
        f"{prefix}DAGSTER_HOME": str(tmp_path / "dagster"),
        f"{prefix}DAGSTER_PORT": str(_free_port()),
        f"{prefix}MLFLOW_PORT": str(_free_port()),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_dagster_itself_validates_the_definitions(plant_environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-m", "pipelines.definitions"]
    environment = {**os.environ, **plant_environment, "DAGSTER_HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def running(plant_environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of Dagster's web server, started as `wearcast up` starts it."""
    command = [sys.executable, "-m", "pipelines", "up"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **plant_environment}, stderr=subprocess.PIPE)
    try:
        yield f"http://127.0.0.1:{plant_environment['WEARCAST_PIPELINES_DAGSTER_PORT']}"
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


def _ask(address: str, query: str, **variables: str) -> Any:  # Any: a GraphQL answer
    answer = httpx.post(f"{address}/graphql", json={"query": query, "variables": variables}, timeout=30)
    document = answer.json()
    assert "errors" not in document, document
    return document["data"]


def _wait(look: Callable[[], Any], seconds: float) -> Any:  # Any: what `look` gives
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"nothing within {seconds} s")


def _runs(address: str) -> list[dict[str, Any]]:
    query = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
    runs: list[dict[str, Any]] = _ask(address, query)["runsOrError"]["results"]
    return runs


def _finished(address: str, run_id: str) -> str | None:
    status = next((run["status"] for run in _runs(address) if run["runId"] == run_id), None)
    return status if status in {"SUCCESS", "FAILURE", "CANCELED"} else None


def test_a_sensor_run_goes_through_by_itself_and_so_does_one_over_graphql(
    running: str, plant_environment: dict[str, str]
) -> None:
    _wait(lambda: _ask(running, "{ version }")["version"], 240)
    started = _ask(running, LAUNCH, day="2025-01-02")["launchRun"]
    assert started["__typename"] == "LaunchRunSuccess", started
    assert _wait(lambda: _finished(running, started["run"]["runId"]), 240) == "SUCCESS"

    by_sensor = _wait(
        lambda: [
            run["status"]
            for run in _runs(running)
            if any(tag["key"] == "dagster/sensor_name" for tag in run["tags"]) and run["status"] == "SUCCESS"
        ],
        240,
    )
    assert by_sensor
    assert Path(plant_environment["WEARCAST_PIPELINES_LAKE"], "measurements").is_dir()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(describe(), indent=1) + "\n")
