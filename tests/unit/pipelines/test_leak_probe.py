"""The probe names features that know what they cannot know, and leaves honest ones alone."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from features.core.tables import FEATURE_ROWS
from pipelines.dataset import Life, TrainingSet
from pipelines.leakage import changed_features, suspects, told_alone

Floats = npt.NDArray[np.float64]
BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def fleet(lives: int = 24, *, seed: int = 5, same_length: bool = False) -> TrainingSet:
    """Parts of different lengths; `wear` grows at the end, with noise of the part and of the moment."""
    rng = np.random.default_rng(seed)
    parts: list[Floats] = []
    units: list[str] = []
    rul: list[Floats] = []
    for number in range(lives):
        n = 100 if same_length else int(rng.integers(50, 160))
        left = np.arange(n)[::-1].astype(np.float64)
        wear = np.exp(-left / 20 + 0.3 * rng.normal()) + 0.1 * rng.normal(size=n)
        parts.append(np.stack([wear, rng.normal(size=n), n - left], axis=1))
        units += [f"M{number:02d}/DE#1"] * n
        rul.append(left)
    unit = np.array(units)
    remaining = np.concatenate(rul)
    table = np.concatenate(parts)
    return TrainingSet(
        component_class="bearing",
        life_unit="cycle",
        fingerprint="f",
        names=("wear", "noise", "hours_run"),
        x=table,
        rul=remaining,
        survived=np.full(remaining.size, np.nan),
        age=table[:, 2].copy(),
        unit=unit,
        machine=np.array([name[:3] for name in units]),
        time_us=np.arange(remaining.size, dtype=np.int64),
        declared_cap=100.0,
        lives=tuple(Life(str(u), str(u)[:3], "DE", "failure", 1.0, 1.0) for u in np.unique(unit)),
        as_of=BEGIN,
        table_versions={},
    )


def with_feature(data: TrainingSet, name: str, values: Floats) -> TrainingSet:
    return replace(data, names=(*data.names, name), x=np.column_stack([data.x, values]))


def length_of(data: TrainingSet) -> Floats:
    lengths = dict(pl.DataFrame({"u": data.unit, "r": data.rul}).group_by("u").agg(pl.col("r").max()).iter_rows())
    return np.array([lengths[u] for u in data.unit.tolist()])


def named(data: TrainingSet, **arguments: object) -> list[str]:
    told = told_alone(data, data.names, cap=100.0)
    return [one.feature for one in suspects(told, **arguments)]  # type: ignore[arg-type]  # as the test says


def test_honest_features_are_not_suspected() -> None:
    assert named(fleet()) == []


NOISE = np.random.default_rng(9)
LEAKS: dict[str, Callable[[TrainingSet], Floats]] = {
    "the label": lambda data: data.rul,
    "the label with some noise": lambda data: data.rul + 6.0 * NOISE.normal(size=data.rul.size),
    "its logarithm": lambda data: np.log1p(data.rul),
    "its steps": lambda data: np.digitize(data.rul, [8.0, 30.0, 70.0]).astype(np.float64),
    "how long the life will be": length_of,
    "the share that is used": lambda data: 1.0 - data.rul / length_of(data),
    "a flag of the last ten hours": lambda data: (data.rul < 10).astype(np.float64),
    "a flag that is missing early": lambda data: np.where(data.rul < 60, (data.rul < 12) * 1.0, np.nan),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_feature_made_from_the_label_is_named_and_no_other(leak: str) -> None:
    data = fleet()
    assert named(with_feature(data, "leak", LEAKS[leak](data))) == ["leak"]


def test_two_leaks_are_both_named_the_more_telling_first() -> None:
    data = fleet()
    twice = with_feature(with_feature(data, "length", length_of(data)), "label", data.rul)
    assert named(twice) == ["label", "length"]


def test_a_new_feature_that_stands_out_early_is_suspected_and_a_known_one_is_not() -> None:
    data = fleet()
    vague = data.rul + 30.0 * np.random.default_rng(2).normal(size=data.rul.size)
    leaking = with_feature(data, "vague", vague)
    known = ("wear", "noise", "hours_run")
    assert named(leaking) == []
    assert named(leaking, known=known) == ["vague"]
    assert named(leaking, known=(*known, "vague")) == []


def test_a_feature_that_alone_beats_the_whole_champion_is_suspected() -> None:
    data = fleet()
    told = told_alone(data, data.names, cap=100.0)
    assert told is not None
    wear = float(told.error[1 + data.names.index("wear")])
    assert named(data, model_error=wear) == []
    assert "wear" in named(data, model_error=2.0 * wear)


def test_a_trusted_feature_is_suspected_only_on_proof() -> None:
    data = fleet()
    leaking = with_feature(data, "leak", data.rul)
    assert named(leaking, trusted={"leak"}) == []


def test_lives_of_one_length_are_no_test_because_the_age_tells_everything() -> None:
    assert named(fleet(same_length=True)) == []


def test_too_few_lives_are_no_evidence() -> None:
    assert told_alone(fleet(lives=7), ("wear",), cap=100.0) is None
    assert suspects(None) == []


def rows(values: list[list[float | None]]) -> pl.DataFrame:
    return FEATURE_ROWS.frame(
        [
            {
                "machine_id": "M1",
                "slot": "DE",
                "time": BEGIN + i * HOUR,
                "available_at": BEGIN + i * HOUR,
                "values": v,
            }
            for i, v in enumerate(values)
        ]
    )


def test_a_value_that_changes_when_the_future_is_withheld_is_proof_with_both_values() -> None:
    def remake(row: Mapping[str, object]) -> Mapping[str, float | None]:
        return {"past": 1.0, "ahead": 2.0}

    (found,) = changed_features(rows([[1.0, 2.0], [1.0, 7.5], [1.0, 8.0]]), ("past", "ahead"), remake)
    assert (found.feature, found.stored, found.made, found.rows) == ("ahead", 7.5, 2.0, 2)
    (suspect,) = suspects(None, [found], trusted={"ahead"})
    assert suspect.proven
    assert "7.5 is stored for M1/DE at 2025-01-01 01:00, 2 is what could be computed then" in suspect.why


def test_a_refused_value_made_again_as_refused_is_no_change() -> None:
    assert changed_features(rows([[None]]), ("a",), lambda row: {"a": None}) == []
    assert len(changed_features(rows([[None]]), ("a",), lambda row: {"a": 1.0})) == 1


def test_a_stored_feature_that_nothing_computes_is_proof() -> None:
    (found,) = changed_features(rows([[4.0, 1.0]]), ("label", "a"), lambda row: {"a": 1.0})
    assert "no feature of that name is computed" in suspects(None, [found])[0].why
