"""C-MAPSS through the product's own walk: import, features, lives, cross-validation, fit, and the test engines.

The gate is grouped cross-validation on the training file: 5 folds by engine, every row, truth min(RUL, 125),
pooled RMSE, mean over the fold seeds; everything is learnt inside the fold. Coverage is that of the 80 % band
on rows whose truth lies below the cap, engines weighted equally, offsets from other folds only.

The test engines are answered at their last cycle by `features.rul`, as a live machine would be. Every printed
result is one look at them; looks are counted in the folder `--looks` and nothing is chosen by them. Whether the
sister subset (FD001 with FD003, FD002 with FD004) is learnt from as well is chosen by cross-validation where
`--sister` says so; without it, the subset stands alone.
"""

import sys
from pathlib import Path

# A neighbour has the name of a package: started as a script, this folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import datetime as dt
import importlib.metadata
import json
import math
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from features.core.clock import SystemClock
from features.core.errors import WearcastError
from features.core.lake import Lake
from features.core.models import model_name
from features.core.plant import Plant, read_plant
from features.core.statements import Prediction, Refusal
from features.core.tables import FEATURE_ROWS, LIVES, MAINTENANCE_EVENTS
from features.core.telemetry import configure_logs
from features.registry import feature_set
from features.rul.artefact import Artefact
from features.rul.memory import Spans
from features.rul.predict import predict
from pipelines import labels
from pipelines.dataset import training_set
from pipelines.evaluation import evaluate
from pipelines.evaluation.bootstrap import resampled
from pipelines.evaluation.held_out import figures_of_test
from pipelines.evaluation.intervals import coverage
from pipelines.evaluation.looks import take_look
from pipelines.evaluation.scored import Answers, Scored
from pipelines.imports.cmapss import SUBSETS, import_cmapss, machine_id
from pipelines.model import CrossValidated, FitParameters, cross_validate, fit
from pipelines.model.dealing import dealt
from pipelines.scoring import compute_features

CLASS = "turbofan"
SISTERS = {"FD001": "FD003", "FD002": "FD004", "FD003": "FD001", "FD004": "FD002"}
FOLDS = 5
# Bands of the true RUL, cycles.
BANDS = {"": (0.0, 125.0), "_0_25": (0.0, 25.0), "_25_50": (25.0, 50.0), "_50_125": (50.0, 125.0)}


@dataclass(frozen=True, slots=True)
class Fleet:
    """Imported engines: their plant, their lake and how long import and features took, s."""

    plant: Plant
    lake: Lake
    import_s: float
    features_s: float


@dataclass(frozen=True, slots=True)
class Tested:
    """Answers to the test engines at their last cycle, and the refusals."""

    answers: Answers
    refused: int


def bring_in(data: Path, subsets: Sequence[str], folder: Path, *, part: str, now: dt.datetime) -> Fleet:
    """Imports engines, computes their features and finds their lives."""
    begun, lake, plants = time.perf_counter(), Lake(folder / "lake"), folder / "plant"
    for subset in subsets:
        import_cmapss(data, subset, lake, plants / f"{subset.lower()}.yaml", part=part)
    plant = read_plant(plants)
    imported = time.perf_counter()
    compute_features(lake, plant, as_of=now)
    events = lake.read(MAINTENANCE_EVENTS, as_of=now).collect()
    begin = {machine.id: dt.datetime(2008, 10, 6, tzinfo=dt.UTC) for machine in plant.machines}
    lake.upsert(LIVES, labels.lives(events, plant, as_of=now, data_begin=begin), writer="labels")
    return Fleet(plant, lake, imported - begun, time.perf_counter() - imported)


def spans_of(plant: Plant) -> Spans:
    """How far back the class's memory goes."""
    component_class = plant.component_class(CLASS)
    return Spans.of_class(component_class.memory, component_class.baseline)


def baseline_rows(plant: Plant) -> int:
    """Rows in the class's baseline; one row is an hour."""
    return math.ceil(plant.component_class(CLASS).baseline / dt.timedelta(hours=1))


def answered(found: CrossValidated, subset: str) -> Answers:
    """The out-of-fold answers to the engines of one subset."""
    own = np.char.startswith(found.out_of_fold.unit, f"{subset.lower()}-")
    return Answers.of(found.out_of_fold).at(own)


def pooled_rmse(answers: Scored) -> float:
    """RMSE over all rows, truth clipped at the cap."""
    return float(np.sqrt(np.mean((answers.mean - np.minimum(answers.rul, answers.cap)) ** 2)))


def coverages(answers: Scored) -> dict[str, float]:
    """Coverage of the 80 % band below the cap, overall and per band of the truth."""
    assert answers.p10 is not None
    assert answers.p90 is not None
    found = {}
    for name, (low, high) in BANDS.items():
        rows = (answers.rul >= low) & (answers.rul < high)
        found[f"cv_coverage80{name}"] = coverage(
            answers.rul[rows], answers.p10[rows], answers.p90[rows], answers.unit[rows]
        )
    return found


def asked_at_last_cycle(artefact: Artefact, fleet: Fleet, truth: Mapping[str, float]) -> Tested:
    """What the model says of each test engine at its last cycle."""
    rows = fleet.lake.read(FEATURE_ROWS).collect().partition_by("machine_id", as_dict=True)
    features = feature_set(fleet.plant, CLASS)
    said: list[tuple[str, Prediction | Refusal]] = []
    for machine, component in fleet.plant.components_of(CLASS):
        own = rows[machine.id,].with_columns(available_at=pl.col("time"))
        statement = predict(
            artefact,
            own,
            machine=machine,
            component=component,
            component_class=fleet.plant.component_class(CLASS),
            life_number=1,
            model_name=artefact.name,
            model_version="1",
            as_of=own["time"].max(),  # type: ignore[arg-type] # a column of moments
            features=features,
        )
        said.append((machine.id, statement))
    told = [(machine, one) for machine, one in said if isinstance(one, Prediction)]
    return Tested(
        Answers(
            unit=np.array([machine for machine, _ in told]),
            rul=np.array([truth[machine] for machine, _ in told]),
            cap=artefact.rul_cap,
            mean=np.array([one.mean for _, one in told]),
            p10=np.array([one.p10 for _, one in told], dtype=np.float64),
            p50=np.array([one.p50 for _, one in told], dtype=np.float64),
            p90=np.array([one.p90 for _, one in told], dtype=np.float64),
            baselines={},
        ),
        len(said) - len(told),
    )


def read_truth(data: Path, subset: str) -> dict[str, float] | None:
    """Test engine -> RUL at its last cycle; None where the files are not there."""
    file = data / f"RUL_{subset}.txt"
    if not file.exists() or not (data / f"test_{subset}.txt").exists():
        return None
    numbers = [float(line) for line in file.read_text(encoding="utf-8").split()]
    return {machine_id(subset, unit, "test"): rul for unit, rul in enumerate(numbers, start=1)}


def machine_facts() -> dict[str, object]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "lightgbm", "numba", "polars")},
    }


def measure(options: argparse.Namespace, space: Path) -> dict[str, object]:
    """Everything that is printed."""
    begun, now = time.perf_counter(), SystemClock().now()
    subset, parameters = options.subset, FitParameters(threads=options.threads)
    together = [subset]
    if options.sister and (options.data / f"train_{SISTERS[subset]}.txt").exists():
        together.append(SISTERS[subset])
    fleet = bring_in(options.data, together, space / "train", part="train", now=now)
    both = training_set(fleet.lake, fleet.plant, CLASS, as_of=now)
    alone = both.without(machines={m for m in np.unique(both.machine) if not m.startswith(f"{subset.lower()}-")})
    choice: dict[str, float] = {}
    data, found = alone, {}
    cv_begun = time.perf_counter()
    spans = spans_of(fleet.plant)
    found[0] = cross_validate(data, parameters, fold=dealt(data.unit, FOLDS, 0), spans=spans)
    if len(together) > 1:
        other = cross_validate(both, parameters, fold=dealt(both.unit, FOLDS, 0), spans=spans)
        choice = {
            "alone": pooled_rmse(answered(found[0], subset)),
            "with_sister": pooled_rmse(answered(other, subset)),
        }
        if choice["with_sister"] < choice["alone"]:
            data, found = both, {0: other}
    for seed in range(1, options.seeds):
        found[seed] = cross_validate(data, parameters, fold=dealt(data.unit, FOLDS, seed), spans=spans)
    fit_begun = time.perf_counter()
    fitted = fit(
        data,
        parameters,
        fold=dealt(data.unit, FOLDS, 0),
        name=model_name(CLASS),
        baseline_rows=baseline_rows(fleet.plant),
        as_of=now,
        table_versions=data.table_versions,
        spans=spans,
        judged=found[0],
    )
    fit_s = time.perf_counter() - fit_begun
    folds = {seed: answered(one, subset) for seed, one in found.items()}
    figures, tables = cv_figures(folds)
    figures |= {
        "fit_seconds": fit_s,
        "cv_seconds": fit_begun - cv_begun,
        "import_seconds": fleet.import_s,
        "features_seconds": fleet.features_s,
        "training_seconds": time.perf_counter() - begun,
        "trees": float(sum(text.count("\nTree=") for text in fitted.artefact.forests.values())),
        "trees_index": float(fitted.artefact.index_forest.count("\nTree=")),
        "units_train": float(len(data.failed_units)),
    }
    tables["choice_by_cv"] = [choice | {"learnt_from": "+".join(together if data is both else [subset])}]
    figures |= on_test(options, subset, fitted.artefact, space / "test", now)
    figures["total_seconds"] = time.perf_counter() - begun
    settings = {
        "subset": subset,
        "folds": FOLDS,
        "fold_seeds": list(found),
        "cap": fitted.artefact.rul_cap,
        "parameters": asdict(parameters),
    }
    return {
        "benchmark": "cmapss",
        "machine": machine_facts(),
        "settings": settings,
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "tables": tables,
    }


def cv_figures(folds: Mapping[int, Answers]) -> tuple[dict[str, float], dict[str, object]]:
    """Means over the fold seeds, and one row a seed."""
    by_seed = [
        {"seed": seed, "rmse_clip": pooled_rmse(answers), **coverages(answers)} for seed, answers in folds.items()
    ]
    scores = [float(row["rmse_clip"]) for row in by_seed]
    first = folds[min(folds)]
    error = first.mean - np.minimum(first.rul, first.cap)
    interval = resampled(first.unit, seed=0).mean(error**2, root=True, pooled=True)
    more = evaluate(first)
    figures = {
        "cv_rmse_clip": statistics.fmean(scores),
        "cv_rmse_sd": statistics.stdev(scores) if len(scores) > 1 else 0.0,
        "cv_rmse_low95": interval.low,
        "cv_rmse_high95": interval.high,
        "cv_rmse_raw": float(np.sqrt(np.mean((first.mean - first.rul) ** 2))),
        "cv_rmse_by_engine": more["cv_rmse"],
        "cv_baseline_constant_rmse": more["baseline_constant_median_rmse"],
        "cv_baseline_weibull_rmse": more["baseline_weibull_age_rmse"],
    }
    for name in coverages(first):
        figures[name] = statistics.fmean(float(row[name]) for row in by_seed)
    return figures, {"fold_seeds": by_seed}


def on_test(
    options: argparse.Namespace, subset: str, artefact: Artefact, folder: Path, now: dt.datetime
) -> dict[str, float]:
    """Figures of the test engines, each call one counted look; empty where the files are not there."""
    truth = read_truth(options.data, subset)
    if truth is None:
        return {}
    fleet = bring_in(options.data, [subset], folder, part="test", now=now)
    tested = asked_at_last_cycle(artefact, fleet, truth)
    look = take_look(
        Lake(options.looks),
        CLASS,
        test_set=f"C-MAPSS {subset} test",
        units=tested.answers.unit.tolist(),
        by="wearcast benchmark cmapss",
        now=now,
    )
    return {**figures_of_test(tested.answers, look, seed=0), "refused": float(tested.refused)}


def told(report: dict[str, object]) -> str:
    """The report for people."""
    figures, settings = report["figures"], report["settings"]
    assert isinstance(figures, dict)
    assert isinstance(settings, dict)
    lines = [f"C-MAPSS {settings['subset']}, cap {settings['cap']:g} cycles, fold seeds {settings['fold_seeds']}"]
    lines += [f"  {name:28} {value:10.3f}" for name, value in figures.items()]
    if "test_looks" in figures:
        lines.append(f"Look number {figures['test_looks']:.0f} at these test engines; choose nothing by them.")
    else:
        lines.append("The test files are not there: nothing was looked at.")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder with train, test and RUL files.")
    parser.add_argument("--subset", type=str.upper, choices=SUBSETS, default="FD001")
    parser.add_argument("--seeds", type=int, default=3, help="How many fold seeds.")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="Folds fitted at once.")
    parser.add_argument("--sister", action="store_true", help="Let cross-validation choose the sister subset.")
    parser.add_argument("--looks", type=Path, default=Path("data/benchmarks"), help="Where looks are counted.")
    parser.add_argument("--json", action="store_true", help="One JSON object and nothing else.")
    options = parser.parse_args()
    configure_logs("auto", sys.stderr)
    with tempfile.TemporaryDirectory() as space:
        try:
            report = measure(options, Path(space))
        except WearcastError as err:
            parser.error(str(err))
    print(json.dumps(report) if options.json else told(report))


if __name__ == "__main__":
    main()
