"""Check that MLflow's tracking store can be used, and keep other drivers from it meanwhile."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from analysis.sources.tracking_address import is_server, sqlite_path, without_password
from sweeper.errors import UserError
from sweeper.storage.addresses import require_password
from sweeper.tracking.database import check_database, check_database_takes
from sweeper.tracking.server_check import EXAMPLES, check_server, check_server_takes
from sweeper.tracking.store_file import foresee_file, open_file

__all__ = [
    "alone",
    "check_address",
    "check_takes",
    "first_line",
    "foresee_address",
    "settle",
    "unmade_store",
]

PATIENCE = 10.0  # seconds
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
DATABASES = ("postgresql", "mysql", "mssql")


def settle() -> None:
    """Set MLflow's environment variables before it is imported, except those the user has set.

    Without them MLflow would repeat interrupted calls, `create_run` too, and so create runs twice;
    and print the address of every run that ends on a server into JSON output.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def first_line(error: Exception) -> str:
    """The first line of a library's message, without the passwords of addresses in it."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return without_password(line)


def check_address(uri: str) -> None:
    """Raise `UserError` if the tracking URI does not answer; MLflow itself is not imported.

    Raises `Unwell` if a server answers too slowly, or with an error of its own.
    """
    foresee_address(uri)
    path, scheme = sqlite_path(uri), _scheme(uri)
    if path is not None:
        open_file(uri, path)
    elif is_server(uri):
        check_server(uri, PATIENCE)
    elif scheme in DATABASES:
        check_database(uri)


def check_takes(uri: str, experiment: str | None = None) -> None:
    """Write to a store that `check_address` has found, and raise `Refused` if it refuses that.

    Also `Unwell`, if a server is ill. experiment : as in `check_server_takes`.
    """
    if is_server(uri):
        check_server_takes(uri, experiment)
    elif _scheme(uri) in DATABASES:
        check_database_takes(uri)


def foresee_address(uri: str) -> None:
    """What `check_address` finds without asking a server, and without making a file."""
    require_password(uri)
    path, scheme = sqlite_path(uri), _scheme(uri)
    shown = without_password(uri)
    if path is not None:
        foresee_file(uri, path)
    elif scheme in ("", "file"):
        raise UserError(
            f"tracking {shown!r} is a folder, and MLflow writes to databases and "
            f"servers only; {EXAMPLES}"
        )
    elif scheme not in ("http", "https", "sqlite", *DATABASES):
        raise UserError(f"tracking {shown!r} is no address that MLflow can write to; {EXAMPLES}")


def _scheme(uri: str) -> str:
    """The part before the colon, without the driver of a database."""
    return urllib.parse.urlsplit(uri).scheme.split("+")[0]


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """Lock a SQLite store during the block: two drivers that create its tables at once crash."""
    path = sqlite_path(uri)
    if path is None:
        yield
        return
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unmade_store(uri: str) -> Path | None:
    """The file of a SQLite store that has no tables yet; None for every other store."""
    path = sqlite_path(uri)
    if path is None or not path.exists():
        return path
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
        return None if database.execute("SELECT 1 FROM sqlite_master").fetchone() else path
