"""The refusal that fits, its reason and its facts."""

import dataclasses
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.core.statements import HealthState, Refusal, RefusalReason, Rung
from tests.unit.features._rul_case import (
    ARTEFACT,
    HOUR,
    NAMES,
    REFUSALS,
    START,
    along,
    ask,
    frame,
    healthy,
    predicted,
    refused,
    row,
)


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_has_its_reason_and_the_facts(case: str) -> None:
    reason, words, statement = REFUSALS[case]

    assert refused(statement).reason is reason
    assert words in refused(statement).detail


@pytest.mark.parametrize(
    "case", ["no model", "no forest", "stale", "outside", "missing", "sensor", "stopped for long"]
)
def test_refusal_still_tells_the_condition(case: str) -> None:
    told = refused(REFUSALS[case][2])

    assert (told.rung, told.health_state) == (Rung.CONDITION, HealthState.NORMAL)
    assert told.condition_index is not None


@pytest.mark.parametrize("case", ["few rows", "no rows", "no life", "never ran"])
def test_refusal_without_a_reference_tells_no_condition(case: str) -> None:
    told = refused(REFUSALS[case][2])

    assert (told.rung, told.health_state, told.condition_index) == (Rung.NONE, None, None)


def test_one_input_outside_is_tolerated_when_the_model_says_so() -> None:
    assert predicted(ask(frame(*healthy(12), row(13, kelvin=500.0))))


def test_one_input_further_outside_than_lives_strayed_is_refused() -> None:
    domain = dataclasses.replace(ARTEFACT.domain, reach=(2.0, 2.0, 0.5))  # of 250 to 400 K: up to 475 K
    artefact = dataclasses.replace(ARTEFACT, domain=domain)
    assert predicted(ask(frame(*healthy(12), row(13, kelvin=470.0)), artefact=artefact))

    told = ask(frame(*healthy(12), row(13, kelvin=500.0)), artefact=artefact)

    assert isinstance(told, Refusal)
    assert told.reason is RefusalReason.OUT_OF_DOMAIN
    assert "500 (trained on 250 to 400)" in told.detail


@pytest.mark.parametrize("output", ["mean", "p10", "p90"])
def test_an_answer_that_is_not_a_number_never_becomes_one(output: str) -> None:
    artefact = dataclasses.replace(ARTEFACT, base=ARTEFACT.base | {output: float("nan")})

    assert refused(ask(frame(*healthy(12)), artefact=artefact)).reason is RefusalReason.MISSING_INPUT


missing_at_will = st.lists(
    st.tuples(st.booleans(), *[st.booleans()] * len(NAMES)),
    max_size=14,
)


@settings(max_examples=150, deadline=None)
@given(missing_at_will)
@example([(True, True, True, True)] * 8 + [(True, False, False, False)])
@example([(True, True, True, True)] * 8 + [(False, False, False, False)])
@example([(False, True, True, True)] * 8)
def test_no_data_are_missing_behind_a_number(told: list[tuple[bool, ...]]) -> None:
    """Whatever is missing where: a number stands on enough running rows, and on most inputs of the newest one."""
    rows = []
    for step, (runs, *there) in enumerate(told, start=1):
        values = [
            value if is_there else None for value, is_there in zip((float(step), 1.0, 300.0), there, strict=True)
        ]
        why = [f"{name}: no_input" for name, value in zip(NAMES, values, strict=True) if value is None]
        rows.append(row(step, running=runs, age=float(step) if there[0] else None, values=values, refusals=why))
    said = [ask(frame(*rows)), *along(frame(*rows))] if rows else [ask(frame())]
    for statement in said:
        if isinstance(statement, Refusal):
            continue
        known = [one for one in told[: (statement.data_time - START) // HOUR] if one[0]]
        assert len(known) >= ARTEFACT.min_rows
        lost = sum(not known[-1][1 + NAMES.index(name)] for name in ARTEFACT.checked)
        assert lost <= ARTEFACT.domain.tolerated_missing * len(ARTEFACT.checked)
        numbers = (statement.mean, statement.p10, statement.p50, statement.p90)
        assert all(number is not None and math.isfinite(number) for number in numbers)
    if not any(runs for runs, *_ in told):
        assert all(isinstance(statement, Refusal) for statement in said)
