"""What a diagnosis adds to a statement, and what it never does."""

import dataclasses
import datetime as dt

import pytest

from features.core.statements import Evidence, HealthState, Refusal, RefusalReason, Rung
from features.rul.physics import told_by, wants_diagnosis, with_physics

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ZONE = Evidence("v.velocity_rms_mm_s", 1.0, 2.8, "mm/s", rung=Rung.LIMITS, verdict="zone A", note="like new")


def statement(**changes: object) -> Refusal:
    plain = Refusal("P1/DE", NOW, RefusalReason.NO_MODEL, "none yet", NOW, evidence=(ZONE,))
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type] # any field


def found(verdict: str) -> tuple[Evidence, ...]:
    head = Evidence(f"diagnosis.{verdict}", 3.0, None, "dB", rung=Rung.PHYSICS, verdict=verdict, note="because")
    return head, dataclasses.replace(head, feature=f"{head.feature}.bpfo", order=3.58, frequency_hz=87.8)


def test_a_named_fault_comes_first_and_asks_for_maintenance_where_nothing_else_is_known() -> None:
    told = with_physics(statement(), found("outer_race"))
    assert isinstance(told, Refusal)
    assert (told.health_state, told.rung) == (HealthState.MAINTENANCE_REQUIRED, Rung.PHYSICS)
    assert told.evidence == (*found("outer_race"), ZONE)


def test_a_named_fault_overrules_a_good_zone_but_never_a_known_condition() -> None:
    zoned = statement(health_state=HealthState.NORMAL, rung=Rung.LIMITS)
    assert with_physics(zoned, found("ball")).health_state is HealthState.MAINTENANCE_REQUIRED
    healthy = dataclasses.replace(zoned, condition_index=0.1, rung=Rung.CONDITION)
    told = with_physics(healthy, found("ball"))
    assert (told.health_state, told.rung) == (HealthState.NORMAL, Rung.CONDITION)


@pytest.mark.parametrize("verdict", ["normal", "unknown"])
def test_what_names_no_fault_comes_last_and_makes_nothing_milder(verdict: str) -> None:
    bad = statement(health_state=HealthState.FAILURE, rung=Rung.LIMITS)
    told = with_physics(bad, found(verdict))
    assert (told.health_state, told.rung) == (HealthState.FAILURE, Rung.LIMITS)
    assert told.evidence[0] is ZONE
    assert told_by(told) == found(verdict)


def test_spectra_without_a_fault_are_a_normal_state_and_unknown_ones_are_none() -> None:
    told = with_physics(statement(), found("normal"))
    assert (told.health_state, told.rung) == (HealthState.NORMAL, Rung.PHYSICS)
    assert with_physics(statement(), found("unknown")).health_state is None


def test_no_diagnosis_changes_nothing() -> None:
    assert with_physics(statement(), ()) == statement()


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, True),
        ({"health_state": HealthState.NORMAL, "condition_index": 0.1}, False),
        ({"health_state": HealthState.NORMAL}, True),
        ({"health_state": HealthState.MAINTENANCE_REQUIRED, "condition_index": 2.0}, True),
        ({"reason": RefusalReason.STALE_DATA}, False),
        ({"data_time": None}, False),
    ],
)
def test_spectra_are_looked_at_only_where_it_helps(changes: dict[str, object], wanted: bool) -> None:
    assert wants_diagnosis(statement(**changes)) is wanted
