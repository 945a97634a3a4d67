"""The staged model of one set of lives: memory, `rul_index`, the mean and the quantiles on top.

The lives are dealt into bags. A stage is as many forests as there are bags, each fitted without one of them;
what a life is told of `rul_index`, and the mean that its quantiles start from, come from the forest that has
not seen it. For lives outside of the set, all forests of a stage answer together, by their mean.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from features.rul.memory import Memory
from pipelines.model.boosting import QUANTILES
from pipelines.model.dealing import dealt
from pipelines.model.examples import Bools, Floats, Ints, Strings, thinned
from pipelines.model.parameters import StagedParameters
from pipelines.model.staged.histories import Histories
from pipelines.model.staged.memory import fit_memory, offered

__all__ = ["Stages", "fit_stages"]


@dataclass(frozen=True, slots=True)
class Stages:
    """What was fitted, and its answers to rows [n] of other lives: raw scores by output, quantiles with the mean.

    Rows of the fitted lives have the mean that the quantiles start from, out of bag, and no quantiles: NaN.
    """

    memory: Memory
    index_inputs: tuple[str, ...]
    index: list[lgb.Booster]
    inputs: tuple[str, ...]
    forests: dict[str, list[lgb.Booster]]
    table: Floats
    scores: dict[str, Floats]


def fit_stages(
    lives: Histories, seen: Bools, cap: float, parameters: StagedParameters, seed: int, threads: int = 1
) -> Stages:
    """Fits all stages on the rows `seen` [n], whole lives, and answers those of the other lives.

    Args:
        lives: All rows.
        seen: Rows of the training lives; those whose RUL is not known teach nothing.
        cap: Largest RUL taught, life units.
        parameters: Of the fit.
        seed: Of the bags, and of the rows and inputs drawn for each tree.
        threads: Forests that are fitted at once; what is fitted does not depend on it.
    """
    memory = fit_memory(lives, seen, cap, parameters)
    taught = np.flatnonzero(seen & np.isfinite(lives.rul))
    taught = taught[thinned(lives.unit[taught], parameters.rows_per_life)]
    y = np.minimum(lives.rul[taught], cap)
    rows = _Taught(taught, y, _bags(lives.unit, seen, parameters.bags, seed), threads)

    stateless = offered(lives.names, memory)
    told = memory.columns(lives.values, lives.names, lives.hours, lives.first)
    table = np.concatenate([lives.values[:, stateless], told], axis=1, dtype=np.float64)
    names = np.array([*(lives.names[number] for number in stateless), *memory.column_names()])
    moving = _moving(table[taught])
    first = _Stage(np.ascontiguousarray(table[:, moving]), rows, parameters, seed)
    every = np.ones(seen.size, dtype=np.bool_)
    index, answered = first.bagged(every, rate=parameters.index_rate, trees=parameters.index_trees)
    best = moving[_by_gain(index, parameters.kept)]
    more = memory.index_columns(answered, lives.hours, lives.first)
    last = np.concatenate([table[:, best], more], axis=1)
    second = _Stage(last, rows, parameters, seed)
    asked = ~seen
    mean, scores = second.bagged(_with(asked, taught), rate=parameters.rate, trees=parameters.trees)
    forests, answers = {"mean": mean}, {"mean": scores}
    for output, (forest, more_or_less) in second.quantiles(scores, asked).items():
        forests[output], answers[output] = [forest], scores + more_or_less
    return Stages(
        memory=memory,
        index_inputs=tuple(names[moving].tolist()),
        index=index,
        inputs=(*names[best].tolist(), *memory.index_names()),
        forests=forests,
        table=last,
        scores=answers,
    )


@dataclass(frozen=True, slots=True)
class _Taught:
    """What every stage is taught by, and how many forests are fitted at once.

    Places of the rows, their target, and the bag of every row [n]; -1: of no bag.
    """

    places: Ints
    y: Floats
    bag: Ints
    threads: int


class _Stage:
    """The forests on one table [n, inputs]; its taught rows are binned once for all of them."""

    def __init__(self, table: Floats, taught: _Taught, parameters: StagedParameters, seed: int) -> None:
        self._table, self._taught, self._parameters, self._seed = table, taught, parameters, seed
        self._binned = lgb.Dataset(table[taught.places], taught.y, params=self._settings(1.0, parameters.leaves))
        self._binned.construct()

    def bagged(self, asked: Bools, *, rate: float, trees: int) -> tuple[list[lgb.Booster], Floats]:
        """A forest for each bag, and the answers [n] of those that have not seen the row; NaN where not asked."""
        settings = self._settings(rate, self._parameters.leaves)
        bag, bag_of = self._taught.bag, self._taught.bag[self._taught.places]
        parts = [
            self._binned.subset(np.flatnonzero(bag_of != number).tolist()).construct()
            for number in range(self._parameters.bags)
        ]

        def fit_one(number: int) -> tuple[lgb.Booster, Ints, Floats]:
            forest = lgb.train(settings | {"seed": self._seed + number}, parts[number], num_boost_round=trees)
            held = np.flatnonzero(asked & ((bag == number) | (bag < 0)))
            return forest, held, _answers(forest, self._table[held])

        forests, answers, counted = [], np.zeros(len(self._table)), np.zeros(len(self._table))
        with ThreadPoolExecutor(self._taught.threads) as pool:
            for forest, held, said in pool.map(fit_one, range(len(parts))):
                answers[held] += said
                counted[held] += 1.0
                forests.append(forest)
        return forests, answers / np.where(counted > 0, counted, np.nan)

    def quantiles(self, start: Floats, asked: Bools) -> dict[str, tuple[lgb.Booster, Floats]]:
        """Forests on all taught rows, their boosting started from the mean [n], and what they add to it [n].

        They add NaN where they are not `asked` [n].
        """
        held = np.flatnonzero(asked)
        rate, leaves = self._parameters.quantile_rate, self._parameters.quantile_leaves
        settings = self._settings(rate, leaves) | {"objective": "quantile", "seed": self._seed}
        self._binned.set_init_score(start[self._taught.places])

        def fit_one(alpha: float) -> tuple[lgb.Booster, Floats]:
            trees = self._parameters.quantile_trees
            forest = lgb.train(settings | {"alpha": alpha}, self._binned, num_boost_round=trees)
            said = np.full(len(self._table), np.nan)
            if held.size:
                said[held] = _answers(forest, self._table[held])
            return forest, said

        with ThreadPoolExecutor(self._taught.threads) as pool:
            return dict(zip(QUANTILES, pool.map(fit_one, QUANTILES.values()), strict=True))

    def _settings(self, rate: float, leaves: int) -> dict[str, object]:
        parameters = self._parameters
        return {
            "objective": "regression",
            "learning_rate": rate,
            "num_leaves": leaves,
            "min_data_in_leaf": parameters.min_rows_in_leaf,
            "feature_fraction": parameters.feature_share,
            "bagging_fraction": parameters.row_share,
            "bagging_freq": 1,
            "lambda_l2": parameters.l2,
            "max_bin": parameters.max_bins,
            "feature_pre_filter": False,
            # The few rows of a tree go faster column by column; either way the text is the same each time.
            "force_col_wise": True,
            "deterministic": True,
            # One thread a forest; several forests are fitted at once. So the text never depends on threads.
            "num_threads": 1,
            "verbosity": -1,
        }


def _answers(forest: lgb.Booster, table: Floats) -> Floats:
    return np.asarray(forest.predict(table, raw_score=True, num_threads=1), dtype=np.float64)


def _with(asked: Bools, places: Ints) -> Bools:
    """The rows `asked` [n], and those at the places."""
    both = asked.copy()
    both[places] = True
    return both


def _bags(unit: Strings, seen: Bools, bags: int, seed: int) -> Ints:
    """Bag of each row [n], whole lives; -1 outside of the training lives."""
    bag = np.full(unit.size, -1, dtype=np.int64)
    bag[seen] = dealt(unit[seen], bags, seed)
    return bag


def _by_gain(forests: list[lgb.Booster], most: int) -> Ints:
    """Places of the inputs with the largest gain over all forests, in their own order."""
    gain = np.sum([forest.feature_importance("gain") for forest in forests], axis=0)
    best = np.argsort(-gain, kind="stable")[:most]
    return np.sort(best[gain[best] > 0])


def _moving(table: Floats) -> Ints:
    """Columns that have at least two different values."""
    lowest = np.fmin.reduce(table, axis=0)
    return np.flatnonzero(np.fmax.reduce(table, axis=0) > lowest)
