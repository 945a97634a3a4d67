"""What a maintenance log says: lives of components, and entries that a person must look at.

lives    installations, failures and suspensions -> lives
review   entries that say nothing, or contradict the plant or the rest of the log
"""

from pipelines.labels.lives import Ending, EndRules, lives
from pipelines.labels.review import Doubt, Doubtful, review

__all__ = ["Doubt", "Doubtful", "EndRules", "Ending", "lives", "review"]
