"""The public work orders of eleven chillers: every order accounted for, events, and lives made from them."""

import csv
import datetime as dt
import os
from collections import Counter
from pathlib import Path

import pytest

from features.core.lake import Lake
from features.core.plant import read_plant
from features.core.tables import MAINTENANCE_EVENTS, QUARANTINE
from pipelines import labels
from pipelines.imports.chillers import FILE, import_chillers
from pipelines.imports.work_orders import WorkOrdersReport

DATA = Path(os.environ.get("PUBLIC_DATA", "../shared/data")) / "chiller_work_orders"
NOW = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)

pytestmark = [
    pytest.mark.public_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no public data at {DATA.absolute()}; set PUBLIC_DATA"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chillers")


@pytest.fixture(scope="module")
def report(folder: Path) -> WorkOrdersReport:
    return import_chillers(DATA, Lake(folder / "lake"), folder / "plant.yaml", now=NOW)


def test_every_order_is_accounted_for(report: WorkOrdersReport, folder: Path) -> None:
    assert (report.orders, report.routine, report.mapped, report.needs_review) == (4249, 3828, 142, 279)
    assert (report.new, report.quarantined) == (172, 279)
    waiting = Lake(folder / "lake").read(QUARANTINE).collect()
    assert Counter(waiting["reason"]) == {"unmapped_code": 276, "unmapped_component": 3}


def test_failure_codes_are_failure_modes(report: WorkOrdersReport) -> None:
    with (DATA / FILE).open(encoding="utf-8-sig", newline="") as stream:
        codes = Counter(row["primary_code"] for row in csv.DictReader(stream))
    assert report.failure_modes["plugged"] == codes["M013"] == 31
    assert report.failure_modes["leak"] == sum(codes[f"L00{n}"] for n in (1, 3, 4, 5)) == 26
    assert report.failure_modes["control_malfunction"] == codes["CS005"] == 30


def test_importing_again_adds_nothing(report: WorkOrdersReport, folder: Path) -> None:
    again = import_chillers(DATA, Lake(folder / "lake"), folder / "plant.yaml", now=NOW)
    assert (again.new, again.known, again.quarantined) == (0, report.new, 0)


def test_lives_are_made_from_the_orders(report: WorkOrdersReport, folder: Path) -> None:
    events = Lake(folder / "lake").read(MAINTENANCE_EVENTS).collect()
    lives = labels.lives(events, read_plant(folder / "plant.yaml"), as_of=NOW)
    # Two orders within a day of one component are one end: 103 failures and small faults are 101 ends.
    assert Counter(lives["ending"]) == {"failure": 83, "incipient": 18, "suspension": 49, "running": 66}
    ends = Counter(lives.select("slot", "ending").rows())
    assert (ends["condenser", "failure"], ends["refrigerant_circuit", "incipient"]) == (26, 14)
    # The chiller that was replaced took all of its components along.
    assert ends["control_system", "suspension"] == 1
