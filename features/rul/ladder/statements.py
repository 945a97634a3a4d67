"""One life's rows -> statements."""

import datetime as dt
import math
from collections.abc import Sequence

from features.core.plant import LifeUnit
from features.core.statements import Evidence, HealthState, Prediction, Refusal, RefusalReason, Rung
from features.rul.ladder.answers import ModelAnswers
from features.rul.ladder.basis import Basis, basis_of
from features.rul.ladder.case import Case, Statement, assess, moment_of, names_of
from features.rul.life import KnownRows
from features.rul.limits import NOTHING, Judgement, Limits, worst
from features.rul.prior import age_prior
from features.rul.refusals import Gap, barrier, gaps, stands_still, untold

__all__ = ["STALE_STEPS", "Ladder"]

# The newest row may be this many grid steps old.
STALE_STEPS = 3
_HOUR_US = 3_600_000_000
_MICROSECOND = dt.timedelta(microseconds=1)


class Ladder:
    """All rows of one life that are known, ready to be spoken about.

    Args:
        case: What is asked about.
        rows: Rows of one life and one feature set.
        fingerprint: Of that feature set.
    """

    def __init__(self, case: Case, rows: KnownRows, fingerprint: str) -> None:
        self._case, self._rows, self._fingerprint = case, rows, fingerprint
        self._assessment = assess(case, rows, fingerprint)
        self._barrier = barrier(case.artefact, fingerprint, case.component_class)
        self._limits = Limits(case.machine, case.component, case.component_class, names_of(case, fingerprint))
        self._judged: dict[int, Judgement] = {}
        self._prior = age_prior(case.artefact, case.component_class)
        self._known_age = rows.known_age

    def speak(
        self, which: Sequence[int], *, as_of: dt.datetime | None = None, evidence: bool = False
    ) -> list[Statement]:
        """Statements about the rows `which`, each from itself and earlier rows.

        Args:
            which: Places of the rows.
            as_of: The moment of the question, for the newest row only: it may be stale by then. None: each
                row as of its own `available_at`.
            evidence: Name the inputs and the features behind each statement.
        """
        self._judged = dict(zip(which, self._limits.judge(self._rows, which), strict=True))
        if self._barrier is not None or self._case.artefact is None:
            return [self._without_model(i, as_of, evidence) for i in which]
        artefact = self._case.artefact
        horizon_us = self._case.component_class.horizon // _MICROSECOND
        against = gaps(artefact, self._rows, which, horizon_us=horizon_us)
        model = ModelAnswers(artefact, self._case, self._rows, self._assessment.index)
        answered, moved = model.of(which, evidence)
        why, basis = untold(artefact, self._case.component.rated_life), basis_of(artefact)
        said: list[Statement] = []
        for k, i in enumerate(which):
            mean, p10, p50, p90 = (
                float(values[k]) for values in (answered.mean, answered.p10, answered.p50, answered.p90)
            )
            # `max` takes NaN for nothing: what is not a number must not come near it.
            is_told = all(map(math.isfinite, (mean, p50, *((p10, p90) if basis.calibrated else ()))))
            gap = self._stale(i, as_of) or against[k] or (None if is_told else why)
            if gap is not None:
                said.append(self._refuse(i, as_of, gap, evidence))
                continue
            spent = self._aged_since_anchor(i)
            left = (max(0.0, mean - spent), max(0.0, p10 - spent), max(0.0, p50 - spent), max(0.0, p90 - spent))
            reasons = self._evidence(i, evidence, moved[k] + self._failure_modes(i))
            said.append(self._predict(i, as_of, basis, left, reasons))
        return said

    def _without_model(self, i: int, as_of: dt.datetime | None, evidence: bool) -> Statement:
        """What the age says where the class has no model to ask; any other refusal stays one."""
        component_class, gap = self._case.component_class, self._stale(i, as_of) or self._barrier
        age, unit = float(self._known_age[i]), component_class.life_unit.value
        is_asked = gap is not None and gap.reason is RefusalReason.NO_MODEL
        is_still = stands_still(self._rows, i, component_class.horizon // _MICROSECOND)
        if self._prior is None or not is_asked or is_still or math.isnan(age):
            return self._refuse(i, as_of, gap, evidence)
        mean, median = self._prior.remaining(age)
        basis = Basis(Rung.CLASS_PRIOR, unit, calibrated=False, units=self._prior.failures)
        reasons = self._evidence(i, evidence, self._prior.evidence(age, unit))
        return self._predict(i, as_of, basis, (mean, median, median, median), reasons)

    def _failure_modes(self, i: int) -> tuple[Evidence, ...]:
        age = float(self._known_age[i])
        return () if self._prior is None or math.isnan(age) else self._prior.mode_evidence(age)

    def _predict(
        self,
        i: int,
        as_of: dt.datetime | None,
        basis: Basis,
        numbers: tuple[float, float, float, float],
        evidence: tuple[Evidence, ...],
    ) -> Prediction:
        case, state = self._case, self._state(i)
        mean, p10, p50, p90 = numbers
        if state is None and basis.rung is not Rung.CLASS_PRIOR:
            # The model has looked at measurements. Without a reference level the index is None, which says that
            # the state is not a measured one.
            state = HealthState.NORMAL
        return Prediction(
            component_id=case.machine.component_id(case.component),
            as_of=as_of or moment_of(self._rows.available_us[i]),
            data_time=moment_of(self._rows.time_us[i]),
            life_number=case.life_number or 0,
            life_unit=basis.life_unit,
            rung=basis.rung,
            mean=mean,
            p10=p10 if basis.calibrated else None,
            p50=p50,
            p90=p90 if basis.calibrated else None,
            calibrated=basis.calibrated,
            calibration_units=basis.units,
            health_state=state,
            condition_index=self._index(i),
            model_name=case.model_name,
            model_version=case.model_version,
            fingerprint=self._fingerprint,
            evidence=evidence,
        )

    def _refuse(self, i: int, as_of: dt.datetime | None, gap: Gap | None, evidence: bool) -> Refusal:
        assert gap is not None  # noqa: S101 # callers have one
        state, condition = self._state(i), self._assessment.states[i]
        stands_on = Rung.NONE if state is None else Rung.CONDITION if state is condition else Rung.LIMITS
        return Refusal(
            component_id=self._case.machine.component_id(self._case.component),
            as_of=as_of or moment_of(self._rows.available_us[i]),
            reason=gap.reason,
            detail=gap.detail,
            data_time=moment_of(self._rows.time_us[i]),
            rung=stands_on,
            health_state=state,
            condition_index=self._index(i),
            evidence=self._evidence(i, evidence),
        )

    def _aged_since_anchor(self, i: int) -> float:
        """Life units between the newest running row and row i; 0 for a running row."""
        anchor = int(self._rows.anchor[i])
        aged = float(self._rows.age[i] - self._rows.age[anchor])
        if anchor != i and math.isnan(aged) and self._case.component_class.life_unit is LifeUnit.CALENDAR_H:
            aged = float(self._rows.time_us[i] - self._rows.time_us[anchor]) / _HOUR_US
        return max(0.0, aged) if aged == aged and anchor != i else 0.0

    def _stale(self, i: int, as_of: dt.datetime | None) -> Gap | None:
        if as_of is None:
            return None
        newest, limit = moment_of(self._rows.time_us[i]), STALE_STEPS * self._case.machine.grid
        if as_of - newest <= limit:
            return None
        detail = f"the newest feature row is of {newest:%Y-%m-%d %H:%M} UTC, {as_of - newest} old; limit {limit}"
        return Gap(RefusalReason.STALE_DATA, detail)

    def _index(self, i: int) -> float | None:
        value = float(self._assessment.index[i])
        return value if math.isfinite(value) else None

    def _state(self, i: int) -> HealthState | None:
        return worst(self._assessment.states[i], self._judged.get(i, NOTHING).state)

    def _evidence(self, i: int, evidence: bool, moved: tuple[Evidence, ...] = ()) -> tuple[Evidence, ...]:
        """Limits that are exceeded, the condition's reasons, the model's (`moved`), limits that are kept."""
        judged = self._judged.get(i, NOTHING)
        return judged.exceeded + self._assessment.evidence[i] + moved + judged.kept if evidence else ()
