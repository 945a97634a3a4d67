"""The truth about a simulated plant: a file outside the lake, for evaluation and tests only."""

from pathlib import Path

import polars as pl

from features.core.errors import ConfigError

__all__ = ["TRUTH", "read_truth"]

TRUTH = pl.Schema(
    {
        "machine_id": pl.String(),
        "slot": pl.String(),
        "life_number": pl.Int32(),
        "installed_at": pl.Datetime("us", "UTC"),
        "onset_at": pl.Datetime("us", "UTC"),  # null: no precursor, or not before the end
        "ended_at": pl.Datetime("us", "UTC"),  # null: still running
        "ending": pl.String(),  # failure, preventive, running
        "failure_mode": pl.String(),  # null unless it failed
        "precursor": pl.Boolean(),  # whether the part announces its end
    }
)


def read_truth(path: Path) -> pl.DataFrame:
    """The lives of a truth file, schema `TRUTH`.

    Raises:
        ConfigError: No such file, or it is no truth file.
    """
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as err:
        raise ConfigError(f"truth file {path}: {err}", {"file": str(path)}) from err
    if frame.schema != TRUTH:
        raise ConfigError(
            f"truth file {path}: columns {frame.columns}, not those of a truth file", {"file": str(path)}
        )
    return frame
