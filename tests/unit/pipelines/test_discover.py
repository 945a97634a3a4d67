"""Discovery: planted relations are found, noise is not, and nothing but training lives is looked at.

Lives here vary more and more towards their failure (`sensor_01`) or wander without any relation to it
(`sensor_02`). A wandering level tells the time inside each life, which fools every test that takes rows as
independent.
"""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.core.errors import ConfigError
from features.core.lake import Lake
from features.core.plant import Component, ComponentClass, LifeUnit, Machine, MeasuringPoint, Plant, Site
from features.core.tables import FEATURE_ROWS, FEATURE_SETS, LIVES
from features.core.units import Quantity
from features.generic import ClassChoice, find, read_chosen
from features.registry import feature_set
from pipelines.dataset import Life, TrainingSet
from pipelines.discover import DiscoveryParameters, choose, discover, extraction, write
from pipelines.discover.selection import Candidate, adjusted, combined, distinct
from pipelines.discover.windows import capped_target, draw

BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
HOUR_US = 3_600_000_000
LIVES_HERE, ROWS, SPAN = 24, 60, 12
TODAY = dt.date(2025, 6, 1)
QUICK = DiscoveryParameters(windows_per_life=1)
# How much calculators that tell the spread of a window grow with it.
SPREAD = ("change", "deviation", "variance", "cid_ce", "welch", "fft", "linear_trend", "derivative", "c3", "peaks")


def plant_of(lives: int = LIVES_HERE, memory: int = SPAN) -> Plant:
    points = tuple(
        MeasuringPoint(id=role, role=role, quantity=Quantity.OTHER, unit="1")
        for role in ("sensor_01", "sensor_02")
    )
    machines = tuple(
        Machine(
            id=f"M{number:02d}",
            grid=HOUR,
            components=(Component(slot="S", component_class="part"),),
            measuring_points=points,
        )
        for number in range(lives)
    )
    part = ComponentClass(id="part", life_unit=LifeUnit.CYCLE, memory=(memory * HOUR,), rul_cap=40.0)
    return Plant(component_classes=(part,), sites=(Site(id="s", machines=machines),))


PLANT = plant_of()
NAMES = feature_set(PLANT, "part").names


def values_of(number: int) -> np.ndarray:
    """One life's rows of all features, [rows, features]: levels alone."""
    rng = np.random.default_rng([7, number])
    x = np.full((ROWS, len(NAMES)), np.nan)
    x[:, NAMES.index("sensor_01.level")] = rng.normal(0, 1, ROWS) * np.exp(np.linspace(0, 5, ROWS))
    x[:, NAMES.index("sensor_02.level")] = np.cumsum(rng.normal(0, 1, ROWS))
    return x


def lives_of(x: list[np.ndarray], endings: list[str] | None = None) -> TrainingSet:
    n = len(x)
    endings = endings or ["failure"] * n
    units = [f"M{number:02d}/S#1" for number in range(n)]
    rul = [np.arange(ROWS - 1.0, -1.0, -1.0) if e == "failure" else np.full(ROWS, np.nan) for e in endings]
    return TrainingSet(
        component_class="part",
        life_unit="cycle",
        fingerprint="f",
        names=NAMES,
        x=np.concatenate(x),
        rul=np.concatenate(rul),
        survived=np.concatenate([np.where(np.isfinite(left), np.nan, 0.0) for left in rul]),
        age=np.tile(np.arange(1.0, ROWS + 1), n),
        unit=np.repeat(np.array(units), ROWS),
        machine=np.repeat(np.array([unit[:3] for unit in units]), ROWS),
        time_us=np.tile(np.arange(1, ROWS + 1) * HOUR_US, n),
        declared_cap=40.0,
        lives=tuple(Life(u, u[:3], "S", e, 1.0, float(ROWS)) for u, e in zip(units, endings, strict=True)),
        as_of=BEGIN,
        table_versions={},
    )


TRAINING = lives_of([values_of(number) for number in range(LIVES_HERE)])


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def choice(work: Path) -> ClassChoice:
    return choose(TRAINING, PLANT, chosen_on=TODAY, work=work)


def test_a_planted_calculator_is_chosen(choice: ClassChoice) -> None:
    assert choice.relevant > 3
    assert choice.features
    assert any(word in choice.features[0].calculator for word in SPREAD)
    assert choice.features[0].p_value < 1e-4
    assert (choice.lives, choice.failed_lives) == (LIVES_HERE, LIVES_HERE)


def test_a_wandering_level_is_not_chosen(choice: ClassChoice) -> None:
    assert {one.level for one in choice.features} == {"sensor_01.level"}


def test_rows_as_independent_would_choose_the_wandering_level() -> None:
    """What grouping by life saves from: the same test over all rows of two lives is sure of nonsense."""
    two = TRAINING.without(units=[life.unit for life in TRAINING.lives[2:]])
    column = two.x[:, [NAMES.index("sensor_02.level")]]
    assert extraction.p_values(column, two.rul)[0] < 1e-4


def test_with_lives_shuffled_nothing_is_chosen(tmp_path: Path) -> None:
    """Each life keeps its values and gets another phase, so that they tell nothing of its end."""
    phases = np.random.default_rng(11).permutation(LIVES_HERE) * ROWS // LIVES_HERE
    shuffled = [np.roll(values_of(n), phase, axis=0) for n, phase in enumerate(phases.tolist())]
    found = choose(lives_of(shuffled), PLANT, chosen_on=TODAY, work=tmp_path, parameters=QUICK)
    assert found.tested > 100
    assert (found.relevant, found.features) == (0, ())


def test_chosen_calculators_exist_and_do_not_repeat_each_other(choice: ClassChoice) -> None:
    for one in choice.features:
        find(one.calculator, one.parameters)
    assert (
        len({(one.level, one.span, one.name) for one in choice.features}) == len(choice.features) < choice.relevant
    )
    assert [one.p_value for one in choice.features] == sorted(one.p_value for one in choice.features)


def test_a_second_run_takes_up_what_was_extracted(choice: ClassChoice, work: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in work.glob("*.npz")}
    told: list[str] = []

    again = choose(TRAINING, PLANT, chosen_on=TODAY, work=work, on_progress=lambda _, word: told.append(word))

    assert again == choice
    assert told == ["sensor_01.level", "sensor_02.level"]
    assert {file: file.stat().st_mtime_ns for file in work.glob("*.npz")} == before
    assert len(before) == 2


def test_other_data_are_extracted_anew(work: Path) -> None:
    """Of another level alone, so that the test is quick."""
    held = len(list(work.glob("*.npz")))
    changed = TRAINING.x.copy()
    changed[:, NAMES.index("sensor_01.level")] = 1.0
    changed[:, NAMES.index("sensor_02.level")] += np.arange(len(changed)) % 7
    data = lives_of(np.split(changed, LIVES_HERE))
    found = choose(data, PLANT, chosen_on=TODAY, work=work, parameters=QUICK)
    assert len(list(work.glob("*.npz"))) == held + 1
    assert "sensor_01.level" not in {one.level for one in found.features}


def rows_frame(number: int, *, machine: int | None = None, later: bool = False) -> pl.DataFrame:
    x, name = values_of(number), f"M{number if machine is None else machine:02d}"
    begin = BEGIN + 100 * HOUR * later
    return FEATURE_ROWS.frame(
        [
            {
                "group": "area-1",
                "date": (begin + (place + 1) * HOUR).date(),
                "machine_id": name,
                "slot": "S",
                "component_class": "part",
                "fingerprint": "f",
                "time": begin + (place + 1) * HOUR,
                "available_at": begin + (place + 1) * HOUR,
                "running": True,
                "age": place + 1.0,
                "age_known": True,
                "values": [None if np.isnan(v) else float(v) for v in values],
                "refusals": [],
            }
            for place, values in enumerate(x)
        ]
    )


def life_row(machine: int, number: int = 1) -> dict[str, object]:
    begin = BEGIN + 100 * HOUR * (number - 1)
    end = begin + ROWS * HOUR
    return {
        "machine_id": f"M{machine:02d}",
        "slot": "S",
        "component_class": "part",
        "life_number": number,
        "known_from": end,
        "start": begin,
        "end": end,
        "ending": "failure",
        "failure_mode": None,
        "age_known": True,
        "available_at": end,
    }


def test_neither_held_out_lives_nor_what_came_later_is_looked_at(tmp_path: Path) -> None:
    plant, training = plant_of(13), range(12)
    named = {
        "fingerprint": "f",
        "component_class": "part",
        "names": list(NAMES),
        "units": ["1"] * len(NAMES),
        "available_at": BEGIN,
    }
    found = []
    for other, held_out in (("a", 40), ("b", 41)):
        lake = Lake(tmp_path / other)
        frames = [rows_frame(n) for n in training] + [rows_frame(held_out, machine=12)]
        frames += [rows_frame(held_out, machine=n, later=True) for n in training]
        lake.append(FEATURE_SETS, FEATURE_SETS.frame([named]), writer="scoring")
        lake.append(FEATURE_ROWS, pl.concat(frames), writer="scoring")
        later = [life_row(n, 2) for n in training]
        lake.append(LIVES, LIVES.frame([life_row(n) for n in range(13)] + later), writer="labels")
        found.append(
            discover(
                lake,
                plant,
                "part",
                as_of=BEGIN + 100 * HOUR,
                chosen_on=TODAY,
                work=tmp_path / "work",
                exclude_machines=["M12"],
                parameters=QUICK,
            )
        )
    assert found[0] == found[1]
    assert found[0].lives == 12


def test_a_draw_takes_one_window_of_each_life_and_spreads_over_their_time() -> None:
    target = capped_target(TRAINING)
    grids = dict.fromkeys(np.unique(TRAINING.machine).tolist(), HOUR_US)
    column = NAMES.index("sensor_01.level")
    drawn = draw(TRAINING, column, target=target, steps=SPAN, grid_us=grids, draws=3)
    for rows in drawn.rows:
        assert len(set(TRAINING.unit[rows])) == len(rows) == LIVES_HERE
        assert np.ptp(TRAINING.rul[rows]) > 0.8 * (ROWS - SPAN)
    assert len(np.unique(drawn.rows)) == drawn.rows.size
    assert (drawn.rows % ROWS >= SPAN - 1).all()


def test_windows_with_a_gap_or_a_hole_are_not_drawn() -> None:
    x = [values_of(number) for number in range(2)]
    x[0][20, NAMES.index("sensor_01.level")] = np.nan
    data = lives_of(x)
    data.time_us[ROWS + 40 :] += HOUR_US
    drawn = draw(
        data,
        NAMES.index("sensor_01.level"),
        target=capped_target(data),
        steps=SPAN,
        grid_us={"M00": HOUR_US, "M01": HOUR_US},
        draws=200,
    )
    first, second = set(drawn.rows[:, 0].tolist()), set((drawn.rows[:, 1] - ROWS).tolist())
    assert first == set(range(SPAN - 1, 20)) | set(range(20 + SPAN, ROWS))
    assert second == set(range(SPAN - 1, 40)) | set(range(40 + SPAN - 1, ROWS))


def test_a_suspended_life_counts_only_where_it_is_known_to_have_lasted_the_cap() -> None:
    target = capped_target(lives_of([values_of(0), values_of(1)], ["failure", "suspension"]))
    assert target[:ROWS].max() == 40.0
    assert target[ROWS : ROWS + 20].tolist() == [40.0] * 20
    assert np.isnan(target[ROWS + 20 :]).all()


def test_too_few_lives_are_an_error_that_says_how_many() -> None:
    with pytest.raises(ConfigError, match="2 training lives"):
        choose(lives_of([values_of(0), values_of(1)]), PLANT, chosen_on=TODAY, work=Path())


def test_a_memory_of_few_steps_is_an_error_that_names_it(tmp_path: Path) -> None:
    short = plant_of(memory=5)
    x = [np.zeros((ROWS, len(NAMES))) for _ in range(LIVES_HERE)]
    named = lives_of(x)
    with pytest.raises(ConfigError, match="5h"):
        choose(
            TrainingSet(
                **{f: getattr(named, f) for f in named.__slots__} | {"names": feature_set(short, "part").names}
            ),
            short,
            chosen_on=TODAY,
            work=tmp_path,
        )


def test_the_choice_of_one_class_leaves_those_of_others(choice: ClassChoice, tmp_path: Path) -> None:
    file = tmp_path / "chosen.json"
    write(file, "other", choice)
    write(file, "part", choice)
    assert read_chosen(file).classes == {"other": choice, "part": choice}


def test_slow_calculators_and_missing_coefficients_are_not_asked_for() -> None:
    ours, all_ = extraction.columns(12, everything=False), extraction.columns(12, everything=True)
    names = {column.calculator for column in all_}
    assert not names & {"approximate_entropy", "sample_entropy", "number_cwt_peaks", "augmented_dickey_fuller"}
    assert max(c.parameters["coeff"] for c in all_ if c.calculator == "fft_coefficient") == 6
    assert {column.name for column in ours} < {column.name for column in all_}
    assert "permutation_entropy" in names


def test_extracted_values_are_those_of_our_own_versions() -> None:
    windows = TRAINING.x[:24, NAMES.index("sensor_02.level")].reshape(2, 12)
    asked = extraction.columns(12, everything=False)
    for column, found in zip(asked, extraction.extract(windows, asked).T, strict=True):
        own = find(column.calculator, column.parameters).of(windows, column.parameters)
        assert own == pytest.approx(found, rel=1e-9, abs=1e-9, nan_ok=True), column.name


def test_twice_the_median_is_capped_and_a_hole_counts_as_no_relation() -> None:
    p = np.array([[0.1, 0.9, np.nan], [0.2, 0.9, np.nan], [np.nan, 0.9, np.nan]])
    assert combined(p) == pytest.approx([0.4, 1.0, np.nan], nan_ok=True)


def test_adjusting_for_many_tests_is_that_of_benjamini_and_yekutieli() -> None:
    """statsmodels, which tsfresh brings, is the oracle."""
    from statsmodels.stats.multitest import multipletests

    p = np.array([0.041, 0.001, 0.9, 0.008, 0.039, 0.008])
    assert adjusted(p) == pytest.approx(multipletests(p, method="fdr_by")[1], rel=1e-12)
    assert adjusted(np.zeros(0)).size == 0


def candidate(values: np.ndarray, p: float, name: str = "mean") -> Candidate:
    return Candidate("a", "1d", extraction.Column(name, name, {}), p, np.arange(len(values)), values)


def test_what_another_or_a_present_feature_tells_is_not_kept() -> None:
    rng = np.random.default_rng(3)
    one, other, there = rng.normal(size=(3, 60))
    offered = [
        candidate(one, 1e-6),
        candidate(-(one**3), 1e-5, "monotone of the first"),
        candidate(other, 1e-4, "another"),
        candidate(np.exp(there), 1e-7, "there already"),
    ]
    kept = distinct(offered, there[:, None], of_level={"a": np.array([0])}, alike=0.9, keep=12)
    assert [c.column.name for c in kept] == ["mean", "another"]
    assert len(distinct(offered, there[:, None], of_level={}, alike=0.9, keep=1)) == 1
