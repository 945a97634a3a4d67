"""The staged model: nothing from the fold that is answered, the same text on any threads, the same in serving."""

import dataclasses
import datetime as dt
import subprocess
import sys
from functools import cache
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from features.core.errors import DamagedArtefactError
from features.core.plant import Component, ComponentClass, LifeUnit, Machine, MeasuringPoint
from features.core.statements import PAST_LIFE, Prediction
from features.core.tables import FEATURE_ROWS
from features.core.units import Quantity
from features.registry import FeatureSet
from features.rul.artefact import Artefact, load, save
from features.rul.memory import Spans
from features.rul.outputs import Engine
from features.rul.predict import predict
from features.rul.scorer import Scorer
from pipelines.model import FitParameters, Fitted, StagedParameters, cross_validate, fit
from pipelines.model.dealing import dealt
from pipelines.model.merging import merged
from tests.unit.pipelines._examples import Examples, Floats, Life

AS_OF = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
POINT = MeasuringPoint(id="t", role="temperature", quantity=Quantity.TEMPERATURE, unit="K")
SPANS = Spans((5.0, 10.0, 20.0, 40.0), (15.0, 30.0), 15.0)
NAMES = (
    "age",
    "setting_1.level",
    "setting_1.level.mean_15h",
    "a.level",
    "a.level.mean_15h",
    "b.level",
    "b.level.mean_15h",
)
SMALL = FitParameters(
    folds=3,
    units_per_bin=5,
    staged=StagedParameters(
        failed_lives=20, bags=2, index_trees=10, trees=12, quantile_trees=8, leaves=7, row_share=0.5, kept=12
    ),
)


@cache
def examples() -> Examples:
    """24 lives in two regimes whose offset is 50 times what wear does, and two that still run."""
    rng = np.random.default_rng(3)
    parts, rul, survived, age, unit, lives, hours = [], [], [], [], [], [], []
    for number in range(26):
        n = int(rng.integers(60, 110))
        left = np.arange(n, dtype=np.float64)[::-1]
        regime = rng.integers(0, 2, n)
        wear = np.exp(-left / 20) + 0.1 * rng.normal(size=n)
        other = rng.normal(size=n)
        parts.append(
            np.stack([n - left, 10.0 * regime, 10.0 * regime, wear + 50 * regime, wear, other, other], axis=1)
        )
        failed = number < 24
        rul.append(left if failed else np.full(n, np.nan))
        survived.append(np.full(n, np.nan) if failed else left)
        age.append(n - left)
        unit += [f"u{number:02d}"] * n
        lives.append(Life(f"u{number:02d}", 1.0, float(n), failed))
        hours.append(np.arange(1, n + 1))
    return Examples(
        np.concatenate(parts),
        np.concatenate(rul),
        np.concatenate(survived),
        np.concatenate(age),
        np.array(unit),
        np.concatenate(hours).astype(np.int64) * 3_600_000_000,
        tuple(lives),
        names=NAMES,
        component_class="engine",
        life_unit="cycle",
    )


def fitted(data: Examples, parameters: FitParameters = SMALL) -> Fitted:
    return fit(
        data,
        parameters,
        fold=dealt(data.unit, 3, 0),
        name="m",
        baseline_rows=10,
        as_of=AS_OF,
        table_versions={"feature_rows": 3},
        spans=SPANS,
    )


@pytest.fixture(scope="module")
def model() -> Fitted:
    return fitted(examples())


def test_large_classes_get_a_memory_and_small_ones_do_not(model: Fitted) -> None:
    assert model.artefact.memory is not None
    assert model.artefact.memory.signals == ("a.level", "b.level")
    assert model.artefact.memory.regimes is not None
    assert len(model.artefact.memory.regimes.centres) == 2
    more = dataclasses.replace(SMALL, trees=5, staged=dataclasses.replace(SMALL.staged, failed_lives=25))
    assert fitted(examples(), more).artefact.memory is None


def test_unseen_lives_are_answered_better_than_by_a_constant(model: Fitted) -> None:
    told = model.out_of_fold
    assert told is not None
    truth = np.minimum(told.rul, told.cap)
    error = np.sqrt(np.mean((told.mean - truth) ** 2))
    assert error < 0.6 * np.sqrt(np.mean((told.baselines["constant_median"] - truth) ** 2))


@pytest.mark.parametrize("number", [0, 2])
def test_fold_answered_is_untouched_by_its_own_truth(model: Fitted, number: int) -> None:
    data = examples()
    fold = dealt(data.unit, 3, 0)
    spoilt = dataclasses.replace(data, rul=np.where(fold == number, 59.0 - np.minimum(data.rul, 59.0), data.rul))
    other = cross_validate(spoilt, SMALL, fold=fold, spans=SPANS).out_of_fold
    assert model.out_of_fold is not None
    held = other.fold == number
    for output in ("mean", "p50"):
        np.testing.assert_array_equal(getattr(other, output)[held], getattr(model.out_of_fold, output)[held])
        assert not np.array_equal(getattr(other, output)[~held], getattr(model.out_of_fold, output)[~held])


def test_two_threads_give_the_same_texts_as_one(model: Fitted) -> None:
    assert fitted(examples(), dataclasses.replace(SMALL, threads=2)).artefact == model.artefact


def test_artefact_survives_the_disk_and_a_changed_index_is_refused(model: Fitted, tmp_path: Path) -> None:
    save(model.artefact, tmp_path)
    assert load(tmp_path) == model.artefact
    forest = tmp_path / "forest_index.txt"
    forest.write_text(forest.read_text().replace("leaf_value=", "leaf_value=1", 1))
    with pytest.raises(DamagedArtefactError, match="forest_index"):
        load(tmp_path)


def test_a_life_is_answered_the_same_row_by_row_and_as_a_whole(model: Fitted) -> None:
    data, engine = examples(), Engine(model.artefact)
    rows = np.flatnonzero(data.unit == "u03")
    x, hours = data.x[rows], data.time_us[rows] / 3.6e9
    whole = engine.answer(engine.inputs(x, hours))
    for end in (1, 20, len(rows)):
        now = engine.answer(engine.inputs(x[:end], hours[:end])[-1:])
        assert (now.mean[0], now.p10[0], now.p90[0]) == (
            whole.mean[end - 1],
            whole.p10[end - 1],
            whole.p90[end - 1],
        )


def forests(count: int) -> tuple[list[lgb.Booster], Floats]:
    rng = np.random.default_rng(1)
    x = np.where(rng.random((400, 4)) < 0.1, np.nan, rng.normal(size=(400, 4)))
    settings = {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}
    return [
        lgb.train(settings, lgb.Dataset(x, np.nan_to_num(x[:, 0]) * 50 + rng.normal(size=400)), num_boost_round=9)
        for _ in range(count)
    ], x


@pytest.mark.parametrize("count", [1, 3, 4])
def test_merged_forests_answer_by_their_mean(count: int) -> None:
    fits, x = forests(count)
    text = merged([one.model_to_string() for one in fits])
    mean = np.mean([one.predict(x) for one in fits], axis=0)
    np.testing.assert_allclose(Scorer(text).predict(x), mean, rtol=1e-12)
    assert text.count("\nTree=") == 9 * count


def test_the_scorer_equals_lightgbm_bit_for_bit_on_a_merged_forest(model: Fitted) -> None:
    for text in (*model.artefact.forests.values(), model.artefact.index_forest):
        booster = lgb.Booster(model_str=text)
        rng = np.random.default_rng(2)
        x = rng.normal(scale=30, size=(2000, booster.num_feature()))
        x[rng.random(x.shape) < 0.1] = np.nan
        np.testing.assert_array_equal(Scorer(text).predict(x), booster.predict(x, raw_score=True))


def test_lives_are_dealt_whole_and_evenly() -> None:
    unit = np.repeat([f"u{i}" for i in range(10)], 3)
    part = dealt(unit, 5, 1)
    assert np.unique(np.stack([np.unique(unit, return_inverse=True)[1], part]), axis=1).shape[1] == 10
    assert np.bincount(part).tolist() == [6] * 5
    assert not np.array_equal(part, dealt(unit, 5, 2))


def said(artefact: Artefact, unit: str, end: int) -> Prediction:
    """What is said of a life's row number `end`, as of an engine `u` with the component `e`."""
    data = examples()
    own = np.flatnonzero(data.unit == unit)[:end]
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    rows = FEATURE_ROWS.frame(
        [
            {
                "group": "g", "date": start.date(), "machine_id": unit, "slot": "e", "component_class": "engine",
                "fingerprint": "f", "time": start + k * HOUR, "available_at": start + k * HOUR, "running": k != 0,
                "age": data.age[i], "age_known": True, "values": data.x[i].tolist(), "refusals": [],
            }
            for k, i in enumerate(own)
        ]
    )  # fmt: skip
    component = Component(slot="e", component_class="engine")
    told = predict(
        artefact,
        rows,
        machine=Machine(id=unit, grid=HOUR, components=(component,), measuring_points=(POINT,)),
        component=component,
        component_class=ComponentClass(id="engine", life_unit=LifeUnit.CYCLE, baseline=5 * HOUR),
        life_number=1,
        model_name="m",
        model_version="1",
        as_of=rows["time"].to_list()[-1],
        features=FeatureSet("engine", NAMES, ("cycles", *["1"] * 6), "f"),
    )
    assert isinstance(told, Prediction)
    return told


def test_evidence_names_signals_and_past_lives_but_no_index(model: Fitted) -> None:
    told = said(model.artefact, "u05", 60).evidence
    moved = [one.feature for one in told if one.share is not None]
    assert moved[0].startswith("a.level")
    assert not any("index" in name for name in moved)
    past = [one for one in told if one.feature == PAST_LIFE]
    assert len(past) == 3
    assert all(one.note.startswith("looked like ") and one.unit == "cycles" for one in past)
    assert [one.distance for one in past] == sorted(one.distance or 0.0 for one in past)


def test_a_life_of_the_training_is_not_its_own_past(model: Fitted) -> None:
    past = model.artefact.past
    assert past is not None
    lives = tuple(dataclasses.replace(one, unit=f"{one.unit}/e#1") for one in past.lives)
    artefact = dataclasses.replace(model.artefact, past=dataclasses.replace(past, lives=lives))
    notes = [one.note for one in said(artefact, "u05", 60).evidence if one.feature == PAST_LIFE]
    assert len(notes) == 3
    assert not any("u05" in note for note in notes)


def wild(n: int, width: int, seed: int) -> Floats:
    """Random rows, most of them far beyond what was learnt, with gaps."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, width)) * 10.0 ** rng.uniform(-2, 4, size=(n, width))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def test_ten_thousand_random_rows_cross_no_quantiles(model: Fitted) -> None:
    engine = Engine(model.artefact)
    of_life = engine.inputs(wild(5000, len(NAMES), 1), np.arange(5000.0))
    inputs = np.concatenate([of_life, wild(5000, len(model.artefact.inputs), 2)])
    raw, told = engine.scores(inputs), engine.answer(inputs)
    # The forests themselves do cross, else this would show nothing.
    assert np.count_nonzero((raw["p10"] > raw["p50"]) | (raw["p50"] > raw["p90"])) > 0
    assert np.count_nonzero((told.p10 > told.p50) | (told.p50 > told.p90)) == 0
    assert (np.isfinite(told.mean) & np.isfinite(told.p10) & np.isfinite(told.p90) & (told.p10 >= 0)).all()


ALONE = """
import importlib.abc, json, sys

class Only(importlib.abc.MetaPathFinder):
    banned = {"pipelines", "serving", "mlflow", "lightgbm", "pandas", "sklearn", "tests"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.banned:
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, Only())
for name in Only.banned:
    try:
        __import__(name)
    except ImportError:
        continue
    raise SystemExit(f"{name} can be imported")

from pathlib import Path
import numpy as np
from features.rul.artefact import load
from features.rul.outputs import Engine

folder = Path(sys.argv[1])
engine = Engine(load(folder / "artefact"))
rows = np.load(folder / "rows.npy", allow_pickle=False)
told = engine.answer(engine.inputs(rows[:, 1:], rows[:, 0]))
np.save(folder / "told.npy", np.stack([told.mean, told.p10, told.p50, told.p90]))
"""


def test_a_process_that_has_only_features_gives_the_same_numbers(model: Fitted, tmp_path: Path) -> None:
    data = examples()
    rows = np.flatnonzero(data.unit == "u07")
    x, hours = data.x[rows], data.time_us[rows] / 3.6e9
    save(model.artefact, tmp_path / "artefact")
    np.save(tmp_path / "rows.npy", np.column_stack([hours, x]))

    subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], check=True, timeout=120)

    engine = Engine(model.artefact)
    here = engine.answer(engine.inputs(x, hours))
    told = np.load(tmp_path / "told.npy", allow_pickle=False)
    assert told.tobytes() == np.stack([here.mean, here.p10, here.p50, here.p90]).tobytes()


def test_a_changed_byte_anywhere_is_refused(model: Fitted, tmp_path: Path) -> None:
    save(model.artefact, tmp_path)
    for file in sorted(tmp_path.iterdir()):
        whole = file.read_bytes()
        for place in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 2, len(whole) - 1):
            for bit in (0x01, 0x20, 0x80):
                damaged = bytearray(whole)
                damaged[place] ^= bit
                file.write_bytes(damaged)
                with pytest.raises(DamagedArtefactError):
                    load(tmp_path)
        file.write_bytes(whole)
    assert load(tmp_path) == model.artefact


def test_a_second_training_gives_the_same_texts(model: Fitted) -> None:
    again = fitted(examples()).artefact
    assert again.forests == model.artefact.forests
    assert again.index_forest == model.artefact.index_forest
    assert again == model.artefact
