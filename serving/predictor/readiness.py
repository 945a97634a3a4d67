"""Whether the API can answer, and what is in the way when it cannot."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from features.core.tables import FEATURE_ROWS, PREDICTIONS
from serving.predictor.context import Context
from serving.predictor.fleet import STALE_STEPS

__all__ = ["Check", "check_all"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and in words how it stands."""

    name: str
    ok: bool
    reason: str


def check_all(context: Context, now: dt.datetime) -> Sequence[Check]:
    """Every check; one that fails does not hide the next.

    Args:
        context: What the API reads from.
        now: The present moment, UTC.
    """
    checks: dict[str, Callable[[], tuple[bool, str]]] = {
        "lake": lambda: _lake(context),
        "store": lambda: _store(context),
        "champions": lambda: _champions(context),
        "data": lambda: _data(context, now),
    }
    return [_run(name, check) for name, check in checks.items()]


def _run(name: str, check: Callable[[], tuple[bool, str]]) -> Check:
    try:
        ok, reason = check()
    except Exception as err:  # noqa: BLE001 - whatever is wrong is what readiness has to tell
        return Check(name, False, f"{type(err).__name__}: {err}")
    return Check(name, ok, reason)


def _lake(context: Context) -> tuple[bool, str]:
    known = context.fleet.newest()
    if context.lake.version(FEATURE_ROWS) is None and context.lake.version(PREDICTIONS) is None:
        return False, "the lake holds no feature rows and no predictions yet; run ingest and scoring"
    return True, f"readable, {len(known)} components have a statement"


def _store(context: Context) -> tuple[bool, str]:
    held = context.store.recommendations()
    return True, f"migrated, {len(held)} recommendations"


def _champions(context: Context) -> tuple[bool, str]:
    champions = context.champions
    if champions.problems:
        return False, "; ".join(champions.problems.values())
    if not champions.held:
        return False, "no champion is loaded; train a model and let the worker fetch it"
    loaded = ", ".join(f"{c.name} version {c.version}" for c in champions.held.values())
    wanted = {c.component_class for machine in context.plant.machines for c in machine.components}
    without = sorted(wanted - champions.held.keys())
    return True, loaded + (f"; no model yet for {', '.join(without)}" if without else "")


def _data(context: Context, now: dt.datetime) -> tuple[bool, str]:
    until = context.fleet.read_until()
    if not until:
        return True, "no measuring point names a historian's tag: nothing is read live"
    steps = {
        group: STALE_STEPS * max(m.grid for m in context.plant.machines if m.group == group) for _, group in until
    }
    problems = []
    for (source, group), time in until.items():
        if time is None:
            problems.append(f"{source}/{group} was never read")
        elif now - time > steps[group]:
            problems.append(f"{source}/{group} was read until {time:%Y-%m-%d %H:%M} UTC, limit {steps[group]} ago")
    if problems:
        return False, "; ".join(problems)
    return True, f"read until {min(time for time in until.values() if time):%Y-%m-%d %H:%M} UTC or later"
