"""What tests of all three packages begin with."""

from pathlib import Path

import pytest

from features.core.lake import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake that nobody wrote to yet."""
    return Lake(tmp_path / "lake")
