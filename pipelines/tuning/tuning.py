"""A class's parameters within a budget of minutes: outer folds judge what inner folds chose."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.core.errors import ConfigError
from features.core.telemetry import log
from features.rul.memory import Spans
from pipelines.dataset import TrainingSet, grouped_folds, split_groups
from pipelines.model import FitParameters
from pipelines.tuning.nested import Compared, answered, compared
from pipelines.tuning.objective import Problem
from pipelines.tuning.record import TuningRecord, record_file, write_record
from pipelines.tuning.search import Search, open_search
from pipelines.tuning.space import is_staged, with_chosen

__all__ = ["Progress", "Tuned", "tune"]

_LOG = log("tuning")

Ints = npt.NDArray[np.int64]

# Outer folds: each costs a search and a whole cross-fit, fewer leave a search with too few lives.
OUTER_FOLDS = 3

# Failed lives below which folds in folds say nothing.
_FEWEST = 12

# Least share of the budget that goes into searching, however long whole fits take.
_SEARCHING = 0.3


# How long a fit with chosen parameters may take, in fits with the default ones.
_LARGER = 1.3


# More failed lives than a class has: it is not modelled in stages.
_NEVER = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: share of the budget that is spent, trials so far, and what is being done."""

    share: float
    trials: int
    doing: str


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a run found; `record` is None when it was stopped early, `file` when nothing was gained."""

    trials: int
    is_finished: bool
    record: TuningRecord | None
    file: Path | None


def tune(
    data: TrainingSet,
    *,
    minutes: float,
    folder: Path,
    work: Path,
    parameters: FitParameters = FitParameters(),
    spans: Spans | None = None,
    seed: int = 1,
    outer_folds: int = OUTER_FOLDS,
    on_progress: Callable[[Progress], None] = lambda _: None,
    is_stopped: Callable[[], bool] = lambda: False,
    seconds: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Searches, judges what was found, and writes it down where it is better than the default.

    Run again it goes on where it stopped; more minutes, more trials. Where nothing is gained a former record of
    the class is taken away, for it would be worse than the default by what is known now.

    Args:
        data: Lives and rows of a class.
        minutes: Budget, whole fits of the judging included; the last of them may end a little later.
        folder: Where the record goes.
        work: Where the searches are kept.
        parameters: The default ones; what is not searched for stays.
        spans: How far the memory of a staged model goes; None: no such model.
        seed: Of the searches and of the bootstrap.
        outer_folds: Folds that judge.
        on_progress: Told after every step.
        is_stopped: Asked between two folds of a trial: True ends the run, what was found is kept.
        seconds: A clock that never goes back, for the budget.

    Raises:
        ConfigError: Too few failed lives, or no minutes.
    """
    _require(data, minutes)
    begin, budget = seconds(), 60.0 * minutes
    parameters = _settled(parameters, staged=spans is not None and is_staged(parameters, len(data.failed_units)))

    def spent() -> float:
        return (seconds() - begin) / budget

    fold = grouped_folds(split_groups(data, outer_folds), outer_folds)
    everywhere, outer = _searches(data, fold, parameters, spans, work, seed)
    searches = [*outer, everywhere]
    on_progress(Progress(spent(), sum(search.trials for search in searches), "fitting the default"))
    default = [] if is_stopped() else answered(data, fold, parameters, spans)
    until = max(1.0 - _LARGER * spent(), spent() + _SEARCHING * (1.0 - spent()))
    while spent() < until and not is_stopped():
        least = min(searches, key=lambda search: search.trials)
        least.try_one(lambda: is_stopped() or spent() >= max(until, 1.0))
        best = f"best {everywhere.error:.4g}" if np.isfinite(everywhere.error) else "searching"
        on_progress(Progress(spent(), sum(s.trials for s in searches), best))
    trials = sum(search.trials for search in searches)
    if is_stopped() or any(not search.chosen for search in searches):
        return Tuned(trials, False, None, None)
    tuned = []
    for told in default:
        on_progress(Progress(spent(), trials, "judging what was found"))
        chosen = _chosen(outer[told.fold])
        again = default if chosen == parameters else answered(data, fold, chosen, spans)
        tuned += [one for one in again if one.fold == told.fold]
    record = _record(
        data, searches, compared(default, tuned, seed=seed), minutes=(seconds() - begin) / 60.0, seed=seed
    )
    _LOG.info("tuning.finished", component_class=data.component_class, trials=trials, rmse=record.rmse_tuned)
    if record.rmse_tuned < record.rmse_default:
        return Tuned(trials, True, record, write_record(folder, record))
    record_file(folder, data.component_class).unlink(missing_ok=True)
    return Tuned(trials, True, record, None)


def _require(data: TrainingSet, minutes: float) -> None:
    failed = len(data.failed_units)
    if failed < _FEWEST:
        raise ConfigError(
            f"class {data.component_class!r} has {failed} failed lives; tuning starts at {_FEWEST}",
            {"component_class": data.component_class, "failed": failed},
        )
    if not minutes > 0.0:
        raise ConfigError(f"a budget of {minutes} minutes leaves no time; give more than 0", {"minutes": minutes})


def _settled(parameters: FitParameters, *, staged: bool) -> FitParameters:
    """The same with one kind of model for any number of lives: outer folds must not change it."""
    return replace(parameters, staged=replace(parameters.staged, failed_lives=0 if staged else _NEVER))


def _searches(
    data: TrainingSet, fold: Ints, parameters: FitParameters, spans: Spans | None, work: Path, seed: int
) -> tuple[Search, list[Search]]:
    """The search over all lives, and the one that never sees the lives of each outer fold."""

    def opened(number: int, name: str, rest: TrainingSet) -> Search:
        problem = Problem.of(rest, split_groups(rest, parameters.folds), parameters, spans)
        file = work / f"{data.component_class}.journal"
        return open_search(name, problem, parameters, file=file, seed=1000 * seed + number)

    outer = []
    for number in np.unique(fold):
        held = set(data.unit[fold == number].tolist())
        outer.append(opened(int(number) + 1, f"without {number}", data.without(units=held)))
    return opened(0, "all", data), outer


def _chosen(search: Search) -> FitParameters:
    return with_chosen(search.parameters, search.chosen, place="search")


def _record(
    data: TrainingSet, searches: Sequence[Search], found: Compared, *, minutes: float, seed: int
) -> TuningRecord:
    *outer, everywhere = searches
    return TuningRecord(
        component_class=data.component_class,
        chosen=everywhere.chosen,
        as_of=data.as_of.isoformat(),
        fingerprint=data.fingerprint,
        seed=seed,
        trials=sum(search.trials for search in searches),
        minutes=round(minutes, 2),
        lives=found.lives,
        outer_folds=len(outer),
        rmse_default=found.rmse_default,
        rmse_tuned=found.rmse_tuned,
        difference_low95=found.difference.low,
        difference_high95=found.difference.high,
        is_established=found.is_established,
        coverage80_default=found.coverage80_default,
        coverage80_tuned=found.coverage80_tuned,
        interval_score80_default=found.interval_score80_default,
        interval_score80_tuned=found.interval_score80_tuned,
        searched_error=everywhere.error,
        chosen_in_outer_folds=[search.chosen for search in outer],
    )
