"""A store as the migrations make it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.store import Store


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store: migrated once, copied for each test."""
    file = tmp_path_factory.mktemp("store") / "store.db"
    made = Store(f"sqlite:///{file}")
    made.migrate()
    made.close()
    return file


@pytest.fixture
def store(tmp_path: Path, migrated: Path) -> Iterator[Store]:
    """An empty store."""
    shutil.copy(migrated, tmp_path / "store.db")
    made = Store(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()
