import copy
import datetime as dt
import string
from dataclasses import FrozenInstanceError, fields
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.core import statements
from features.core.statements import HealthState, MaintenanceEvent, Outcome, Prediction, Refusal, Rung, order_key
from features.core.tables import MAINTENANCE_EVENTS

NOW = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
BASE32 = set(string.ascii_uppercase + "234567")  # RFC 4648, section 6
words = st.text(st.characters(exclude_characters="|", exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(words, words, words, words, st.integers(1, 10**6))
def test_an_order_key_has_twenty_upper_case_characters(a: str, b: str, c: str, d: str, episode: int) -> None:
    key = order_key(a, b, c, d, episode)
    assert len(key) == 20
    assert key.startswith("WC-")
    assert set(key[3:]) <= BASE32


def test_an_order_key_is_the_same_for_ever() -> None:
    """A key that changed would order a second time what an ERP already holds."""
    assert order_key("north", "P101", "DE-bearing", "bearing", 1) == "WC-HART4VIZSKE3373EY"


@pytest.mark.parametrize(
    "other",
    [
        ("south", "P101", "DE-bearing", "bearing", 1),
        ("north", "P102", "DE-bearing", "bearing", 1),
        ("north", "P101", "NDE-bearing", "bearing", 1),
        ("north", "P101", "DE-bearing", "imbalance", 1),
        ("north", "P101", "DE-bearing", "bearing", 2),
        ("P101", "north", "DE-bearing", "bearing", 1),
    ],
)
def test_an_order_key_differs_when_any_part_differs(other: tuple[str, str, str, str, int]) -> None:
    assert order_key(*other) != order_key("north", "P101", "DE-bearing", "bearing", 1)


def test_an_order_keys_characters_are_those_of_the_hash_not_of_its_text() -> None:
    keys = {order_key("north", f"P{i}", "DE-bearing", "bearing", 1) for i in range(2000)}
    assert len(keys) == 2000
    assert {character for key in keys for character in key[3:]} == BASE32


@pytest.mark.parametrize("episode", [0, -1])
def test_episodes_count_from_one(episode: int) -> None:
    with pytest.raises(ValueError, match="count from 1"):
        order_key("north", "P101", "DE-bearing", "bearing", episode)


@pytest.mark.parametrize("parts", [("north|P1", "x"), ("north", "P1|x")])
def test_a_separator_inside_a_part_is_refused(parts: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\|"):
        order_key(parts[0], parts[1], "DE-bearing", "bearing", 1)


def _prediction(*, calibrated: bool) -> Prediction:
    return Prediction(
        component_id="P101/DE-bearing",
        as_of=NOW,
        data_time=NOW,
        life_number=1,
        life_unit="running_h",
        rung=Rung.CALIBRATED_RUL if calibrated else Rung.UNCALIBRATED_RUL,
        mean=510.0,
        p10=200.0 if calibrated else None,
        p50=500.0,
        p90=900.0 if calibrated else None,
        calibrated=calibrated,
        calibration_units=41 if calibrated else 5,
        health_state=HealthState.NORMAL,
        condition_index=0.1,
        model_name="wearcast-rul-rolling_bearing",
        model_version="3",
        fingerprint="0123456789abcdef",
    )


@pytest.mark.parametrize(
    ("calibrated", "said"), [(True, "calibrated(41 units)"), (False, "not_calibrated(5 units)")]
)
def test_a_prediction_says_on_how_many_units_its_calibration_stands(calibrated: bool, said: str) -> None:
    assert _prediction(calibrated=calibrated).calibration == said


def test_a_statement_is_a_value() -> None:
    prediction = _prediction(calibrated=True)
    assert copy.deepcopy(prediction) == prediction
    with pytest.raises(FrozenInstanceError):
        prediction.p50 = 1.0  # type: ignore[misc] # frozen is what is tested


def test_a_refusal_claims_no_condition_by_itself() -> None:
    refusal = Refusal("P101/DE-bearing", NOW, statements.RefusalReason.NO_MODEL, "no champion")
    assert (refusal.rung, refusal.health_state, refusal.condition_index) == (Rung.NONE, None, None)


def test_health_states_are_those_of_namur_ne_107() -> None:
    assert {s.value for s in HealthState} == {
        "normal", "failure", "check_function", "off_spec", "maintenance_required",
    }  # fmt: skip


def test_outcomes_are_those_that_labels_and_planners_know() -> None:
    assert {o.value for o in Outcome} == {
        "confirmed_failure", "incipient_fault", "preventive_replacement", "no_fault_found",
        "sensor_fault", "duplicate", "deferred", "cancelled",
    }  # fmt: skip


def test_every_closed_set_is_written_in_the_case_of_the_lake() -> None:
    sets = [
        c for c in vars(statements).values() if isinstance(c, type) and issubclass(c, StrEnum) and c is not StrEnum
    ]
    assert len(sets) == 8
    assert [m for c in sets for m in c if m.value != m.name.lower()] == []


def test_an_event_has_the_columns_of_its_table() -> None:
    assert [f.name for f in fields(MaintenanceEvent)] == list(MAINTENANCE_EVENTS.columns)
