"""Arrays to rows of `feature_rows` and back."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from features.core.plant import Component, Machine
from features.core.tables import FEATURE_ROWS
from features.registry import FeatureSet, reason_of

__all__ = ["feature_rows", "matrix"]


def matrix(rows: pl.DataFrame) -> np.ndarray:
    """Feature values of rows of one feature set.

    Args:
        rows: Rows of `feature_rows` with equally long `values`.

    Returns:
        float64 [n, features], NaN where null; [0, 0] without rows.

    Example:
        >>> matrix(pl.DataFrame({"values": [[1.0, None], [3.0, 4.0]]}))
        array([[ 1., nan],
               [ 3.,  4.]])
    """
    if rows.is_empty():
        return np.zeros((0, 0))
    flat = rows.get_column("values").explode(empty_as_null=False).cast(pl.Float64)
    return np.array(flat.fill_null(float("nan")).to_numpy(), dtype=np.float64).reshape(rows.height, -1)


def feature_rows(
    machine: Machine,
    component: Component,
    names: FeatureSet,
    columns: dict[str, np.ndarray],
    values: np.ndarray,
    codes: np.ndarray,
) -> pl.DataFrame:
    """Rows of `feature_rows`.

    Args:
        machine: Whose rows they are.
        component: Whose rows they are.
        names: The feature set.
        columns: `time` and `available_at` in microseconds since 1970, `running` (1, 0, -1 for not
            known), `age`, `age_known`.
        values: float64 [n, features].
        codes: Refusal codes of the same shape.
    """
    n = len(values)
    if n == 0:
        return FEATURE_ROWS.empty()
    running = pl.Series(columns["running"])
    frame = pl.DataFrame(
        {
            "group": pl.repeat(machine.group, n, eager=True),
            "machine_id": pl.repeat(machine.id, n, eager=True),
            "slot": pl.repeat(component.slot, n, eager=True),
            "component_class": pl.repeat(component.component_class, n, eager=True),
            "fingerprint": pl.repeat(names.fingerprint, n, eager=True),
            "time": pl.Series(columns["time"]).cast(pl.Datetime("us", "UTC")),
            "available_at": pl.Series(columns["available_at"]).cast(pl.Datetime("us", "UTC")),
            "running": (running == 1).set(running < 0, None),
            "age": pl.Series(columns["age"]).fill_nan(None),
            "age_known": pl.Series(columns["age_known"]),
            "values": _lists(pl.Series(values.ravel()).fill_nan(None), np.full(n, values.shape[1])),
            "refusals": _refusals(names.names, codes),
        }
    )
    return FEATURE_ROWS.check(frame.with_columns(date=pl.col("time").dt.date()))


def _refusals(names: Sequence[str], codes: np.ndarray) -> pl.Series:
    rows, features = np.nonzero(codes)
    kinds, which = np.unique(features * 128 + codes[rows, features], return_inverse=True)
    texts = pl.Series(
        [f"{names[kind // 128]}: {reason_of(kind % 128).value}" for kind in kinds.tolist()], dtype=pl.String
    )
    return _lists(texts.gather(which), np.bincount(rows, minlength=len(codes)))


def _lists(flat: pl.Series, lengths: np.ndarray) -> pl.Series:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    listed = pa.LargeListArray.from_arrays(pa.array(offsets), flat.to_arrow())
    return pl.Series(pl.from_arrow(listed))
