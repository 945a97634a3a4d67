"""Asset checks: freshness, schema, quality, coverage."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg
import polars as pl

from features.core.tables import FEATURE_ROWS, MEASUREMENTS, PREDICTIONS, QUARANTINE
from pipelines.defs.opener import WalkOpener

__all__ = ["build_checks"]

# More refused or bad rows than this in the last day say that a sensor or a historian is ill.
TOLERATED_BAD_SHARE = 0.2

# Fewer machines with feature rows than this say that part of the plant is not seen.
NEEDED_COVERAGE = 0.8

_DAY = dt.timedelta(days=1)


def build_checks() -> Sequence[dg.AssetChecksDefinition]:
    """The checks of all assets."""

    @dg.asset_check(asset="measurements", name="freshness")
    def freshness(opener: WalkOpener) -> dg.AssetCheckResult:
        """Every group of machines has been read to less than two days ago."""
        walk = opener.open()
        groups = {machine.group for machine in walk.plant.machines}
        marks = {
            f"{source}/{group}": walk.lake.watermark(MEASUREMENTS, source, group)
            for source in walk.settings.sources
            for group in groups
        }
        stale = [name for name, mark in marks.items() if mark is None or walk.clock.now() - mark > 2 * _DAY]
        return dg.AssetCheckResult(passed=not stale, metadata={"stale": ", ".join(stale) or "none"})

    @dg.asset_check(asset="feature_rows", name="schema")
    def schema(opener: WalkOpener) -> dg.AssetCheckResult:
        """The stored table has the declared columns and types."""
        found = opener.open().lake.read(FEATURE_ROWS).collect_schema()
        return dg.AssetCheckResult(passed=found == FEATURE_ROWS.schema)

    @dg.asset_check(asset="measurements", name="quality")
    def quality(opener: WalkOpener) -> dg.AssetCheckResult:
        """Few of the last day's rows are bad or in quarantine."""
        walk = opener.open()
        since = walk.clock.now() - 2 * _DAY
        codes = walk.lake.read(MEASUREMENTS, since=since).select("quality").collect()["quality"]
        refused = walk.lake.read(QUARANTINE).filter(pl.col("time") >= since).select(pl.len()).collect().item()
        bad = int((codes == 0).sum()) + int(refused)
        share = bad / max(len(codes) + int(refused), 1)
        return dg.AssetCheckResult(passed=share <= TOLERATED_BAD_SHARE, metadata={"share_bad": share, "bad": bad})

    @dg.asset_check(asset="predictions", name="coverage")
    def coverage(opener: WalkOpener) -> dg.AssetCheckResult:
        """Most components have a statement of the last two days."""
        walk = opener.open()
        rows = (
            walk.lake.read(PREDICTIONS, since=walk.clock.now() - 2 * _DAY).select("machine_id", "slot").collect()
        )
        said = rows.unique().height
        asked = sum(len(machine.components) for machine in walk.plant.machines)
        return dg.AssetCheckResult(passed=said >= NEEDED_COVERAGE * asked, metadata={"said": said, "asked": asked})

    return [freshness, schema, quality, coverage]
