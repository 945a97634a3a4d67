"""Whether whole lives lie in groups, by how well each is told by the others."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from features.rul.groups import Groups

__all__ = ["fit_groups"]

Floats = npt.NDArray[np.float64]
# Logarithm of the density at a life [1], told by other lives [n].
OneBell = Callable[[Floats, float], float]

# Lives below which nobody could tell a group from chance.
_FEWEST = 5
# Widths of a bell around one life, in logarithms: from 3 % of a life to beyond the scatter of ball bearings.
_WIDTHS = tuple(float(width) for width in np.geomspace(0.03, 1.2, 16))
# Odds against groups before a life was seen. Lives of one kind have one bell: it takes what is called strong
# evidence to say otherwise (H. Jeffreys, "Theory of probability", 3rd ed. 1961, appendix B: ten to one).
_ODDS_AGAINST = 10.0
# The least a single life can say against groups: a bell that is too narrow would otherwise forbid everything.
_FLOOR = -12.0


def fit_groups(logs: Sequence[float], one_bell: OneBell) -> Groups | None:
    """The groups of these lives and how far they are believed; None: fewer than five lives.

    Widths are weighed by the likelihood of each life told by the others, so no width is chosen by the life it is
    judged by. The same is done once more around it: groups without a life, its width weights too, against one bell
    without that life.

    Args:
        logs: Logarithms of whole failed lives; suspended lives have no place among them.
        one_bell: Log density of a life by other lives where one bell tells them all.

    References:
        B. W. Silverman, "Density estimation for statistics and data analysis", 1986, section 3.4.4 (width by the
        likelihood of what was left out).
    """
    lives = np.asarray(logs, dtype=np.float64)
    if lives.size < _FEWEST:
        return None
    gained = 0.0
    for place in range(lives.size):
        others, life = np.delete(lives, place), float(lives[place])
        told = Groups(tuple(others.tolist()), _WIDTHS, _weights(others), 0.0).density(np.array([life]))[0]
        gained += max(float(np.log(max(told, np.exp(_FLOOR)))), _FLOOR) - one_bell(others, life)
    share = 1.0 / (1.0 + _ODDS_AGAINST * float(np.exp(np.clip(-gained, -30.0, 30.0))))
    return Groups(tuple(lives.tolist()), _WIDTHS, _weights(lives), share)


def _weights(lives: Floats) -> tuple[float, ...]:
    """Weight of each width: how likely the lives [n] are, each told by the others."""
    apart = (lives[:, None] - lives[None, :])[:, :, None]
    widths = np.asarray(_WIDTHS)
    bells = np.exp(-((apart / widths) ** 2) / 2.0) / widths
    by_others = bells.sum(axis=1) - 1.0 / widths
    log = np.log(np.maximum(by_others, 1e-300)).sum(axis=0)
    weights = np.exp(log - log.max())
    return tuple(float(weight) for weight in weights / weights.sum())
