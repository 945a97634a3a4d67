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
    # Timken, Ball Bearing Housed Unit Catalog, page A-13, table A-9. Its rows 305K and 306K are left out: 305K's
    # FTF is not its BPFO over the balls, 306K repeats 304K.
    "Timken-9104": ((0.398, 3.578, 5.422, 2.339), 2e-3),
    "Timken-9105": ((0.397, 3.574, 5.426, 2.328), 2e-3),
    "Timken-9106": ((0.417, 4.588, 6.412, 2.933), 2e-3),
    "Timken-202K": ((0.391, 3.125, 4.875, 2.175), 2e-3),
    "Timken-203K": ((0.382, 3.053, 4.947, 1.994), 2e-3),
    "Timken-204K": ((0.382, 3.052, 4.948, 1.992), 2e-3),
    "Timken-205K": ((0.397, 3.574, 5.426, 2.328), 2e-3),
    "Timken-206K": ((0.396, 3.568, 5.432, 2.311), 2e-3),
    "Timken-207K": ((0.396, 3.565, 5.435, 2.303), 2e-3),
    "Timken-208K": ((0.394, 3.547, 5.453, 2.256), 2e-3),
    "Timken-209K": ((0.402, 3.621, 5.379, 2.461), 2e-3),
    "Timken-210K": ((0.409, 4.093, 5.907, 2.665), 2e-3),
    "Timken-211K": ((0.408, 4.078, 5.922, 2.62), 2e-3),
    "Timken-212K": ((0.407, 4.066, 5.934, 2.584), 2e-3),
    "Timken-213K": ((0.41, 4.099, 5.901, 2.685), 2e-3),
    "Timken-214K": ((0.41, 4.104, 5.896, 2.702), 2e-3),
    "Timken-303K": ((0.364, 2.545, 4.455, 1.696), 2e-3),
    "Timken-304K": ((0.368, 2.574, 4.426, 1.757), 2e-3),
    "Timken-307K": ((0.376, 3.006, 4.994, 1.888), 2e-3),
    "Timken-308K": ((0.378, 3.023, 4.977, 1.925), 2e-3),
    "Timken-309K": ((0.38, 3.037, 4.963, 1.955), 2e-3),
    "Timken-310K": ((0.381, 3.047, 4.953, 1.981), 2e-3),
    "Timken-311K": ((0.382, 3.057, 4.943, 2.002), 2e-3),
    "Timken-312K": ((0.383, 3.064, 4.936, 2.02), 2e-3),
    "Timken-314K": ((0.385, 3.076, 4.924, 2.05), 2e-3),
    "Timken-315K": ((0.385, 3.081, 4.919, 2.062), 2e-3),
    "Timken-316K": ((0.386, 3.086, 4.914, 2.073), 2e-3),
    "Timken-318K": ((0.387, 3.093, 4.907, 2.091), 2e-3),
    "Timken-318W": ((0.381, 4.572, 7.428, 1.982), 2e-3),
    # C. R. Soto-Ocampo et al. (2020), table 1; its ball figure counts both races.
    "22205-E1-K-C3": ((0.4123, 6.1852, 8.8148, 5.4030 / 2), 5e-4),
    # Vibroguard: frequencies of an SKF 22228 at 1500/min.
    "22228": ((10.8 / 25, 205.3 / 25, 269.7 / 25, 89.1 / 25), 3e-3),
    # BJTU-RAO bogie datasets, introduction.
    "32305": ((0.393, 5.111, 7.889, 2.203), 1e-3),
    "352213": ((0.425, 8.071, 10.929, 3.164), 1e-3),
    # Y. Hou et al. (2025): 155.35 and 104.65 Hz at 20 Hz; cage and roller follow.
    "NU205": ((104.65 / 20 / 13, 104.65 / 20, 155.35 / 20, 2.467), 4e-3),
    # C. Schnur et al. (2025), table 1.
    "NU206-E": ((0.40, 5.24, 7.76, 2.49), 5e-3),
    # I. Gutierrez, N. Simon (2026): the maker's orders, 0.0508, 0.0825 and 0.0332 Hz a 1/min.
    "ER-12K": ((0.381, 3.048, 4.950, 1.992), 9e-3),
    # Machinery Fault Database, page of the test rig.
    "MAFAULDA": ((0.375, 2.998, 5.002, 1.871), 1e-3),
}


@pytest.mark.parametrize("designation", PUBLISHED)
def test_orders_are_those_that_the_source_prints(designation: str) -> None:
    orders = fault_orders(catalogue()[designation])
    printed, rounding = PUBLISHED[designation]
    # What is printed hangs together: one cage, one number of rolling elements.
    balls = catalogue()[designation].balls
    assert printed[1] + printed[2] == pytest.approx(balls, abs=3 * rounding)
    assert printed[0] == pytest.approx(printed[1] / balls, abs=rounding + 1e-3)
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
    assert len({row["designation"] for row in rows}) == len(rows) == len(catalogue()) >= 60
    assert all(len(row["source"]) > 20 for row in rows)
