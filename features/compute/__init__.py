"""From measurements and waveforms to feature rows.

readings  frames as sorted arrays; what a step may use
steps     grid steps of which rows are made
closing   when a step's row is made
windows   tumbling windows over sorted readings, compiled
telemetry `tumbling`, `tumbling_stream`: statistics of telemetry on the grid
levels    level-1 features of steps
lives     `installations_of`
rows      `compute`, `lookback`
frame     `matrix`, arrays to rows
"""

from features.compute.frame import matrix
from features.compute.lives import installations_of
from features.compute.rows import compute, lookback

__all__ = ["compute", "installations_of", "lookback", "matrix"]
