"""Read the tables of a tracking database directly, which takes seconds for thousands of runs.

It never writes or migrates: a table or column that is missing in a store of another version is
reported. A missing SQLite file is an error and is not created.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from analysis.errors import LoadError, NoAnswer
from analysis.sources.mlflow_runs import Run
from analysis.sources.tracking_address import sqlite_address, sqlite_path, without_password

__all__ = ["SqlStore", "database_url", "is_database"]

RUNS = """SELECT run_uuid, status, start_time, end_time FROM runs
          WHERE experiment_id = :experiment AND lifecycle_stage = 'active'"""
OF_RUNS = """SELECT t.run_uuid, t.key, {columns} FROM {table} t JOIN runs r
             ON r.run_uuid = t.run_uuid
             WHERE r.experiment_id = :experiment AND r.lifecycle_stage = 'active'"""
HISTORY = """SELECT m.run_uuid AS run, m.key AS metric, m.step AS step, m.timestamp AS time_ms,
             m.value AS value, m.is_nan AS is_nan FROM metrics m JOIN runs r
             ON r.run_uuid = m.run_uuid
             WHERE r.experiment_id = :experiment AND r.lifecycle_stage = 'active'"""
FEW = 500
DRIVERS = {"postgresql": "psycopg2-binary", "mysql": "pymysql"}


def is_database(uri: str) -> bool:
    return uri.startswith(("sqlite:", "postgresql:", "postgresql+", "mysql:", "mysql+"))


@dataclass(frozen=True)
class SqlStore:
    """A tracking store behind a database address."""

    uri: str

    def runs(self, experiment: str) -> list[Run]:
        with self._connection() as connection:
            key = self._experiment(connection, experiment)
            found = connection.execute(sa.text(RUNS), {"experiment": key}).all()
            params = _by_run(connection, "params", key)
            tags = _by_run(connection, "tags", key)
            metrics, steps = _last_values(connection, key)
        return [
            Run(
                run,
                status,
                start or 0,
                end,
                params.get(run, {}),
                tags.get(run, {}),
                metrics.get(run, {}),
                steps.get(run),
            )
            for run, status, start, end in found
        ]

    def history(self, runs: Sequence[Run]) -> pd.DataFrame:
        if not runs:
            return pd.DataFrame(columns=["run", "metric", "step", "time_ms", "value"])
        with self._connection() as connection:
            owner = sa.text("SELECT experiment_id FROM runs WHERE run_uuid = :run")
            key = connection.execute(owner, {"run": runs[0].id}).scalar_one()
            query, values = HISTORY, {"experiment": key}
            if len(runs) <= FEW:
                query += f" AND m.run_uuid IN ({', '.join(f':r{i}' for i in range(len(runs)))})"
                values |= {f"r{i}": run.id for i, run in enumerate(runs)}
            frame = pd.read_sql_query(sa.text(query), connection, params=values)
        frame.loc[frame.pop("is_nan").astype(bool), "value"] = np.nan
        return frame[frame["run"].isin([run.id for run in runs])]

    def _experiment(self, connection: sa.Connection, name: str) -> int:
        if not sa.inspect(connection).has_table("experiments"):
            raise LoadError(
                f"the tracking store {without_password(self.uri)} has no tables of MLflow yet; "
                "name the store that the sweep wrote to, or run the grid (again)"
            )
        query = "SELECT experiment_id, name FROM experiments WHERE lifecycle_stage = 'active'"
        known = {row.name: row.experiment_id for row in connection.execute(sa.text(query))}
        if name not in known:
            raise LoadError(
                f"no experiment {name!r} in {without_password(self.uri)}; experiments there: "
                f"{', '.join(sorted(known))}"
            )
        key: int = known[name]
        return key

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        url = database_url(self.uri)
        file = sqlite_path(self.uri)
        if url.get_backend_name() == "sqlite" and not (file and file.is_file()):
            raise LoadError(
                f"there is no tracking database at {file or self.uri}; name the store "
                "that the sweep wrote to"
            )
        try:
            engine = sa.create_engine(url, connect_args=_patience(url), poolclass=sa.NullPool)
        except ImportError as error:
            raise LoadError(
                f"no driver for {without_password(self.uri)} ({error}): "
                f"pip install {DRIVERS.get(url.get_backend_name(), 'its driver')}"
            ) from error
        try:
            with engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise NoAnswer(f"cannot read {without_password(self.uri)}: {reason}") from error
        finally:
            engine.dispose()


def database_url(uri: str) -> sa.URL:
    """The address; a PostgreSQL address without a driver gets the one that is installed."""
    if file := sqlite_path(uri):
        return sa.make_url(sqlite_address(file))
    url = sa.make_url(uri)
    if url.drivername == "postgresql":
        driver = "psycopg2" if find_spec("psycopg2") else "psycopg"
        return url.set(drivername=f"postgresql+{driver}")
    return url


def _patience(url: sa.URL) -> dict[str, Any]:
    """The connection arguments that set the timeouts for locks and answers."""
    return {"timeout": 30} if url.get_backend_name() == "sqlite" else {"connect_timeout": 10}


def _by_run(connection: sa.Connection, table: str, key: int) -> dict[str, dict[str, str]]:
    query = sa.text(OF_RUNS.format(columns="t.value", table=table))
    found: dict[str, dict[str, str]] = {}
    for run, name, value in connection.execute(query, {"experiment": key}).all():
        found.setdefault(run, {})[name] = value
    return found


def _last_values(
    connection: sa.Connection, key: int
) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    """The last value of each metric, and the largest step, by run."""
    query = sa.text(OF_RUNS.format(columns="t.value, t.is_nan, t.step", table="latest_metrics"))
    found: dict[str, dict[str, float]] = {}
    steps: dict[str, int] = {}
    for run, name, value, is_nan, step in connection.execute(query, {"experiment": key}).all():
        found.setdefault(run, {})[name] = float("nan") if is_nan else value
        steps[run] = max(steps.get(run, 0), step)
    return found, steps
