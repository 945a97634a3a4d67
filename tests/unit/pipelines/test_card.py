"""The model card says what it must, in every state a model can be in."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from features.core.plant import Component, ComponentClass, Machine, MeasuringPoint, Site
from features.core.units import Quantity
from features.policy import Context
from features.rul.artefact import Artefact, Calibration, Domain
from features.rul.past import PastLife, PastLives
from features.rul.transfer import Stage, TransferModel
from pipelines.evaluation import Judgement, judge
from pipelines.evaluation.decisions import CalendarRows
from pipelines.model import OutOfFold
from pipelines.training.card import Provenance, card
from pipelines.training.judged import description, write_files

HOUR_US = 3_600_000_000
LIVES, ROWS = 24, 40
PROVENANCE = Provenance(1000, {"units": ["M1/DE#3"], "machines": []}, "0.1.0+abc", {"fit": 7}, 0)


def judgement(*, with_band: bool = True, late: float = 3.0) -> Judgement:
    """Lives of 40 hours, answered 3 too late, with a baseline that is exact in the last 10 hours."""
    point = MeasuringPoint(id="t", role="bearing_temperature", quantity=Quantity.TEMPERATURE, unit="degC")
    machine = Machine(
        id="M1", components=(Component(slot="DE", component_class="bearing"),), measuring_points=(point,)
    )
    site = Site(id="s", machines=(machine,))
    context = Context(site, machine, machine.components[0], ComponentClass(id="bearing"), None)
    left = np.tile(np.arange(ROWS - 1.0, -1.0, -1.0), LIVES)
    unit = np.repeat([f"M1/DE#{i:02d}" for i in range(LIVES)], ROWS)
    fold = np.repeat(np.arange(LIVES) % 3, ROWS)
    said = np.minimum(left, 30.0) + late
    band = (said - 4.0, said + 4.0) if with_band else (None, None)
    answers = OutOfFold(
        unit, fold, left, left, 30.0, said, band[0], said, band[1], {"constant_median": np.minimum(left, 10.0)}
    )
    start = np.zeros(unit.size, dtype=np.int64)
    rows = CalendarRows(
        unit=unit,
        fold=fold,
        time_us=((ROWS - left) * HOUR_US).astype(np.int64),
        start_us=start,
        end_us=start + ROWS * HOUR_US,
        utilisation=np.ones(unit.size),
        levels=np.column_stack([left, np.ones(unit.size)]),
        level_names=("age", "t.level_k"),
        contexts=dict.fromkeys(np.unique(unit).tolist(), context),
    )
    return judge([answers], rows, components=5, seed=1)


def artefact(*, calibrated: bool = True, forests: bool = True) -> Artefact:
    return Artefact(
        name="wearcast-rul-bearing",
        component_class="bearing",
        life_unit="running_h",
        rul_cap=30.0,
        fingerprint="0123456789abcdef",
        feature_names=("age", "t.level_k"),
        inputs=("age",),
        base={},
        forests=dict.fromkeys(("mean", "p10", "p50", "p90"), "text") if forests else {},
        calibration=Calibration(24 if calibrated else 7, calibrated),
        domain=Domain(),
        condition=None,
        class_prior={},
        trained_units=30,
        failed_units=24 if calibrated else 7,
        as_of="2025-01-01T00:00:00+00:00",
        table_versions={"lives": 3},
        min_rows=5,
    )


@pytest.fixture(scope="module")
def judged() -> Judgement:
    return judgement()


def test_card_has_every_part(judged: Judgement) -> None:
    text = card(artefact(), judged, PROVENANCE)
    parts = [line for line in text.splitlines() if line.startswith("#")]
    assert parts == [
        "# wearcast-rul-bearing",
        "## What it has seen",
        "## How good it is",
        "### Per band of the true remaining life",
        "### Beside the baselines, and where they win",
        "### As the end comes near",
        "### What acting on it would have cost",
        "## Where not to trust it",
        "## When it refuses",
        "## Where it comes from",
    ]
    assert "1 units (M1/DE#3)" in text
    assert "running hours" in text
    assert "out_of_domain" in text


def test_card_tells_which_lives_a_prediction_may_name(judged: Judgement) -> None:
    lives = tuple(PastLife(f"P{i}/DE#1", i > 0, "", 9.0, (9.0,), ((0.5,),)) for i in range(3))
    past = PastLives(("age",), ((0.0, 9.0),), ((0.0, 1.0),), 0.1, lives)
    told = card(dataclasses.replace(artefact(), past=past), judged, PROVENANCE)
    assert "2 that failed and 1 that were taken out before, compared by `age`" in told
    assert "looked like" not in card(artefact(), judged, PROVENANCE)


def test_card_names_the_baseline_and_the_band_in_which_it_wins(judged: Judgement) -> None:
    """The constant answers exactly below 10; the band up to 6 is below, that up to 12 nearly."""
    text = card(artefact(), judged, PROVENANCE)
    assert "**A baseline is better here:** constant median from 0 to 6" in text or "last row from 0 to 6" in text


def test_card_says_how_much_stands_behind_its_figures(judged: Judgement) -> None:
    text = card(artefact(), judged, dataclasses.replace(PROVENANCE, repaired=2))
    assert "(grouped cross-validation: 24 failed lives, 960 rows, 3 folds)" in text
    assert "24 of them failed (2 of these were found faulty and repaired before: learnt as failed then)" in text
    assert "Only lives that failed, 24 of them" in text
    horizon = next(line for line in text.splitlines() if line.startswith("| prognostic horizon, lasting"))
    assert horizon.endswith("| 24 |")
    assert "repaired before" not in card(artefact(), judged, PROVENANCE)


def test_card_says_when_a_baseline_is_better_over_all_and_where_the_range_is_too_narrow() -> None:
    """Answers 20 late with a range of 4 around them; a constant of 10 is nearer."""
    text = card(artefact(), judgement(late=20.0), PROVENANCE)
    verdict = next(line for line in text.splitlines() if line.startswith("**A baseline is better here:**"))
    assert "over all" in verdict
    assert "from 0 to 6 running hours" in verdict
    assert "- Where 0 to 6 running hours were left the range held 0% of the truths, not 80% (24 lives)" in text
    assert "the range held" not in card(artefact(), judgement(), PROVENANCE)


def test_a_score_beyond_all_sense_is_not_told_to_four_digits() -> None:
    rows = [
        line for line in card(artefact(), judgement(late=500.0), PROVENANCE).splitlines() if "the model |" in line
    ]
    assert "over 1,000,000" in rows[0]
    assert "e+" not in rows[0]


def test_card_of_a_model_without_a_band_says_so_first(judged: Judgement) -> None:
    text = card(artefact(calibrated=False), judgement(with_band=False), PROVENANCE)
    assert "**Not calibrated (7 units).**" in text
    assert "| none | none | none |" in text
    assert "The range is calibrated" not in text


def test_card_of_a_model_without_forests_promises_no_life() -> None:
    text = card(artefact(calibrated=False, forests=False), None, PROVENANCE)
    assert "**No remaining life.**" in text
    assert "RMSE" not in text


def test_card_of_a_few_failures_tells_the_life_by_age_and_its_modes() -> None:
    prior: dict[str, float | None] = {"shape": 2.0, "scale": 12000.0, "median_life": 9990.7, "failures": 40.0}
    for mode, failures in (("cage", 10.0), ("outer_race", 20.0)):
        prior |= {f"shape.{mode}": 2.0, f"scale.{mode}": 20000.0, f"failures.{mode}": failures}
    few = dataclasses.replace(artefact(calibrated=False, forests=False), class_prior=prior)
    text = card(few, None, PROVENANCE)
    assert "**Remaining life by age alone.** 7 failed lives are too few" in text
    assert "Half of the parts reach 9,991 running hours (Weibull shape 2, failures of known age: 40)." in text
    rows = [line for line in text.splitlines() if "race fault |" in line or "cage fault |" in line]
    assert rows == [
        "| outer race fault | 20 | 50% | 16,651 | 2 |",
        "| cage fault | 10 | 25% | 16,651 | 2 |",
    ]


def test_card_of_stages_alone_says_what_its_numbers_stand_on() -> None:
    stages = (Stage(0.0, 7.0, 0.5, 6.0, 7, 1.0),)
    few = dataclasses.replace(
        artefact(calibrated=False, forests=False), transfer=TransferModel(stages, 0.0, 40.0, 7)
    )
    text = card(few, None, PROVENANCE)
    assert "what was left to 7 failed lives at the same stage" in text
    assert "**Not calibrated (7 units).**" in text
    assert "No remaining life" not in text


@pytest.mark.parametrize(("looks", "word"), [(0, "none"), (1, "1"), (4, "4")])
def test_card_counts_the_looks_at_test_data(judged: Judgement, looks: int, word: str) -> None:
    text = card(artefact(), judged, dataclasses.replace(PROVENANCE, looks=looks))
    assert f"before this training: {word}. " in text


def test_description_ends_at_a_heading_and_says_where_the_rest_is(judged: Judgement) -> None:
    many = Provenance(1000, {"units": [f"M{i}/DE#1" for i in range(900)], "machines": []}, "0.1.0", {"fit": 7}, 0)
    told = description(artefact(), judged, PROVENANCE)
    assert len(told) < 8000
    assert told.endswith("among the run's artifacts.")
    assert len(description(artefact(), None, many)) < 8000


def test_every_table_and_picture_is_laid_down(judged: Judgement, tmp_path: Path) -> None:
    write_files(artefact(), judged, PROVENANCE, tmp_path)
    found = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.*")}
    assert {f"tables/{name}.csv" for name in judged.tables} <= found
    names = ("predicted_vs_true", "error_along_life", "fan_along_life", "coverage_by_band", "calibration", "costs")
    assert {f"plots/{name}.png" for name in (*names, "lead_times")} <= found
