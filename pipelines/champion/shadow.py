"""What a challenger said beside the champion, of the same components at the same moments."""

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from features.core.lake import Lake
from features.core.tables import PREDICTIONS, SHADOW_PREDICTIONS
from pipelines.champion.comparison import Comparison, compare
from pipelines.champion.judged import Judged
from pipelines.champion.verdict import finite

__all__ = ["ShadowReport", "shadow_report"]

_SAID = ("mean", "p10", "p50", "p90", "health_state", "refusal")


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """Champion and shadow side by side.

    Attributes:
        shadow: Version that ran in shadow.
        champion: Versions that predicted meanwhile.
        first: First moment that both spoke of; None: there is none.
        last: The last one.
        statements: Statements of both on the same component at the same moment.
        both_numbers: Of these, both gave a number.
        shadow_refused: The shadow gave none.
        champion_refused: The champion gave none.
        other_state: Statements whose health states differ.
        median_difference: Median of P50, shadow minus champion, life units; None: never both.
        widest: Components whose P50 differ most: component, shadow, champion.
        outcome: Errors of both where the life has ended since; None: of no such life both had spoken.
    """

    shadow: str
    champion: tuple[str, ...]
    first: dt.datetime | None
    last: dt.datetime | None
    statements: int
    both_numbers: int
    shadow_refused: int
    champion_refused: int
    other_state: int
    median_difference: float | None
    widest: tuple[tuple[str, float, float], ...]
    outcome: Comparison | None

    def as_json(self) -> dict[str, Any]:  # Any: a JSON document
        """Everything, for a program; what is not finite is null."""
        document: dict[str, Any] = finite(asdict(self))
        return document


def shadow_report(
    lake: Lake, class_id: str, version: str, *, as_of: dt.datetime, judged: Judged | None = None
) -> ShadowReport:
    """Compares what a version said in shadow with what the champion said at the same moments.

    Args:
        lake: Holds `predictions` and `shadow_predictions`.
        class_id: Component class.
        version: The one that runs, or ran, in shadow.
        as_of: Only what was said by then.
        judged: Lives as known now, for the errors where a life has ended; None: no errors.
    """
    shadow = _said(lake, SHADOW_PREDICTIONS.name, class_id, as_of).filter(pl.col("model_version") == version)
    champion = _said(lake, PREDICTIONS.name, class_id, as_of)
    both = shadow.join(champion, on=["component", "time"], how="inner", suffix="_champion").sort(
        "time", "component"
    )
    numbers = both.filter(pl.col("p50").is_not_null(), pl.col("p50_champion").is_not_null())
    apart = numbers.with_columns(apart=pl.col("p50") - pl.col("p50_champion"))
    newest = apart.group_by("component", maintain_order=True).last()
    widest = newest.sort(pl.col("apart").abs(), descending=True).head(5)
    middle = apart["apart"].median()
    return ShadowReport(
        shadow=version,
        champion=tuple(sorted(both["model_version_champion"].unique())),
        first=both["time"].min(),  # type: ignore[arg-type]  # a column of moments
        last=both["time"].max(),  # type: ignore[arg-type]  # a column of moments
        statements=both.height,
        both_numbers=numbers.height,
        shadow_refused=int(both["refusal"].is_not_null().sum()),
        champion_refused=int(both["refusal_champion"].is_not_null().sum()),
        other_state=int(both["health_state"].ne_missing(both["health_state_champion"]).sum()),
        median_difference=None if middle is None else float(middle),  # type: ignore[arg-type]  # of numbers
        widest=tuple(widest.select("component", "p50", "p50_champion").iter_rows()),
        outcome=None if judged is None else _outcome(both, judged),
    )


def _said(lake: Lake, name: str, class_id: str, as_of: dt.datetime) -> pl.DataFrame:
    """The newest word on each component at each moment."""
    table = SHADOW_PREDICTIONS if name == SHADOW_PREDICTIONS.name else PREDICTIONS
    return (
        lake.read(table, as_of=as_of)
        .filter(pl.col("component_class") == class_id)
        .with_columns(component=pl.format("{}/{}", "machine_id", "slot"))
        .sort("available_at")
        .group_by("component", "time", "model_version")
        .agg(pl.col("data_time", *_SAID).last(), pl.col("available_at").last())
        .sort("available_at")
        .collect()
        .unique(
            ["component", "time"] if table is PREDICTIONS else ["component", "time", "model_version"], keep="last"
        )
    )


def _outcome(both: pl.DataFrame, judged: Judged) -> Comparison | None:
    """Errors of both; what they said is of their newest row, whose remaining life is known by now."""
    rows = both.drop_nulls("data_time").join(
        judged.truth, left_on=["component", "data_time"], right_on=["component", "time"], how="inner"
    )
    missing = pl.lit(None, pl.Int64)
    prepared = rows.with_columns(
        fold=missing,
        fold_champion=missing,
        how=pl.lit("said"),
        how_champion=pl.lit("said"),
        refused=pl.col("mean").is_null(),
        refused_champion=pl.col("mean_champion").is_null(),
    )
    return compare(prepared, "all", cap=judged.cap)
