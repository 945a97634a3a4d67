"""What Dagster loads: `dagster definitions validate -m pipelines.definitions`."""

import dagster as dg

from features.core.telemetry import silence_dependencies

silence_dependencies()

from pipelines.defs.assets import build_assets  # noqa: E402 - after telemetry is off
from pipelines.defs.automation import build_jobs, build_schedules, build_sensor  # noqa: E402
from pipelines.defs.checks import build_checks  # noqa: E402
from pipelines.defs.opener import WalkOpener  # noqa: E402
from pipelines.settings import PipelineSettings  # noqa: E402

__all__ = ["definitions"]


@dg.definitions
def definitions() -> dg.Definitions:
    """All assets, checks, jobs, schedules and the sensor.

    Raises:
        ConfigError: `pipelines.toml` or a WEARCAST_ variable is wrong.
    """
    settings = PipelineSettings.read()
    daily, learn = build_jobs()
    return dg.Definitions(
        assets=build_assets(settings),
        asset_checks=build_checks(),
        jobs=[daily, learn],
        schedules=build_schedules(settings, daily, learn),
        sensors=[build_sensor(daily)],
        resources={"opener": WalkOpener()},
        executor=dg.in_process_executor,
    )
