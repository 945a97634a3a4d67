"""C-MAPSS through the product's own walk: import, features, lives, cross-validation, fit, and the test engines.

The gate is grouped cross-validation on the training file: 5 folds by engine, every row, truth min(RUL, 125),
pooled RMSE, mean over the fold seeds; everything is learnt inside the fold. Coverage is that of the 80 % band
on rows whose truth lies below the cap, engines weighted equally, offsets from other folds only.

The test engines are answered at their last cycle by `features.rul`, as a live machine would be. Every printed
result is one look at them; looks are counted in the folder `--looks` and nothing is chosen by them.

Where the training file of the sister subset is there (FD001 with FD003, FD002 with FD004), cross-validation by one
fold seed chooses whether it is learnt from as well. The sister's engines only teach: folds, figures and
calibration are of the subset's own engines.
"""

import sys
from pathlib import Path

# A neighbour has the name of a package: started as a script, this folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import datetime as dt
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from features.core.clock import SystemClock
from features.core.errors import ConfigError, WearcastError
from features.core.lake import Lake
from features.core.models import model_name
from features.core.telemetry import configure_logs
from features.rul.artefact import Artefact
from pipelines.dataset import training_set
from pipelines.evaluation import evaluate
from pipelines.evaluation.bootstrap import resampled
from pipelines.evaluation.held_out import figures_of_test
from pipelines.evaluation.intervals import coverage
from pipelines.evaluation.looks import take_look
from pipelines.evaluation.scored import Answers, Scored
from pipelines.imports.cmapss import SUBSETS
from pipelines.model import FitParameters, fit
from tests.benchmarks._computer import describe_computer
from tests.benchmarks._engines import (
    CLASS,
    asked_at_last_cycle,
    baseline_rows,
    bring_in,
    files_of_test,
    read_truth,
    spans_of,
)
from tests.benchmarks._sister import FOLDS, SISTER_STRIDE, SISTERS, choose, folds_of, pooled_rmse, ways

# Bands of the true RUL, cycles.
BANDS = {"": (0.0, 125.0), "_0_25": (0.0, 25.0), "_25_50": (25.0, 50.0), "_50_125": (50.0, 125.0)}


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


def measure(options: argparse.Namespace, space: Path) -> dict[str, object]:
    """Everything that is printed."""
    begun, used, now = time.perf_counter(), time.process_time(), SystemClock().now()
    subset, parameters = options.subset, FitParameters(threads=options.threads)
    together = learnt_together(options)
    tested = None if options.without_test else files_of_test(options.data, subset)
    fleet = bring_in(options.data, together, space / "train", part="train", now=now)
    spans = spans_of(fleet.plant)
    cv_begun = time.perf_counter()
    both = training_set(fleet.lake, fleet.plant, CLASS, as_of=now)
    tried = ways(both, subset, alone=options.alone, sister=options.sister)
    chosen = choose(tried, parameters, subset=subset, seeds=options.seeds, spans=spans)
    fit_begun = time.perf_counter()
    fitted = fit(
        chosen.data,
        parameters,
        fold=folds_of(chosen.data, subset, 0),
        name=model_name(CLASS),
        baseline_rows=baseline_rows(fleet.plant),
        as_of=now,
        table_versions=chosen.data.table_versions,
        spans=spans,
        judged=chosen.found[0],
    )
    fit_s = time.perf_counter() - fit_begun
    folds = {seed: Answers.of(one.out_of_fold) for seed, one in chosen.found.items()}
    figures, tables = cv_figures(folds)
    figures |= {
        "fit_seconds": fit_s,
        "cv_seconds": fit_begun - cv_begun,
        "import_seconds": fleet.import_s,
        "features_seconds": fleet.features_s,
        "training_seconds": time.perf_counter() - begun,
        "training_cpu_seconds": time.process_time() - used,
        "trees": float(sum(text.count("\nTree=") for text in fitted.artefact.forests.values())),
        "trees_index": float(fitted.artefact.index_forest.count("\nTree=")),
        "units_train": float(len(chosen.data.failed_units)),
    }
    tables["choice_by_cv"] = [
        {"learnt_from": name, "rmse_clip": score, "fold_seed": 0, "chosen": name == chosen.learnt_from}
        for name, score in chosen.scores.items()
    ]
    if tested is not None:
        more, tables["test_refused"] = on_test(options, tested, fitted.artefact, space / "test", now)
        figures |= more
    figures["total_seconds"] = time.perf_counter() - begun
    settings = {
        "subset": subset,
        "learnt_from": chosen.learnt_from,
        "sister_stride": SISTER_STRIDE,
        "folds": FOLDS,
        "fold_seeds": list(chosen.found),
        "cap": fitted.artefact.rul_cap,
        "parameters": asdict(parameters),
    }
    return {
        "benchmark": "cmapss",
        "machine": describe_computer("numpy", "lightgbm", "numba", "polars"),
        "settings": settings,
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "tables": tables,
    }


def learnt_together(options: argparse.Namespace) -> list[str]:
    """The subset, and its sister where that may teach and its training file is there.

    Raises:
        ConfigError: The sister was asked for, and its training file is not there.
    """
    sister = SISTERS[options.subset]
    file = options.data / f"train_{sister}.txt"
    if options.sister and not file.exists():
        raise ConfigError(f"{file} is not there; add it, or leave --sister away", {"file": str(file)})
    return [options.subset] if options.alone or not file.exists() else [options.subset, sister]


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
    options: argparse.Namespace, files: tuple[Path, Path], artefact: Artefact, folder: Path, now: dt.datetime
) -> tuple[dict[str, float], list[dict[str, object]]]:
    """Figures of the test engines, whose files are those of the rows and of the truth, and who got no number.

    Each call is one counted look.
    """
    subset = options.subset
    fleet = bring_in(options.data, [subset], folder, part="test", now=now)
    truth = read_truth(files[1], subset, [machine.id for machine in fleet.plant.machines])
    tested = asked_at_last_cycle(artefact, fleet, truth)
    look = take_look(
        Lake(options.looks),
        CLASS,
        test_set=f"C-MAPSS {subset} test",
        units=tested.answers.unit.tolist(),
        by="wearcast benchmark cmapss",
        now=now,
    )
    figures = figures_of_test(tested.answers, look, seed=0) | {"refused": float(len(tested.refused))}
    return figures, [
        {"engine": engine, "reason": reason, "detail": detail}
        for engine, (reason, detail) in tested.refused.items()
    ]


def told(report: dict[str, object]) -> str:
    """The report for people."""
    figures, settings, tables = report["figures"], report["settings"], report["tables"]
    assert isinstance(tables, dict)
    assert isinstance(figures, dict)
    assert isinstance(settings, dict)
    lines = [f"C-MAPSS {settings['subset']}, cap {settings['cap']:g} cycles, fold seeds {settings['fold_seeds']}"]
    for one in tables["choice_by_cv"]:
        lines.append(
            f"Learnt from {one['learnt_from']}: RMSE {one['rmse_clip']:.3f} by fold seed {one['fold_seed']}"
        )
        lines[-1] += ", chosen" if one["chosen"] else ""
    lines += [f"  {name:28} {value:10.3f}" for name, value in figures.items()]
    lines += [f"No number for {one['engine']}: {one['detail']}" for one in tables.get("test_refused", ())]
    if "test_looks" in figures:
        lines.append(f"Look number {figures['test_looks']:.0f} at these test engines; choose nothing by them.")
    else:
        lines.append("No test engine was looked at.")
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder with train, test and RUL files.")
    parser.add_argument("--subset", type=str.upper, choices=SUBSETS, default="FD001")
    parser.add_argument("--seeds", type=int, default=3, help="How many fold seeds.")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="Folds fitted at once.")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--alone", action="store_true", help="Learn from the subset alone; nothing is chosen.")
    way.add_argument("--sister", action="store_true", help="Learn from the sister subset, too; nothing is chosen.")
    parser.add_argument("--without-test", action="store_true", help="Do not look at the test engines.")
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
