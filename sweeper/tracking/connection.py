"""Where MLflow is, whether it answers, and how a new store is made without a race."""

from __future__ import annotations

import fcntl
import http.client
import os
import re
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sweeper.errors import UserError
from sweeper.tracking.database import check_database

__all__ = ["Unwell", "alone", "artifact_location", "check_address", "settle", "unmade_store"]

PATIENCE, PAUSE = 3.0, 0.05
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
EXAMPLES = "use sqlite:///mlflow.db, or the address of a server (http://host:5000)"


class Unwell(UserError):
    """There is a server at the address, and it is too slow or too ill to serve now."""


def settle() -> None:
    """MLflow's settings, before it is imported; what the user has set stands.

    It would itself repeat a call that was cut off, `create_run` too, and so make runs twice; and
    print the address of every run that ends on a server, where a script reads JSON.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


def check_address(uri: str) -> None:
    """`UserError` if nothing answers at the tracking URI; MLflow itself is not imported.

    `Unwell` if somebody does, but late or with an error of its own.
    """
    scheme = urllib.parse.urlsplit(uri).scheme
    if scheme in ("http", "https"):
        _check_server(uri)
    elif scheme == "sqlite":
        _check_sqlite(uri)
    elif scheme in ("", "file"):
        raise UserError(
            f"tracking {uri!r} is a folder, and MLflow writes to databases and "
            f"servers only; {EXAMPLES}"
        )
    elif scheme.split("+")[0] in ("postgresql", "mysql", "mssql"):
        check_database(uri)
    else:
        raise UserError(f"tracking {uri!r} is no address that MLflow can write to; {EXAMPLES}")


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """Keep other drivers away from a SQLite store: two that create its tables at once crash."""
    path = _sqlite_path(uri)
    if path is None:
        yield
        return
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unmade_store(uri: str) -> Path | None:
    """The file of a SQLite store that has no tables yet; None for every other store."""
    path = _sqlite_path(uri)
    if path is None or not path.exists():
        return path
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
        return None if database.execute("SELECT 1 FROM sqlite_master").fetchone() else path


def artifact_location(uri: str, experiment: str, storage: Path) -> str | None:
    """Beside a SQLite file, in the storage for another database; a server knows its own place.

    MLflow's own choice would be the working folder, which is another one tomorrow.
    """
    if uri.startswith(("http://", "https://")):
        return None
    path = _sqlite_path(uri)
    root = path.resolve().parent if path else storage.resolve()
    return (root / "mlruns" / re.sub(r"[^\w.-]+", "_", experiment)).as_uri()


def _check_server(uri: str) -> None:
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=PATIENCE):
            return
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            raise UserError(
                f"the MLflow server at {uri} refuses us ({error.code}); start it with "
                "--allowed-hosts for the name that you use, or give it "
                "MLFLOW_TRACKING_USERNAME and _PASSWORD"
            ) from error
        kind = Unwell if error.code >= 500 else UserError
        raise kind(
            f"{uri} answers, but not as a healthy MLflow server (GET /health: "
            f"{error.code}); look at its log, or {EXAMPLES}"
        ) from error
    except (TimeoutError, http.client.HTTPException, ConnectionResetError) as error:
        raise Unwell(
            f"{uri} takes connections and does not answer (GET /health: {error}); look "
            f"at its log, or {EXAMPLES}"
        ) from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        raise UserError(
            f"no MLflow server answers at {uri} ({cause}); start it (mlflow server), "
            f"correct `tracking`, or {EXAMPLES}"
        ) from error


def _check_sqlite(uri: str) -> None:
    """Open the file; WAL lets the user interface read while the sweep writes, and is faster."""
    path = _sqlite_path(uri)
    if path is None:
        return
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            _log_ahead(database)
        writable = os.access(path, os.W_OK)
    except (sqlite3.Error, OSError) as error:
        seen = _why_not(path) if "unable to open" in str(error) else None
        raise _unusable(path, seen or str(error)) from error
    if not writable:
        raise _unusable(path, "it is read-only")


def _log_ahead(database: sqlite3.Connection) -> None:
    """Set WAL; where two do so at once, SQLite fails one of them, and does not let it wait."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(PAUSE)


def _unusable(path: Path, cause: str) -> UserError:
    return UserError(
        f"the tracking file {path} cannot be used: {cause}; mend that, or name "
        "another file, such as sqlite:///mlflow.db"
    )


def _why_not(path: Path) -> str | None:
    """Why SQLite cannot open a file, where that can be seen."""
    folder = path.parent
    if path.is_dir():
        return "it is a folder"
    if not folder.is_dir():
        missing = "is no folder" if folder.exists() else "does not exist"
        return f"the folder {folder} {missing}"
    place = path if path.exists() else folder
    return None if os.access(place, os.W_OK) else f"nothing can be written to {place}"


def _sqlite_path(uri: str) -> Path | None:
    if not uri.startswith("sqlite:///"):
        return None
    name = uri.removeprefix("sqlite:///").partition("?")[0]
    return None if name in ("", ":memory:") else Path(name)
