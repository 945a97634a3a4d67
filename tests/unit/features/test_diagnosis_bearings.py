"""The catalogue of bearings: every row possible, sourced, and at the multipliers its source prints."""

import csv
from importlib import resources

import pytest

from features.core.plant import fault_orders
from features.core.plant.bearings import catalogue

# Designation -> (ftf, bpfo, bpfi, bsf) in multiples of the shaft speed, and how far they are rounded.
PUBLISHED = {
    # Case Western Reserve University Bearing Data Center; its ball figure counts both races.
    "6205-2RS": ((0.39828, 3.5848, 5.4152, 4.7135 / 2), 2e-4),
    "6203-2RS": ((0.3817, 3.0530, 4.9469, 3.9874 / 2), 3e-4),
    # G. Forbes (2012), readme.
    "ER-16K": ((0.3969, 3.572, 5.428, 2.32), 5e-3),
    # PHM Society 2009 data challenge, apparatus.
    "ER-10K": ((0.382, 3.052, 4.948, 1.992), 6e-4),
    # H. Qiu et al. (2006): 236.4 Hz, 296.9 Hz, 139.9 Hz (bsf) and 14.8 Hz at 2000/min.
    "ZA-2115": ((14.775 / 33.333, 236.40 / 33.333, 296.93 / 33.333, 139.92 / 33.333), 2e-3),
    # IEEE PHM 2012 challenge geometry, multiples computed from its appendix.
    "PRONOSTIA": ((0.4316, 5.6113, 7.3887, 3.5888), 1e-4),
}


@pytest.mark.parametrize("designation", PUBLISHED)
def test_orders_are_those_that_the_source_prints(designation: str) -> None:
    orders = fault_orders(catalogue()[designation])
    printed, rounding = PUBLISHED[designation]
    assert (orders.ftf, orders.bpfo, orders.bpfi, orders.bsf) == pytest.approx(printed, abs=rounding)


@pytest.mark.parametrize("designation", sorted(catalogue()))
def test_every_bearing_is_one_that_can_be_built(designation: str) -> None:
    geometry = catalogue()[designation]
    orders = fault_orders(geometry)
    assert orders.bpfo + orders.bpfi == pytest.approx(geometry.balls)
    assert orders.bpfo == pytest.approx(geometry.balls * orders.ftf)
    # The elements fit beside each other on the pitch circle.
    assert geometry.balls * geometry.ball_diameter_mm < 3.1416 * geometry.pitch_diameter_mm
    # Cages of rolling bearings turn at 0.35 to 0.47 of the shaft.
    assert 0.35 < orders.ftf < 0.47


def test_no_designation_stands_twice_and_each_names_its_source() -> None:
    text = resources.files("features.core.plant").joinpath("bearings.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len({row["designation"] for row in rows}) == len(rows) == len(catalogue()) >= 20
    assert all(len(row["source"]) > 20 for row in rows)
