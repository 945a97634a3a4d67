"""What the age alone says: the Weibull life of a class, and which failure modes end it.

An artefact holds it as numbers by name under `class_prior`, all of them optional:

`shape`, `scale`, `median_life`            of the life until any failure, life units
`failures`                                 failed lives of known age behind it
`shape.MODE`, `scale.MODE`, `failures.MODE`  of one failure mode, the other ways to end taken as suspensions

A plant file may declare a prior of its own for a class; it replaces the fitted shape and scale.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import gamma, gammaincc

from features.core.plant import ComponentClass
from features.core.statements import Evidence, Rung
from features.registry.words import fault_words
from features.rul.artefact import Artefact

__all__ = ["AgePrior", "ModeLife", "age_prior", "fitted_prior"]

# From this cumulative hazard on the incomplete gamma function underflows; the quadrature is exact to 1e-12 there.
_LATE = 100.0
_NODES, _WEIGHTS = np.polynomial.laguerre.laggauss(24)
# Largest logarithm of a cumulative hazard that is told apart from infinity.
_LOG_MOST = 700.0
# Share of the typical life at which hazards of a new part are compared: at age 0 they are 0 or infinite.
_NEW = 1e-3
# Life unit -> unit of an age, and its words.
_UNITS = {"running_h": ("h", "running hours"), "calendar_h": ("h", "hours"), "cycle": ("cycles", "cycles")}


@dataclass(frozen=True, slots=True)
class ModeLife:
    """Life until one failure mode alone: `failures` lives ended in it."""

    mode: str
    shape: float
    scale: float
    failures: int

    @property
    def median(self) -> float:
        """Age that half of the parts would reach if nothing else ended them, life units."""
        return float(self.scale * math.log(2.0) ** (1.0 / self.shape))

    def log_hazard(self, age: float) -> float:
        """Logarithm of the rate of failure at an age above 0, per life unit."""
        return math.log(self.shape / self.scale) + (self.shape - 1.0) * (math.log(age) - math.log(self.scale))


@dataclass(frozen=True, slots=True)
class AgePrior:
    """Survival exp(-(t / scale)^shape) of a class, t and scale in life units.

    Attributes:
        shape: Below 1 young parts fail more often than old ones, above 1 they wear out.
        scale: Age that 1 / e of the parts reach.
        failures: Failed lives behind it; 0: it is declared in the plant file.
        is_declared: It is the plant file's.
        modes: Failure modes that enough failures name.
        all_failures: Failed lives that the modes are a part of.
    """

    shape: float
    scale: float
    failures: int
    is_declared: bool
    modes: tuple[ModeLife, ...] = ()
    all_failures: int = 0

    @property
    def median(self) -> float:
        """Age that half of the parts reach: the typical life."""
        return float(self.scale * math.log(2.0) ** (1.0 / self.shape))

    def remaining(self, age: float) -> tuple[float, float]:
        """Mean and median of what is left to a part that has reached `age`, life units, never negative.

        References:
            J. F. Lawless, "Statistical models and methods for lifetime data", 2nd ed. 2003, section 1.2.1 (mean
            residual life), 1.3.2 (Weibull): the integral of the survival beyond `age` over the survival at `age`,
            (scale / shape) e^u Gamma(1 / shape, u) with u = (age / scale)^shape.
        """
        age, power = max(0.0, age), 1.0 / self.shape
        log_age = math.log(age) - math.log(self.scale) if age > 0 else -math.inf
        spent = math.exp(min(self.shape * log_age, _LOG_MOST))
        if spent <= _LATE:
            mean = self.scale * power * math.exp(spent) * float(gamma(power) * gammaincc(power, spent))
        else:
            # The cumulative hazard still to come is exponential: the mean of what ages it allows.
            mean = age * float(np.dot(_WEIGHTS, np.expm1(power * np.log1p(_NODES / spent))))
        if spent < 1.0:
            median = self.scale * (spent + math.log(2.0)) ** power - age
        else:  # the difference of two nearly equal ages, without losing its digits
            median = age * math.expm1(power * math.log1p(math.log(2.0) / spent))
        return max(0.0, mean), max(0.0, median)

    def likeliest_mode(self, age: float) -> ModeLife | None:
        """The failure mode of the highest rate at `age`; None: fewer than two are told apart."""
        if len(self.modes) < 2:
            return None
        at = max(age, _NEW * self.median)
        return max(self.modes, key=lambda one: one.log_hazard(at))

    def evidence(self, age: float, life_unit: str) -> tuple[Evidence, ...]:
        """The age beside the typical life and where that comes from, then the failure modes."""
        unit, unit_words = _UNITS[life_unit]
        if self.is_declared:
            verdict, source = "declared", "as the plant file declares it"
        else:
            lives = "1 failed life" if self.failures == 1 else f"{self.failures} failed lives"
            verdict, source = "fitted", f"fitted to {lives}"
        note = f"typical life {_amount(self.median)} {unit_words}, {source}, Weibull shape {self.shape:.2g}"
        known = Evidence("age", age, self.median, unit, rung=Rung.CLASS_PRIOR, verdict=verdict, note=note)
        return (known, *self.mode_evidence(age))

    def mode_evidence(self, age: float) -> tuple[Evidence, ...]:
        """How the class has failed so far, and the likeliest mode at this age; empty where no two are known."""
        likeliest = self.likeliest_mode(age)
        if likeliest is None:
            return ()
        ordered = sorted(self.modes, key=lambda one: (-one.failures, one.mode))
        counts = ", ".join(f"{one.failures} {fault_words(one.mode)}" for one in ordered)
        note = (
            f"of {self.all_failures} failures {counts}; at this age the likeliest mode is "
            f"{fault_words(likeliest.mode)}"
        )
        share = likeliest.failures / self.all_failures
        return (
            Evidence("failure_mode", share, None, "1", rung=Rung.CLASS_PRIOR, verdict=likeliest.mode, note=note),
        )


def age_prior(artefact: Artefact | None, component_class: ComponentClass) -> AgePrior | None:
    """The class's prior: the plant file's where it declares one, else the model's; None: neither has one.

    Args:
        artefact: The class's model; one that counts in another life unit is not read.
        component_class: As the plant file has it.
    """
    is_read = artefact is not None and artefact.life_unit == component_class.life_unit.value
    fitted = fitted_prior(artefact) if artefact is not None and is_read else None
    declared = component_class.prior
    if declared is None:
        return fitted
    scale = declared.median_life / math.log(2.0) ** (1.0 / declared.shape)
    modes, failures = ((), 0) if fitted is None else (fitted.modes, fitted.failures)
    return AgePrior(declared.shape, scale, 0, is_declared=True, modes=modes, all_failures=failures)


def fitted_prior(artefact: Artefact) -> AgePrior | None:
    """What a model's training fitted; None: no life failed."""
    numbers = artefact.class_prior
    shape, scale, counted = numbers.get("shape"), numbers.get("scale"), numbers.get("failures")
    if shape is None or scale is None:
        return None
    # Artefacts of before the count was kept: the failed lives of the model.
    failures = artefact.failed_units if counted is None else int(counted)
    return AgePrior(shape, scale, failures, is_declared=False, modes=_modes(numbers), all_failures=failures)


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"


def _modes(numbers: Mapping[str, float | None]) -> tuple[ModeLife, ...]:
    found = []
    for name in sorted(numbers):
        kind, _, mode = name.partition(".")
        shape, scale, failures = numbers.get(f"shape.{mode}"), numbers.get(f"scale.{mode}"), numbers[name]
        if kind == "failures" and mode and shape is not None and scale is not None and failures is not None:
            found.append(ModeLife(mode, shape, scale, int(failures)))
    return tuple(found)
