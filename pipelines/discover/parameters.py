"""Every tunable of a discovery; written down with what it chose."""

from dataclasses import dataclass

__all__ = ["DiscoveryParameters"]


@dataclass(frozen=True, slots=True)
class DiscoveryParameters:
    """Defaults hold for classes of some dozen lives.

    Attributes:
        windows_per_life: Draws: in each, every life gives one window.
        fdr_level: Expected share of false ones among the relevant calculators.
        min_lives: A level with fewer lives is not tested.
        min_values: Spans of fewer grid steps are not looked at.
        alike: Rank correlation from which on two features tell the same.
        keep: Most features chosen for a class.
        everything: Also calculators that have no version of our own; they are named, not chosen.
    """

    windows_per_life: int = 3
    fdr_level: float = 0.05
    min_lives: int = 10
    min_values: int = 8
    alike: float = 0.9
    keep: int = 12
    everything: bool = False
