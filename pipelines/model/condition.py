"""Condition of a class, learnt from the healthy time of its training lives."""

import numpy as np

from features.rul.condition import ConditionModel, LifeRows, fit_condition
from pipelines.model.examples import Examples

__all__ = ["condition_of"]


def condition_of(examples: Examples, baseline_rows: int) -> ConditionModel | None:
    """The condition model of these examples; None when no feature of the set can tell the condition.

    Args:
        examples: Training lives and their rows, all of a running machine.
        baseline_rows: Rows that a life's own reference level is taken over.
    """
    lives = [
        LifeRows(
            examples.time_us[rows],
            examples.age[rows],
            np.ones(rows.size, dtype=np.bool_),
            examples.x[rows],
            examples.names,
        )
        for rows in (np.flatnonzero(examples.unit == life.unit) for life in examples.lives)
    ]
    return fit_condition(lives, examples.names, baseline_rows=baseline_rows)
