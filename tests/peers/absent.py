"""Real systems that are not here: a skip on a laptop, a failure where they must be."""

import os
from collections.abc import Mapping
from typing import NoReturn

import pytest

__all__ = ["absent"]


def absent(reason: str, environment: Mapping[str, str] = os.environ) -> NoReturn:
    """Skip with the reason; fail with it when `ERP_PEERS` is 1, as it is in CI."""
    if environment.get("ERP_PEERS") == "1":
        pytest.fail(f"ERP_PEERS is 1, but {reason}")
    pytest.skip(reason)
