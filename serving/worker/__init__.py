"""The process beside the API: plans, delivers, syncs, and lays new champions down, round after round.

rounds     `serving.worker.rounds`     the loop
champions  `serving.worker.champions`  a new champion: fetched, verified, tried, renamed into place
"""

from serving.worker.champions import fetch_champions
from serving.worker.rounds import Worker, fetch_command

__all__ = ["Worker", "fetch_champions", "fetch_command"]
