"""Searches that outlive their process: each trial is on disk before the next one starts."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.model import FitParameters
from pipelines.tuning.objective import Problem, errors
from pipelines.tuning.space import PLAIN, STAGED, Bounds, Value, value_of, with_chosen

if TYPE_CHECKING:
    import optuna

__all__ = ["Search", "open_search"]

# Trials at random before the sampler looks at what was found, and before a trial may be given up early.
_AT_RANDOM = 8


@dataclass(frozen=True, slots=True)
class Search:
    """One search over one set of lives, in the order of its trials."""

    study: optuna.study.Study
    problem: Problem
    parameters: FitParameters
    seed: int

    @property
    def space(self) -> Mapping[str, Bounds]:
        """What is searched for."""
        return STAGED if self.problem.staged else PLAIN

    @property
    def trials(self) -> int:
        """Trials that were carried through or given up for being worse."""
        from optuna.trial import TrialState

        done = (TrialState.COMPLETE, TrialState.PRUNED)
        return len(self.study.get_trials(deepcopy=False, states=done))

    @property
    def error(self) -> float:
        """Smallest error so far; infinity before the first trial."""
        return self._best()[0]

    @property
    def chosen(self) -> dict[str, Value]:
        """Parameters of the smallest error so far; empty before the first trial."""
        return self._best()[1]

    def try_one(self, is_over: Callable[[], bool]) -> None:
        """One trial more. It is given up, and not counted, when `is_over` says so between two folds."""
        import optuna

        # Another seed for every trial: a search that goes on must not draw its first trials again.
        seed = 10_000 * self.seed + len(self.study.trials)
        self.study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_AT_RANDOM)
        trial = self.study.ask()
        parameters = with_chosen(self.parameters, _suggested(trial, self.space), place="search")
        error = math.inf
        for step, error in enumerate(errors(self.problem, parameters)):
            if is_over():
                self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
                return
            trial.report(error, step)
            if trial.should_prune():
                self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                return
        self.study.tell(trial, error)

    def _best(self) -> tuple[float, dict[str, Value]]:
        from optuna.trial import TrialState

        found = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        best = min(found, key=lambda trial: trial.value or math.inf, default=None)
        if best is None or best.value is None:
            return math.inf, {}
        return best.value, dict(best.params)


def open_search(name: str, problem: Problem, parameters: FitParameters, *, file: Path, seed: int) -> Search:
    """The search of that name over these lives, where it stood when it was left.

    Its name on disk holds a digest of lives, folds, bounds and of the parameters that stay: over other ones a
    new search begins. The first trial of each is the parameters as they are.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file.parent.mkdir(parents=True, exist_ok=True)
    _mend(file)
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(file))),
        study_name=f"{name} {_digest(problem, parameters)}",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_AT_RANDOM, n_warmup_steps=1),
        load_if_exists=True,
    )
    search = Search(study, problem, parameters, seed)
    if not study.get_trials(deepcopy=False):
        default = {name: bounds.nearest(value_of(parameters, name)) for name, bounds in search.space.items()}
        study.enqueue_trial(default)
    return search


def _mend(file: Path) -> None:
    """Takes away a last line that a killed process left half written."""
    if file.exists():
        content = file.read_bytes()
        if content and not content.endswith(b"\n"):
            file.write_bytes(content[: content.rfind(b"\n") + 1])


def _suggested(trial: optuna.trial.Trial, space: Mapping[str, Bounds]) -> dict[str, Value]:
    chosen: dict[str, Value] = {}
    for name, bounds in space.items():
        if bounds.is_whole:
            chosen[name] = trial.suggest_int(name, int(bounds.low), int(bounds.high), log=bounds.is_log)
        else:
            chosen[name] = trial.suggest_float(name, float(bounds.low), float(bounds.high), log=bounds.is_log)
    return chosen


def _digest(problem: Problem, parameters: FitParameters) -> str:
    space = STAGED if problem.staged else PLAIN
    kept = with_chosen(parameters, {name: bounds.low for name, bounds in space.items()}, place="digest")
    facts = (problem.data.fingerprint, dict(space), replace(kept, threads=1))
    content = hashlib.sha256(repr(facts).encode("utf-8"))
    for part in (problem.data.unit, problem.data.rul, problem.data.survived, problem.fold):
        content.update(part.tobytes())
    return content.hexdigest()[:12]
