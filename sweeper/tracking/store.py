"""Open an MLflow store, and create a new SQLite store atomically."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from mlflow.tracking import MlflowClient

from analysis.sources.tracking_address import sqlite_address
from sweeper.tracking.artifact_place import bring_artifacts_along
from sweeper.tracking.connection import check_address, unmade_store
from sweeper.tracking.database import with_driver

__all__ = ["make_store", "quiet_client", "writing_client"]


def quiet_client(uri: str) -> MlflowClient:
    """A client that prints nothing but errors."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=with_driver(uri))


def writing_client(uri: str, experiment: str) -> MlflowClient:
    """A client that may write files: those of the experiment lie beside a store that was moved."""
    bring_artifacts_along(uri, experiment)
    return quiet_client(uri)


def make_store(uri: str) -> None:
    """Create a new SQLite store under a temporary name, and rename it when it is complete.

    MLflow creates its tables in dozens of steps, and cannot open a store if it was killed during
    one of them.
    """
    path = unmade_store(uri)
    if path is None:
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as own:
        staged = Path(own) / path.name
        quiet_client(sqlite_address(staged)).search_experiments(max_results=1)
        with closing(sqlite3.connect(staged)) as database:  # the WAL file would not be renamed
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if unmade_store(uri):  # no other process has created it meanwhile
            staged.replace(path)
    check_address(uri)
