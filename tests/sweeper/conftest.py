"""A ready MLflow store for tests that write to one, and training without checks of shapes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shapes import unchecked


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


@pytest.fixture
def other_store(blank_store: Path, tmp_path: Path) -> str:
    """The address of another copy."""
    shutil.copy(blank_store, tmp_path / "other.db")
    return f"sqlite:///{tmp_path}/other.db"


@pytest.fixture
def by_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all go to a store by the calls of MLflow's client, as to a server."""
    from sweeper.tracking import run_files
    from sweeper.tracking.run_rows import RunRows

    monkeypatch.setattr(RunRows, "of", lambda *_: None)
    monkeypatch.setattr(run_files, "folder_at", lambda _: None)


@pytest.fixture(scope="module", autouse=True)
def shapes_unchecked() -> Iterator[None]:
    """The tests of `trainers` check the shapes; these train to test something else."""
    with unchecked():
        yield


@pytest.fixture(autouse=True)
def no_components_of_the_users_own() -> Iterator[None]:
    """What the grids of one test bring is not known to the next."""
    yield
    from trainers import component_files

    component_files.offer(())
