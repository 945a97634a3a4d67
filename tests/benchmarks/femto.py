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
import datetime as dt
import importlib.metadata
import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any  # Any: rows of tables and JSON documents

import numpy as np
import numpy.typing as npt
import polars as pl

from features.core.clock import SystemClock
from features.core.lake import Lake
from features.core.models import ModelRegistry
from features.core.plant import Machine, Plant
from features.core.statements import Prediction
from features.core.tables import FEATURE_ROWS, LIVES, MAINTENANCE_EVENTS
from features.core.telemetry import logs_in, silence_dependencies
from features.rul.life import known_rows
from features.rul.transfer import Remaining
from pipelines import champion, labels, scoring, training
from pipelines.evaluation.looks import take_look
from pipelines.imports.femto import import_femto, plant_document
from pipelines.imports.femto_runs import TRUTH, Bearing, bearings_in, given_snapshots
from pipelines.imports.plantfile import settle_plant
from tests.benchmarks._femto_answers import GRID, Baselines, best_answer, score

Floats = npt.NDArray[np.float64]

AS_OF = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
# Shares of life at which one number is asked for, beside the grid.
ASKED = (0.5, 0.7, 0.9)
ANSWERS = ("model", "constant", "share_of_age", "weibull")


@dataclass(frozen=True, slots=True)
class Course:
    """One bearing along its life, told by a model that did not see it; hours.

    `age` and `truth` [n] at all its rows; `p50` [n], NaN where refused; `left` where few lives speak, else None.
    """

    name: str
    age: Floats
    truth: Floats
    p50: Floats
    left: Remaining | None
    first_request: float | None
    rung: str

    @property
    def life(self) -> float:
        """Hours from installation to failure."""
        return float(self.age[-1] + self.truth[-1])

    def row_at(self, share: float) -> int:
        """The newest row at that share of life."""
        return max(0, int(np.searchsorted(self.age, share * self.life, side="right")) - 1)

    def answer(self, row: int) -> float:
        """The number for the challenge; NaN where refused."""
        if self.left is None or not np.isfinite(self.p50[row]):
            return float(self.p50[row])
        return best_answer(self.left.values, self.left.weights[row])


class Fleet:
    """The bearings in a lake of their own, with features and lives."""

    def __init__(self, home: Path, learning: Path, test: Path | None) -> None:
        self.lake, plant_path = Lake(home / "lake"), home / "plant.yaml"
        self.learning = bearings_in(learning)
        self.test: tuple[Bearing, ...] = () if test is None else bearings_in(test)
        # One plant of both: one feature set.
        self.plant: Plant = settle_plant(plant_path, plant_document((*self.learning, *self.test)))
        for folder in (learning, test):
            if folder is not None:
                import_femto(folder, self.lake, plant_path)
        self.class_id = self.plant.component_classes[0].id
        self.registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", str(home / "artifacts"))
        scoring.compute_features(self.lake, self.plant, as_of=AS_OF)
        events = self.lake.read(MAINTENANCE_EVENTS, as_of=AS_OF).collect()
        self.lives = labels.lives(events, self.plant, as_of=AS_OF, data_begin=None)
        self.lake.upsert(LIVES, self.lives, writer="labels")

    def train(self, without: Sequence[str]) -> champion.LoadedModel:
        """A model of the learning bearings but these."""
        out = (*without, *(bearing.machine_id for bearing in self.test))
        model = training.train(
            self.lake,
            self.plant,
            self.class_id,
            as_of=AS_OF,
            registry=self.registry,
            exclude_machines=out,
        )
        return champion.LoadedModel(model.artefact, model.name, model.version)

    def course(self, machine: Machine, model: champion.LoadedModel) -> tuple[Course, dt.datetime]:
        """Statements along the first life of a machine, and the time of its last row."""
        statements = scoring.score(
            self.lake,
            self.plant,
            {self.class_id: model},
            lives=self.lives,
            as_of=AS_OF,
            along=True,
            machine_ids=[machine.id],
        )
        life = self.lives.filter(pl.col("machine_id") == machine.id).sort("life_number").row(0, named=True)
        inside = pl.col("time") > life["start"]
        if life["end"] is not None:
            inside &= pl.col("time") <= life["end"]
        rows = self.lake.read(FEATURE_ROWS, machine_ids=[machine.id]).filter(inside).sort("time").collect()
        told = {s.data_time: s for s in statements}
        p50 = np.array([s.p50 if isinstance(s := told[t], Prediction) else np.nan for t in rows["time"]])
        age = np.array([(t - life["start"]) / HOUR for t in rows["time"]])
        truth = np.full(age.size, np.nan)
        if life["end"] is not None:
            truth = (life["end"] - life["start"]) / HOUR - age
        requested = [t for t in rows["time"] if told[t].health_state == "maintenance_required"]
        return Course(
            name=machine.id.removeprefix("femto-"),
            age=age,
            truth=truth,
            p50=p50,
            left=_left(model, rows, p50, machine.components[0].rated_life),
            first_request=(requested[0] - life["start"]) / HOUR if requested else None,
            rung=str(told[rows["time"][-1]].rung),
        ), rows["time"][-1]


def _left(
    model: champion.LoadedModel, rows: pl.DataFrame, p50: Floats, rated_life: float | None
) -> Remaining | None:
    """The distribution behind the statements; None where forests speak, which have no more than quantiles."""
    artefact = model.artefact
    if artefact.transfer is None or artefact.condition is None:
        return None
    known = known_rows(rows, len(artefact.feature_names))
    index = artefact.condition.assess(known.of_life(artefact.feature_names)).index
    left = artefact.transfer.remaining(known.known_age, index, range(len(known)), rated_life=rated_life)
    told = np.isfinite(p50)
    if not np.allclose(left.quantile(0.5)[told], p50[told], rtol=1e-9):
        raise AssertionError("the distribution is not the one behind the statements")
    return left


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
    truth = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    for row in rows:
        for kind in ("official", "from_full_record"):
            true_s = float(truth[f"bearing{row['bearing']}"][f"rul_s_{kind}"])
            row[f"rul_s_{kind}"] = true_s
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
        people.print(
            f"{row['bearing']}: {row['answer_s_model']:.0f} s said, {row['rul_s_official']:.0f} s official, "
            f"score {row['score_official_model']:.2f}",
            highlight=False,
        )
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
    found = report(options.data, options.test, options.looks)
    if options.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
