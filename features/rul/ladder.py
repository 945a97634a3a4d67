"""The ladder of evidence for one life: a calibrated RUL, an uncalibrated one, the age, the condition, limits.

Limits and zones (`features.rul.limits`) speak on every rung: the state is the worst of theirs and the condition's.
What physics says (`features.rul.physics`) is put in by whoever has waveforms.

A machine that stands still keeps its last statement: the number comes from the newest running row, less what
the component aged since (nothing in running hours). Only when that row is older than the class's planning
horizon, or there is none, the answer is `machine_stopped`.
"""

import datetime as dt
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.core.plant import Component, ComponentClass, LifeUnit, Machine
from features.core.statements import Evidence, HealthState, Prediction, Refusal, RefusalReason, Rung
from features.registry import FeatureSet
from features.rul.artefact import Artefact
from features.rul.condition import Assessment, ConditionModel, fit_condition
from features.rul.life import KnownRows
from features.rul.limits import NOTHING, Judgement, Limits, worst
from features.rul.outputs import Answers, Engine, Told
from features.rul.past import Bank, past_reasons
from features.rul.prior import age_prior
from features.rul.reasons import rul_reasons
from features.rul.refusals import AGE_UNKNOWN, RATING_UNKNOWN, Gap, barrier, gaps, stands_still
from features.rul.stages import stage_answers, stage_reasons

__all__ = ["STALE_STEPS", "Case", "Ladder", "Statement", "engine_of", "moment_of"]

Floats = npt.NDArray[np.float64]
Statement = Prediction | Refusal

# The newest row may be this many grid steps old.
STALE_STEPS = 3
# Forests kept parsed in one process: the champions of a plant's classes and one challenger each.
_ENGINES = 16
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_HOUR_US = 3_600_000_000
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked about: the model and the component; `features` is the class's feature set, if at hand."""

    artefact: Artefact | None
    machine: Machine
    component: Component
    component_class: ComponentClass
    life_number: int | None
    model_name: str
    model_version: str
    features: FeatureSet | None = None

    def refusal(self, as_of: dt.datetime, reason: RefusalReason, detail: str) -> Refusal:
        """A refusal without any row behind it."""
        return Refusal(self.machine.component_id(self.component), as_of, reason, detail)


class Ladder:
    """All rows of one life that are known, ready to be spoken about.

    Args:
        case: What is asked about.
        rows: Rows of one life and one feature set.
        fingerprint: Of that feature set.
    """

    def __init__(self, case: Case, rows: KnownRows, fingerprint: str) -> None:
        self._case, self._rows, self._fingerprint = case, rows, fingerprint
        self._assessment = _assess(case, rows, fingerprint)
        self._barrier = barrier(case.artefact, fingerprint, case.component_class)
        self._limits = Limits(case.machine, case.component, case.component_class, _names(case, fingerprint))
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
        told = self._told(artefact, which, evidence)
        horizon_us = self._case.component_class.horizon // _MICROSECOND
        against = gaps(artefact, self._rows, which, horizon_us=horizon_us)
        answered, moved = self._answers(artefact, told, which, evidence)
        past = (
            self._past(artefact, told.inputs if told.index is None else told.index)
            if evidence
            else [()] * len(which)
        )
        said: list[Statement] = []
        for k, i in enumerate(which):
            gap = (
                self._stale(i, as_of)
                or against[k]
                or (self._untold(artefact) if math.isnan(answered.p50[k]) else None)
            )
            if gap is not None:
                said.append(self._refuse(i, as_of, gap, evidence))
                continue
            spent = self._aged_since_anchor(i)
            mean, p10, p50, p90 = (
                max(0.0, float(values[k]) - spent)
                for values in (answered.mean, answered.p10, answered.p50, answered.p90)
            )
            reasons = self._evidence(i, evidence, moved[k] + past[k] + self._failure_modes(i))
            said.append(self._predict(i, as_of, _basis(artefact), (mean, p10, p50, p90), reasons))
        return said

    def _untold(self, artefact: Artefact) -> Gap:
        """Why there is no number where nothing else speaks against one."""
        rated_life = self._case.component.rated_life
        is_unrated = artefact.transfer is not None and math.isnan(artefact.transfer.unit(rated_life))
        return RATING_UNKNOWN if is_unrated else AGE_UNKNOWN

    def _without_model(self, i: int, as_of: dt.datetime | None, evidence: bool) -> Statement:
        """What the age says where the class has no model to ask; any other refusal stays one."""
        component_class, gap = self._case.component_class, self._stale(i, as_of) or self._barrier
        age, unit = float(self._known_age[i]), component_class.life_unit.value
        is_asked = gap is not None and gap.reason is RefusalReason.NO_MODEL
        is_still = stands_still(self._rows, i, component_class.horizon // _MICROSECOND)
        if self._prior is None or not is_asked or is_still or math.isnan(age):
            return self._refuse(i, as_of, gap, evidence)
        mean, median = self._prior.remaining(age)
        basis = _Basis(Rung.CLASS_PRIOR, unit, calibrated=False, units=self._prior.failures)
        reasons = self._evidence(i, evidence, self._prior.evidence(age, unit))
        return self._predict(i, as_of, basis, (mean, median, median, median), reasons)

    def _failure_modes(self, i: int) -> tuple[Evidence, ...]:
        age = float(self._known_age[i])
        return () if self._prior is None or math.isnan(age) else self._prior.mode_evidence(age)

    def _past(self, artefact: Artefact, compared: Floats) -> Sequence[tuple[Evidence, ...]]:
        """Training lives that looked like each row."""
        bank = _bank(_Identity(artefact))
        if bank is None:
            return [()] * len(compared)
        own = f"{self._case.machine.component_id(self._case.component)}#{self._case.life_number}"
        return past_reasons(bank, compared, own=own, life_unit=artefact.life_unit, rung=_basis(artefact).rung)

    def _answers(
        self, artefact: Artefact, told: Told, which: Sequence[int], evidence: bool
    ) -> tuple[Answers, Sequence[tuple[Evidence, ...]]]:
        """Numbers of the forests, or of the class's few failed lives where those speak; and what moved them."""
        moved: Sequence[tuple[Evidence, ...]] = [()] * len(which)
        if artefact.transfer is not None:
            rated_life = self._case.component.rated_life
            if evidence:
                moved = stage_reasons(
                    artefact.transfer, self._rows, which, self._units().get("age", ""), rated_life=rated_life
                )
            index = self._assessment.index
            return stage_answers(artefact.transfer, self._rows, index, which, rated_life=rated_life), moved
        engine = engine_of(artefact)
        if evidence:
            newest = self._rows.values[np.maximum(self._rows.anchor[np.asarray(which, dtype=np.int64)], 0)]
            moved = rul_reasons(engine, told, newest, self._units())
        return engine.answer(told.inputs), moved

    def _predict(
        self,
        i: int,
        as_of: dt.datetime | None,
        basis: "_Basis",
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

    def _told(self, artefact: Artefact, which: Sequence[int], evidence: bool) -> Told:
        """What is told of the newest running row of each, NaN where the machine has not run yet.

        What the index is told is only for the evidence.
        """
        rows = self._rows
        anchors = rows.anchor[np.asarray(which, dtype=np.int64)]
        # A memory needs every running row up to the newest one that is asked for.
        newest = anchors.max(initial=-1)
        needed = np.unique(anchors) if artefact.memory is None else np.flatnonzero(rows.running[: newest + 1])
        needed = needed[needed >= 0]
        told = Told.nothing(len(anchors), artefact, with_index=evidence)
        if len(needed):
            found, ran = self._of_running(artefact, needed), anchors >= 0
            told.fill(ran, found, np.searchsorted(needed, anchors[ran]))
        return told

    def _of_running(self, artefact: Artefact, places: npt.NDArray[np.int64]) -> Told:
        """What is told of running rows; with a memory these are all running rows of the life so far."""
        values = self._rows.values[places]
        if artefact.memory is not None:
            return engine_of(artefact).told(values, self._rows.time_us[places] / _HOUR_US)
        place = {name: j for j, name in enumerate(artefact.feature_names)}
        return Told(values[:, [place[name] for name in artefact.inputs]])

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

    def _units(self) -> dict[str, str]:
        features = self._case.features
        return {} if features is None else dict(zip(features.names, features.units, strict=True))


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a number stands on."""

    rung: Rung
    life_unit: str
    calibrated: bool
    units: int


def _basis(artefact: Artefact) -> _Basis:
    """Of a number of this artefact's forests or transfer."""
    calibration = artefact.calibration
    rung = Rung.CALIBRATED_RUL if calibration.calibrated else Rung.UNCALIBRATED_RUL
    if artefact.transfer is not None:
        rung = Rung.TRANSFER
    return _Basis(rung, artefact.life_unit, calibration.calibrated, calibration.units)


class _Identity:
    """An artefact as a key by identity: its mappings cannot be hashed."""

    def __init__(self, artefact: Artefact) -> None:
        self.artefact = artefact

    def __hash__(self) -> int:
        return id(self.artefact)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.artefact is other.artefact


@functools.lru_cache(maxsize=_ENGINES)
def _engine(key: _Identity) -> Engine:
    return Engine(key.artefact)


@functools.lru_cache(maxsize=_ENGINES)
def _bank(key: _Identity) -> Bank | None:
    past = key.artefact.past
    return None if past is None else Bank(past, key.artefact.compared)


def engine_of(artefact: Artefact) -> Engine:
    """The parsed forests of an artefact, kept while it is in use."""
    return _engine(_Identity(artefact))


def moment_of(time_us: np.int64 | int) -> dt.datetime:
    """UTC moment of microseconds since 1970."""
    return _EPOCH + dt.timedelta(microseconds=int(time_us))


def _names(case: Case, fingerprint: str) -> tuple[str, ...]:
    """Names of the rows' feature set, none when it is neither the model's nor the class's."""
    artefact, features = case.artefact, case.features
    if artefact is not None and artefact.fingerprint == fingerprint:
        return artefact.feature_names
    return features.names if features is not None and features.fingerprint == fingerprint else ()


def _assess(case: Case, rows: KnownRows, fingerprint: str) -> Assessment:
    """By the artefact's condition model, else by one that has learnt nothing yet and waits for a doubling."""
    artefact, features = case.artefact, case.features
    model: ConditionModel | None = None
    names: tuple[str, ...] = ()
    if artefact is not None and artefact.fingerprint == fingerprint:
        model, names = artefact.condition, artefact.feature_names
    if model is None and features is not None and features.fingerprint == fingerprint:
        names = features.names
        steps = case.component_class.baseline / case.machine.grid
        model = fit_condition([], names, baseline_rows=max(1, math.ceil(steps)))
    if model is None:
        n = len(rows)
        return Assessment(np.full(n, np.nan), [None] * n, [()] * n)
    return model.assess(rows.of_life(names))
