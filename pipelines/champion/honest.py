"""Answers that a model gave, or gives, to rows it has not seen, and by which right they count.

fold    out of fold, from the model's own cross-validation
unseen  by the model itself: no row of that life was in its training
later   by the model itself: the row came at least one memory after everything it has learnt
"""

from collections.abc import Collection, Iterator

import polars as pl

from features.core.statements import Prediction
from features.rul.artefact import Artefact
from features.rul.predict import predict_rows
from pipelines.champion.contender import Contender
from pipelines.champion.judged import Judged

__all__ = ["honest_answers", "told_by"]

_TIME = pl.Datetime("us", "UTC")
_NUMBERS = ("mean", "p10", "p50", "p90")
_TOLD: dict[str, pl.DataType | type[pl.DataType]] = {
    "unit": pl.String,
    "time": _TIME,
    **dict.fromkeys(_NUMBERS, pl.Float64),
}


def honest_answers(of: Contender, judged: Judged) -> pl.DataFrame:
    """Rows of failed lives with what the model says of them without having seen them.

    Columns: component, unit, time, rul (not capped), fold (null unless out of fold), mean, p10, p50, p90 (null:
    no band), how (`fold`, `unseen`, `later`), refused (it gives no number; only by itself, never out of fold).
    """
    key = (of.name, of.version)
    if key not in judged.told:
        judged.told[key] = _asked(of, judged)
    return judged.told[key]


def _asked(of: Contender, judged: Judged) -> pl.DataFrame:
    truth, empty = judged.truth, of.answers is None
    out_of_fold = (
        truth.clear().with_columns(fold=pl.lit(0, pl.Int64), **{n: pl.lit(0.0) for n in _NUMBERS})
        if empty
        else truth.join(of.answers.drop("unit"), on=["component", "time"], how="inner")  # type: ignore[union-attr]  # not None
    ).with_columns(how=pl.lit("fold"), refused=pl.lit(value=False))
    rest = truth.filter(~pl.col("unit").is_in(out_of_fold["unit"].unique().to_list()))
    seen = _seen(of, truth)
    rest = rest.with_columns(
        how=pl.when(pl.col("unit").is_in(list(seen))).then(pl.lit("later")).otherwise(pl.lit("unseen"))
    )
    rest = rest.filter((pl.col("how") == "unseen") | (pl.col("time") > of.as_of + judged.memory))
    if rest.is_empty():
        return out_of_fold
    said = told_by(of.artefact, judged, rest["unit"].unique().to_list(), name=of.name, version=of.version)
    own = rest.join(said, on=["unit", "time"], how="inner").with_columns(
        fold=pl.lit(None, pl.Int64), refused=pl.col("mean").is_null()
    )
    return pl.concat([out_of_fold, own.select(out_of_fold.columns)])


def told_by(
    artefact: Artefact, judged: Judged, units: Collection[str], *, name: str, version: str
) -> pl.DataFrame:
    """What an artefact says of every row of some lives, each as of its own `available_at`; null: a refusal."""
    said: list[tuple[object, ...]] = []
    for unit, rows in _lives(judged.rows(units, artefact.fingerprint)):
        machine = judged.plant.machine(str(rows["machine_id"][0]))
        component = machine.component(str(rows["slot"][0]))
        statements = predict_rows(
            artefact,
            rows,
            machine=machine,
            component=component,
            component_class=judged.plant.component_class(component.component_class),
            life_number=0,
            model_name=name,
            model_version=version,
        )
        for time, statement in zip(rows["time"], statements, strict=True):
            numbers = (
                [getattr(statement, n) for n in _NUMBERS] if isinstance(statement, Prediction) else [None] * 4
            )
            said.append((unit, time, *numbers))
    return pl.DataFrame(said, schema=_TOLD, orient="row")


def _lives(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (unit,), own in sorted(rows.partition_by("unit", as_dict=True).items()):
        yield str(unit), own.drop("unit").sort("time")


def _seen(of: Contender, truth: pl.DataFrame) -> set[str]:
    """Lives of the truth of which the model has seen a row, whatever number the life had then."""
    spans = truth.group_by("unit", "component").agg(begin=pl.col("time").min(), end=pl.col("time").max())
    if of.held_out is None:
        # Nothing is known about its lives but when it was trained.
        return set(spans.filter(pl.col("begin") <= of.as_of)["unit"])
    both = spans.join(of.held_out.lives.select("component", "first", "last"), on="component")
    return set(both.filter(pl.col("first") <= pl.col("end"), pl.col("last") >= pl.col("begin"))["unit"])
