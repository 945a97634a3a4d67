"""A class's model from lake to registry."""

import datetime as dt
import math
import statistics
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.models import ModelRegistry, model_name
from features.core.plant import Plant
from features.core.telemetry import log
from features.rul.artefact import Artefact
from features.rul.memory import Spans
from pipelines.dataset import TrainingSet, training_set
from pipelines.evaluation import Judgement
from pipelines.evaluation.looks import looks_so_far
from pipelines.model import FitParameters, Fitted, fit
from pipelines.training.card import Provenance
from pipelines.training.folds import folds_of, repeats
from pipelines.training.held_out import HeldOut, held_out
from pipelines.training.judged import description, judged, write_files
from pipelines.training.tracking import Run, code_version, start_run

__all__ = ["TrainedModel", "train"]

_LOG = log("training")


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A registered version, its cross-validated figures and the artefact itself.

    Without forests (too few failed lives) `metrics` is empty. `held_out` is what it answered to lives it had
    not seen, which any later comparison needs.
    """

    name: str
    version: str
    run_id: str
    metrics: dict[str, float]
    artefact: Artefact
    held_out: HeldOut | None = None


def train(
    lake: Lake,
    plant: Plant,
    class_id: str,
    *,
    as_of: dt.datetime,
    registry: ModelRegistry,
    exclude_units: Collection[str] = (),
    exclude_machines: Collection[str] = (),
    parameters: FitParameters = FitParameters(),
    tuned: str = "",
    kept_folds: Mapping[str, int] | None = None,
    fold_seeds: int = 1,
) -> TrainedModel:
    """Fits, judges, logs and registers a model of a class; promotion is `champion.promote`'s.

    Args:
        lake: Holds feature rows and lives, both up to date.
        plant: Says what the class is.
        class_id: Component class.
        as_of: Nothing that became known later is learnt from.
        registry: Where the run and the version go.
        exclude_units: Lives left out of everything, e.g. held-out ones.
        exclude_machines: Machines whose lives are left out.
        parameters: Tunables, logged with the run.
        tuned: Where they come from, for the card; empty: they are the defaults.
        kept_folds: Life -> fold of the model that this one will be compared with; its lives stay in their folds.
        fold_seeds: Sets of folds that it is judged by. The first is the one that counts; the others tell how far
            the error moves with the folds, and cost a cross-validation each.

    Raises:
        ConfigError: There are no feature rows in lives of that class.
        LeakageError: The folds would tear apart what was measured together.
    """
    data = training_set(lake, plant, class_id, as_of=as_of).without(exclude_units, exclude_machines)
    if not data.lives:
        raise ConfigError(
            f"class {class_id!r} has no feature rows in known lives at {as_of}: `wearcast ingest` and "
            "`wearcast score` make the rows, `wearcast events` tells of lives",
            {"component_class": class_id, "as_of": as_of},
        )
    component_class = plant.component_class(class_id)
    memory = max(component_class.memory)
    spans = Spans.of_class(component_class.memory, component_class.baseline)
    fitted = fit(
        data,
        parameters,
        fold=folds_of(data, parameters.folds, memory, kept_folds),
        name=model_name(class_id),
        baseline_rows=_baseline_rows(plant, class_id),
        as_of=as_of,
        table_versions=data.table_versions,
        spans=spans,
    )
    again = repeats(data, fitted, parameters, seeds=fold_seeds, memory=memory, spans=spans)
    judgement = judged(data, fitted, plant, seed=parameters.seed, repeats=again)
    metrics = {} if judgement is None else judgement.figures
    provenance = Provenance(
        rows=data.unit.size,
        excluded={"units": sorted(exclude_units), "machines": sorted(exclude_machines)},
        code_version=code_version(),
        seeds={"fit": parameters.seed, "bootstrap": parameters.seed},
        looks=looks_so_far(lake, class_id),
        tuned=tuned,
        repaired=sum(life.ending == "incipient" for life in data.lives),
    )
    answers = held_out(data, fitted)
    with start_run(registry, f"{class_id} {as_of:%Y-%m-%d}") as run:
        _record(run, data, fitted, judgement, parameters, provenance, answers)
        version = run.log_model(fitted.artefact, _version_tags(fitted.artefact, metrics))
    _LOG.info(
        "training.finished",
        model=version.name,
        version=version.version,
        run_id=version.run_id,
        failed_units=fitted.artefact.failed_units,
        cv_rmse=metrics.get("cv_rmse"),
    )
    return TrainedModel(version.name, version.version, version.run_id, metrics, fitted.artefact, answers)


def _baseline_rows(plant: Plant, class_id: str) -> int:
    """Rows in the class's baseline, at the middle grid of its machines."""
    grid = statistics.median_low(machine.grid for machine, _ in plant.components_of(class_id))
    return math.ceil(plant.component_class(class_id).baseline / grid)


def _record(
    run: Run,
    data: TrainingSet,
    fitted: Fitted,
    judgement: Judgement | None,
    parameters: FitParameters,
    provenance: Provenance,
    answers: HeldOut,
) -> None:
    artefact = fitted.artefact
    run.log(
        {
            **_flat(asdict(parameters)),
            "as_of": artefact.as_of,
            "component_class": artefact.component_class,
            "rul_cap": artefact.rul_cap,
            "features": len(artefact.feature_names),
            "inputs": len(artefact.inputs),
            "rows": data.unit.size,
            "lives": artefact.trained_units,
            "failed_lives": artefact.failed_units,
            **{f"table_version.{name}": number for name, number in artefact.table_versions.items()},
        },
        {} if judgement is None else judgement.figures,
        {
            "fingerprint": artefact.fingerprint,
            "code_version": provenance.code_version,
            "test_looks": provenance.looks,
            "mlflow.note.content": description(artefact, judgement, provenance),
            **{f"excluded_{what}": ", ".join(names) for what, names in provenance.excluded.items() if names},
        },
    )
    with tempfile.TemporaryDirectory() as space:
        write_files(artefact, judgement, provenance, Path(space))
        answers.write(Path(space))
        run.log_files(Path(space))


def _flat(parameters: dict[str, object]) -> dict[str, object]:
    """Nested values under `outer.inner`."""
    flat: dict[str, object] = {}
    for name, value in parameters.items():
        flat |= (
            {f"{name}.{inner}": one for inner, one in value.items()} if isinstance(value, dict) else {name: value}
        )
    return flat


def _version_tags(artefact: Artefact, metrics: dict[str, float]) -> dict[str, str]:
    tags = {
        "fingerprint": artefact.fingerprint,
        "component_class": artefact.component_class,
        "as_of": artefact.as_of,
        "calibrated": str(artefact.calibration.calibrated).lower(),
        "failed_units": str(artefact.failed_units),
    }
    return tags | ({"cv_error": repr(metrics["cv_rmse"])} if metrics else {})
