"""Step 1 of the demo: from the simulated historian to predictions, then the same for real bearings."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from features.core.clock import DemoClock
from features.core.documents import write_document
from features.core.settings import DEMO_HOME
from features.core.statements import Prediction
from features.core.telemetry import logs_in
from pipelines.demo.bearings import follow_bearings
from pipelines.demo.home import DEMO_NOW, LOG, SIMULATOR, demo_settings, renew, write_facts
from pipelines.historian.simulator import plant_document, read_config, write_truth
from pipelines.walk import Trained, Walk

__all__ = ["learn"]

ProgressBar = Callable[[str], AbstractContextManager[Callable[[float, str], None]]]

MAIN_CLASS = "rolling_bearing"


def learn(
    people: Console,
    progress_bar: ProgressBar,
    femto: Path | None,
    *,
    home: Path = DEMO_HOME,
    simulator: Path = SIMULATOR,
) -> None:
    """Runs the walk up to the predictions and leaves its facts in the demo's folder.

    Args:
        people: Where people read.
        progress_bar: Opens a progress bar with a title.
        femto: Folder of the FEMTO bearings; None or not there: that part is left out and said so.
        home: The demo's folder; it is emptied.
        simulator: Parameters of the simulated plant.
    """
    renew(home)
    with logs_in(home / LOG):
        _learn(people, progress_bar, femto, home, simulator)


def _learn(people: Console, progress_bar: ProgressBar, femto: Path | None, home: Path, simulator: Path) -> None:
    walk = _open(home, simulator)
    with progress_bar("1 Reading the historian") as show:
        reports = walk.ingest(until=DEMO_NOW, on_progress=lambda step: show(step.share, f"{step.rows:,} rows"))
    with progress_bar("2 Making features") as show:
        made = walk.features(as_of=DEMO_NOW, on_progress=lambda step: show(step.share, step.machine_id))
    lives = walk.lives(as_of=DEMO_NOW)
    trained: dict[str, Trained] = {}
    with progress_bar("3 Learning from lives") as show:
        for i, component_class in enumerate(walk.plant.component_classes):
            show(i / len(walk.plant.component_classes), component_class.id)
            trained[component_class.id] = walk.train(component_class.id, as_of=DEMO_NOW)
    with progress_bar("4 Predicting"):
        statements = walk.score(as_of=DEMO_NOW)
    main = trained[MAIN_CLASS].model
    facts: dict[str, Any] = {
        "rows": sum(report.rows for report in reports),
        "waveforms": sum(report.waveforms for report in reports),
        "quarantined": sum(report.quarantined for report in reports),
        "feature_rows": made,
        "lives": lives.height,
        "failed_lives": int(lives["ending"].is_in(["failure", "incipient"]).sum()),
        "cv_error": main.metrics["cv_rmse"],
        "cv_error_baseline": min(
            v for k, v in main.metrics.items() if k.startswith("baseline_") and k.endswith("_rmse")
        ),
        "cv_coverage80": main.metrics.get("cv_coverage80"),
        "model": main.name,
        "model_version": main.version,
        "top_machines": [_line(s) for s in _worst(statements)[:5]],
        "refused": sum(not isinstance(s, Prediction) for s in statements),
    }
    write_facts(facts, home)
    people.print(
        f"{facts['rows']:,} rows, {facts['waveforms']:,} waveforms, {facts['quarantined']} in quarantine; "
        f"{made:,} feature rows; {facts['lives']} lives, {facts['failed_lives']} of them ended in failure.\n"
        f"{main.name} version {main.version}: grouped-CV error {main.metrics['cv_rmse']:.0f} h, "
        f"best baseline {facts['cv_error_baseline']:.0f} h.",
        highlight=False,
    )
    if femto is None or not femto.is_dir():
        write_facts({"femto": None, "femto_why": f"no folder {femto}"}, home)
        people.print(f"Real bearings left out: no folder {femto}.")
        return
    write_facts({"femto": follow_bearings(people, progress_bar, femto, walk, home)}, home)


def _open(home: Path, simulator: Path) -> Walk:
    settings = demo_settings(home, simulator)
    config = read_config(simulator)
    document = write_document(plant_document(config))
    settings.plant.write_text(document, encoding="utf-8")
    write_truth(config, DEMO_NOW, home / "truth.parquet")
    walk = Walk.open(settings)
    return replace(walk, clock=DemoClock(DEMO_NOW + dt.timedelta(seconds=1)))


def _worst(statements: list[Any]) -> list[Prediction]:
    """Predictions, soonest lower bound first, then soonest median; without a bound the median counts twice."""
    numbers = [s for s in statements if isinstance(s, Prediction)]
    return sorted(numbers, key=lambda s: (s.p50 if s.p10 is None else s.p10, s.p50))


def _line(prediction: Prediction) -> dict[str, Any]:
    return {
        "component": prediction.component_id,
        "p10": prediction.p10,
        "p50": prediction.p50,
        "p90": prediction.p90,
        "unit": prediction.life_unit,
        "state": "" if prediction.health_state is None else prediction.health_state.value,
        "calibration": prediction.calibration,
    }
