"""Where a sweep writes: its storage and its tracking store, as absolute addresses."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.sources.tracking_address import (
    has_no_password,
    is_server,
    sqlite_address,
    sqlite_path,
    without_password,
    without_user,
)
from sweeper.bucket.address import is_bucket
from sweeper.bucket.mirror import Mirror, bucket_of, mirror_at, mirror_of
from sweeper.bucket.usable import require_known
from sweeper.errors import UserError, placed
from sweeper.storage.paths import written_folders

if TYPE_CHECKING:
    from sweeper.sweep import Sweep

__all__ = [
    "DEFAULT",
    "VARIABLE",
    "check_folders",
    "check_writable",
    "default_tracking",
    "recall_password",
    "relative_storage",
    "require_password",
    "require_store",
    "show_storage",
    "show_tracking",
    "storage_path",
    "tracking_uri",
]

VARIABLE = "MLFLOW_TRACKING_URI"
DEFAULT = "sqlite:///mlflow.db"
AGE = 2.0  # seconds for which one look at a bucket is enough for a command


def storage_path(storage: str, folder: Path | None = None) -> Path:
    """The absolute storage folder; a relative path is relative to `folder` (default: the cwd).

    Of a bucket (``s3://bucket/prefix``, also ``gs://`` and ``az://``) it is the mirror on this
    machine, which is brought up to date.

    Raises `UserError` if it is neither, or if the bucket cannot be used.
    """
    if is_bucket(storage):
        return _looked_at(mirror_at(storage))
    if "://" in storage or not storage:
        raise UserError(
            "storage must be a folder, or the address of a bucket (s3://, gs:// or az://), not "
            f"{storage!r}"
        )
    path = _absolute(Path(storage), folder)
    if mirror := mirror_of(path):
        _looked_at(mirror)
    return path


def relative_storage(storage: str) -> str:
    """A storage that is a relative path; "" for others."""
    whole = is_bucket(storage) or Path(storage).expanduser().is_absolute()
    return "" if whole else storage


def show_storage(storage: Path) -> str:
    """The storage as a user names it: the address of its bucket, or its folder."""
    return bucket_of(storage) or str(storage)


def _looked_at(mirror: Mirror) -> Path:
    try:
        mirror.look(AGE)
    except OSError as error:
        raise UserError(str(error)) from error
    require_known(mirror)
    return mirror.folder


def tracking_uri(uri: str, folder: Path | None = None) -> str:
    """The tracking URI with a relative SQLite path made absolute, as for `storage_path`."""
    path = sqlite_path(uri)
    return uri if path is None else sqlite_address(_absolute(path, folder))


def default_tracking() -> str:
    """The default tracking URI: MLFLOW_TRACKING_URI, else a SQLite file in the working folder."""
    return os.environ.get(VARIABLE) or DEFAULT


def show_tracking(sweep: Sweep) -> str:
    """The sweep's tracking store without password, noting if an environment variable sets it."""
    named = sweep.places.get("tracking") == (None, None, VARIABLE)
    return without_password(sweep.tracking) + f" ({VARIABLE})" * named


def _absolute(path: Path, folder: Path | None) -> Path:
    found = (folder or Path()) / path.expanduser()
    try:
        str(found.absolute()).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"the path {str(found)!r} is no UTF-8 text; rename that folder, or choose another"
        ) from error
    return found.absolute()


def check_writable(folder: Path, part: Path | None = None) -> None:
    """Raise `UserError` unless the folder, or its nearest existing parent, is writable.

    `part` is a folder within it, which is checked instead.
    """
    nearest = part or folder
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"sweeper")
    except OSError as error:
        cause = _kind(nearest) or f"{nearest}: {error.strerror}"
        raise UserError(
            f"the storage {folder} cannot be written: {cause}; choose "
            "another with `storage:` or --storage"
        ) from error


def check_folders(sweep: Sweep) -> None:
    """Raise `UserError` if the sweep cannot write to one of the folders of its storage."""
    with placed(sweep.places.get("storage")):
        for part in written_folders(sweep):
            check_writable(sweep.storage, part)


def _kind(path: Path) -> str | None:
    """What is in place of a folder; None for a folder."""
    if os.path.isdir(path):
        return None
    if os.path.islink(path):
        return f"{path} is a link that leads to no folder"
    return f"{path} is a file"


def require_store(uri: str) -> None:
    """Raise `UserError` if a SQLite store does not exist yet, so that reading creates no file."""
    require_password(uri)
    path = sqlite_path(uri)
    if path is not None and not path.is_file():
        here = Path(path.name).absolute()
        hint = "name the one that there is, or run a grid first"
        if here.is_file():
            hint = f"name the one that there is, such as --tracking {sqlite_address(here)}"
        raise UserError(f"there is no tracking store {path}; {hint}")


def recall_password(stored: str) -> str:
    """A stored address (which has no password) with the password from the environment, if any.

    The password is taken from MLFLOW_TRACKING_URI if that is the same address; a server's
    credentials may be in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead.
    """
    named = os.environ.get(VARIABLE, "")
    if without_password(named) == stored:
        return named
    if is_server(stored) and os.environ.get("MLFLOW_TRACKING_PASSWORD"):
        return without_user(stored)
    return stored


def require_password(uri: str) -> None:
    """Raise `UserError` for an address whose password was removed for display or storage."""
    if has_no_password(uri):
        raise UserError(
            f"the password of {uri} is not stored; set MLFLOW_TRACKING_URI to the whole address, "
            "or give it with --tracking"
        )
