"""Jobs, the daily and the weekly schedule, and the sensor that follows the historian's clock."""

import datetime as dt
from typing import Any, TypeAlias

import dagster as dg

from features.core.tables import MEASUREMENTS
from pipelines.defs.opener import WalkOpener
from pipelines.settings import PipelineSettings
from pipelines.walk import Walk

__all__ = ["build_jobs", "build_schedules", "build_sensor"]

# At most this many days are asked for at one tick, so that a long absence does not flood the queue.
DAYS_A_TICK = 3

AssetJob: TypeAlias = Any  # Any: what `define_asset_job` gives has no public name in Dagster

DAILY = ("measurements", "sensor_states", "feature_rows", "lives", "predictions")


def build_jobs() -> tuple[AssetJob, AssetJob]:
    """`walk_day`: from the historian to predictions; `learn`: models."""
    daily = dg.define_asset_job(
        "walk_day",
        selection=dg.AssetSelection.assets(*DAILY),
        executor_def=dg.in_process_executor,
        description="From the historian to predictions, for one day.",
    )
    learn = dg.define_asset_job(
        "learn",
        selection=dg.AssetSelection.assets("rul_models"),
        executor_def=dg.in_process_executor,
        description="Learn models from lives, compare, promote.",
    )
    return daily, learn


def build_schedules(settings: PipelineSettings, daily: AssetJob, learn: AssetJob) -> list[dg.ScheduleDefinition]:
    """The day before every night, models every week."""
    running = dg.DefaultScheduleStatus.RUNNING

    @dg.schedule(cron_schedule=settings.daily_cron, job=daily, name="nightly", default_status=running)
    def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Processes the day before."""
        yesterday = (context.scheduled_execution_time - dt.timedelta(days=1)).date().isoformat()
        return dg.RunRequest(run_key=f"nightly-{yesterday}", partition_key=yesterday)

    weekly = dg.ScheduleDefinition(
        name="weekly_learning", cron_schedule=settings.train_cron, job=learn, default_status=running
    )
    return [nightly, weekly]


def build_sensor(daily: AssetJob) -> dg.SensorDefinition:
    """Asks for every day that has ended on the walk's clock and is not in the lake yet."""

    @dg.sensor(
        job=daily, name="new_data", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING
    )
    def new_data(context: dg.SensorEvaluationContext, opener: WalkOpener) -> dg.SensorResult | dg.SkipReason:
        """One run a day that has ended since the last one."""
        walk = opener.open()
        done = dt.date.fromisoformat(context.cursor) if context.cursor else _last_day_read(walk)
        ended = walk.clock.now().date() - dt.timedelta(days=1)
        due = [done + dt.timedelta(days=i + 1) for i in range(min((ended - done).days, DAYS_A_TICK))]
        if not due:
            return dg.SkipReason(f"every day up to {done} is in the lake")
        requests = [dg.RunRequest(run_key=f"day-{day}", partition_key=day.isoformat()) for day in due]
        return dg.SensorResult(run_requests=requests, cursor=due[-1].isoformat())

    return new_data


def _last_day_read(walk: Walk) -> dt.date:
    marks = [
        walk.lake.watermark(MEASUREMENTS, source, machine.group)
        for source in walk.settings.sources
        for machine in walk.plant.machines
    ]
    known = [mark for mark in marks if mark is not None]
    start = min(known).date() if known else walk.settings.history_from
    return start - dt.timedelta(days=1)
