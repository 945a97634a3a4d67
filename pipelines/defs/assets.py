"""One asset a stage of the walk."""

import collections
from collections.abc import Callable, Sequence

import dagster as dg

from features.core.statements import Prediction
from features.core.tables import SENSOR_STATES
from pipelines.defs.opener import WalkOpener, as_of_of
from pipelines.settings import PipelineSettings

__all__ = ["build_assets"]

_RETRY = dg.RetryPolicy(max_retries=3, delay=10.0, backoff=dg.Backoff.EXPONENTIAL)


Run = dg.MaterializeResult[None]


def build_assets(settings: PipelineSettings) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets, partitioned by day from the first day of the history on."""
    days = dg.DailyPartitionsDefinition(start_date=settings.history_from.isoformat(), end_offset=1)
    measurements = _daily("acquisition", days, retry_policy=_RETRY)(_measurements)
    sensor_states = _daily("state_detection", days, deps=[measurements])(_sensor_states)
    feature_rows = _daily("manipulation", days, deps=[measurements])(_feature_rows)
    lives = _daily("health_assessment", days, deps=[measurements])(_lives)
    rul_models = dg.asset(
        name="rul_models", group_name="prognostics", deps=[feature_rows, lives], kinds={"lightgbm", "mlflow"}
    )(_rul_models)
    any_model = dg.AssetDep(rul_models, partition_mapping=dg.AllPartitionMapping())
    predictions = _daily("prognostics", days, deps=[feature_rows, lives, any_model])(_predictions)
    recommendations = dg.AssetSpec(
        "recommendations",
        group_name="advisory",
        deps=[predictions],
        description="Made by the worker of the serving side, which alone holds ERP rights; shown for the picture.",
    )
    return [measurements, sensor_states, feature_rows, lives, rul_models, predictions, recommendations]


def _daily(
    group: str,
    days: dg.DailyPartitionsDefinition,
    *,
    deps: Sequence[dg.AssetsDefinition | dg.AssetDep] = (),
    retry_policy: dg.RetryPolicy | None = None,
) -> Callable[[Callable[..., Run]], dg.AssetsDefinition]:
    """Makes an asset of the lake, a partition a day, of a function that carries its name."""

    def build(compute: Callable[..., Run]) -> dg.AssetsDefinition:
        return dg.asset(
            name=compute.__name__.removeprefix("_"),
            group_name=group,
            partitions_def=days,
            backfill_policy=dg.BackfillPolicy.single_run(),
            retry_policy=retry_policy,
            deps=deps,
            kinds={"delta"},
        )(compute)

    return build


def _measurements(context: dg.AssetExecutionContext, opener: WalkOpener) -> Run:
    """Rows and waveforms of every historian, from its watermark to the end of the day."""
    walk = opener.open()
    reports = walk.ingest(until=as_of_of(context, walk))
    totals = {
        name: sum(getattr(report, name) for report in reports)
        for name in ("rows", "waveforms", "quarantined", "duplicates", "events")
    }
    return dg.MaterializeResult(metadata=totals)


def _sensor_states(context: dg.AssetExecutionContext, opener: WalkOpener) -> Run:
    """Health of the sensors themselves (NAMUR NE 107), as judged while their rows came in."""
    walk = opener.open()
    start = context.partition_time_window.start
    states = walk.lake.read(SENSOR_STATES, since=start, until=as_of_of(context, walk)).select("state").collect()
    return dg.MaterializeResult(metadata=dict(collections.Counter(states["state"].to_list())))


def _feature_rows(context: dg.AssetExecutionContext, opener: WalkOpener) -> Run:
    """Features of every component at every grid step that has data."""
    walk = opener.open()
    return dg.MaterializeResult(metadata={"rows": walk.features(as_of=as_of_of(context, walk))})


def _lives(context: dg.AssetExecutionContext, opener: WalkOpener) -> Run:
    """Lives of components with their failures and suspensions, as known at the end of the day."""
    walk = opener.open()
    endings = walk.lives(as_of=as_of_of(context, walk))["ending"].to_list()
    return dg.MaterializeResult(metadata=dict(collections.Counter(endings)))


def _rul_models(context: dg.AssetExecutionContext, opener: WalkOpener) -> Run:
    """One remaining-useful-life model a component class; promoted when no worse than the champion."""
    walk = opener.open()
    metadata: dict[str, dg.MetadataValue] = {}
    for component_class in walk.plant.component_classes:
        trained = walk.train(component_class.id, as_of=walk.clock.now())
        metadata[component_class.id] = dg.MetadataValue.text(
            f"version {trained.model.version}, {_verdict(trained.promotion.promoted)}: {trained.promotion.reason}"
        )
    return dg.MaterializeResult(metadata=metadata)


def _predictions(context: dg.AssetExecutionContext, opener: WalkOpener) -> Run:
    """Remaining useful life of every component, or why there is no number."""
    walk = opener.open()
    statements = walk.score(as_of=as_of_of(context, walk))
    numbers = sum(isinstance(statement, Prediction) for statement in statements)
    return dg.MaterializeResult(metadata={"predictions": numbers, "refusals": len(statements) - numbers})


def _verdict(is_promoted: bool) -> str:
    return "promoted" if is_promoted else "not promoted"
