"""When a component fails, on the calendar, and what waiting costs."""

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise

from features.core.plant import Component, ComponentClass, Machine, Site
from features.core.statements import Prediction

__all__ = ["Context", "Fractiles", "cost_of_waiting", "fractiles", "planned_cost"]

# Farther moments are as good as never, and do not fit into a timestamp.
_FARTHEST = dt.timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Context:
    """Where the component stands.

    `utilisation` is in life units per calendar hour over the last 28 days; None: not known.
    """

    site: Site
    machine: Machine
    component: Component
    component_class: ComponentClass
    utilisation: float | None


@dataclass(frozen=True, slots=True)
class Fractiles:
    """The distribution of the failure on the calendar, UTC; `start` is where it begins."""

    start: dt.datetime
    p10: dt.datetime
    p50: dt.datetime
    p90: dt.datetime

    def probability_before(self, moment: dt.datetime) -> float:
        """Share of failures up to `moment`: linear between the fractiles, 0 before `start`.

        After P90 the last slope goes on until 1; equal fractiles make a step.
        """
        points = [(self.start, 0.0), (self.p10, 0.1), (self.p50, 0.5), (self.p90, 0.9)]
        points.append((self.p90 + (self.p90 - self.p50) / 4, 1.0))
        if moment < self.start:
            return 0.0
        for (left, low), (right, high) in pairwise(points):
            if moment < right:
                return low + (high - low) * ((moment - left) / (right - left))
        return 1.0


def fractiles(prediction: Prediction, utilisation: float) -> Fractiles:
    """P10, P50, P90 of a calibrated prediction as dates.

    Args:
        prediction: Has p10 and p90, in life units from its `data_time` on.
        utilisation: Life units per calendar hour, above 0.

    Raises:
        ValueError: The prediction is not calibrated, or the utilisation is not above 0.
    """
    if prediction.p10 is None or prediction.p90 is None:
        raise ValueError("only a calibrated prediction has dates")
    if utilisation <= 0.0:
        raise ValueError(f"utilisation must be above 0, got {utilisation}")
    start = prediction.data_time
    p10, p50, p90 = (start + _hours(rul / utilisation) for rul in (prediction.p10, prediction.p50, prediction.p90))
    return Fractiles(start, p10, max(p10, p50), max(p10, p50, p90))


def cost_of_waiting(failure: Fractiles, context: Context, chosen: dt.datetime, later: dt.datetime) -> float:
    """Expected extra cost of doing the work at `later` instead of at `chosen`, in the site's currency.

    Probability of a failure between the two, times what an unplanned stop costs more than a planned one.
    """
    costs, planned = context.site.costs_of(context.machine), planned_cost(context)
    unplanned = costs.unplanned + costs.downtime_per_hour * costs.unplanned_hours
    share = failure.probability_before(later) - failure.probability_before(chosen)
    return max(0.0, share) * max(0.0, unplanned - planned)


def planned_cost(context: Context) -> float:
    """Work, part and downtime of a planned replacement, in the site's currency."""
    costs = context.site.costs_of(context.machine)
    return costs.planned + costs.downtime_per_hour * costs.planned_hours


def _hours(hours: float) -> dt.timedelta:
    return min(_FARTHEST, dt.timedelta(hours=min(hours, _FARTHEST / dt.timedelta(hours=1))))
