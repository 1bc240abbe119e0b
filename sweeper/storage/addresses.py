"""Where a sweep writes: its storage folder and its tracking store, as absolute addresses."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sweeper.errors import UserError

__all__ = ["check_writable", "require_store", "storage_path", "tracking_uri"]

SQLITE = "sqlite:///"


def storage_path(storage: str) -> Path:
    """The absolute storage folder; `UserError` for what is no folder path."""
    if "://" in storage or not storage:
        raise UserError(
            f"storage must be a folder, and is {storage!r}; object stores are not supported yet"
        )
    return Path(storage).expanduser().absolute()


def tracking_uri(uri: str) -> str:
    """The tracking URI with a relative SQLite path made absolute, so that workers agree on it."""
    if not uri.startswith(SQLITE):
        return uri
    return SQLITE + str(Path(uri.removeprefix(SQLITE)).expanduser().absolute())


def check_writable(folder: Path) -> None:
    """`UserError` unless a file can be made in the folder, or where the folder would be made."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise UserError(
            f"the storage {folder} cannot be written: {error.strerror}; choose "
            "another with `storage:` or --storage"
        ) from error


def require_store(uri: str) -> None:
    """`UserError` where a SQLite store is not there yet: nothing is created by looking."""
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        raise UserError(
            f"there is no tracking store {uri.removeprefix(SQLITE)}; name the one "
            "that there is, or run a grid first"
        )
