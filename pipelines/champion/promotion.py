"""The champion of a class moves: forward when the gate lets it, back by one command. Every move is noted."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace

from features.core.errors import ConfigError, DamagedArtefactError
from features.core.models import ModelRegistry, ModelVersion, model_name
from features.core.telemetry import log
from pipelines.champion.contender import Contender, of_training, of_version
from pipelines.champion.gate import judge
from pipelines.champion.judged import Judged
from pipelines.champion.moves import Move, former, history, move_to, stamp
from pipelines.champion.noted import by_notes
from pipelines.champion.verdict import RULES, Rules, Verdict
from pipelines.champion.versions import candidate_of, champion_of
from pipelines.training import TrainedModel

__all__ = ["Promotion", "compare", "promote", "promote_version", "rollback"]

_LOG = log("champion")

# What is noted about a version: the verdict on it, and what it was compared with.
_VERDICT, _REASON, _COMPARED = "verdict", "verdict_reason", "compared_with"


@dataclass(frozen=True, slots=True)
class Promotion:
    """Whether a version became the champion, and why; `champion` is the version that predicts now."""

    promoted: bool
    reason: str
    champion: str
    verdict: Verdict | None = None


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
        verdict = by_notes(registry, present, trained, rules)
    else:
        verdict = _against(registry, candidate, present, judged, rules)
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
    move_to(registry, candidate.name, Move(candidate.version, stamp(now), "by hand", words))
    return Promotion(True, words, candidate.version, verdict)


def compare(registry: ModelRegistry, candidate: Contender, judged: Judged, *, rules: Rules = RULES) -> Verdict:
    """The verdict on a registered version against the present champion; nothing is changed."""
    present = registry.champion(candidate.name)
    if present is not None and present.version == candidate.version:
        raise ConfigError(
            f"version {candidate.version} of {candidate.name} is the champion; name another one to compare",
            {"model": candidate.name, "version": candidate.version},
        )
    return _against(registry, candidate, present, judged, rules)


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
    target = to or former(history(registry, class_id), present.version)
    if target is None:
        raise ConfigError(
            f"{name} has had no champion but version {present.version}; name a version with --to",
            {"model": name, "version": present.version},
        )
    back = candidate_of(registry, class_id, target)
    move = Move(back.version, stamp(now), "rolled back", why or f"from version {present.version}")
    move_to(registry, name, move)
    registry.note(name, present.version, {_VERDICT: "rolled back", _REASON: move.why})
    return move


def _against(
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


def _settle(
    registry: ModelRegistry, candidate: Contender, verdict: Verdict, now: dt.datetime | None, *, how: str
) -> Promotion:
    _note(registry, candidate, verdict)
    if verdict.passed:
        move_to(registry, candidate.name, Move(candidate.version, stamp(now), how, verdict.reason))
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
