"""From a statement to a decision: which action, in which window, at what priority, what waiting costs.

decision      `features.policy.decision`      the rules: the function `decide`
distribution  `features.policy.distribution`  fractiles on the calendar, cost of waiting
wording       `features.policy.wording`       reasons for people
"""

from features.policy.decision import NoAction, decide, priority_of
from features.policy.distribution import Context, Fractiles, cost_of_waiting, fractiles

__all__ = ["Context", "Fractiles", "NoAction", "cost_of_waiting", "decide", "fractiles", "priority_of"]
