"""What a maintenance log says: lives of components, and entries that a person must look at.

entries        which are known, which count
lives          installations, failures and suspensions -> lives
sensor_faults  stretches in which readings were wrong
review         entries that say nothing, or contradict the plant or the rest of the log
"""

from pipelines.labels.entries import EndRules
from pipelines.labels.lives import Ending, lives
from pipelines.labels.review import Doubt, Doubtful, review
from pipelines.labels.sensor_faults import outside_sensor_faults, sensor_faults

__all__ = [
    "Doubt",
    "Doubtful",
    "EndRules",
    "Ending",
    "lives",
    "outside_sensor_faults",
    "review",
    "sensor_faults",
]
