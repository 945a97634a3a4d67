"""FEMTO bearings: learn on five and predict the sixth, all six in turn; then the challenge's test bearings.

The bearings go the way of a site's own data: import, features, lives, training, statements along each life. A
statement's number is the P50. The challenge asks for one number a bearing and punishes late answers more than
early ones, so the number that answers it is the one with the best expected score under the same distribution.

Beside it stand three answers that use no measurement, fitted on the same learning bearings: a constant, one
share of the age, and a Weibull distribution over the age. For errors each is fitted to the error, for scores
to the score. Every life weighs the same.

    wearcast benchmark femto --data LEARN_DIR [--test TEST_DIR] [--json]

TEST_DIR holds the test bearings in the same form and `truth.json`. What comes after `last_snapshot_given` is
never read; the true remaining lives are read once, after all answers were given, and the look is counted.
"""

import sys
from pathlib import Path

# A neighbour has the name of a package: started as a script, this folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import importlib.metadata
import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any  # Any: rows of tables and JSON documents

import numpy as np
import polars as pl

from features.core.clock import SystemClock
from features.core.errors import ConfigError, WearcastError
from features.core.lake import Lake
from features.core.telemetry import logs_in, silence_dependencies
from pipelines.champion.verdict import finite
from pipelines.evaluation.looks import take_look
from pipelines.imports.femto_runs import TRUTH, given_snapshots
from tests.benchmarks._femto_answers import GRID, Baselines, score
from tests.benchmarks._femto_fleet import HOUR, Course, Fleet

# Shares of life at which one number is asked for, beside the grid.
ASKED = (0.5, 0.7, 0.9)
ANSWERS = ("model", "constant", "share_of_age", "weibull")


def leave_one_out(fleet: Fleet) -> tuple[dict[str, float], dict[str, list[dict[str, Any]]]]:
    """Each learning bearing told by a model of the others: figures and tables."""
    courses: list[tuple[Course, Baselines]] = []
    ended = fleet.lives.filter(pl.col("ending") == "failure")
    for bearing in fleet.learning:
        others = ended.filter(pl.col("machine_id") != bearing.machine_id)
        others = others.filter(pl.col("machine_id").is_in([b.machine_id for b in fleet.learning]))
        baselines = Baselines.fit([(end - start) / HOUR for start, end in others.select("start", "end").rows()])
        model = fleet.train([bearing.machine_id])
        courses.append((fleet.course(fleet.plant.machine(bearing.machine_id), model)[0], baselines))
    errors = [_errors(course, baselines) for course, baselines in courses]
    scores = [row for course, baselines in courses for row in _scores(course, baselines, tuple({*ASKED, *GRID}))]
    asked = [row for row in scores if row["share_of_life"] in ASKED]
    truncated = [row for row in scores if row["share_of_life"] in GRID]
    figures = {
        "rmse_share_of_life": _mean(errors, "rmse_model"),
        "mae_share_of_life": _mean(errors, "mae_model"),
        "loo_refused_rows": float(sum(int(np.isnan(course.p50).sum()) for course, _ in courses)),
    }
    for name in ANSWERS:
        figures[f"loo_rmse_share_of_life_{name}"] = _mean(errors, f"rmse_{name}")
        figures[f"loo_mae_share_of_life_{name}"] = _mean(errors, f"mae_{name}")
        figures[f"loo_score_50_70_90_{name}"] = _mean(asked, f"score_{name}")
        figures[f"loo_score_truncations_{name}"] = _mean(truncated, f"score_{name}")
        figures[f"loo_mae_truncations_{name}"] = _mean(truncated, f"error_{name}")
    figures["loo_score_truncations_expected"] = _mean(truncated, "expected")
    by_share = [
        {"share_of_life": share}
        | {
            f"{what}_{name}": _mean([r for r in truncated if r["share_of_life"] == share], f"{what}_{name}")
            for what in ("score", "error")
            for name in ANSWERS
        }
        for share in GRID
    ]
    return figures, {"held_out": errors, "asked": asked, "by_share_of_life": by_share}


def _errors(course: Course, baselines: Baselines) -> dict[str, Any]:
    told = np.isfinite(course.p50)
    answers = {"model": course.p50} | {name: fit(course.age) for name, fit in baselines.for_error.items()}
    found: dict[str, Any] = {
        "bearing": course.name,
        "life_h": course.life,
        "rung": course.rung,
        "first_request_share": None if course.first_request is None else course.first_request / course.life,
        "refused_rows": int((~told).sum()),
    }
    for name, answer in answers.items():
        error = (answer[told] - course.truth[told]) / course.life
        found[f"mae_{name}"] = float(np.mean(np.abs(error)))
        found[f"rmse_{name}"] = float(np.sqrt(np.mean(error**2)))
    return found


def _scores(course: Course, baselines: Baselines, shares: Sequence[float]) -> list[dict[str, Any]]:
    rows = []
    for share in sorted(shares):
        row = course.row_at(share)
        age, truth = course.age[row : row + 1], course.truth[row : row + 1]
        answers = {"model": np.array([course.answer(row)])}
        answers |= {name: fit(age) for name, fit in baselines.for_score.items()}
        told: dict[str, Any] = {"bearing": course.name, "share_of_life": share, "truth_s": truth[0] * 3600.0}
        told["expected"] = float("nan")
        if course.left is not None:
            values, weights = course.left.values, course.left.weights[row]
            if np.isfinite(answers["model"]).all():
                told["expected"] = float(score(answers["model"], values) @ weights)
        for name, answer in answers.items():
            told[f"answer_s_{name}"] = float(answer[0]) * 3600.0
            told[f"score_{name}"] = _or_nothing(score(answer, truth)[0])
            told[f"error_{name}"] = float(np.abs(answer - truth)[0]) / course.life
        rows.append(told)
    return rows


def challenge(fleet: Fleet, folder: Path, looks: Lake) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """One answer for each test bearing from what was given, then the truth, with the look counted."""
    given, model = given_snapshots(folder), fleet.train([])
    ended = fleet.lives.filter(
        pl.col("ending") == "failure", pl.col("machine_id").is_in([b.machine_id for b in fleet.learning])
    )
    baselines = Baselines.fit([(end - start) / HOUR for start, end in ended.select("start", "end").rows()])
    rows: list[dict[str, Any]] = []
    for bearing in fleet.test:
        course, last_row = fleet.course(fleet.plant.machine(bearing.machine_id), model)
        record = pl.scan_parquet(folder / f"bearing{bearing.name}_vibration.parquet")
        seen = record.filter(pl.col("snapshot") <= given[bearing.name]).select(pl.col("elapsed_s").max())
        snapshot_s = float(seen.collect().item())
        # A row speaks as of the end of its grid step, the truth as of the snapshot in it.
        since_s = (last_row - bearing.begin).total_seconds() - snapshot_s
        age = np.array([snapshot_s / 3600.0])
        answers = {"model": course.answer(-1) * 3600.0 + since_s, "p50": course.p50[-1] * 3600.0 + since_s}
        answers |= {name: float(fit(age)[0]) * 3600.0 for name, fit in baselines.for_score.items()}
        rows.append(
            {"bearing": bearing.name, "age_s": snapshot_s, "rung": course.rung}
            | {"alarmed": course.first_request is not None}
            | {f"answer_s_{name}": answer for name, answer in answers.items()}
        )
    look = take_look(
        looks,
        fleet.class_id,
        test_set="PHM 2012 challenge",
        units=[b.machine_id for b in fleet.test],
        by=f"benchmark femto, {model.name}",
        now=SystemClock().now(),
    )
    for row in rows:
        for kind in ("official", "from_full_record"):
            row[f"rul_s_{kind}"] = true_s = true_rul_s(folder, row["bearing"], kind)
            for name in (*ANSWERS, "p50"):
                answer = np.array([row[f"answer_s_{name}"]], dtype=np.float64)
                row[f"score_{kind}_{name}"] = _or_nothing(score(answer, np.array([true_s]))[0])
    figures = {
        "challenge_score": _mean(rows, "score_official_model"),
        "challenge_score_record": _mean(rows, "score_from_full_record_model"),
        "challenge_score_p50": _mean(rows, "score_official_p50"),
        **{f"baseline_{name}": _mean(rows, f"score_official_{name}") for name in ANSWERS[1:]},
        "bearings": float(len(rows)),
        "refused": float(sum(bool(np.isnan(row["answer_s_model"])) for row in rows)),
        "test_looks": float(look.number),
    }
    return figures, rows


def true_rul_s(folder: Path, bearing: str, kind: str) -> float:
    """What was left to a test bearing at its last given snapshot, s: `official`, or `from_full_record`.

    Raises:
        ConfigError: The file does not say it.
    """
    document = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    told = {name.removeprefix("bearing"): of for name, of in document.items()}[bearing].get(f"rul_s_{kind}")
    if not isinstance(told, int | float) or not 0 < told < float("inf"):
        raise ConfigError(
            f"{folder / TRUTH}: rul_s_{kind} of bearing{bearing} is {told!r}; seconds above 0 are expected",
            {"file": str(folder / TRUTH), "bearing": bearing},
        )
    return float(told)


def _or_nothing(value: float) -> float:
    """A refused answer scores nothing."""
    return float(value) if np.isfinite(value) else 0.0


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    """Over the rows that were told: one that was refused has no error (its score is 0, and counts)."""
    return float(np.nanmean([row[name] for row in rows]))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "versions": {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "polars", "lightgbm")},
    }


def report(data: Path, test: Path | None, looks: Path) -> dict[str, Any]:
    """Everything that was found, as one document."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, logs_in(Path(home, "log.jsonl")):
        fleet = Fleet(Path(home), data, test)
        figures, found = leave_one_out(fleet)
        tables: dict[str, Any] = dict(found)
        scored_on = "learning bearings, each held out, at 50, 70 and 90 % of life"
        if test is None:
            figures["challenge_score"] = figures["loo_score_50_70_90_model"]
            figures |= {f"baseline_{name}": figures[f"loo_score_50_70_90_{name}"] for name in ANSWERS[1:]}
            figures |= {"bearings": float(len(fleet.learning)), "test_looks": 0.0}
            figures["refused"] = figures["loo_refused_rows"]
        else:
            scored_on = "test bearings, official truth"
            more, tables["challenge"] = challenge(fleet, test, Lake(looks))
            figures |= more
            there = {bearing.name for bearing in fleet.test}
            tables["challenge_without_record"] = sorted(set(given_snapshots(test)) - there)
    figures["seconds"] = round(time.perf_counter() - begin, 1)
    return {
        "benchmark": "femto",
        "machine": machine(),
        "settings": {"scored_on": scored_on, "asked": ASKED, "truncations": GRID},
        "figures": figures,
        "tables": tables,
    }


def show(found: dict[str, Any]) -> None:
    """The same for people."""
    from rich.console import Console
    from rich.table import Table

    # A pipe has no width of its own.
    people = Console(width=None if sys.stdout.isatty() else 120)
    figures, tables = found["figures"], found["tables"]
    held = Table(title="Learn on the others, predict this one: errors over its life in shares of it")
    for name in ("bearing", "life h", "first request", *(f"MAE {n}" for n in ANSWERS), "RMSE model", "refused"):
        held.add_column(name)
    for row in tables["held_out"]:
        first = row["first_request_share"]
        held.add_row(
            row["bearing"],
            f"{row['life_h']:.2f}",
            "never" if first is None else f"{first:.0%} of life",
            *(f"{row[f'mae_{n}']:.2f}" for n in ANSWERS),
            f"{row['rmse_model']:.2f}",
            str(row["refused_rows"]),
        )
    people.print(held)
    summary = Table("figure", *ANSWERS, title="Means")
    for told, key in (
        ("MAE, every row", "loo_mae_share_of_life"),
        ("RMSE, every row", "loo_rmse_share_of_life"),
        ("score at 50, 70, 90 %", "loo_score_50_70_90"),
        ("score every 5 % from 30 %", "loo_score_truncations"),
        ("error every 5 % from 30 %", "loo_mae_truncations"),
    ):
        summary.add_row(told, *(f"{figures[f'{key}_{n}']:.3f}" for n in ANSWERS))
    people.print(summary)
    for row in tables.get("challenge", ()):
        said = row["answer_s_model"]
        people.print(
            f"{row['bearing']}: {'no number' if np.isnan(said) else f'{said:.0f} s'} said, "
            f"{row['rul_s_official']:.0f} s official, score {row['score_official_model']:.2f} "
            f"({row['rul_s_from_full_record']:.0f} s by its record, {row['score_from_full_record_model']:.2f})",
            highlight=False,
        )
    for name in tables.get("challenge_without_record", ()):
        people.print(f"bearing{name} is in {TRUTH} and has no record here; it is in no figure", highlight=False)
    people.print(f"Scored on: {found['settings']['scored_on']}", highlight=False)
    for name in ("challenge_score", "baseline_constant", "baseline_share_of_age", "baseline_weibull"):
        people.print(f"{name}: {figures[name]:.3f}", highlight=False)
    people.print(f"Looks at the test data so far: {figures['test_looks']:.0f}", highlight=False)


def main() -> None:
    """Run the benchmark and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder of the learning bearings.")
    parser.add_argument("--test", type=Path, help="Folder of the test bearings, with truth.json.")
    parser.add_argument("--json", action="store_true", help="One JSON object and nothing else.")
    parser.add_argument(
        "--looks", type=Path, default=Path("data/benchmarks/looks"), help="Lake that counts looks at test data."
    )
    options = parser.parse_args()
    silence_dependencies()
    try:
        found = report(options.data, options.test, options.looks)
    except WearcastError as err:
        parser.error(str(err))
    if options.json:
        print(json.dumps(finite(found), allow_nan=False))
    else:
        show(found)


if __name__ == "__main__":
    main()
