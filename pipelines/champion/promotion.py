"""The champion of a class moves: forward when the gate lets it, back by one command. Every move is noted."""

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace

from features.core.clock import SystemClock
from features.core.errors import ConfigError, DamagedArtefactError
from features.core.models import ModelRegistry, ModelVersion, model_name
from features.core.telemetry import log
from pipelines.champion.contender import Contender, of_training, of_version
from pipelines.champion.gate import judge
from pipelines.champion.judged import Judged
from pipelines.champion.verdict import RULES, Rules, Verdict
from pipelines.training import TrainedModel

__all__ = [
    "Move",
    "Promotion",
    "candidate_of",
    "champion_of",
    "compare",
    "history",
    "promote",
    "promote_version",
    "rollback",
    "set_shadow",
    "standing",
]

_LOG = log("champion")

# How much larger a noted error may be where nothing else is known: folds and lives of two trainings differ.
NOTED_TOLERANCE = 0.05

# What is noted about a version: the verdict on it, and what it was compared with.
_VERDICT, _REASON, _COMPARED = "verdict", "verdict_reason", "compared_with"

# Where the moves of the champion are noted, the newest last, and how many: a note holds 5,000 characters.
_HISTORY, _MOVES, _WORDS = "champion_history", 24, 90


@dataclass(frozen=True, slots=True)
class Promotion:
    """Whether a version became the champion, and why; `champion` is the version that predicts now."""

    promoted: bool
    reason: str
    champion: str
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One move of the champion: to which version, when, how (`promoted`, `by hand`, `rolled back`), and why."""

    version: str
    at: str
    how: str
    why: str


def promote(
    registry: ModelRegistry,
    trained: TrainedModel,
    *,
    judged: Judged | None = None,
    now: dt.datetime | None = None,
    rules: Rules = RULES,
) -> Promotion:
    """Makes a trained version the champion unless it would be a step back.

    Args:
        registry: Where the version is registered.
        trained: The challenger.
        judged: Lives and rows to judge by; None: only the figures noted at the trainings are compared.
        now: When this happens, for the history.
        rules: When something counts as worse.
    """
    candidate, present = of_training(trained), registry.champion(trained.name)
    if judged is None:
        verdict = _by_notes(registry, present, trained, rules)
    else:
        verdict = _judged(registry, candidate, present, judged, rules)
    return _settle(registry, candidate, verdict, now, how="promoted")


def promote_version(
    registry: ModelRegistry,
    candidate: Contender,
    verdict: Verdict,
    *,
    now: dt.datetime | None = None,
    despite: str | None = None,
    trusted: Collection[str] = (),
) -> Promotion:
    """Makes a registered version the champion if its verdict says so, or despite it with a person's reason.

    `trusted`: features a person vouched for when the verdict was asked for; the reason that is kept names them.
    """
    if trusted:
        vouched = f"vouched for by hand: {', '.join(sorted(trusted))}"
        verdict = replace(verdict, reasons=(vouched, *verdict.reasons))
    if despite is None:
        return _settle(registry, candidate, verdict, now, how="promoted")
    words = f"{despite} (the gate: {verdict.reason})"
    _note(registry, candidate, verdict)
    _move(registry, candidate.name, Move(candidate.version, _stamp(now), "by hand", words))
    return Promotion(True, words, candidate.version, verdict)


def compare(registry: ModelRegistry, candidate: Contender, judged: Judged, *, rules: Rules = RULES) -> Verdict:
    """The verdict on a registered version against the present champion; nothing is changed."""
    present = registry.champion(candidate.name)
    if present is not None and present.version == candidate.version:
        raise ConfigError(
            f"version {candidate.version} of {candidate.name} is the champion; name another one to compare",
            {"model": candidate.name, "version": candidate.version},
        )
    return _judged(registry, candidate, present, judged, rules)


def rollback(
    registry: ModelRegistry, class_id: str, *, to: str | None = None, now: dt.datetime | None = None, why: str = ""
) -> Move:
    """Gives a class's predictions back to the champion before the present one, or to a version.

    Raises:
        ConfigError: There is no former champion, or no such version.
        DamagedArtefactError: The version that would predict is not what was registered; nothing is changed.
    """
    name = model_name(class_id)
    present = champion_of(registry, class_id)
    target = to or _former(history(registry, class_id), present.version)
    if target is None:
        raise ConfigError(
            f"{name} has had no champion but version {present.version}; name a version with --to",
            {"model": name, "version": present.version},
        )
    back = candidate_of(registry, class_id, target)
    move = Move(back.version, _stamp(now), "rolled back", why or f"from version {present.version}")
    _move(registry, name, move)
    registry.note(name, present.version, {_VERDICT: "rolled back", _REASON: move.why})
    return move


def history(registry: ModelRegistry, class_id: str) -> list[Move]:
    """Moves of the champion, the oldest first; those from before moves were noted are not in it."""
    name = model_name(class_id)
    if not registry.versions(name):
        return []
    return [Move(**move) for move in json.loads(registry.memo(name, _HISTORY) or "[]")]


def champion_of(registry: ModelRegistry, class_id: str) -> ModelVersion:
    """The version that predicts.

    Raises:
        ConfigError: There is none.
    """
    present = registry.champion(model_name(class_id))
    if present is None:
        raise ConfigError(
            f"class {class_id!r} has no champion; `wearcast train --class {class_id}` makes one",
            {"component_class": class_id},
        )
    return present


def standing(registry: ModelRegistry, class_id: str) -> Contender | None:
    """The champion as a contender; None: there is none, or it is damaged."""
    present = registry.champion(model_name(class_id))
    if present is None:
        return None
    try:
        return of_version(registry, present)
    except DamagedArtefactError as err:
        _LOG.warning("champion.damaged", model=present.name, version=present.version, detail=str(err))
        return None


def candidate_of(registry: ModelRegistry, class_id: str, version: str) -> Contender:
    """A registered version, verified.

    Raises:
        ConfigError: No such version.
        DamagedArtefactError: A file is not what was registered.
    """
    return of_version(registry, _version(registry, class_id, version))


def set_shadow(registry: ModelRegistry, class_id: str, version: str | None) -> None:
    """Lets a version run in shadow: it is asked whenever the champion is, and never acted on. None: no more.

    Raises:
        ConfigError: No such version, or it is the champion.
        DamagedArtefactError: A file is not what was registered.
    """
    name = model_name(class_id)
    if version is None:
        registry.set_shadow(name, None)
        return
    shadow = candidate_of(registry, class_id, version)
    if champion_of(registry, class_id).version == shadow.version:
        raise ConfigError(
            f"version {version} of {name} is the champion; only another version can run in its shadow",
            {"model": name, "version": version},
        )
    registry.set_shadow(name, shadow.version)


def _judged(
    registry: ModelRegistry, candidate: Contender, present: ModelVersion | None, judged: Judged, rules: Rules
) -> Verdict:
    """The verdict against the present champion; one that is damaged cannot predict and is compared with nobody."""
    if present is None:
        return judge(candidate, None, judged, rules=rules)
    try:
        champion = of_version(registry, present)
    except DamagedArtefactError as err:
        verdict = judge(candidate, None, judged, rules=rules)
        words = (f"version {present.version} is damaged ({err})", *verdict.reasons[1:])
        return replace(verdict, champion=present.version, reasons=words if verdict.passed else verdict.reasons)
    return judge(candidate, champion, judged, rules=rules)


def _version(registry: ModelRegistry, class_id: str, version: str) -> ModelVersion:
    known = [one for one, _ in registry.versions(model_name(class_id))]
    for one in known:
        if one.version == version:
            return one
    listed = ", ".join(one.version for one in known[:10]) or "none"
    raise ConfigError(
        f"{model_name(class_id)} has no version {version!r}; there are: {listed}",
        {"component_class": class_id, "version": version},
    )


def _settle(
    registry: ModelRegistry, candidate: Contender, verdict: Verdict, now: dt.datetime | None, *, how: str
) -> Promotion:
    _note(registry, candidate, verdict)
    if verdict.passed:
        _move(registry, candidate.name, Move(candidate.version, _stamp(now), how, verdict.reason))
    _LOG.info(
        "champion.decided",
        model=candidate.name,
        version=candidate.version,
        promoted=verdict.passed,
        reason=verdict.reason,
    )
    champion = candidate.version if verdict.passed else verdict.champion
    return Promotion(verdict.passed, verdict.reason, champion, verdict)


def _note(registry: ModelRegistry, candidate: Contender, verdict: Verdict) -> None:
    tags = {
        _VERDICT: "passed" if verdict.passed else "refused",
        _REASON: verdict.reason[:4000],
        _COMPARED: verdict.champion or "nothing",
    }
    if verdict.suspects:
        tags["suspects"] = ", ".join(one.feature for one in verdict.suspects[:20])
    registry.note(candidate.name, candidate.version, tags)


def _move(registry: ModelRegistry, name: str, move: Move) -> None:
    """The alias first: a champion that is not in the history is found by its alias, the other way round is not."""
    registry.set_champion(name, move.version)
    held: Sequence[dict[str, str]] = json.loads(registry.memo(name, _HISTORY) or "[]")
    short = asdict(move) | {"why": move.why if len(move.why) <= _WORDS else move.why[: _WORDS - 3] + "..."}
    registry.set_memo(name, _HISTORY, json.dumps([*held, short][-_MOVES:], ensure_ascii=False))


def _former(moves: Sequence[Move], present: str) -> str | None:
    """The champion before the present one: roll backs are walked back through, not forth."""
    stack: list[str] = []
    for move in moves:
        if move.how == "rolled back" and move.version in stack:
            del stack[stack.index(move.version) + 1 :]
        elif not stack or stack[-1] != move.version:
            stack.append(move.version)
    while stack and stack[-1] == present:
        stack.pop()
    return stack[-1] if stack else None


def _stamp(now: dt.datetime | None) -> str:
    return (now or SystemClock().now()).isoformat(timespec="seconds")


def _by_notes(
    registry: ModelRegistry, present: ModelVersion | None, trained: TrainedModel, rules: Rules
) -> Verdict:
    """A verdict from the figures noted at the trainings alone."""
    against, reason = (None, "first version") if present is None else _noted(registry, present, trained, rules)
    return Verdict(
        candidate=trained.version,
        champion="" if present is None else present.version,
        passed=against is None,
        reasons=(against or reason,),
    )


def _noted(
    registry: ModelRegistry, present: ModelVersion, trained: TrainedModel, rules: Rules
) -> tuple[str | None, str]:
    """What speaks against the challenger, if anything, and else the reason for it."""
    tags = registry.tags(present.name, present.version)
    if tags.get("fingerprint") != trained.artefact.fingerprint:
        return None, f"version {present.version} needs a feature set that is no longer made"
    if tags.get("calibrated") == "true" and not trained.artefact.calibration.calibrated:
        return f"version {present.version} has a calibrated band, this one has none", ""
    if "cv_error" not in tags:
        return None, f"version {present.version} has no forests to compare with"
    error, known = trained.metrics.get("cv_rmse"), float(tags["cv_error"])
    if error is None:
        return f"no cross-validated error to compare with the {known:.4g} of version {present.version}", ""
    words = f"cross-validated error {error:.4g} against {known:.4g} of version {present.version}"
    return (words if error > known * (1.0 + NOTED_TOLERANCE) else None), words
