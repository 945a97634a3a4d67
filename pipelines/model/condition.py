"""Condition of a class, learnt from the healthy time of its training lives."""

import numpy as np

from features.core.telemetry import log
from features.rul.condition import ConditionModel, LifeRows, fit_condition
from pipelines.model.examples import Examples

__all__ = ["condition_of"]

_LOG = log("training")


def condition_of(examples: Examples, baseline_rows: int) -> ConditionModel | None:
    """The condition model of these examples.

    None, and a line in the log, when no reading tells the condition or there is too little healthy time.

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
    found = fit_condition(lives, examples.names, baseline_rows=baseline_rows)
    if found is None:
        _LOG.warning(
            "condition.refused",
            component_class=examples.component_class,
            lives=len(lives),
            rows=int(examples.unit.size),
            baseline_rows=baseline_rows,
            detail="no reading to judge by, or fewer than 30 healthy observations after the first stretches",
        )
    return found
