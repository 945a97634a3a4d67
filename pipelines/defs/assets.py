"""One asset a stage of the walk."""

import collections
from collections.abc import Sequence

import dagster as dg

from features.core.statements import Prediction
from features.core.tables import SENSOR_STATES
from pipelines.defs.opener import WalkOpener, as_of_of
from pipelines.settings import PipelineSettings

__all__ = ["build_assets"]

_RETRY = dg.RetryPolicy(max_retries=3, delay=10.0, backoff=dg.Backoff.EXPONENTIAL)


def build_assets(settings: PipelineSettings) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets, partitioned by day from the first day of the history on."""
    days = dg.DailyPartitionsDefinition(start_date=settings.history_from.isoformat(), end_offset=1)
    single_run = dg.BackfillPolicy.single_run()

    @dg.asset(
        group_name="acquisition",
        partitions_def=days,
        backfill_policy=single_run,
        retry_policy=_RETRY,
        kinds={"delta"},
    )
    def measurements(context: dg.AssetExecutionContext, opener: WalkOpener) -> dg.MaterializeResult[None]:
        """Rows and waveforms of every historian, from its watermark to the end of the day."""
        walk = opener.open()
        reports = walk.ingest(until=as_of_of(context, walk))
        totals = {
            name: sum(getattr(report, name) for report in reports)
            for name in ("rows", "waveforms", "quarantined", "duplicates", "events")
        }
        return dg.MaterializeResult(metadata=totals)

    @dg.asset(
        group_name="state_detection",
        partitions_def=days,
        backfill_policy=single_run,
        deps=[measurements],
        kinds={"delta"},
    )
    def sensor_states(context: dg.AssetExecutionContext, opener: WalkOpener) -> dg.MaterializeResult[None]:
        """Health of the sensors themselves (NAMUR NE 107), as judged while their rows came in."""
        walk = opener.open()
        start = context.partition_time_window.start
        states = (
            walk.lake.read(SENSOR_STATES, since=start, until=as_of_of(context, walk)).select("state").collect()
        )
        return dg.MaterializeResult(metadata=dict(collections.Counter(states["state"].to_list())))

    @dg.asset(
        group_name="manipulation",
        partitions_def=days,
        backfill_policy=single_run,
        deps=[measurements],
        kinds={"delta"},
    )
    def feature_rows(context: dg.AssetExecutionContext, opener: WalkOpener) -> dg.MaterializeResult[None]:
        """Features of every component at every grid step that has data."""
        walk = opener.open()
        return dg.MaterializeResult(metadata={"rows": walk.features(as_of=as_of_of(context, walk))})

    @dg.asset(
        group_name="health_assessment",
        partitions_def=days,
        backfill_policy=single_run,
        deps=[measurements],
        kinds={"delta"},
    )
    def lives(context: dg.AssetExecutionContext, opener: WalkOpener) -> dg.MaterializeResult[None]:
        """Lives of components with their failures and suspensions, as known at the end of the day."""
        walk = opener.open()
        endings = walk.lives(as_of=as_of_of(context, walk))["ending"].to_list()
        return dg.MaterializeResult(metadata=dict(collections.Counter(endings)))

    @dg.asset(group_name="prognostics", deps=[feature_rows, lives], kinds={"lightgbm", "mlflow"})
    def rul_models(context: dg.AssetExecutionContext, opener: WalkOpener) -> dg.MaterializeResult[None]:
        """One remaining-useful-life model a component class; promoted when no worse than the champion."""
        walk = opener.open()
        metadata: dict[str, dg.MetadataValue] = {}
        for component_class in walk.plant.component_classes:
            trained = walk.train(component_class.id, as_of=walk.clock.now())
            metadata[component_class.id] = dg.MetadataValue.text(
                f"version {trained.model.version}, {_verdict(trained.promotion.promoted)}: "
                f"{trained.promotion.reason}"
            )
        return dg.MaterializeResult(metadata=metadata)

    @dg.asset(
        group_name="prognostics",
        partitions_def=days,
        backfill_policy=single_run,
        deps=[
            feature_rows,
            lives,
            dg.AssetDep(rul_models, partition_mapping=dg.AllPartitionMapping()),
        ],
        kinds={"delta"},
    )
    def predictions(context: dg.AssetExecutionContext, opener: WalkOpener) -> dg.MaterializeResult[None]:
        """Remaining useful life of every component, or why there is no number."""
        walk = opener.open()
        statements = walk.score(as_of=as_of_of(context, walk))
        numbers = sum(isinstance(statement, Prediction) for statement in statements)
        return dg.MaterializeResult(metadata={"predictions": numbers, "refusals": len(statements) - numbers})

    recommendations = dg.AssetSpec(
        "recommendations",
        group_name="advisory",
        deps=[predictions],
        description="Made by the worker of the serving side, which alone holds ERP rights; shown for the picture.",
    )
    return [measurements, sensor_states, feature_rows, lives, rul_models, predictions, recommendations]


def _verdict(is_promoted: bool) -> str:
    return "promoted" if is_promoted else "not promoted"
