"""The refusal that fits, its reason and its facts."""

import dataclasses

import pytest

from features.core.statements import HealthState, Refusal, RefusalReason, Rung
from tests.unit.features._rul_case import (
    ARTEFACT,
    REFUSALS,
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
