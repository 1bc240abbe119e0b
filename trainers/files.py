"""Files that must be what their name says: sizes, checksums, and errors that name the remedy."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from trainers.errors import DataError

__all__ = ["file_digest", "require_digest", "require_file"]


def require_file(path: Path, remedy: str) -> None:
    """Raise `DataError` with the remedy where there is no such file."""
    if not path.is_file():
        raise DataError(f"{path} is missing; {remedy}")


def require_digest(path: Path, algorithm: str, expected: str, remedy: str) -> None:
    """Raise `DataError` with both checksums where the file is not the one that is meant."""
    require_file(path, remedy)
    found = file_digest(path, algorithm)
    if found != expected:
        raise DataError(
            f"{path} is damaged: {algorithm} {expected} expected, {found} found "
            f"({path.stat().st_size:,} bytes); {remedy}"
        )


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file's content; a file is read again only when its size or date changes."""
    status = path.stat()
    return _digest(path, algorithm, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1_000_000)
def _digest(path: Path, algorithm: str, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
