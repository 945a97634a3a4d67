"""The model card: what a model is for, what it has seen, how good it is beside what, where not to trust it.

page        the card as a whole
purpose     what it is for, what it has seen, what the age alone says
figures     how good it is
rivals      the baselines beside it
outcomes    prognostics, and costs of acting on it
limits      where not to trust it, when it refuses
provenance  where it comes from
markdown    numbers and tables
"""

from pipelines.training.card.page import CARD, card, read_card
from pipelines.training.card.provenance import Provenance

__all__ = ["CARD", "Provenance", "card", "read_card"]
