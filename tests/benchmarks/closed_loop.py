"""The loop closed on a simulated plant: orders, what they found, lives by the outcome table, a model that learns.

Few lives of a pilot area are known, and a first model is fitted. From then on the plant is scored and planned
twice a week, orders are approved and delivered to an ERP in memory, its people close them by the simulator's own
truth with codes that a site's outcome file maps, and what came back is synced. At the end lives and training rows
are held against the table, written a second time from the reference, and a last model is fitted. It and the first
one are asked about machines that neither has learnt from.
"""

import sys
from pathlib import Path

# Beside this file lies one with the name of a package: the project's folder comes first instead.
if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import datetime as dt
import json
import shutil
import tempfile
import time
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import yaml

from features.core.clock import DemoClock
from features.core.lake import Lake
from features.core.settings import demo_overrides
from features.core.tables import FEATURE_ROWS, MAINTENANCE_EVENTS, MEASUREMENTS, WAVEFORMS
from features.core.telemetry import configure_logs
from features.rul.artefact import Artefact
from pipelines.dataset import training_set
from pipelines.historian.simulator import plant_document, read_config, write_truth
from pipelines.historian.simulator.draws import BLOCK_H
from pipelines.historian.simulator.machinery import build_machines
from pipelines.historian.simulator.station import Station
from pipelines.historian.truth import read_truth
from pipelines.imports.events import import_events
from pipelines.settings import PipelineSettings, SourceSettings
from pipelines.walk import Walk
from serving.erp.memory import MemoryErp
from serving.orders import RecommendationState
from serving.outbox import deliver
from serving.planning import approve, plan
from serving.store import Store
from serving.sync import OutcomeMaps, sync
from serving.sync.outcomes import read_outcome_map
from tests.benchmarks._outcome_table import LIFE, expected_lives, kept_rows, rows_of_the_table
from tests.benchmarks._unseen import CLASS, errors
from tests.benchmarks._workshop import OUTCOMES, Workshop

PLANT = Path(__file__).resolve().parents[2] / "data/simulator/closed-loop.yaml"
# The first model's moment, and how often the plant is scored and planned from then on.
FIRST, STEP = dt.timedelta(days=21), dt.timedelta(days=3, hours=12)
# From what came back a new model is fitted every so many steps, and takes over if it is no worse.
RETRAIN = 4
# A model that stands on so many times the champion's failures is promoted by a person, whatever else is weighed.
MANY = 5
# Every fourth machine is never learnt from; the first model knows every eighth of the plant.
UNSEEN, PILOT = 4, 8
# What is read from the historian; everything else is made by the loop.
_READ = ("measurements", "waveforms", "gaps", "sensor_states", "quarantine")


@dataclass(slots=True)
class Loop:
    """Both sides of the loop, and the simulated people between them; `stands_on`: failures behind the champion."""

    walk: Walk
    store: Store
    erp: MemoryErp
    clock: DemoClock
    workshop: Workshop
    outcomes: OutcomeMaps
    unseen: tuple[str, ...]
    pilot: tuple[str, ...]
    begin: dt.datetime
    end: dt.datetime
    stands_on: int = 0


def log(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def read_plant_once(work: Path) -> None:
    """Reads the simulated historian into a folder, unless it is there already."""
    config = read_config(PLANT)
    done = work / "plant.sha256"
    if done.exists() and done.read_text(encoding="ascii") == config.sha256:
        return
    shutil.rmtree(work / "lake", ignore_errors=True)
    log("reading the historian (some minutes; --work keeps it for the next run)")
    walk = _walk(work, config.end + dt.timedelta(seconds=1))
    walk.ingest(until=config.end)
    done.write_text(config.sha256, encoding="ascii")


def _walk(folder: Path, now: dt.datetime) -> Walk:
    config = read_config(PLANT)
    (folder / "mlruns").mkdir(parents=True, exist_ok=True)
    source = SourceSettings.model_validate({"kind": "simulator", "config": str(PLANT)})
    places = demo_overrides(folder) | {"replay": None}
    settings = PipelineSettings.read(
        **places, sources={"simulator": source}, dagster_home=folder / "dagster", overlap_hours=24.0
    )
    document = yaml.safe_dump(plant_document(config), sort_keys=False, allow_unicode=True)
    settings.plant.write_text(document, encoding="utf-8")
    return replace(Walk.open(settings), clock=DemoClock(now))


def open_loop(work: Path, space: Path) -> Loop:
    """A plant of which the readings are known and nothing has been learnt; `space` is emptied by the caller."""
    config = read_config(PLANT)
    walk = _walk(space, config.start)
    (space / "lake").mkdir()
    for name in _READ:
        (space / "lake" / name).symlink_to((work / "lake" / name).resolve(), target_is_directory=True)
    truth = space / "truth.parquet"
    write_truth(config, config.end, truth)
    store = Store(f"sqlite:///{space}/store.db")
    store.migrate()
    (space / "outcomes.yaml").write_text(OUTCOMES, encoding="utf-8")
    clock = DemoClock(config.start)
    erp = MemoryErp(clock)
    machines = [machine.id for machine in walk.plant.machines]
    families = {(m.id, c.slot): c.component_class for m in walk.plant.machines for c in m.components}
    return Loop(
        walk=replace(walk, clock=clock),
        store=store,
        erp=erp,
        clock=clock,
        workshop=Workshop(erp, clock, read_truth(truth), _wrong_sensors(), families, space),
        outcomes=OutcomeMaps(read_outcome_map(space / "outcomes.yaml")),
        unseen=tuple(machines[::UNSEEN]),
        pilot=tuple(machines[1::PILOT]),
        begin=config.start,
        end=config.end,
    )


def _wrong_sensors() -> dict[str, list[tuple[dt.datetime, dt.datetime]]]:
    """Machine id -> stretches in which the simulator lets its sensor read too much."""
    config = read_config(PLANT)
    hours = (config.history_days * 24 // BLOCK_H + 2) * BLOCK_H

    def moment(hours_since: float) -> dt.datetime:
        return config.start + dt.timedelta(seconds=round(hours_since * 3600))

    return {
        machine.id: [
            (moment(one.start_h), moment(one.end_h))
            for one in Station(config, machine, hours).symptoms
            if one.kind == "sensor_scale"
        ]
        for machine in build_machines(config)
    }


def train(loop: Loop, kept: set[str]) -> Artefact:
    """A model of the machines named, as of now, and the champion if it is no worse."""
    others = [machine.id for machine in loop.walk.plant.machines if machine.id not in kept]
    trained = loop.walk.train(CLASS, as_of=loop.clock.now(), exclude_machines=others)
    artefact, standing = trained.model.artefact, loop.stands_on
    if not trained.promotion.promoted and standing and artefact.failed_units >= MANY * standing:
        loop.walk.promote(
            CLASS, trained.model.version, despite=f"{artefact.failed_units} failures instead of {standing}"
        )
        loop.stands_on = artefact.failed_units
    elif trained.promotion.promoted:
        loop.stands_on = artefact.failed_units
    told = f"{artefact.failed_units} failures of {artefact.trained_units} lives"
    log(f"{loop.clock.now():%Y-%m-%d}: learnt from {told}")
    return artefact


def step(loop: Loop, number: int) -> None:
    """What happens in three and a half days: people's work, its outcomes, new predictions, new orders."""
    now, walk = loop.clock.now(), loop.walk
    loop.workshop.work()
    sync(loop.store, loop.erp, walk.lake, now=now, outcomes=loop.outcomes)
    import_events(loop.workshop.write_log(number), walk.lake, walk.plant, now=now)
    walk.features(as_of=now)
    walk.score(as_of=now)
    report = plan(walk.lake, walk.plant, loop.store, now=now)
    for one in loop.store.recommendations():
        if one.state == RecommendationState.PROPOSED:
            approve(loop.store, one.id, "planner", now)
    sent = deliver(loop.store, loop.erp, now=now, wall=loop.clock).sent
    loop.workshop.take_orders()
    done = sum(order.state.is_terminal for order in loop.erp.orders)
    log(f"{now:%Y-%m-%d}: {len(report.proposed)} proposed, {len(sent)} sent, {done} closed so far")


def run(loop: Loop) -> tuple[Artefact, Artefact]:
    """The first model, the weeks that follow, and the second model."""
    loop.clock.move_to(loop.begin + FIRST)
    walk = loop.walk
    import_events(loop.workshop.write_log(0), walk.lake, walk.plant, now=loop.clock.now())
    walk.features(as_of=loop.clock.now())
    walk.lives(as_of=loop.clock.now())
    first = train(loop, set(loop.pilot) - set(loop.unseen))
    number, taught = 0, {machine.id for machine in walk.plant.machines} - set(loop.unseen)
    while loop.clock.now() + STEP <= loop.end:
        number += 1
        step(loop, number)
        if number % RETRAIN == 0:
            train(loop, taught)
        loop.clock.move_to(loop.clock.now() + STEP)
    loop.workshop.work()
    sync(loop.store, loop.erp, walk.lake, now=loop.clock.now(), outcomes=loop.outcomes)
    import_events(loop.workshop.write_log(number + 1), walk.lake, walk.plant, now=loop.clock.now())
    walk.features(as_of=loop.clock.now())
    walk.lives(as_of=loop.clock.now())
    return first, train(loop, taught)


def differences(loop: Loop) -> tuple[pl.DataFrame, int]:
    """Lives that are not as the table says (both sides' rows), and how many lives there are."""
    now, walk = loop.clock.now(), loop.walk
    found = walk.lives(as_of=now).select(LIFE)
    begins = _data_begin(walk.lake)
    places = {
        (machine.id, component.slot): (begins[machine.id], component.installed)
        for machine in walk.plant.machines
        for component in machine.components
    }
    wanted = expected_lives(loop.workshop.book, places)
    key = list(LIFE)
    missing = wanted.join(found, on=key, how="anti", nulls_equal=True).with_columns(side=pl.lit("the table"))
    extra = found.join(wanted, on=key, how="anti", nulls_equal=True).with_columns(side=pl.lit("lives"))
    return pl.concat([missing, extra]).sort("machine_id", "slot", "life_number"), found.height


def _data_begin(lake: Lake) -> dict[str, dt.datetime]:
    first = pl.concat([lake.read(t).select("machine_id", "time") for t in (MEASUREMENTS, WAVEFORMS)])
    return dict(first.group_by("machine_id").agg(pl.col("time").min()).collect().iter_rows())


def wrong_rows(loop: Loop) -> dict[str, int]:
    """Training rows against those that the table lets be learnt from."""
    walk, now = loop.walk, loop.clock.now()
    data = training_set(walk.lake, walk.plant, CLASS, as_of=now)
    stored = walk.lake.read(FEATURE_ROWS, as_of=now).filter(pl.col("fingerprint") == data.fingerprint)
    rows = stored.filter(pl.col("component_class") == CLASS).select("machine_id", "slot", "time", "running")
    lives = walk.lives(as_of=now).select(LIFE)
    all_rows = rows.collect()
    kept = kept_rows(all_rows, lives, loop.workshop.book)
    unit = pl.format("{}/{}#{}", "machine_id", "slot", "life_number")
    wanted = kept.select(unit=unit, time=pl.col("time").dt.epoch("us"), ending="ending")
    found = pl.DataFrame({"unit": data.unit, "time": data.time_us, "failed": np.isfinite(data.rul)})
    both = wanted.join(found, on=["unit", "time"], how="full", coalesce=True)
    failed = pl.col("ending").is_in(["failure", "incipient"])
    return {
        "training_rows": found.height,
        "training_rows_wrong": both.filter(
            pl.col("ending").is_null() | pl.col("failed").is_null() | (failed != pl.col("failed"))
        ).height,
        "rows_left_out_for_sensor_faults": kept_rows(all_rows, lives, ()).height - kept.height,
    }


def verdict(work: Path, space: Path) -> dict[str, dict[str, object]]:
    """Figures, and the tables behind them."""
    read_plant_once(work)
    loop = open_loop(work, space)
    first, second = run(loop)
    wrong, lives = differences(loop)
    closed = [one for one in loop.workshop.book if one.asked is not None]
    events = loop.walk.lake.read(MAINTENANCE_EVENTS).collect()
    figures = {
        "machines": len(loop.walk.plant.machines),
        "orders": len(loop.erp.orders),
        "orders_closed": len(closed),
        "machines_with_a_closed_order": len({one.machine_id for one in closed}),
        "orders_without_outcome": len(loop.store.changes.to_review()),
        "events": events.height,
        "lives": lives,
        "lives_not_as_the_table_says": wrong.height,
        **wrong_rows(loop),
        "failed_lives_first": first.failed_units,
        "failed_lives_second": second.failed_units,
        **errors(
            loop.walk,
            {"first": first, "second": second},
            unseen=loop.unseen,
            after=loop.begin + FIRST,
            now=loop.clock.now(),
        ),
    }
    rows = rows_of_the_table(loop.workshop.book)
    loop.store.close()
    return {
        "figures": figures,
        "tables": {"orders": rows, "wrong_lives": json.loads(wrong.head(20).write_json())},
    }


def main() -> None:
    """Run the benchmark and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="Folder that keeps what was read, for the next run.")
    parser.add_argument("--json", action="store_true", help="One JSON object and nothing else.")
    options = parser.parse_args()
    configure_logs("auto", sys.stderr)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as space:
        work = options.work or Path(space, "plant")
        Path(space, "loop").mkdir()
        found = verdict(work, Path(space, "loop"))
    report = {
        "benchmark": "closed-loop",
        "settings": {"plant": PLANT.name, "class": CLASS, "first_days": FIRST.days},
        **found,
        "seconds": round(time.perf_counter() - begin, 1),
    }
    print(json.dumps(report) if options.json else json.dumps(report, indent=2))
    if found["figures"]["lives_not_as_the_table_says"] or found["figures"]["training_rows_wrong"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
