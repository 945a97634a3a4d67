"""Training into a real MLflow server: run, artefact, registered version, alias, and what tampering does."""

import dataclasses
import datetime as dt
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest

from features.core.errors import ConfigError, DamagedArtefactError, LeakageError
from features.core.lake import Lake
from features.core.models import ARTEFACT_FOLDER, ModelRegistry, ModelVersion
from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint, Plant, Site
from features.core.tables import FEATURE_ROWS, FEATURE_SETS, LIVES
from features.core.units import Quantity
from features.rul.artefact import load
from features.rul.outputs import Engine
from pipelines import champion
from pipelines.evaluation.looks import looks_so_far
from pipelines.model import FitParameters
from pipelines.training import TrainedModel, train
from pipelines.training.card import read_card
from pipelines.training.test_data import OnTestData, evaluate_on_test

pytestmark = pytest.mark.xdist_group("mlflow")

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
AS_OF = BEGIN + dt.timedelta(hours=500)
HOUR = dt.timedelta(hours=1)
MACHINES, NAMES = 24, ("wear", "age", "noise", "empty")
SMALL = FitParameters(trees=25, quantile_trees=15, folds=3, leaves=7, min_rows_in_leaf=5, feature_share=1.0)


def plant() -> Plant:
    point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
    machines = tuple(
        Machine(
            id=f"M{i:02d}",
            grid=HOUR,
            components=(Component(slot="DE", component_class="bearing"),),
            measuring_points=(point,),
        )
        for i in range(MACHINES)
    )
    return Plant(component_classes=(ComponentClass(id="bearing"),), sites=(Site(id="works", machines=machines),))


def length(machine: int) -> int:
    return 40 + 3 * (machine * 7 % MACHINES)


def write_lake(folder: Path) -> Lake:
    """One life a machine that wears out with a known precursor; the last machine still runs."""
    lake = Lake(folder)
    rows, lives = [], []
    for machine in range(MACHINES):
        hours = length(machine)
        failed = machine != MACHINES - 1
        for hour in range(1, hours + 1):
            time_ = BEGIN + hour * HOUR
            noise = float(np.sin(hour * 12.9898 + machine * 78.233))
            values = [float(np.exp(-(hours - hour) / 15)) + 0.05 * noise, float(hour), noise, None]
            rows.append(
                {
                    "group": "area-1",
                    "date": time_.date(),
                    "machine_id": f"M{machine:02d}",
                    "slot": "DE",
                    "component_class": "bearing",
                    "fingerprint": "0123456789abcdef",
                    "time": time_,
                    "available_at": time_,
                    "running": True,
                    "age": float(hour),
                    "age_known": True,
                    "values": values,
                    "refusals": ["empty: no_input"],
                }
            )
        lives.append(
            {
                "machine_id": f"M{machine:02d}",
                "slot": "DE",
                "component_class": "bearing",
                "life_number": 1,
                "known_from": BEGIN,
                "start": BEGIN,
                "end": BEGIN + hours * HOUR if failed else None,
                "ending": "failure" if failed else "running",
                "failure_mode": None,
                "age_known": True,
                "available_at": BEGIN,
            }
        )
    named = {
        "fingerprint": "0123456789abcdef",
        "component_class": "bearing",
        "names": list(NAMES),
        "units": ["1", "h", "1", "1"],
        "available_at": BEGIN,
    }
    lake.upsert(FEATURE_SETS, FEATURE_SETS.frame([named]), writer="scoring")
    lake.upsert(FEATURE_ROWS, FEATURE_ROWS.frame(rows), writer="scoring")
    lake.upsert(LIVES, LIVES.frame(lives), writer="labels")
    return lake


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty MLflow database: making one takes long, so tests copy it."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    assert ModelRegistry(f"sqlite:///{file}", file.parent / "artifacts").champion("none") is None
    assert not file.exists(), "asking for a champion must not make a database"
    ModelRegistry(f"sqlite:///{file}", file.parent / "artifacts").client().search_experiments()
    return file


def local(migrated: Path, folder: Path) -> ModelRegistry:
    database = shutil.copy(migrated, folder / "mlflow.db")
    return ModelRegistry(f"sqlite:///{database}", folder / "artifacts")


@dataclasses.dataclass(frozen=True)
class Home:
    registry: ModelRegistry
    made: TrainedModel
    model: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelRegistry]:
    """An MLflow server of its own on the loopback interface."""
    folder = tmp_path_factory.mktemp("server")
    database = shutil.copy(migrated, folder / "mlflow.db")
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{database}"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(
            [*command, "--workers", "1"],
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        try:
            await_health(f"http://127.0.0.1:{port}/health", process, folder / "server.log")
            yield ModelRegistry(f"http://127.0.0.1:{port}", folder / "unused")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def await_health(url: str, process: "subprocess.Popen[bytes]", output: Path) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        assert process.poll() is None, output.read_text()
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(output.read_text())


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def trained(server: ModelRegistry, lake: Lake) -> TrainedModel:
    return train(lake, plant(), "bearing", as_of=AS_OF, registry=server, parameters=SMALL, fold_seeds=2)


def test_run_holds_parameters_figures_versions_and_pictures(server: ModelRegistry, trained: TrainedModel) -> None:
    run = server.client().get_run(trained.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["trees"] == "25"
    assert run.data.params["table_version.feature_rows"] == "1"  # 0 is the empty table
    assert run.data.params["failed_lives"] == "23"
    assert run.data.tags["fingerprint"] == "0123456789abcdef"
    assert run.data.tags["code_version"]
    assert run.data.metrics["cv_rmse"] == pytest.approx(trained.metrics["cv_rmse"])
    files = {file.path for file in server.client().list_artifacts(trained.run_id)}
    assert files >= {"model", "model_card.md", "plots", "tables"}
    laid = {
        file.path for part in ("plots", "tables") for file in server.client().list_artifacts(trained.run_id, part)
    }
    assert laid >= {f"tables/{name}.csv" for name in ("accuracy", "bands", "baselines", "decisions", "provenance")}
    assert laid >= {
        f"plots/{name}.png" for name in ("calibration", "coverage_by_band", "fan_along_life", "lead_times")
    }


def test_card_is_the_description_of_the_run_and_is_read_back(server: ModelRegistry, trained: TrainedModel) -> None:
    text = read_card(server, ModelVersion(trained.name, trained.version, trained.run_id))
    assert text is not None
    told = server.client().get_run(trained.run_id).data.tags["mlflow.note.content"]
    assert text.startswith("# wearcast-rul-bearing\n")
    assert told.splitlines()[:20] == text.splitlines()[:20]
    assert "Looks at test data of this class before this training: none" in text


def test_folds_of_another_seed_tell_how_far_the_error_moves(server: ModelRegistry, trained: TrainedModel) -> None:
    metrics = server.client().get_run(trained.run_id).data.metrics
    assert metrics["cv_rmse_repeat_sd"] > 0
    other = 2 * metrics["cv_rmse_repeat_mean"] - metrics["cv_rmse"]
    assert abs(other - metrics["cv_rmse"]) == pytest.approx(2**0.5 * metrics["cv_rmse_repeat_sd"])
    text = read_card(server, ModelVersion(trained.name, trained.version, trained.run_id))
    assert text is not None
    assert "over repeats with other folds" in text


def test_figures_of_decisions_and_baselines_are_metrics_of_the_run(trained: TrainedModel) -> None:
    assert trained.metrics["baseline_last_row_rmse"] > 0
    assert 0 < trained.metrics["decisions_cost_over_run_to_failure"] < 1
    assert trained.metrics["cv_rmse_low95"] < trained.metrics["cv_rmse"] < trained.metrics["cv_rmse_high95"]


def test_model_beats_what_uses_no_measurement(trained: TrainedModel) -> None:
    baselines = [trained.metrics[f"baseline_{name}_rmse"] for name in ("constant_median", "weibull_age")]
    assert trained.metrics["cv_rmse"] < 0.7 * min(baselines)


def test_registered_version_says_what_it_stands_on(server: ModelRegistry, trained: TrainedModel) -> None:
    tags = server.tags(trained.name, trained.version)
    assert tags["component_class"] == "bearing"
    assert tags["calibrated"] == "true"
    assert float(tags["cv_error"]) == trained.metrics["cv_rmse"]
    assert tags["as_of"] == AS_OF.isoformat()


def test_downloaded_artefact_is_the_one_that_was_trained(
    server: ModelRegistry, trained: TrainedModel, tmp_path: Path
) -> None:
    folder = server.download(ModelVersion(trained.name, trained.version, trained.run_id), tmp_path / "model")
    assert load(folder) == trained.artefact


def test_champion_moves_on_only_to_what_is_no_worse(
    server: ModelRegistry, trained: TrainedModel, lake: Lake
) -> None:
    first = champion.promote(server, trained)
    assert (first.promoted, first.reason) == (True, "first version")
    again = train(lake, plant(), "bearing", as_of=AS_OF, registry=server, parameters=SMALL)
    worse = dataclasses.replace(again, metrics=again.metrics | {"cv_rmse": 2 * again.metrics["cv_rmse"]})
    refused = champion.promote(server, worse)
    assert not refused.promoted
    assert refused.champion == trained.version
    bare = dataclasses.replace(again.artefact.calibration, calibrated=False)
    without_band = dataclasses.replace(again, artefact=dataclasses.replace(again.artefact, calibration=bare))
    assert "calibrated band" in champion.promote(server, without_band).reason
    assert champion.promote(server, again).champion == again.version
    loaded = champion.load(server, "bearing")
    assert loaded is not None
    assert (loaded.name, loaded.version, loaded.artefact) == (again.name, again.version, again.artefact)


@pytest.fixture(scope="module")
def home(migrated: Path, lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A local database with one promoted model."""
    folder = tmp_path_factory.mktemp("local")
    registry = local(migrated, folder)
    made = train(lake, plant(), "bearing", as_of=AS_OF, registry=registry, parameters=SMALL)
    champion.promote(registry, made)
    (model,) = (folder / "artifacts").rglob("MLmodel")
    return Home(registry, made, model.parent)


def test_same_data_give_the_same_artefact_in_a_local_database(home: Home, trained: TrainedModel) -> None:
    assert home.made.artefact == trained.artefact
    # Folds of another seed tell more, and change nothing.
    assert home.made.metrics.items() < trained.metrics.items()


@pytest.mark.parametrize("with_new_list", [False, True], ids=["file", "file and its list"])
def test_changed_artefact_is_never_handed_out(home: Home, with_new_list: bool) -> None:
    file = home.model / ARTEFACT_FOLDER / "forest_p10.txt"
    listing = file.with_name("digests.json")
    before = file.read_bytes(), listing.read_bytes()
    file.write_bytes(before[0].replace(b"1", b"2", 1))
    if with_new_list:
        digests = json.loads(before[1]) | {file.name: hashlib.sha256(file.read_bytes()).hexdigest()}
        listing.write_text(json.dumps(digests, indent=1))
    with pytest.raises(DamagedArtefactError):
        champion.load(home.registry, "bearing")
    file.write_bytes(before[0])
    listing.write_bytes(before[1])
    assert champion.load(home.registry, "bearing") is not None


def test_mlflows_own_users_get_the_answers_of_the_artefact(home: Home) -> None:
    inputs = np.array([[0.5, 60.0, 0.0], [0.1, 20.0, np.nan]])
    said = mlflow.pyfunc.load_model(str(home.model)).predict(inputs)
    expected = Engine(home.made.artefact).answer(inputs)
    np.testing.assert_array_equal(
        said, np.stack([expected.mean, expected.p10, expected.p50, expected.p90], axis=1)
    )


def test_left_out_machines_are_not_learnt_from(migrated: Path, lake: Lake, tmp_path: Path) -> None:
    registry = local(migrated, tmp_path)
    few = [f"M{i:02d}" for i in range(10, MACHINES)]
    made = train(lake, plant(), "bearing", as_of=AS_OF, registry=registry, exclude_machines=few, parameters=SMALL)
    assert (made.artefact.trained_units, made.artefact.calibration.calibrated) == (10, False)
    assert made.artefact.domain.high[made.artefact.inputs.index("age")] == max(length(i) for i in range(10))


def test_lives_left_out_are_test_data_and_every_look_is_counted(migrated: Path, tmp_path: Path) -> None:
    registry, own = local(migrated, tmp_path), write_lake(tmp_path / "lake")
    few = [f"M{i:02d}" for i in range(18, MACHINES)]
    made = train(own, plant(), "bearing", as_of=AS_OF, registry=registry, exclude_machines=few, parameters=SMALL)
    version = ModelVersion(made.name, made.version, made.run_id)

    def tested(*machines: str) -> OnTestData:
        return evaluate_on_test(own, plant(), registry, version, as_of=AS_OF, machines=machines)

    found = tested()
    assert (found.look, found.figures["lives"], found.figures["units_test"]) == (1, 5, 5)
    assert found.figures["test_rmse_clip"] < 0.7 * found.figures["test_baseline_constant_median_rmse_clip"]
    assert 0 < found.figures["refused_share"] < 0.5
    assert set(found.refusals) <= {"too_few_windows", "out_of_domain", "class_prior"}
    assert (tested("M18").look, tested().look) == (1, 2)
    assert looks_so_far(own, "bearing") == 3
    with pytest.raises(LeakageError, match="learnt from M01"):
        tested("M01", "M18")


def test_model_that_saw_every_life_has_no_test_data(home: Home, lake: Lake) -> None:
    version = ModelVersion(home.made.name, home.made.version, home.made.run_id)
    with pytest.raises(ConfigError, match="no failed life that it did not see"):
        evaluate_on_test(lake, plant(), home.registry, version, as_of=AS_OF)


def test_too_few_failures_make_a_model_without_forests(migrated: Path, lake: Lake, tmp_path: Path) -> None:
    registry = local(migrated, tmp_path)
    few = [f"M{i:02d}" for i in range(2, MACHINES)]
    made = train(lake, plant(), "bearing", as_of=AS_OF, registry=registry, exclude_machines=few, parameters=SMALL)
    assert (made.artefact.forests, made.metrics) == ({}, {})
    assert champion.promote(registry, made).promoted
    loaded = champion.load(registry, "bearing")
    assert loaded is not None
    assert loaded.artefact == made.artefact


def test_rows_that_became_known_later_change_no_model(home: Home, tmp_path: Path) -> None:
    other = write_lake(tmp_path / "lake")
    late = other.read(FEATURE_ROWS).collect().head(50)
    late = late.with_columns(
        time=pl.col("time") + dt.timedelta(minutes=30), available_at=pl.lit(AS_OF + HOUR), age=pl.lit(1e6)
    )
    other.upsert(FEATURE_ROWS, late, writer="scoring")
    after = train(other, plant(), "bearing", as_of=AS_OF, registry=home.registry, parameters=SMALL)
    assert after.artefact.forests == home.made.artefact.forests
    assert after.metrics == home.made.metrics


def test_class_without_lives_is_refused_before_a_run_is_made(migrated: Path, lake: Lake, tmp_path: Path) -> None:
    registry = local(migrated, tmp_path)
    with pytest.raises(ConfigError, match="tells of lives"):
        train(lake, plant(), "bearing", as_of=BEGIN, registry=registry, parameters=SMALL)
    assert not registry.client().search_experiments(filter_string="name = 'wearcast'")
