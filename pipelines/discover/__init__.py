"""Discovery: which generic calculators tell the remaining life of a class. Off the hot path; writes a file.

windows     which windows of training lives are looked at
extraction  tsfresh: what it computes of them, and its tests
selection   false discovery rate, and what tells new things
discovery   `discover`, `write`
"""

from pipelines.discover.discovery import choose, discover, write
from pipelines.discover.parameters import DiscoveryParameters

__all__ = ["DiscoveryParameters", "choose", "discover", "write"]
