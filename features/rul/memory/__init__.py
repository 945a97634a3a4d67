"""What a model remembers of a life beyond the stored features.

kernels  means, slopes and changes over time, compiled; owner of numba here
state    what was learnt (regimes, healthy scale, linear indices), and the columns it gives
"""

from features.rul.memory.state import RUL_INDEX, Memory, Spans

__all__ = ["RUL_INDEX", "Memory", "Spans"]
