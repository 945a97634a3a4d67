"""Grid steps of which rows are made."""

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["Steps"]


@dataclass(frozen=True, slots=True)
class Steps:
    """Grid steps of which rows are made; times in microseconds since 1970.

    `previous_closing_us` is when the step before closed (any time when it held no reading),
    `life_start_us` the installation known at the closing, -1 when there is none.
    """

    end_us: np.ndarray
    closing_us: np.ndarray
    previous_closing_us: np.ndarray
    life_start_us: np.ndarray
    grid_us: int

    def at(self, keep: np.ndarray) -> "Steps":
        """Some of the steps."""
        return Steps(
            self.end_us[keep],
            self.closing_us[keep],
            self.previous_closing_us[keep],
            self.life_start_us[keep],
            self.grid_us,
        )

    @property
    def before(self) -> "Steps":
        """The steps before them."""
        return replace(self, end_us=self.end_us - self.grid_us, closing_us=self.previous_closing_us)
