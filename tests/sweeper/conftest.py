"""A ready MLflow store for tests that write to one: making its tables takes seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def blank_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with MLflow's tables and nothing in them; made for the first who asks."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    from sweeper.tracking.store import make_store

    make_store(f"sqlite:///{path}")
    return path


@pytest.fixture
def ready_store(blank_store: Path, tmp_path: Path) -> None:
    """Put a copy of it where `small_sweep` has its store."""
    shutil.copy(blank_store, tmp_path / blank_store.name)
