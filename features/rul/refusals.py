"""Why a row gets no number, and the words for it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.core.plant import ComponentClass
from features.core.statements import RefusalReason
from features.rul.artefact import Artefact
from features.rul.life import KnownRows

__all__ = ["AGE_UNKNOWN", "Gap", "barrier", "gaps", "stands_still", "untold"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# An input counts as usually present when at least half of the training rows had it.
_USUAL = 0.5
# Reasons of missing values that blame the sensor, not the connection.
_SENSOR = frozenset({"saturated", "constant", "not_finite"})
# How many names a message lists.
_LISTED = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """Why one row has no number."""

    reason: RefusalReason
    detail: str


# Only answers that stand on the age alone, or on it and the condition, are not numbers without it.
AGE_UNKNOWN = Gap(RefusalReason.MISSING_INPUT, "the age of this part is not known: record when it was installed")
_RATING_UNKNOWN = Gap(
    RefusalReason.MISSING_INPUT,
    "the model counts in rated lives and the plant file gives this part none: add rated_life, or train again",
)


def untold(artefact: Artefact, rated_life: float | None) -> Gap:
    """Why a model has no number for a part where nothing else speaks against one."""
    is_unrated = artefact.transfer is not None and artefact.transfer.rated and rated_life is None
    return _RATING_UNKNOWN if is_unrated else AGE_UNKNOWN


def barrier(artefact: Artefact | None, fingerprint: str, component_class: ComponentClass) -> Gap | None:
    """Why no row of this feature set can get a number from this model; None: rows decide."""
    if artefact is None or not (artefact.forests or artefact.transfer):
        name = "no model" if artefact is None else f"model {artefact.name} has no forest: too few failed lives"
        return Gap(RefusalReason.NO_MODEL, f"{name} for component class {component_class.id}")
    if artefact.fingerprint != fingerprint:
        return Gap(
            RefusalReason.FINGERPRINT_MISMATCH,
            f"model {artefact.name} was fitted on feature set {artefact.fingerprint}, the rows are of "
            f"{fingerprint}: train again",
        )
    if artefact.life_unit != component_class.life_unit.value:
        return Gap(
            RefusalReason.FINGERPRINT_MISMATCH,
            f"model {artefact.name} counts in {artefact.life_unit}, class {component_class.id} in "
            f"{component_class.life_unit.value}: train again",
        )
    return None


def gaps(artefact: Artefact, rows: KnownRows, which: Sequence[int], *, horizon_us: int) -> list[Gap | None]:
    """The first reason against a number for each row of `which`, None where there is none.

    Args:
        artefact: A model with forests, fitted on the rows' feature set.
        rows: Rows [n] of one life.
        which: Places of the rows asked for.
        horizon_us: How old the newest running row may be, microseconds.
    """
    counted, inputs = np.cumsum(rows.running), _checked(artefact, rows, which)
    missing, outside = np.isnan(inputs) & _usual(artefact), _outside(artefact, inputs)
    most_missing = artefact.domain.tolerated_missing * _usual(artefact).sum()
    is_missing = missing.sum(axis=1) > most_missing
    far = _far(artefact, inputs)
    is_outside = outside.sum(axis=1) > artefact.domain.tolerated_share * np.isfinite(inputs).sum(axis=1)
    found: list[Gap | None] = []
    for k, i in enumerate(which):
        anchor = int(rows.anchor[i])
        if stands_still(rows, i, horizon_us):
            found.append(Gap(RefusalReason.MACHINE_STOPPED, _stopped(rows, i)))
        elif counted[i] < artefact.min_rows:
            found.append(_too_few(int(counted[i]), artefact))
        elif is_missing[k]:
            found.append(_absent(artefact, missing[k], rows.refusals[anchor]))
        elif is_outside[k]:
            found.append(_foreign(artefact, inputs[k], outside[k]))
        elif far[k].any():
            found.append(_foreign(artefact, inputs[k], far[k]))
        else:
            found.append(None)
    return found


def _checked(artefact: Artefact, rows: KnownRows, which: Sequence[int]) -> Floats:
    """Values of the features that the domain checks at the newest running row of each; NaN without one."""
    place = {name: j for j, name in enumerate(artefact.feature_names)}
    anchors = rows.anchor[np.asarray(which, dtype=np.int64)]
    values = rows.values[np.maximum(anchors, 0)][:, [place[name] for name in artefact.checked]]
    return np.where(anchors[:, None] >= 0, values, np.nan)


def stands_still(rows: KnownRows, i: int, horizon_us: int) -> bool:
    """Whether the machine has not run in this life, or has stood longer than `horizon_us` (us) at row i."""
    anchor = int(rows.anchor[i])
    return anchor < 0 or bool(rows.time_us[i] - rows.time_us[anchor] > horizon_us)


def _usual(artefact: Artefact) -> Flags:
    present = artefact.domain.present or (1.0,) * len(artefact.checked)
    return np.array(present, dtype=np.float64) >= _USUAL


def _outside(artefact: Artefact, inputs: Floats) -> Flags:
    # NaN compares false: a missing input, or one without a bound, is never outside.
    low, high = np.array(artefact.domain.low), np.array(artefact.domain.high)
    flags = np.zeros(inputs.shape, dtype=np.bool_)
    return flags if not low.size else np.asarray((inputs < low) | (inputs > high), dtype=np.bool_)


def _far(artefact: Artefact, inputs: Floats) -> Flags:
    """Inputs further outside than any life of the training strayed: a sensor or a machine of another kind."""
    low, high, reach = (np.array(b) for b in (artefact.domain.low, artefact.domain.high, artefact.domain.reach))
    if not reach.size:
        return np.zeros(inputs.shape, dtype=np.bool_)
    most = np.where(high > low, reach * (high - low), np.inf)
    return np.asarray((inputs < low - most) | (inputs > high + most), dtype=np.bool_)


def _stopped(rows: KnownRows, i: int) -> str:
    anchor = int(rows.anchor[i])
    if anchor < 0:
        return "the machine has not run in this life"
    days = (int(rows.time_us[i]) - int(rows.time_us[anchor])) / 86_400_000_000
    return f"the machine has stood still for {days:.1f} days, longer than plans look ahead"


def _too_few(count: int, artefact: Artefact) -> Gap:
    return Gap(
        RefusalReason.TOO_FEW_WINDOWS,
        f"{count} running rows in this life, model {artefact.name} needs {artefact.min_rows}",
    )


def _absent(artefact: Artefact, missing: Flags, refusals: list[str]) -> Gap:
    names = [artefact.checked[j] for j in np.flatnonzero(missing)]
    why = dict(text.split(": ", 1) for text in refusals if ": " in text)
    reasons = Counter(why.get(name, "no_input") for name in names)
    worst = reasons.most_common(1)[0][0]
    roles = list(dict.fromkeys(name.split(".", 1)[0] for name in names))
    listed = ", ".join(roles[:_LISTED]) + (f" and {len(roles) - _LISTED} more" if len(roles) > _LISTED else "")
    detail = f"{len(names)} of {len(artefact.checked)} inputs are missing ({worst}): {listed}"
    if worst == "too_few_windows":
        return Gap(RefusalReason.TOO_FEW_WINDOWS, detail)
    return Gap(RefusalReason.SENSOR_FAULT if worst in _SENSOR else RefusalReason.MISSING_INPUT, detail)


def _foreign(artefact: Artefact, inputs: Floats, outside: Flags) -> Gap:
    places = np.flatnonzero(outside)
    listed = ", ".join(
        f"{artefact.checked[j]} = {inputs[j]:.4g} (trained on {artefact.domain.low[j]:.4g} to "
        f"{artefact.domain.high[j]:.4g})"
        for j in places[:_LISTED]
    )
    return Gap(
        RefusalReason.OUT_OF_DOMAIN,
        f"{len(places)} of {len(artefact.checked)} inputs lie outside of what the model has seen: {listed}",
    )
