"""An MLflow store: its client, and a new SQLite file that is whole or not there."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from mlflow.tracking import MlflowClient

from analysis.sources.tracking_address import sqlite_address
from sweeper.tracking.connection import check_address, unmade_store
from sweeper.tracking.database import with_driver

__all__ = ["make_store", "quiet_client"]


def quiet_client(uri: str) -> MlflowClient:
    """A client that prints nothing but errors."""
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=with_driver(uri))


def make_store(uri: str) -> None:
    """Make a new SQLite store under another name, and move it to its place once it is whole.

    MLflow makes its tables in dozens of steps, and cannot open a store in which a kill has left
    one of them half done.
    """
    path = unmade_store(uri)
    if path is None:
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as own:
        staged = Path(own) / path.name
        quiet_client(sqlite_address(staged)).search_experiments(max_results=1)
        with closing(sqlite3.connect(staged)) as database:  # nothing may stay in a log beside it
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if unmade_store(uri):  # nobody else was faster
            staged.replace(path)
    check_address(uri)
