"""What a model says of rows, and why."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from features.core.statements import Evidence
from features.rul.artefact import Artefact
from features.rul.ladder.basis import basis_of
from features.rul.ladder.case import Case
from features.rul.ladder.engines import bank_of, engine_of
from features.rul.life import KnownRows
from features.rul.outputs import Answers, Told
from features.rul.past import past_reasons
from features.rul.reasons import rul_reasons
from features.rul.stages import stage_answers, stage_reasons

__all__ = ["ModelAnswers"]

Floats = npt.NDArray[np.float64]

_HOUR_US = 3_600_000_000


class ModelAnswers:
    """The answers of an artefact to rows of one life.

    Args:
        artefact: The model.
        case: What is asked about.
        rows: Rows [n] of the life.
        index: Condition index [n], doublings.
    """

    def __init__(self, artefact: Artefact, case: Case, rows: KnownRows, index: Floats) -> None:
        self._artefact, self._case, self._rows, self._index = artefact, case, rows, index

    def of(self, which: Sequence[int], evidence: bool) -> tuple[Answers, list[tuple[Evidence, ...]]]:
        """Numbers for the rows `which`, and for each what moved them and past lives like it, if asked for."""
        told = self._told(which, evidence)
        answered, moved = self._answers(told, which, evidence)
        if not evidence:
            return answered, list(moved)
        past = self._past(told.inputs if told.index is None else told.index)
        return answered, [one + like for one, like in zip(moved, past, strict=True)]

    def _past(self, compared: Floats) -> Sequence[tuple[Evidence, ...]]:
        """Training lives that looked like each row."""
        artefact = self._artefact
        bank = bank_of(artefact)
        if bank is None:
            return [()] * len(compared)
        own = f"{self._case.machine.component_id(self._case.component)}#{self._case.life_number}"
        return past_reasons(bank, compared, own=own, life_unit=artefact.life_unit, rung=basis_of(artefact).rung)

    def _answers(
        self, told: Told, which: Sequence[int], evidence: bool
    ) -> tuple[Answers, Sequence[tuple[Evidence, ...]]]:
        """Numbers of the forests, or of the class's few failed lives where those speak; and what moved them."""
        artefact = self._artefact
        moved: Sequence[tuple[Evidence, ...]] = [()] * len(which)
        if artefact.transfer is not None:
            rated_life = self._case.component.rated_life
            if evidence:
                unit = self._units().get("age", "")
                moved = stage_reasons(artefact.transfer, self._rows, which, unit, rated_life=rated_life)
            return stage_answers(artefact.transfer, self._rows, self._index, which, rated_life=rated_life), moved
        engine = engine_of(artefact)
        if evidence:
            newest = self._rows.values[np.maximum(self._rows.anchor[np.asarray(which, dtype=np.int64)], 0)]
            moved = rul_reasons(engine, told, newest, self._units())
        return engine.answer(told.inputs), moved

    def _told(self, which: Sequence[int], evidence: bool) -> Told:
        """What is told of the newest running row of each, NaN where the machine has not run yet.

        What the index is told is only for the evidence.
        """
        artefact = self._artefact
        rows = self._rows
        anchors = rows.anchor[np.asarray(which, dtype=np.int64)]
        # A memory needs every running row up to the newest one that is asked for.
        newest = anchors.max(initial=-1)
        needed = np.unique(anchors) if artefact.memory is None else np.flatnonzero(rows.running[: newest + 1])
        needed = needed[needed >= 0]
        told = Told.nothing(len(anchors), artefact, with_index=evidence)
        if len(needed):
            found, ran = self._of_running(needed), anchors >= 0
            told.fill(ran, found, np.searchsorted(needed, anchors[ran]))
        return told

    def _of_running(self, places: npt.NDArray[np.int64]) -> Told:
        """What is told of running rows; with a memory these are all running rows of the life so far."""
        artefact = self._artefact
        values = self._rows.values[places]
        if artefact.memory is not None:
            return engine_of(artefact).told(values, self._rows.time_us[places] / _HOUR_US)
        place = {name: j for j, name in enumerate(artefact.feature_names)}
        return Told(values[:, [place[name] for name in artefact.inputs]])

    def _units(self) -> dict[str, str]:
        features = self._case.features
        return {} if features is None else dict(zip(features.names, features.units, strict=True))
