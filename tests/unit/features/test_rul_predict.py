"""From feature rows to a prediction."""

import dataclasses

import pytest

from features.core.plant import LifeUnit
from features.core.statements import PAST_LIFE, HealthState, Rung
from features.rul.artefact import Calibration
from tests.unit.features._rul_case import (
    ARTEFACT,
    BAND,
    CLASS,
    HOUR,
    PAST,
    REMEMBERING,
    START,
    along,
    ask,
    frame,
    healthy,
    predicted,
    refused,
    row,
)


def test_prediction_is_the_sum_of_base_mean_and_own_forest() -> None:
    told = predicted(ask(frame(*healthy(12))))

    assert told.mean == 210.0
    assert (told.p10, told.p50, told.p90) == (210.0 + 5 - 30, 210.0 + 5, 210.0 + 5 + 30)
    assert (told.rung, told.calibration) == (Rung.CALIBRATED_RUL, "calibrated(25 units)")
    assert (told.health_state, told.condition_index) == (HealthState.NORMAL, 0.0)
    assert (told.data_time, told.life_number, told.model_version) == (START + 12 * HOUR, 2, "7")


def test_without_calibration_there_is_no_band() -> None:
    told = predicted(
        ask(frame(*healthy(12)), artefact=dataclasses.replace(ARTEFACT, calibration=Calibration(4, False)))
    )

    assert (told.p10, told.p90, told.rung) == (None, None, Rung.UNCALIBRATED_RUL)
    assert told.p50 == 215.0


def test_evidence_names_what_moved_the_number_in_its_unit() -> None:
    told = predicted(ask(frame(*healthy(12), row(13, level=3.0))))

    moved = told.evidence[-1]
    assert (moved.feature, moved.value, moved.unit, moved.share) == (BAND, 3.0, "m/s^2", -1.0)


def test_worn_component_requires_maintenance() -> None:
    rows = healthy(12) + [row(step, level=4.0) for step in range(13, 20)]

    told = predicted(ask(frame(*rows)))

    assert told.health_state is HealthState.MAINTENANCE_REQUIRED
    assert told.condition_index == pytest.approx(2.0)  # 4 times: doubled twice


def test_stopped_machine_keeps_the_number_of_its_newest_running_row() -> None:
    stopped = [row(step, running=False, age=12.0, level=None) for step in range(13, 20)]

    told = predicted(ask(frame(*healthy(12), *stopped)))

    assert told.p50 == predicted(ask(frame(*healthy(12)))).p50
    assert told.data_time == START + 19 * HOUR


def test_component_that_ages_while_stopped_loses_that_time() -> None:
    calendar = CLASS.model_copy(update={"life_unit": LifeUnit.CALENDAR_H})
    artefact = dataclasses.replace(ARTEFACT, life_unit="calendar_h")
    for age in (19.0, None):
        stopped = [row(step, running=False, age=age, level=None) for step in range(13, 20)]

        told = predicted(ask(frame(*healthy(12), *stopped), artefact=artefact, component_class=calendar))

        assert told.p50 == 215.0 - 7


def test_rows_known_later_change_nothing() -> None:
    rows = healthy(12)
    as_of = START + 13 * HOUR
    late = row(11, level=9.0, time=START + 11.5 * HOUR, available_at=as_of + HOUR)
    ahead = row(14, available_at=as_of)

    assert ask(frame(*rows, late, ahead), as_of=as_of) == ask(frame(*rows), as_of=as_of)


def test_along_a_life_equals_asking_again_and_again() -> None:
    levels = [1.0] * 12 + [1.0 + 0.2 * i for i in range(20)]
    rows = [row(i + 1, level=level, running=i % 7 != 3) for i, level in enumerate(levels)]
    known = frame(*rows)

    assert along(known) == [ask(known, as_of=r["available_at"]) for r in known.iter_rows(named=True)]


def test_along_a_life_a_late_row_is_seen_only_from_its_arrival() -> None:
    rows = healthy(20)
    rows[9] = row(10, level=50.0, available_at=START + 15 * HOUR + HOUR)
    known = frame(*rows)

    told = along(known)

    assert told[10:14] == [ask(known, as_of=known["available_at"][i]) for i in range(10, 14)]
    assert told[-1] == ask(known)


def test_order_of_rows_does_not_matter() -> None:
    known = frame(*healthy(12))

    assert along(known.reverse()) == along(known)
    assert ask(known.reverse(), as_of=START + 13 * HOUR) == ask(known)


def test_rows_of_an_older_feature_set_are_not_mixed_in() -> None:
    old = [row(step, fingerprint="set0", values=[1.0], refusals=[]) for step in range(1, 9)]
    new = [row(step) for step in range(9, 21)]

    assert ask(frame(*old, *new)) == ask(frame(*new))


def test_no_rows_give_no_statements() -> None:
    assert along(frame()) == []


def test_prediction_names_past_lives_and_a_refusal_none() -> None:
    told = predicted(ask(frame(*healthy(12)), artefact=REMEMBERING))
    (past,) = (item for item in told.evidence if item.feature == PAST_LIFE)
    assert past.note == "looked like P9/DE, life 4, 250 running hours before its failure (cage fault)"
    assert (past.rung, past.distance, past.share) == (Rung.CALIBRATED_RUL, 0.0, None)
    assert along(frame(*healthy(12)), REMEMBERING)[-1].evidence == told.evidence
    for rows in (healthy(2), [row(step, running=False) for step in range(1, 9)]):
        assert not any(
            item.feature == PAST_LIFE for item in refused(ask(frame(*rows), artefact=REMEMBERING)).evidence
        )


def test_past_lives_change_no_number() -> None:
    one, other = (predicted(ask(frame(*healthy(12)), artefact=model)) for model in (ARTEFACT, REMEMBERING))
    assert dataclasses.replace(other, evidence=one.evidence) == one


def test_past_lives_are_told_by_inputs_of_the_model_only() -> None:
    with pytest.raises(ValueError, match="no input"):
        dataclasses.replace(ARTEFACT, past=dataclasses.replace(PAST, inputs=("unknown",)))
