"""The challenge's score, the answer that is best under a distribution, and three answers without a measurement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.model.prior import Weibull, fit_weibull

__all__ = ["GRID", "Baselines", "best_answer", "score"]

Floats = npt.NDArray[np.float64]

# Shares of life at which one number is asked for, to fit answers to the score and to draw a curve.
GRID = (*(round(0.30 + 0.05 * i, 2) for i in range(14)), 0.99)


def score(answer: Floats, truth: Floats) -> Floats:
    """Score of the IEEE PHM 2012 challenge: 1 for the truth, half of it 5 % late or 20 % early."""
    error = 100.0 * (truth - answer) / truth
    return np.asarray(0.5 ** np.where(error <= 0, -error / 5.0, error / 20.0), dtype=np.float64)


def best_answer(values: Floats, weights: Floats) -> float:
    """The value with the best expected score when the truth is one of these values with these weights."""
    return float(values[np.argmax(score(values[:, None], values[None, :]) @ weights)])


@dataclass(frozen=True, slots=True)
class Baselines:
    """Answers without a measurement, from whole lives [lives], hours: name -> answer to ages [n]."""

    for_error: dict[str, Callable[[Floats], Floats]]
    for_score: dict[str, Callable[[Floats], Floats]]

    @classmethod
    def fit(cls, lives: Sequence[float]) -> "Baselines":
        """Fitted on all of each life for errors, on the grid's shares of it for scores."""
        every = np.linspace(0.005, 0.995, 100)
        weibull = fit_weibull([_Whole(str(i), life) for i, life in enumerate(lives)])
        fits = {}
        for purpose, shares in (("error", every), ("score", np.array(GRID))):
            age = np.concatenate([shares * life for life in lives])
            truth = np.concatenate([(1.0 - shares) * life for life in lives])
            weight = np.concatenate([np.full(shares.size, 1.0 / life) for life in lives])
            if purpose == "error":
                constant, share = _median(truth, weight), _median(truth / age, weight * age)
            else:
                tried = np.geomspace(1e-3, 1e2, 2000)
                constant = _best(tried, np.ones_like(truth), truth)
                share = _best(tried, age, truth)
            fits[purpose] = _answers(constant, share, weibull, purpose)
        return cls(fits["error"], fits["score"])


@dataclass(frozen=True, slots=True)
class _Whole:
    unit: str
    duration: float
    entry: float = 0.0
    failed: bool = True


def _answers(
    constant: float, share: float, weibull: Weibull | None, purpose: str
) -> dict[str, Callable[[Floats], Floats]]:
    def by_weibull(age: Floats) -> Floats:
        if weibull is None:
            return np.full(age.size, np.nan)
        left = np.geomspace(1e-4, 30.0, 600) * weibull.scale
        told = []
        for a in age:
            density = np.exp((a / weibull.scale) ** weibull.shape - ((a + left) / weibull.scale) ** weibull.shape)
            weights = density * ((a + left) / weibull.scale) ** (weibull.shape - 1.0) * left
            weights /= weights.sum()
            middle = float(left[np.searchsorted(np.cumsum(weights), 0.5)])
            told.append(middle if purpose == "error" else best_answer(left, weights))
        return np.array(told)

    return {
        "constant": lambda age: np.full(age.size, constant),
        "share_of_age": lambda age: share * age,
        "weibull": by_weibull,
    }


def _median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values)
    share = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(share, share[-1] / 2.0)])


def _best(tried: Floats, times: Floats, truth: Floats) -> float:
    """The factor on `times` with the best mean score."""
    return float(tried[np.argmax([score(factor * times, truth).mean() for factor in tried])])
