"""Remaining life on the frozen simulated plant: bands, suspended lives, and machines of another kind.

A model is fitted on the plant's first 18 months, as of their end, and asked about lives that began later:
other parts, another time. Which mode ended a life is the simulator's own truth and is read for the verdict only.

`--seed` draws another plant with the same parameters: what was chosen with the frozen one at hand is shown on data
that nobody looked at. Give it a folder of its own.
"""

import sys
from pathlib import Path

# Beside this file lies one with the name of a package: the project's folder comes first instead.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import datetime as dt
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import yaml

from features.core.clock import DemoClock
from features.core.errors import ConfigError, WearcastError
from features.core.models import model_name
from features.core.settings import demo_overrides
from features.core.statements import Prediction, Refusal, RefusalReason
from features.core.tables import FEATURE_ROWS
from features.core.telemetry import configure_logs
from features.rul.artefact import Artefact
from features.rul.memory import Spans
from features.rul.predict import predict_rows
from pipelines.dataset import Life, TrainingSet, grouped_folds, split_groups, training_set
from pipelines.historian.simulator import plant_document, read_config, write_truth
from pipelines.historian.truth import read_truth
from pipelines.model import FitParameters, fit
from pipelines.settings import PipelineSettings, SourceSettings
from pipelines.walk import Walk
from tests.benchmarks._computer import describe_computer

PLANT = Path(__file__).resolve().parents[2] / "data/simulator/benchmark.yaml"
CLASS, SLOT = "rolling_bearing", "DE-bearing"
# The plant runs on for as long again: enough lives begin and end after the fit.
UNSEEN_DAYS = 700
BASELINE_ROWS = 20

# Machines and sensors that the fit never saw: name -> factor and addend of a level feature.
Change = Callable[[str], tuple[float, float]]
FOREIGN: dict[str, Change] = {
    "acceleration in g taken for m/s^2": lambda name: (1 / 9.80665, 0.0) if _is_vibration(name) else (1.0, 0.0),
    "sensor of a hundred times the sensitivity": lambda name: (100.0, 0.0) if _is_vibration(name) else (1.0, 0.0),
    "furnace hall, 60 K hotter": lambda name: (1.0, 60.0) if name.endswith("temperature.level_k") else (1.0, 0.0),
    "four times the speed": lambda name: (
        (16.0, 0.0) if _is_vibration(name) else (4.0 if name.startswith("speed.") else 1.0, 0.0)
    ),
}


def _is_vibration(name: str) -> bool:
    return name.startswith("vibration") and name.rsplit(".", 1)[-1].endswith(("m_s2", "mm_s"))


@dataclass(frozen=True, slots=True)
class Unseen:
    """A life that began after the fit and failed: its feature rows, and the running hours left at each."""

    machine_id: str
    life_number: int
    mode: str
    rows: pl.DataFrame
    rul: np.ndarray


@dataclass(frozen=True, slots=True)
class Answered:
    """What was said of an unseen life: NaN where refused."""

    life: Unseen
    mean: np.ndarray
    p10: np.ndarray
    p90: np.ndarray
    reasons: tuple[str, ...]


def log(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def open_walk(work: Path, seed: int | None = None) -> tuple[Walk, dt.datetime, dt.datetime]:
    """The plant in a folder, with the moment of the fit and the moment at which everything is known.

    `seed` makes another plant with the same parameters; None: the frozen one.
    """
    drawn = drawn_plant(work, seed)
    config = read_config(drawn)
    learnt = config.start + dt.timedelta(days=config.history_days)
    known = learnt + dt.timedelta(days=UNSEEN_DAYS)
    (work / "mlruns").mkdir(parents=True, exist_ok=True)
    source = SourceSettings.model_validate({"kind": "simulator", "config": str(drawn)})
    places = demo_overrides(work) | {"replay": None}
    settings = PipelineSettings.read(
        **places, sources={"simulator": source}, dagster_home=work / "dagster", overlap_hours=24.0
    )
    document = yaml.safe_dump(plant_document(config), sort_keys=False, allow_unicode=True)
    settings.plant.write_text(document, encoding="utf-8")
    write_truth(config, known, work / "truth.parquet")
    walk = Walk.open(settings)
    return replace(walk, clock=DemoClock(known + dt.timedelta(seconds=1))), learnt, known


def drawn_plant(work: Path, seed: int | None) -> Path:
    """The frozen plant's file, or one in the folder with its parameters and another seed.

    Raises:
        ConfigError: The folder holds the data of another seed.
    """
    own, frozen = work / "simulator.yaml", read_config(PLANT).seed
    wanted, held = frozen if seed is None else seed, read_config(own).seed if own.exists() else frozen
    if (work / "lake").exists() and held != wanted:
        raise ConfigError(
            f"{work} holds the plant of seed {held}, not of {wanted}: name another folder", {"folder": str(work)}
        )
    if wanted == frozen:
        own.unlink(missing_ok=True)
        return PLANT
    work.mkdir(parents=True, exist_ok=True)
    document = yaml.safe_load(PLANT.read_text(encoding="utf-8")) | {"seed": wanted}
    own.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return own


def fill(walk: Walk, known: dt.datetime) -> None:
    """Reads the historian and makes features; what is there already is not made again."""
    shown = [0]

    def tell(share: float, what: str) -> None:
        if int(share * 10) != shown[0]:
            shown[0] = int(share * 10)
            log(f"{what}: {share:.0%}")

    walk.ingest(until=known, on_progress=lambda step: tell(step.share, "reading"))
    shown[0] = 0
    walk.features(as_of=known, on_progress=lambda step: tell(step.share, "features"))


def unseen_lives(walk: Walk, learnt: dt.datetime, known: dt.datetime, truth: pl.DataFrame) -> list[Unseen]:
    """Lives that began after the fit and failed by `known`, with rows in running order."""
    lives = walk.lives(as_of=known).filter(pl.col("slot") == SLOT)
    data = training_set(walk.lake, walk.plant, CLASS, as_of=known)
    spans = {f"{r['machine_id']}/{r['slot']}#{r['life_number']}": r for r in lives.iter_rows(named=True)}
    rows = walk.lake.read(FEATURE_ROWS, as_of=known).filter(
        pl.col("component_class") == CLASS, pl.col("fingerprint") == data.fingerprint, pl.col("time") > learnt
    )
    by_machine = rows.sort("time").collect().partition_by("machine_id", as_dict=True)
    found = []
    for life in data.lives:
        span = spans[life.unit]
        if not life.failed or span["start"] <= learnt:
            continue
        machine = by_machine[(life.machine_id,)]
        own = machine.filter(pl.col("time") > span["start"], pl.col("time") <= span["end"], pl.col("running"))
        mine = data.unit == life.unit
        if own.height != np.count_nonzero(mine):
            raise AssertionError(
                f"{life.unit}: {own.height} rows in the lake, {np.count_nonzero(mine)} in the set"
            )
        mode = _mode(truth, life, span["start"], span["end"])
        found.append(Unseen(life.machine_id, int(span["life_number"]), mode, own, data.rul[mine]))
    return found


def _mode(truth: pl.DataFrame, life: Life, start: dt.datetime, end: dt.datetime) -> str:
    """Failure mode of the true life that shares the most time with this one."""
    shared = pl.min_horizontal(pl.col("ended_at").fill_null(end), pl.lit(end)) - pl.max_horizontal(
        pl.col("installed_at"), pl.lit(start)
    )
    own = truth.filter(pl.col("machine_id") == life.machine_id, pl.col("slot") == SLOT)
    return str(own.sort(shared)["failure_mode"][-1] or "prevented")


def suspended(data: TrainingSet, seed: int) -> TrainingSet:
    """The set with half of its failed lives cut short: taken out of service at an even share of their life."""
    rng = np.random.default_rng(seed)
    failed = sorted(data.failed_units)
    cut = {unit: rng.uniform(0.1, 1.0) for unit in rng.choice(failed, len(failed) // 2, replace=False)}
    kept, rul, survived, lives = np.ones(data.unit.size, np.bool_), data.rul.copy(), data.survived.copy(), []
    for life in data.lives:
        if life.unit not in cut:
            lives.append(life)
            continue
        mine = np.flatnonzero(data.unit == life.unit)
        whole = data.rul[mine[0]]
        left = whole * (1.0 - cut[life.unit])
        kept[mine[data.rul[mine] < left]] = False
        survived[mine], rul[mine] = data.rul[mine] - left, np.nan
        if kept[mine].any():
            lives.append(replace(life, ending="suspension", duration=life.duration - left))
    return replace(
        data,
        x=data.x[kept],
        rul=rul[kept],
        survived=survived[kept],
        age=data.age[kept],
        unit=data.unit[kept],
        machine=data.machine[kept],
        time_us=data.time_us[kept],
        lives=tuple(lives),
    )


def fitted(walk: Walk, data: TrainingSet) -> Artefact:
    """The product's own fit with its defaults."""
    parameters, component_class = FitParameters(), walk.plant.component_class(CLASS)
    return fit(
        data,
        parameters,
        fold=grouped_folds(split_groups(data, parameters.folds), parameters.folds),
        name=model_name(CLASS),
        baseline_rows=BASELINE_ROWS,
        as_of=data.as_of,
        table_versions=data.table_versions,
        spans=Spans.of_class(component_class.memory, component_class.baseline),
    ).artefact


def ask(walk: Walk, artefact: Artefact, lives: Sequence[Unseen], change: Change | None = None) -> list[Answered]:
    """Every row of every life, as the product answers it; `change` makes a foreign machine of each."""
    found = []
    names = artefact.feature_names
    for life in lives:
        rows = life.rows if change is None else _foreign(life.rows, names, change)
        machine = walk.plant.machine(life.machine_id)
        said = predict_rows(
            artefact,
            rows,
            machine=machine,
            component=next(c for c in machine.components if c.slot == SLOT),
            component_class=walk.plant.component_class(CLASS),
            life_number=life.life_number,
            model_name=artefact.name,
            model_version="benchmark",
        )
        numbers = [
            (s.mean, np.nan if s.p10 is None else s.p10, np.nan if s.p90 is None else s.p90)
            if isinstance(s, Prediction)
            else (np.nan, np.nan, np.nan)
            for s in said
        ]
        mean, p10, p90 = np.array(numbers).T
        reasons = tuple(s.reason.value if isinstance(s, Refusal) else "" for s in said)
        found.append(Answered(life, mean, p10, p90, reasons))
    return found


def _foreign(rows: pl.DataFrame, names: Sequence[str], change: Change) -> pl.DataFrame:
    """Rows of the same life on another machine: levels and what follows from them in the same unit change."""
    values = np.array([[np.nan if v is None else v for v in row] for row in rows["values"].to_list()])
    for place, name in enumerate(names):
        base = name if name.count(".") == 1 else name.rsplit(".", 1)[0]
        factor, addend = change(base)
        if name.endswith("ratio_to_baseline"):
            continue
        values[:, place] *= factor
        if not any(word in name for word in ("slope", "delta", "difference")):
            values[:, place] += addend
    lists = [[None if np.isnan(v) else float(v) for v in row] for row in values]
    return rows.with_columns(values=pl.Series(lists, dtype=rows.schema["values"]))


def refused_units(answered: Sequence[Answered]) -> float:
    """Share of lives of which most rows are refused as out of the domain."""
    outside = [np.mean([reason == RefusalReason.OUT_OF_DOMAIN for reason in a.reasons]) for a in answered]
    return float(np.mean(np.array(outside) > 0.5))


def coverage(answered: Sequence[Answered], cap: float) -> float:
    """Share of truths inside P10 to P90, every life weighing the same; truth is cut at the cap, as taught."""
    shares = []
    for a in answered:
        told = np.isfinite(a.p10)
        truth = np.minimum(a.life.rul, cap)
        if told.any():
            shares.append(np.mean((truth >= a.p10)[told] & (truth <= a.p90)[told]))
    return float(np.mean(shares))


def signed_error(answered: Sequence[Answered], cap: float) -> float:
    """Mean of answer minus truth cut at the cap, every life weighing the same, life units."""
    errors = [np.nanmean(a.mean - np.minimum(a.life.rul, cap)) for a in answered if np.isfinite(a.mean).any()]
    return float(np.mean(errors))


def verdict(work: Path, seed: int | None) -> dict[str, dict[str, object]]:
    """Figures, and the tables behind them."""
    walk, learnt, known = open_walk(work, seed)
    fill(walk, known)
    walk.lives(as_of=learnt)
    data = training_set(walk.lake, walk.plant, CLASS, as_of=learnt)
    lives = unseen_lives(walk, learnt, known, read_truth(work / "truth.parquet"))
    log(f"{len(data.failed_units)} of {len(data.lives)} lives failed before {learnt:%Y-%m-%d}, {len(lives)} after")
    artefact = fitted(walk, data)
    cap, median = artefact.rul_cap, float(np.nanmedian([life.duration for life in data.lives if life.failed]))
    whole = ask(walk, artefact, lives)
    modes = sorted({a.life.mode for a in whole})
    by_mode = {mode: [a for a in whole if a.life.mode == mode] for mode in modes}
    half = ask(walk, fitted(walk, suspended(data, seed=1)), lives)
    bias, bias_half = signed_error(whole, cap), signed_error(half, cap)
    foreign = {name: refused_units(ask(walk, artefact, lives, change)) for name, change in FOREIGN.items()}
    covered = {mode: coverage(found, cap) for mode, found in by_mode.items()}
    table = [{"mode": mode, "units": len(by_mode[mode]), "coverage80": share} for mode, share in covered.items()]
    return {
        "figures": {
            "units": len(lives),
            "coverage80": coverage(whole, cap),
            "coverage80_worst_mode": max(covered.values(), key=lambda share: abs(share - 0.8)),
            "censoring_shift_share_of_life": abs(bias_half - bias) / median,
            "refused_out_of_domain": float(np.mean(list(foreign.values()))),
            "refused_in_domain": refused_units(whole),
            "mean_signed_error": bias,
            "mean_signed_error_half_suspended": bias_half,
            "median_life": median,
            "calibrated": float(artefact.calibration.calibrated),
        },
        "tables": {
            "modes": table,
            "out_of_domain": [{"machine": name, "refused": share} for name, share in foreign.items()],
            "reasons": [
                {"reason": reason, "rows": count}
                for reason, count in sorted(
                    {r: sum(a.reasons.count(r) for a in whole) for a in whole for r in a.reasons}.items()
                )
            ],
        },
    }


def challengers() -> dict[str, float]:
    """How many candidates made worse on purpose there were, and how many became the champion."""
    log("challengers made worse on purpose")
    script = Path(__file__).with_name("champion.py")
    done = subprocess.run([sys.executable, str(script), "--json"], stdout=subprocess.PIPE, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])["figures"]
    return {name: figures[name] for name in ("bad_challengers", "bad_challengers_promoted")}


def main() -> None:
    """Run the benchmark and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="Folder that keeps the plant's data for the next run.")
    parser.add_argument(
        "--seed", type=int, help="Of another plant with the same parameters; default: the frozen one."
    )
    parser.add_argument("--json", action="store_true", help="One JSON object and nothing else.")
    options = parser.parse_args()
    configure_logs("auto", sys.stderr)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as space:
        try:
            found = verdict(options.work or Path(space), options.seed)
        except WearcastError as err:
            parser.error(str(err))
    if options.seed is None:
        # They have a plant of their own, whatever this one's seed is.
        found["figures"] |= challengers()
    report = {
        "benchmark": "simulated",
        "machine": describe_computer("numpy", "polars", "lightgbm"),
        "settings": {"plant": PLANT.name, "seed": options.seed, "class": CLASS, "unseen_days": UNSEEN_DAYS},
        **found,
        "seconds": round(time.perf_counter() - begin, 1),
    }
    print(json.dumps(report) if options.json else json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
