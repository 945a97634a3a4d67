"""Generic calculators over windows of the last steps: our own versions of tsfresh's, on arrays alone.

calculator  `Calculator`, `calculators`    what there is, and how one joins
shape       distribution of the values
order       changes, runs, places, lags
lines       straight lines and spectra
chosen      `read_chosen`, `windowed`      which of them a component class uses: `chosen.json`

`wearcast features discover` chooses; nothing here loads tsfresh or pandas.
"""

from features.generic import lines, order, shape  # noqa: F401 - registers the calculators
from features.generic.calculator import Calculator, Parameter, calculator, calculators, find
from features.generic.chosen import (
    CHOSEN,
    Choice,
    Chosen,
    ClassChoice,
    chosen_of,
    read_chosen,
    slug,
    span_of,
    windowed,
)

__all__ = [
    "CHOSEN",
    "Calculator",
    "Choice",
    "Chosen",
    "ClassChoice",
    "Parameter",
    "calculator",
    "calculators",
    "chosen_of",
    "find",
    "read_chosen",
    "slug",
    "span_of",
    "windowed",
]
