"""The second rung: what a diagnosis adds to a statement; batch and online put it in by the same rules.

The diagnosis itself is made where the newest waveforms are read (`pipelines.scoring`): it costs tenths of a second
a component. Online answers take it over from the newest statement of batch (`told_by`).
"""

import dataclasses

from features.core.statements import (
    Evidence,
    HealthState,
    Prediction,
    Refusal,
    RefusalReason,
    Rung,
    named_fault,
)

__all__ = ["told_by", "wants_diagnosis", "with_physics"]

# Waveforms are old or absent where statements are refused for these.
_NOT_NOW = (RefusalReason.STALE_DATA, RefusalReason.MACHINE_STOPPED, RefusalReason.NO_LIFE)


def wants_diagnosis(statement: Prediction | Refusal) -> bool:
    """Whether to look at the spectra: the state is not healthy, or nobody knows the condition yet."""
    if statement.data_time is None or (isinstance(statement, Refusal) and statement.reason in _NOT_NOW):
        return False
    return statement.health_state is not HealthState.NORMAL or statement.condition_index is None


def with_physics(statement: Prediction | Refusal, found: tuple[Evidence, ...]) -> Prediction | Refusal:
    """The statement with a diagnosis among its evidence: a named fault before all else, any other at the end.

    Where the condition is not known, a named fault asks for maintenance, and spectra without a fault's lines are
    a normal state if nothing else tells one: then the state stands on physics, and the rung says so. What limits
    or the condition tell is never made milder.

    Args:
        statement: Without a diagnosis.
        found: The diagnosis, then its lines, as `pipelines.scoring` tells them; empty: there is none.
    """
    if not found:
        return statement
    is_named = named_fault(found) is not None
    evidence = (*found, *statement.evidence) if is_named else (*statement.evidence, *found)
    statement = dataclasses.replace(statement, evidence=evidence)
    state = statement.health_state
    is_open = statement.condition_index is None and state in (None, HealthState.NORMAL)
    if is_open and is_named:
        state = HealthState.MAINTENANCE_REQUIRED
    elif state is None and found[0].verdict == "normal":
        state = HealthState.NORMAL
    if state is None or state is statement.health_state:
        return statement
    if isinstance(statement, Refusal):
        return dataclasses.replace(statement, health_state=state, rung=Rung.PHYSICS)
    return dataclasses.replace(statement, health_state=state)


def told_by(statement: Prediction | Refusal) -> tuple[Evidence, ...]:
    """The diagnosis that a statement holds, empty without one."""
    return tuple(item for item in statement.evidence if item.rung is Rung.PHYSICS)
