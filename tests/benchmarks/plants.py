"""Two public fleets through the product: what its models bring against answers without a measurement.

    wearcast benchmark plants [--azure DIR] [--production DIR] [--json]

`azure`: four component classes of 70 simulated machines. By unit: machines 1 to 14, whose telemetry is whole for
three months, are told by models of the others. By time: models of what was known at mid-year tell the rest of it,
for which the telemetry is a choice of windows. `production`: five runs of a plant's component, each told by a
model of the others.

Every row of a failed life counts, every life weighs the same; errors are of the P50 against the remaining life
cut at the class's cap, in the class's unit. Rows that were refused are counted, not scored.
"""

import sys
from pathlib import Path

# A neighbour has the name of a package: started as a script, this folder would come before the project's.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import datetime as dt
import json
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any  # Any: rows of tables and JSON documents

import numpy as np
import numpy.typing as npt
import polars as pl

from features.core.errors import WearcastError
from features.core.lake import Lake
from features.core.models import ModelRegistry
from features.core.plant import Plant, read_plant
from features.core.statements import Prediction
from features.core.tables import LIVES, MAINTENANCE_EVENTS
from features.core.telemetry import logs_in, silence_dependencies
from pipelines import champion, labels, scoring, training
from pipelines.dataset import TrainingSet, training_set
from pipelines.imports.azure_pdm import import_azure_pdm
from pipelines.imports.production_plant import import_production_plant
from pipelines.model.baselines import constant_median, weibull_by_age
from pipelines.model.boosting import life_weights
from pipelines.model.examples import cap_of
from tests.benchmarks._computer import describe_computer

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

# After everything in both data sets.
LATE = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
MID_YEAR = dt.datetime(2015, 7, 1, tzinfo=dt.UTC)
WHOLE_UNTIL = dt.datetime(2015, 4, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """Rows [n] of failed lives, what was said of them, and what the baselines say."""

    unit: Strings
    truth: Floats
    p50: Floats
    p10: Floats
    p90: Floats
    constant: Floats
    by_age: Floats

    def figures(self) -> dict[str, float]:
        """Mean absolute errors, coverage of the band where there is one, and counts."""
        told = np.isfinite(self.p50)
        weight = life_weights(self.unit[told])
        found = {
            f"mae_{name}": float(np.average(np.abs(answer[told] - self.truth[told]), weights=weight))
            for name, answer in (("model", self.p50), ("constant", self.constant), ("weibull", self.by_age))
        }
        banded = told & np.isfinite(self.p10)
        if banded.any():
            inside = (self.p10[banded] <= self.truth[banded]) & (self.truth[banded] <= self.p90[banded])
            found["coverage80"] = float(np.average(inside, weights=life_weights(self.unit[banded])))
        return found | {
            "rows": float(told.sum()),
            "lives": float(np.unique(self.unit[told]).size),
            "refused_rows": float((~told).sum()),
        }


class Fleet:
    """A plant in a lake of its own, with features."""

    def __init__(self, home: Path) -> None:
        self.home, self.lake = home, Lake(home / "lake")
        self.plant_path = home / "plant.yaml"
        self.registry = ModelRegistry(f"sqlite:///{home / 'mlflow.db'}", str(home / "artifacts"))

    @property
    def plant(self) -> Plant:
        """Of the file that the import wrote."""
        return read_plant(self.plant_path)

    def lives(self, as_of: dt.datetime) -> pl.DataFrame:
        """Lives as known then, written for the training."""
        events = self.lake.read(MAINTENANCE_EVENTS, as_of=as_of).collect()
        lives = labels.lives(events, self.plant, as_of=as_of, data_begin=None)
        self.lake.upsert(LIVES, lives, writer="labels")
        return lives

    def tell(
        self,
        class_id: str,
        *,
        known: dt.datetime,
        held: Collection[str],
        since: dt.datetime,
        until: dt.datetime,
    ) -> tuple[Told, training.TrainedModel]:
        """Trains on what was known then without these machines, and tells their rows (all, if none is held)."""
        self.lives(known)
        seen = training_set(self.lake, self.plant, class_id, as_of=known).without((), held)
        trained = training.train(
            self.lake, self.plant, class_id, as_of=known, registry=self.registry, exclude_machines=held
        )
        whole_truth = self.lives(LATE)
        data = training_set(self.lake, self.plant, class_id, as_of=LATE)
        statements = scoring.score(
            self.lake,
            self.plant,
            {class_id: champion.LoadedModel(trained.artefact, trained.name, trained.version)},
            lives=whole_truth,
            as_of=LATE,
            along=True,
            machine_ids=list(held) or None,
        )
        said = {(s.component_id, s.data_time): s for s in statements if isinstance(s, Prediction)}
        return _told(data, seen, said, held, since, until), trained


def _told(
    data: TrainingSet,
    seen: TrainingSet,
    said: dict[tuple[str, dt.datetime], Prediction],
    held: Collection[str],
    since: dt.datetime,
    until: dt.datetime,
) -> Told:
    """Rows of failed lives of the held machines in the span, and the baselines of the training lives."""
    begin, end = (int(moment.timestamp() * 1e6) for moment in (since, until))
    mine = np.isfinite(data.rul) & (data.time_us > begin) & (data.time_us <= end)
    if held:
        mine &= np.isin(data.machine, sorted(held))
    cap = cap_of(seen.lives, seen.declared_cap)
    failed = np.isfinite(seen.rul)
    y = np.minimum(seen.rul[failed], cap)
    constant = constant_median(y, life_weights(seen.unit[failed]), int(mine.sum()))
    numbers = np.full((3, int(mine.sum())), np.nan)
    for place, row in enumerate(np.flatnonzero(mine)):
        moment = dt.datetime.fromtimestamp(int(data.time_us[row]) / 1e6, dt.UTC)
        statement = said.get((str(data.unit[row]).rsplit("#", 1)[0], moment))
        if statement is not None:
            numbers[0, place] = min(statement.p50, cap)
            numbers[1, place] = np.nan if statement.p10 is None else statement.p10
            numbers[2, place] = np.nan if statement.p90 is None else statement.p90
    return Told(
        unit=data.unit[mine],
        truth=np.minimum(data.rul[mine], cap),
        p50=numbers[0],
        p10=numbers[1],
        p90=numbers[2],
        constant=constant,
        by_age=weibull_by_age(seen.lives, data.age[mine], cap, constant),
    )


def azure(folder: Path, home: Path) -> Iterator[dict[str, Any]]:
    """Each class by unit and by time."""
    fleet = Fleet(home)
    import_azure_pdm(folder, fleet.lake, fleet.plant_path)
    scoring.compute_features(fleet.lake, fleet.plant, as_of=LATE)
    whole = [machine.id for machine in fleet.plant.machines if int(machine.id.rsplit("-", 1)[1]) <= 14]
    begin = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
    for known in fleet.plant.component_classes:
        for split, arguments in (
            ("unit", {"known": LATE, "held": whole, "since": begin, "until": WHOLE_UNTIL}),
            ("time", {"known": MID_YEAR, "held": (), "since": MID_YEAR, "until": LATE}),
        ):
            told, trained = fleet.tell(known.id, **arguments)  # type: ignore[arg-type] # of the two rows above
            yield {"plant": "azure", "class": known.id, "split": split} | _row(told, trained)


def production(folder: Path, home: Path) -> Iterator[dict[str, Any]]:
    """Each run that reached its end of life, told by the others."""
    fleet = Fleet(home)
    import_production_plant(folder, fleet.lake, fleet.plant_path)
    scoring.compute_features(fleet.lake, fleet.plant, as_of=LATE)
    begin = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)
    class_id = fleet.plant.component_classes[0].id
    lives = fleet.lives(LATE).filter(pl.col("ending") == "failure")
    for machine in lives["machine_id"].unique().sort():
        told, trained = fleet.tell(class_id, known=LATE, held=[machine], since=begin, until=LATE)
        yield {"plant": "production", "class": class_id, "split": machine} | _row(told, trained)


def _row(told: Told, trained: training.TrainedModel) -> dict[str, Any]:
    artefact = trained.artefact
    rung = "transfer" if artefact.transfer is not None else "forests" if artefact.forests else "none"
    calibration = artefact.calibration
    return told.figures() | {
        "rung": rung,
        "calibrated": calibration.calibrated,
        "failed_lives": calibration.units,
        "life_unit": artefact.life_unit,
        "cap": artefact.rul_cap,
    }


def main() -> None:
    """Run the benchmark and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--azure", type=Path, help="Folder of azure_pdm.")
    parser.add_argument("--production", type=Path, help="Folder of production_plant.")
    parser.add_argument("--json", action="store_true", help="One JSON object and nothing else.")
    options = parser.parse_args()
    if options.azure is None and options.production is None:
        parser.error("name at least one folder: --azure or --production")
    silence_dependencies()
    begin, rows = time.perf_counter(), []
    for name, tell in (("azure", azure), ("production", production)):
        folder = getattr(options, name)
        if folder is not None:
            with tempfile.TemporaryDirectory() as home, logs_in(Path(home, "log.jsonl")):
                try:
                    rows += list(tell(folder, Path(home)))
                except WearcastError as err:
                    parser.error(str(err))
    figures = {
        f"{row['plant']}_{row['class']}_{row['split']}_{name}": row[name]
        for row in rows
        for name in ("mae_model", "mae_constant", "mae_weibull", "coverage80")
        if name in row
    }
    found = {
        "benchmark": "plants",
        "machine": describe_computer("numpy", "polars", "lightgbm"),
        "settings": {"mid_year": MID_YEAR.isoformat(), "whole_until": WHOLE_UNTIL.isoformat()},
        "figures": figures | {"seconds": round(time.perf_counter() - begin, 1)},
        "tables": {"told": rows},
    }
    if options.json:
        print(json.dumps(found))
        return
    for row in rows:
        band = f", coverage {row['coverage80']:.2f}" if "coverage80" in row else ""
        print(
            f"{row['plant']} {row['class']} by {row['split']} ({row['rung']}, {row['failed_lives']} failed): "
            f"MAE {row['mae_model']:.1f} {row['life_unit']}, constant {row['mae_constant']:.1f}, "
            f"age-only Weibull {row['mae_weibull']:.1f}{band}; {row['lives']:.0f} lives, "
            f"{row['rows']:.0f} rows, {row['refused_rows']:.0f} refused"
        )


if __name__ == "__main__":
    main()
