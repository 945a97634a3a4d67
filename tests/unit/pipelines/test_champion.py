"""Who may replace the champion, who may not, and the words for it."""

import dataclasses
import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.champion import RULES
from pipelines.champion.comparison import Comparison, Paired, compare, pairs
from pipelines.champion.verdict import Verdict, proven_better, reasons_against

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "champion.py"
BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
TIME = pl.Datetime("us", "UTC")


def answers(lives: int, *, off: float, how: str = "fold", seed: int = 0, band: float = 20.0) -> pl.DataFrame:
    """Answers to lives of 30 rows that are off by some amount, as `honest_answers` gives them."""
    rng = np.random.default_rng(seed)
    frames = []
    for life in range(lives):
        rul = np.arange(30.0)[::-1]
        mean = rul + off + rng.normal(0, 1, 30)
        frames.append(
            pl.DataFrame(
                {
                    "component": f"M{life}/DE",
                    "unit": f"M{life}/DE#1",
                    "time": [BEGIN + hour * dt.timedelta(hours=1) for hour in range(30)],
                    "rul": rul,
                    "fold": [life % 3 if how == "fold" else None] * 30,
                    "mean": mean,
                    "p10": mean - band / 2,
                    "p50": mean,
                    "p90": mean + band / 2,
                    "how": how,
                    "refused": False,
                },
                schema_overrides={"time": TIME, "fold": pl.Int64},
            )
        )
    return pl.concat(frames)


def compared(candidate: pl.DataFrame, champion: pl.DataFrame, basis: str = "folds") -> Comparison:
    found = compare(pairs(candidate, champion), basis, cap=30.0)
    assert found is not None
    return found


def test_figures_are_paired_life_by_life_with_their_standard_error() -> None:
    one = compared(answers(12, off=3.0), answers(12, off=5.0, seed=1))
    assert (one.lives, one.rows, one.same_folds) == (12, 360, True)
    assert one.mae.difference == pytest.approx(-2.0, abs=0.5)  # the cap takes some
    assert 0 < one.mae.se < 0.2
    assert one.rmse.candidate == pytest.approx(10**0.5, abs=0.3)  # 3^2 and the noise's 1^2
    assert one.coverage is not None
    assert one.coverage.candidate == pytest.approx(1.0, abs=0.01)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    one = compared(answers(9, off=3.0), answers(9, off=5.0, seed=1))
    both = pairs(answers(9, off=3.0), answers(9, off=5.0, seed=1)).with_columns(
        d=(pl.min_horizontal("mean", 30.0) - pl.col("rul")).abs()
        - (pl.min_horizontal("mean_champion", 30.0) - pl.col("rul")).abs()
    )
    per_life = both.group_by("unit").agg(pl.col("d").mean())["d"].to_numpy()
    assert one.mae.se == pytest.approx(per_life.std(ddof=1) / 3.0)


def test_only_rows_that_both_answered_count() -> None:
    mine = answers(6, off=0.0).with_columns(mean=pl.when(pl.col("rul") > 20).then(None).otherwise("mean"))
    mine = mine.with_columns(refused=pl.col("mean").is_null())
    one = compared(mine, answers(6, off=0.0))
    assert one.rows == 6 * 21
    assert one.refused.difference == pytest.approx(9 / 30)


def test_other_folds_are_said() -> None:
    moved = answers(6, off=0.0).with_columns(fold=(pl.col("fold") + 1) % 3)
    assert compared(moved, answers(6, off=0.0)).same_folds is False


def test_what_a_model_says_itself_of_unseen_rows_is_the_replay() -> None:
    alone = answers(6, off=0.0, how="unseen")
    assert compare(pairs(alone, answers(6, off=0.0)), "folds", cap=30.0) is None
    one = compared(alone, answers(6, off=0.0), "replay")
    assert (one.candidate_how, one.champion_how, one.same_folds) == ({"unseen": 180}, {"fold": 180}, None)


@pytest.mark.parametrize(
    ("candidate", "champion", "said"),
    [
        (answers(12, off=4.0), answers(12, off=3.0), "its error is larger"),
        (answers(12, off=3.0, band=0.5), answers(12, off=3.0, band=10.0), "interval score of its band is larger"),
        (answers(12, off=3.0).with_columns(refused=pl.col("rul") > 10), answers(12, off=3.0), "gives no number"),
    ],
    ids=["error", "band", "refusals"],
)
def test_what_is_worse_is_refused_in_words(candidate: pl.DataFrame, champion: pl.DataFrame, said: str) -> None:
    assert any(said in reason for reason in reasons_against(compared(candidate, champion, "all"), RULES))


def test_an_equal_one_and_a_better_one_are_not_refused() -> None:
    for off in (3.0, 2.0):
        assert reasons_against(compared(answers(12, off=off, seed=4), answers(12, off=3.0), "all"), RULES) == []


def paired(candidate: float, champion: float, se: float) -> Paired:
    return Paired(candidate, champion, candidate - champion, se)


@pytest.mark.parametrize(
    ("paired_", "is_worse"),
    [
        (paired(102.0, 100.0, 0.1), False),  # sure, and of no matter
        (paired(104.0, 100.0, 0.1), True),  # sure
        (paired(104.0, 100.0, 2.0), False),  # chance
        (paired(90.0, 100.0, 0.1), False),
        (paired(104.0, 100.0, float("nan")), False),
    ],
)
def test_worse_is_sure_and_of_matter(paired_: Paired, is_worse: bool) -> None:
    assert paired_.is_worse_by(RULES.negligible, RULES.sure) is is_worse


def test_surely_better_is_asked_on_all_lives_and_on_the_folds() -> None:
    def one(off: float, basis: str, lives: int = 12) -> Comparison:
        return compared(answers(lives, off=off, seed=3), answers(lives, off=3.0), basis)

    assert proven_better([one(1.0, "folds"), one(1.0, "all")], RULES)
    assert not proven_better([one(3.0, "folds"), one(1.0, "all")], RULES)
    assert not proven_better([one(1.0, "folds"), one(3.0, "all")], RULES)
    assert not proven_better([one(1.0, "all", lives=4)], RULES)
    assert not proven_better([], RULES)


def test_a_verdict_for_programs_has_no_number_that_json_does_not_know() -> None:
    one = dataclasses.replace(
        compared(answers(6, off=0.0), answers(6, off=0.0)), rmse=paired(1.0, 1.0, float("nan"))
    )
    verdict = Verdict("2", "1", passed=True, reasons=("equal",), comparisons=(one,))
    document = json.loads(json.dumps(verdict.as_json(), allow_nan=False))
    assert document["comparisons"][0]["rmse"]["se"] is None


def test_candidates_made_worse_are_refused_and_honest_ones_mostly_promoted() -> None:
    """The whole gate on a small fleet; all fifty are in `wearcast benchmark champion`."""
    command = [sys.executable, str(BENCHMARK), "--each", "1", "--honest", "2", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    document = json.loads(result.stdout)
    figures = document["figures"]
    assert (figures["bad_challengers"], figures["bad_challengers_promoted"]) == (5, 0)
    assert figures["leaks_named"] == figures["leaks"] == 1
    assert figures["honest_challengers_promoted"] >= 1, document["tables"]["candidates"]


def test_nothing_of_the_serving_side_reads_what_a_shadow_says() -> None:
    serving = Path(__file__).parents[3] / "serving"
    files = [file for file in serving.rglob("*.py") if "shadow_predictions" in file.read_text("utf-8").lower()]
    assert files == []
