"""Check that a file exists and has the expected checksum; the errors name the remedy."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from trainers.errors import DataError

__all__ = ["file_digest", "require_digest", "require_file"]


def require_file(path: Path, remedy: str) -> None:
    """Raise `DataError` with the remedy if the file does not exist."""
    if not path.is_file():
        raise DataError(f"{path} is missing; {remedy}")


def require_digest(path: Path, algorithm: str, expected: str, remedy: str) -> None:
    """Raise `DataError` with both checksums if the file's checksum is not `expected`."""
    require_file(path, remedy)
    found = file_digest(path, algorithm)
    if found != expected:
        raise DataError(
            f"{path} is damaged: {algorithm} {expected} expected, {found} found "
            f"({path.stat().st_size:,} bytes); {remedy}"
        )


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file's content; cached until the file's size or modification time changes."""
    status = path.stat()
    return _digest(path, algorithm, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1_000_000)
def _digest(path: Path, algorithm: str, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
