"""A SQLite file as the tracking store: whether it can be used, and opening it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from sweeper.errors import UserError
from sweeper.tracking.schema_version import QUERY, check_schema

__all__ = ["foresee_file", "open_file"]

PATIENCE, PAUSE = 10.0, 0.05  # seconds
LONGEST_SUFFIX = len("..12345678")  # of the files that are made beside a store


def foresee_file(uri: str, path: Path) -> None:
    """`UserError` where the file of the address cannot be used, or was made by another MLflow.

    Nothing is made or changed by asking.
    """
    try:
        cause = _why_not(path) or _why_not_beside(path)
        found = _read_schema(path) if cause is None and path.exists() else None
    except (sqlite3.Error, OSError) as error:
        cause = getattr(error, "strerror", None) or str(error)
    if cause:
        raise _unusable(path, cause)
    check_schema(uri, found)


def open_file(uri: str, path: Path) -> None:
    """Open the file if it exists; errors are those of `foresee_file`.

    A new store is made later, with its tables: a file without them would be left behind by a run
    that ends before that. WAL lets the user interface read while the sweep writes, and is faster.
    """
    foresee_file(uri, path)
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            _log_ahead(database)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, str(error)) from error


def _why_not(path: Path) -> str | None:
    """What is wrong with the file, or with the place where it would be made."""
    if path.is_dir():
        return "it is a folder"
    if path.exists():
        if not path.is_file():
            return "it is neither a file nor a folder"
        return None if os.access(path, os.W_OK) else "it is read-only"
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        missing = "is no folder" if folder.exists() else "does not exist"
        return f"the folder {folder} {missing}"
    return (
        "it is a link that leads in a circle" if os.path.islink(os.path.realpath(path)) else None
    )


def _why_not_beside(path: Path) -> str | None:
    """What keeps SQLite and MLflow from making their files beside it."""
    folder = Path(os.path.realpath(path)).parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"sweeper")
    except OSError as error:
        return f"nothing can be written to {folder} ({error.strerror})"
    longest = os.pathconf(folder, "PC_NAME_MAX") - LONGEST_SUFFIX
    if len(os.fsencode(path.name)) > longest:
        return f"its name has more than {longest} bytes, and longer names are made from it"
    for suffix in (".lock", "-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + suffix)
        if os.path.lexists(beside) and not (beside.is_file() and os.access(beside, os.W_OK)):
            return f"{beside} is in the way, which is no file that can be written"
    return None


def _read_schema(path: Path) -> str | None:
    """The version of MLflow's tables; None where there are none."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as database:
        try:
            row = database.execute(QUERY).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise
    return str(row[0]) if row else None


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
