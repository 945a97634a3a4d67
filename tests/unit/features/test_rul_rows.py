"""A statement as a row of a table, and how much a machine is used."""

import dataclasses

import pytest

from features.core.statements import Prediction
from features.core.tables import PREDICTIONS
from features.rul.ladder import Statement
from features.rul.life import Usage
from features.rul.rows import from_row, to_row
from tests.unit.features._rul_case import (
    COMPONENT,
    HOUR,
    MACHINE,
    REFUSALS,
    REMEMBERING,
    START,
    ask,
    frame,
    healthy,
    row,
)


@pytest.mark.parametrize(
    "statement",
    [
        ask(frame(*healthy(12))),
        ask(frame(*healthy(12)), artefact=REMEMBERING),
        *(case[2] for case in REFUSALS.values()),
    ],
)
def test_statement_comes_back_from_its_row(statement: Statement) -> None:
    if isinstance(statement, Prediction):
        statement = dataclasses.replace(statement, life_number=2)
    written = to_row(
        statement,
        machine=MACHINE,
        component=COMPONENT,
        available_at=statement.as_of,
        life_number=2,
        model_name="wearcast-rul-bearing",
        model_version="7",
        fingerprint="set1",
        utilisation=0.5,
    )

    assert from_row(PREDICTIONS.frame([written]).row(0, named=True)) == statement


def test_refusal_has_no_numbers_in_its_row() -> None:
    statement = REFUSALS["outside"][2]
    written = to_row(
        statement,
        machine=MACHINE,
        component=COMPONENT,
        available_at=statement.as_of,
        life_number=2,
        model_name="m",
        model_version="7",
        fingerprint="set1",
        utilisation=None,
    )

    assert all(written[name] is None for name in ("mean", "p10", "p50", "p90", "calibrated", "life_unit"))


def test_utilisation_is_age_per_calendar_hour() -> None:
    ages = [0.5 * step for step in range(50)]
    usage = Usage(frame(*[row(step, age=age) for step, age in enumerate(ages)]))

    assert usage.at(START + 49 * HOUR) == 0.5
    assert usage.at(START + 20 * HOUR) == 0.5
    assert usage.at(START) is None


def test_utilisation_looks_back_four_weeks_and_leaves_the_change_of_parts_out() -> None:
    day = 24
    ages = [float(step * day) for step in range(40)] + [0.0, 12.0, 24.0]
    usage = Usage(frame(*[row(step * day, age=age) for step, age in enumerate(ages)]))

    assert usage.at(START + 39 * day * HOUR) == 1.0
    # Of 28 steps up to day 42: 25 at full use, one change of parts, two at half use.
    assert usage.at(START + 42 * day * HOUR) == pytest.approx((25 * 24 + 2 * 12) / (27 * 24))


def test_utilisation_is_not_known_without_ages() -> None:
    assert Usage(frame(*[row(step, age=None) for step in range(9)])).at(START + 9 * HOUR) is None
    assert Usage(frame()).at(START) is None
