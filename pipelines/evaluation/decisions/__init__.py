"""What an answer is worth once it is acted on: alarms, lead times and costs beside policies that know less.

rows       lives on the calendar: when a row was known, when a replacement could follow
policies   run to failure, a fixed interval, a threshold, Wearcast's own policy, and perfect knowledge
outcomes   missed failures, early alarms, call-outs and costs as a table
"""

from pipelines.evaluation.decisions.outcomes import decisions, outcomes
from pipelines.evaluation.decisions.policies import Outcome
from pipelines.evaluation.decisions.rows import CalendarRows

__all__ = ["CalendarRows", "Outcome", "decisions", "outcomes"]
